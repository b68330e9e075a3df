//! Which accounts are worked with, as their objects and Secrets change.

use std::{
    collections::BTreeMap,
    num::NonZeroUsize,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use kube::{Client, client::Body};
use serde_json::{Value, json};
use tokio::{sync::mpsc, time::timeout};

use super::{Keeper, Parts, Reporter, follow_accounts};
use crate::{
    account::{Accounts, Known},
    api::{Seen, VobizAccount},
    cache::Cache,
    clock::Clock,
    domain::AccountId,
    health::Lifecycle,
    plan::{ClaimBrief, RecordBrief, Token},
    store::Store,
    vobiz::{Casing, Connector, Credentials, Settings, Spending},
};

/// What takes longer than that never comes.
const LONG: Duration = Duration::from_secs(30);

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

/// An API server that answers that, or is silent.
fn api_server(
    answer: impl Fn(&http::Request<Body>) -> Option<(u16, Value)> + Clone + Send + 'static,
) -> Client {
    let serve = move |request| {
        let answer = answer(&request);
        async move {
            let Some((code, body)) = answer else { return std::future::pending().await };
            let body = Body::from(body.to_string().into_bytes());
            Ok::<_, tower::BoxError>(http::Response::builder().status(code).body(body)?)
        }
    };
    Client::new(tower::service_fn(serve), "default")
}

fn forbidden() -> (u16, Value) {
    let status = json!({ "kind": "Status", "status": "Failure", "reason": "Forbidden", "message": "no right", "code": 403 });
    (403, status)
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

#[test]
fn nothing_is_bought_from_when_accounts_are_refused_until_listed() {
    let keeper = keeper();
    keeper.flags_read(Credentials::new(account(), "token").unwrap());
    let is_held = || keeper.accounts().known().directory.resolve(None, "team").held.is_some();
    keeper.has(&[]);
    assert!(!is_held());
    keeper.unlisted();
    assert!(is_held() && keeper.accounts().known().working.contains_key(&account()));
    keeper.has(&[]);
    assert!(!is_held());
}

#[tokio::test]
async fn a_right_to_list_that_is_lost_is_told_to_the_keeper_and_readiness() {
    let is_lost = Arc::new(AtomicBool::new(false));
    let server = api_server(move |request| {
        let list = json!({ "kind": "VobizAccountList", "apiVersion": "telephony.vobiz.ai/v1alpha1",
            "metadata": { "resourceVersion": "1" }, "items": [] });
        if request.uri().query().is_some_and(|query| query.contains("watch=true")) {
            is_lost.store(true, Ordering::SeqCst);
            return Some(forbidden());
        }
        (!is_lost.load(Ordering::SeqCst)).then_some((200, list))
    });
    let (keeper, lifecycle) = (Arc::new(keeper()), Arc::<Lifecycle>::default());
    keeper.flags_read(Credentials::new(account(), "token").unwrap());
    let mut changes = keeper.accounts().changes();
    let held = |known: &Arc<Known>| known.directory.resolve(None, "team").held.is_some();
    let told = async {
        keeper.known().await;
        changes.wait_for(held).await.unwrap();
    };
    tokio::select! {
        () = follow_accounts(server, keeper.clone(), lifecycle.clone()) => {}
        told = timeout(LONG, told) => told.unwrap(),
    }
    let mut shown = None;
    lifecycle.note(|stage| shown.clone_from(&stage.accounts));
    assert!(shown.is_some_and(|why| why.contains("cannot be listed") && why.contains("no right")));
}

#[tokio::test]
async fn an_account_whose_finalizer_may_not_be_written_says_so() {
    let (told, mut tells) = mpsc::unbounded_channel();
    let server = api_server(move |request| {
        if request.uri().path().ends_with("/a/status") {
            told.send(()).unwrap();
            return None;
        }
        Some(forbidden())
    });
    let (_, seen) = object("a", 1, &json!({}));
    let mut free = VobizAccount::clone(seen.read().unwrap());
    free.metadata.finalizers = None;
    let (keeper, clock) = (Arc::new(keeper()), Clock::start());
    keeper.has(&[&("a".into(), Arc::new(Seen::from(free)))]);
    let store = Store::new(server);
    let reporter = Reporter { keeper, records: Cache::new(RecordBrief::of), store, clock };
    tokio::select! {
        () = reporter.run() => {}
        told = timeout(LONG, tells.recv()) => assert!(told.unwrap().is_some()),
    }
}
