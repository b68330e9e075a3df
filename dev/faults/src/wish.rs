//! A claim that is changed when its purchase has been decided on, and not been sent.

use serde_json::json;
use vobiz_sim::{InventoryNumber, JournalFilter, Operation, Price};

use crate::stage::Stage;

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
