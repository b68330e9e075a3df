//! What users and Vobiz do with a release: numbers, claims, records.

use serde_json::{Value, json};
use vobiz_sim::{InventoryNumber, JournalFilter};

use crate::{
    harness::eventually,
    operator::Operator,
    release::{DECLARED, Release, declared, token},
    table::{Row, check_always},
};

pub const API: &str = "/apis/telephony.vobiz.ai/v1alpha1";

impl Release {
    /// A number of this test's that is not in stock.
    pub fn number(&self) -> String {
        let number = self.numbers.get();
        self.numbers.set(number + 1);
        format!("+9181{:04}{number:04}", self.id)
    }

    /// A number in stock.
    pub fn stocked(&self, currency: &str) -> String {
        let number = self.number();
        self.stock(&number, currency);
        number
    }

    pub fn stock(&self, number: &str, currency: &str) {
        self.vobiz.put_number(InventoryNumber::new(number, currency, 50, 2)).unwrap();
    }

    /// What was spent on a number: purchase calls, and debits.
    pub fn spent(&self, number: &str) -> (u64, u64) {
        (self.vobiz.purchase_calls(number), self.vobiz.debits(number))
    }

    /// Whether anybody asked Vobiz to release a number.
    pub fn released(&self) -> bool {
        let requests = self.vobiz.journal(&JournalFilter::default()).requests;
        requests.iter().any(|request| request.method == "DELETE")
    }

    pub fn claim_path(&self, name: &str) -> String {
        format!("{API}/namespaces/{}/phonenumberclaims/{name}", self.tenant)
    }

    pub fn record_path(number: &str) -> String {
        format!("{API}/phonenumbers/{}", &number[1..])
    }

    pub async fn claim(&self, name: &str, number: &str) -> Value {
        let claim = json!({
            "apiVersion": "telephony.vobiz.ai/v1alpha1",
            "kind": "PhoneNumberClaim",
            "metadata": { "name": name },
            "spec": { "e164": number },
        });
        self.cluster.create(&format!("{API}/namespaces/{}/phonenumberclaims", self.tenant), &claim).await
    }

    /// A VobizAccount whose token is in a Secret of the release's namespace, for the namespaces with the label `tier: paid`.
    pub async fn declare(&self) {
        let account = declared(&self.account);
        let secret = json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": { "name": DECLARED },
            "stringData": { "auth-token": token(&account) },
        });
        self.cluster.create(&format!("/api/v1/namespaces/{}/secrets", self.namespace), &secret).await;
        let paid = json!({ "from": "Selector", "selector": { "matchLabels": { "tier": "paid" } } });
        let account = json!({
            "apiVersion": "telephony.vobiz.ai/v1alpha1", "kind": "VobizAccount", "metadata": { "name": DECLARED },
            "spec": {
                "authId": account, "allowedNamespaces": paid,
                "tokenSecretRef": { "namespace": self.namespace, "name": DECLARED },
            },
        });
        self.cluster.create(&format!("{API}/vobizaccounts"), &account).await;
    }

    /// Opens that account to the tenant's namespace.
    pub async fn open_to_tenant(&self) {
        let paid = json!({ "metadata": { "labels": { "tier": "paid" } } });
        self.cluster.merge(&format!("/api/v1/namespaces/{}", self.tenant), &paid).await;
    }

    /// A claim that buys in that account.
    pub async fn claim_with_declared(&self, name: &str, number: &str) -> Value {
        let claim = json!({
            "apiVersion": "telephony.vobiz.ai/v1alpha1",
            "kind": "PhoneNumberClaim",
            "metadata": { "name": name },
            "spec": { "e164": number, "accountRef": { "name": DECLARED } },
        });
        self.cluster.create(&format!("{API}/namespaces/{}/phonenumberclaims", self.tenant), &claim).await
    }

    /// What the API server has of that account.
    pub async fn declared(&self) -> Option<Value> {
        self.cluster.get(&format!("{API}/vobizaccounts/{DECLARED}")).await
    }

    pub async fn get(&self, name: &str) -> Option<Value> {
        self.cluster.get(&self.claim_path(name)).await
    }

    pub async fn record(&self, number: &str) -> Option<Value> {
        self.cluster.get(&Self::record_path(number)).await
    }

    /// Waits until a record is as wanted, or is not there.
    pub async fn until_record(&self, number: &str, wanted: impl Fn(Option<&Value>) -> bool) {
        eventually("the record is as wanted", async || {
            let record = self.record(number).await;
            if wanted(record.as_ref()) { Ok(()) } else { Err(format!("{record:?}")) }
        })
        .await;
    }

    /// Waits until a claim has come to a case, and checks all of its row.
    pub async fn until(&self, name: &str, row: Row) {
        let what = format!("{name} is {} {}", row.reason, row.also);
        let claim = eventually(&what, async || {
            let claim = self.get(name).await.ok_or("there is no such claim")?;
            check_always(&claim);
            if row.describes(&claim) { Ok(claim) } else { Err(claim["status"].to_string()) }
        })
        .await;
        row.check(&claim);
    }

    /// Whether there is an event about that claim.
    pub async fn has_event(&self, claim: &Value) -> bool {
        let path = format!("/apis/events.k8s.io/v1/namespaces/{}/events", self.tenant);
        let events = self.cluster.get(&path).await.unwrap();
        let mut events = events["items"].as_array().unwrap().iter();
        events.any(|event| event["regarding"]["uid"] == claim["metadata"]["uid"])
    }

    /// Takes the account away, which the next operator would find. None that works may hold it.
    pub async fn forget_declared(&self) {
        if self.declared().await.is_some() {
            let path = format!("{API}/vobizaccounts/{DECLARED}");
            self.cluster.merge(&path, &json!({ "metadata": { "finalizers": null } })).await;
            self.cluster.delete(&path).await;
        }
    }

    /// Takes the claims away, so that an operator of all namespaces that comes later finds none of them.
    pub async fn retire(self, operator: Operator) {
        operator.kill9().await;
        self.forget_declared().await;
        self.cluster.delete(&format!("{API}/namespaces/{}/phonenumberclaims", self.tenant)).await;
    }
}
