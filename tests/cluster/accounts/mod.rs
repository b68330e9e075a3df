//! Several accounts in one operator: whose claims buy in which, and what becomes of one that is closed, unwell, changed or
//! deleted.

mod apart;
mod changed;
mod commands;
mod family;
mod shown;
mod withheld;

use control_plane::Options;
use http::Method;
use serde_json::{Value, json};
use testbed::objects::{self, ACCOUNTS};
use tokio::sync::{Mutex, OnceCell};
use vobiz_sim::{Account, JournalFilter, NumberStatus, Operation};

use crate::{
    harness::{Cluster, eventually},
    operator::Setup,
    table::{ACCOUNT_NOT_ALLOWED, ACCOUNT_NOT_FOUND, NUMBER_BLOCKED, PAUSED, PURCHASED, condition, message},
    world::{World, token},
};

/// Every operator of a cluster sees all accounts in it: these tests have one for themselves, one after the other.
static ROOM: OnceCell<Mutex<&'static Cluster>> = OnceCell::const_new();

pub fn alone(test: impl AsyncFnOnce(&World)) {
    testbed::run(async {
        let begin = || async {
            let cluster = Cluster::with_kinds(Options { controller_manager: true }).await;
            Mutex::new(&*Box::leak(Box::new(cluster)))
        };
        let cluster = ROOM.get_or_init(begin).await.lock().await;
        let world = World::within(*cluster).await;
        for left in world.cluster.get(ACCOUNTS).await.unwrap()["items"].as_array().unwrap() {
            let path = path(left["metadata"]["name"].as_str().unwrap());
            world.cluster.merge(&path, &json!({ "metadata": { "finalizers": null } })).await;
            world.cluster.request(Method::DELETE, &path, "application/json", &Value::Null).await;
        }
        test(&world).await;
    });
}

fn path(name: &str) -> String {
    format!("{ACCOUNTS}/{name}")
}

/// An operator that knows no account but those that are declared.
fn without_flags(world: &World) -> Setup {
    world.setup().without("VOBIZ_AUTH_ID").without("VOBIZ_AUTH_TOKEN")
}

impl World {
    pub fn account_id(&self, name: &str) -> String {
        format!("{}_{name}", self.account)
    }

    /// An account at Vobiz.
    fn open_account(&self, name: &str) {
        let id = self.account_id(name);
        self.vobiz.put_account(Account::new(&id, token(&id)).with_balance("INR", 1000));
    }

    fn secret_path(&self, name: &str) -> String {
        format!("{}/{name}", objects::secrets_path(&self.namespace))
    }

    async fn keep_token(&self, name: &str, token: &str) {
        self.cluster.create(&objects::secrets_path(&self.namespace), &objects::secret(name, token)).await;
    }

    /// Declares the account of that name, with these fields of its spec. Its token is in the Secret of that name.
    async fn declare(&self, name: &str, spec: Value) {
        let mut account = objects::account(name, &self.account_id(name), &self.namespace);
        account["spec"].as_object_mut().unwrap().extend(spec.as_object().unwrap().clone());
        self.cluster.create(ACCOUNTS, &account).await;
    }

    /// An account at Vobiz, its token, and its declaration.
    pub async fn account(&self, name: &str, spec: Value) {
        self.open_account(name);
        self.keep_token(name, &token(&self.account_id(name))).await;
        self.declare(name, spec).await;
    }

    async fn change_account(&self, name: &str, spec: Value) {
        self.cluster.merge(&path(name), &json!({ "spec": spec })).await;
    }

    async fn until_account(&self, name: &str, reason: &str) -> Value {
        eventually(&format!("the account {name} is {reason}"), async || {
            let account = self.cluster.get(&path(name)).await.ok_or("there is no such account")?;
            let is = condition(&account, "Ready").is_some_and(|ready| ready["reason"] == reason);
            let current = account["status"]["observedGeneration"] == account["metadata"]["generation"];
            if is && current { Ok(account) } else { Err(account.to_string()) }
        })
        .await
    }

    async fn claim_with(&self, name: &str, number: &str, account: &str) {
        let spec = json!({ "e164": number, "accountRef": { "name": account } });
        self.claim_in(&self.namespace, name, &spec, &json!({})).await;
    }

    /// How many calls there were with an account.
    fn calls(&self, name: &str) -> usize {
        self.vobiz.journal(&JournalFilter::account(self.account_id(name))).requests.len()
    }

    /// The numbers that were asked for with an account, in the order of the calls.
    fn posted(&self, name: &str) -> Vec<String> {
        let purchases = JournalFilter {
            operation: Some(Operation::Purchase),
            ..JournalFilter::account(self.account_id(name))
        };
        let requests = self.vobiz.journal(&purchases).requests;
        requests.into_iter().filter_map(|request| request.e164).collect()
    }
}

