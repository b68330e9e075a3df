//! Which accounts are worked with, as their objects and Secrets change.

use std::{collections::BTreeMap, num::NonZeroUsize, sync::Arc, time::Duration};

use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::{Keeper, Parts};
use crate::{
    account::Accounts,
    api::{Seen, VobizAccount},
    cache::Cache,
    domain::AccountId,
    plan::{ClaimBrief, RecordBrief, Token},
    vobiz::{Casing, Connector, Credentials, Settings, Spending},
};

fn keeper() -> Keeper {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let rate = "20".parse().unwrap();
    let settings = Settings { url: "http://127.0.0.1:1".into(), ca_file: None, rate };
    let spending = Spending { timeout: Duration::from_secs(2), casing: Casing::Lower };
    let parts = Parts {
        accounts: Arc::new(Accounts::new(mpsc::unbounded_channel().0)),
        claims: Cache::new(ClaimBrief::of),
        records: Cache::new(RecordBrief::of),
        connector: Connector::new(&settings, spending, Arc::default(), Arc::default()).unwrap(),
        concurrency: NonZeroUsize::MIN,
        metrics: Arc::default(),
    };
    Keeper::new(parts, None)
}

fn account() -> AccountId {
    "MA_1".parse().unwrap()
}

/// An object of that account, which was created at that second.
fn object(name: &str, created: u32, spec: &Value) -> (String, Arc<Seen<VobizAccount>>) {
    let mut object = json!({
        "apiVersion": "telephony.vobiz.ai/v1alpha1", "kind": "VobizAccount",
        "metadata": {
            "name": name, "uid": name, "creationTimestamp": format!("2026-01-02T03:04:{created:02}Z"),
            "finalizers": ["telephony.vobiz.ai/account"],
        },
        "spec": { "authId": "MA_1", "tokenSecretRef": { "namespace": "n", "name": name } },
    });
    object["spec"].as_object_mut().unwrap().extend(spec.as_object().unwrap().clone());
    (name.to_owned(), Arc::new(serde_json::from_value(object).unwrap()))
}

impl Keeper {
    /// What there is from now on.
    fn has(&self, objects: &[&(String, Arc<Seen<VobizAccount>>)]) {
        self.declare(objects.iter().map(|one| (*one).clone()).collect::<BTreeMap<_, _>>());
    }

    /// The Secret of that name was read for an object.
    fn reads(&self, uid: &str, secret: &str) {
        let from = serde_json::from_value(json!({ "namespace": "n", "name": secret })).unwrap();
        self.token_read(uid, &from, Ok(Credentials::new(account(), "token").unwrap()));
    }

    /// Whether the account is worked with, and how far the token of its object `a` is known.
    fn stands(&self) -> (bool, Token) {
        let known = self.accounts().known();
        (known.working.contains_key(&account()), known.directory.token("a").clone())
    }
}

#[test]
fn what_was_sent_is_verified_with_the_token_of_either_object() {
    let (keeper, old, new) = (keeper(), object("a", 1, &json!({})), object("b", 2, &json!({})));
    keeper.has(&[&old, &new]);
    keeper.reads("b", "b");
    keeper.has(&[&old, &new]);
    assert_eq!(keeper.stands(), (true, Token::Awaited), "with the token of the younger");
    assert_eq!(keeper.accounts().known().directory.first(&account()), Some("a"), "who does not serve");
    keeper.reads("a", "a");
    keeper.has(&[&old, &new]);
    assert_eq!(keeper.stands(), (true, Token::Known));
}

#[test]
fn an_object_of_a_newer_version_keeps_its_account() {
    let (keeper, known) = (keeper(), object("a", 1, &json!({})));
    let newer = object("a", 1, &json!({ "allowedNamespaces": { "from": "Weather" } }));
    assert!(newer.1.read().is_none());
    keeper.has(&[&known]);
    keeper.reads("a", "a");
    for (objects, is_there) in
        [(vec![&known], true), (vec![&newer], true), (vec![], false), (vec![&newer], false)]
    {
        keeper.has(&objects);
        assert_eq!(keeper.stands().0, is_there, "{objects:?}");
        let is_told = keeper.accounts().known().directory.knows(&account());
        assert_eq!(
            is_told,
            !objects.is_empty(),
            "what was bought with it is not said to be gone: {objects:?}"
        );
    }
}

#[test]
fn a_token_is_known_once_it_was_read_where_the_object_says_now() {
    let (keeper, before) = (keeper(), object("a", 1, &json!({})));
    let now = object("a", 1, &json!({ "tokenSecretRef": { "namespace": "n", "name": "another" } }));
    keeper.has(&[&before]);
    keeper.reads("a", "a");
    keeper.has(&[&before]);
    assert_eq!(keeper.stands(), (true, Token::Known));
    keeper.has(&[&now]);
    assert_eq!(keeper.stands(), (true, Token::Awaited));
    // This read had begun before.
    keeper.reads("a", "a");
    keeper.has(&[&now]);
    assert_eq!(keeper.stands(), (true, Token::Awaited));
    keeper.reads("a", "another");
    keeper.has(&[&now]);
    assert_eq!(keeper.stands(), (true, Token::Known));
}
