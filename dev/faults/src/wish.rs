//! A claim that is changed, or paused, when its purchase has been decided on, and not been sent.

use serde_json::json;
use testbed::table::condition;
use vobiz_sim::{InventoryNumber, JournalFilter, Operation, Price};

use crate::{
    evidence::until,
    stage::Stage,
    trap::{Caught, Release},
};

impl Stage {
    /// The user wants the number in dollars, in which it is sold as well.
    pub async fn change_currency(&self) {
        self.timeline().deed("the claim's currency is changed");
        let mut listed = InventoryNumber::new(&self.number, "INR", 50, 2);
        listed.also_listed =
            vec![Price { currency: "USD".into(), setup_fee: 50.into(), monthly_fee: 2.into() }];
        self.vobiz.put_number(listed).unwrap();
        let dollars = json!({ "spec": { "currency": "USD" } });
        self.bench.cluster.merge(&self.claim_path(), &dollars).await;
    }

    /// The user pauses the claim, and has it go on once its purchase is withheld.
    ///
    /// # Errors
    /// If it is not withheld.
    pub async fn hold_claim(&self, caught: Caught) -> Result<(), String> {
        self.pause_claim(Some("true")).await;
        let _ = caught.release.send(Release::Pass);
        self.withheld().await?;
        self.pause_claim(None).await;
        Ok(())
    }

    async fn pause_claim(&self, value: Option<&str>) {
        self.timeline().deed(format!("the claim's pause: {value:?}"));
        let pause = json!({ "metadata": { "annotations": { "telephony.vobiz.ai/paused": value } } });
        self.bench.cluster.merge(&self.claim_path(), &pause).await;
    }

    async fn withheld(&self) -> Result<(), String> {
        until("the purchase is withheld", async || {
            let (record, claim) =
                (self.record().await.unwrap_or_default(), self.claim().await.unwrap_or_default());
            let attempt = &record["spec"]["attempt"];
            let is_withheld = attempt["state"] == "Failed" && attempt["answer"]["code"] == "Withheld";
            let told = condition(&claim, "Ready").is_some_and(|ready| ready["reason"] == "Paused");
            if is_withheld && told { Ok(()) } else { Err(format!("{attempt} {}", claim["status"])) }
        })
        .await?;
        match self.vobiz.purchase_calls(&self.number) {
            0 => Ok(()),
            posts => Err(format!("{posts} purchases were sent for a claim that was paused")),
        }
    }

    /// The claim was changed before anything was sent.
    ///
    /// # Errors
    /// What was sent otherwise.
    pub fn sent_as_wanted(&self) -> Result<(), String> {
        let journal = self.vobiz.journal(&JournalFilter::e164(&self.number));
        let mut posts = journal.requests.iter().filter(|request| request.operation == Operation::Purchase);
        let other = posts.find(|post| post.currency.as_deref() != Some("USD"));
        other.map_or(Ok(()), |post| Err(format!("sent otherwise than wanted: {post:?}")))
    }
}