#[test]
fn claims_buy_in_their_own_account_and_in_no_other() {
    alone(async |world| {
        world.account("red", json!({})).await;
        world.account("blue", json!({ "default": true, "rateLimit": "50/100" })).await;
        let operator = without_flags(world).start();
        let mut bought = Vec::new();
        for index in 0..5 {
            for account in ["red", "blue"] {
                let (name, number) = (format!("{account}-{index}"), world.stocked());
                if account == "red" {
                    world.claim_with(&name, &number, account).await;
                } else {
                    world.claim(&name, &number).await;
                }
                bought.push((name, number, world.account_id(account)));
            }
        }
        for (name, number, account) in &bought {
            world.until(name, PURCHASED).await;
            assert_eq!(world.spent(number), (1, 1));
            assert_eq!(world.vobiz.owner(number).as_ref(), Some(account));
            assert_eq!(world.record(number).await.unwrap()["spec"]["account"], account.as_str());
        }
        assert_eq!((world.posted("red").len(), world.posted("blue").len()), (5, 5));
        // The figures follow with the next listing.
        operator.stop().await;
        let _operator = without_flags(world).start();
        for name in ["red", "blue"] {
            eventually("the figures are told", async || {
                let account = world.until_account(name, "Accepted").await;
                let status = &account["status"];
                let numbers = json!({ "owned": 5, "recorded": 5, "unrecorded": 0, "unclaimed": 0 });
                let cost = json!([{ "currency": "INR", "amount": "10" }]);
                let told = status["numbers"] == numbers && status["monthlyCost"] == cost;
                let balance = status["balances"][0]["available"].is_string();
                if told && balance { Ok(()) } else { Err(status.to_string()) }
            })
            .await;
        }
        // Where an account is fixed once the number is bought.
        let patch = json!({ "spec": { "accountRef": { "name": "blue" } } });
        let claim = world.claim_path("red-0");
        let patched =
            world.cluster.try_request(Method::PATCH, &claim, "application/merge-patch+json", &patch);
        assert!(patched.await.is_err_and(|error| error.to_string().contains("accountRef is immutable")));
    });
}

#[test]
fn a_namespace_that_is_not_allowed_costs_no_call_until_it_is() {
    alone(async |world| {
        world.account("closed", json!({ "allowedNamespaces": { "names": ["another"] } })).await;
        let paid = json!({ "from": "Selector", "selector": { "matchLabels": { "tier": "paid" } } });
        world.account("chosen", json!({ "allowedNamespaces": paid })).await;
        let _operator = world.setup().start();
        let numbers = [world.stocked(), world.stocked()];
        for (name, number) in ["closed", "chosen"].into_iter().zip(&numbers) {
            world.claim_with(name, number, name).await;
            world.until(name, ACCOUNT_NOT_ALLOWED).await;
        }
        world.claim_with("lost", &world.stocked(), "nowhere").await;
        world.until("lost", ACCOUNT_NOT_FOUND).await;
        world.served().await;
        for (name, number) in ["closed", "chosen"].into_iter().zip(&numbers) {
            assert_eq!((world.spent(number), world.record(number).await), ((0, 0), None), "{name}");
            let looks = JournalFilter {
                operation: Some(Operation::Ledger),
                ..JournalFilter::account(world.account_id(name))
            };
            assert_eq!(world.vobiz.journal(&looks).requests.len(), 0, "{name}");
        }
        let names = json!({ "names": ["another", world.namespace] });
        world.change_account("closed", json!({ "allowedNamespaces": names })).await;
        let namespace = format!("/api/v1/namespaces/{}", world.namespace);
        world.cluster.merge(&namespace, &json!({ "metadata": { "labels": { "tier": "paid" } } })).await;
        for (name, number) in ["closed", "chosen"].into_iter().zip(&numbers) {
            world.until(name, PURCHASED).await;
            assert_eq!(world.spent(number), (1, 1));
        }
        world.account("nowhere", json!({})).await;
        world.until("lost", PURCHASED).await;
    });
}

#[test]
fn a_suspended_account_begins_nothing_and_looks_after_what_it_has() {
    alone(async |world| {
        world.account("acme", json!({ "default": true })).await;
        let _operator = without_flags(world).env("VOBIZ_RESYNC_INTERVAL", "2s").start();
        let (bought, waits) = (world.stocked(), world.stocked());
        world.claim("bought", &bought).await;
        world.until("bought", PURCHASED).await;
        world.change_account("acme", json!({ "suspend": true })).await;
        world.until_account("acme", "Suspended").await;
        world.claim("waits", &waits).await;
        let claim = world.until("waits", PAUSED).await;
        assert!(message(&claim).contains("VobizAccount acme is suspended"), "{}", message(&claim));
        world.vobiz.set_status(&bought, NumberStatus::Blocked).unwrap();
        world.until("bought", NUMBER_BLOCKED).await;
        assert_eq!((world.spent(&waits), world.record(&waits).await), ((0, 0), None));
        world.change_account("acme", json!({ "suspend": false })).await;
        world.until("waits", PURCHASED).await;
        assert_eq!(world.spent(&waits), (1, 1));
    });
}
