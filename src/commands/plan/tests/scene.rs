//! A small world, and what is planned for it.

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};

use super::super::{
    applied::applied,
    funds::Funds,
    summary::{Plan, absent},
    verdict::{Planned, Planning, Wish},
};
use crate::{
    api::{PhoneNumber, PhoneNumberClaim, Seen},
    commands::{
        accounts::Known,
        evidence::{Books, Facts},
        world::World,
    },
    domain::{AccountId, Clocks, E164, LedgerRow, ListedNumber, Moment, Money, Quote, Time},
    plan::{Contents, Gate, LedgerRead, QuoteRead, Reading, Readings, Source, Timeouts, decide_claim},
    vobiz::Credentials,
};

/// What was read, and what is applied, each claim in the namespace `a`.
#[derive(Default)]
pub struct Scene {
    pub manifests: Vec<(&'static str, Value, Value)>,
    pub live: Vec<Value>,
    pub records: Vec<Value>,
    pub owned: Vec<&'static str>,
    /// Number, setup fee, monthly fee, currency.
    pub stock: Vec<[&'static str; 4]>,
    /// Whether the inventory cannot be read.
    pub shut: bool,
    pub balance: Option<&'static str>,
    /// Accounts that are declared: by name, fields of the spec. The auth id of each is its name in capitals, and each has the balance.
    pub declared: Vec<(&'static str, Value)>,
}

impl Scene {
    pub fn new() -> Self {
        Self { balance: Some("1000"), ..Self::default() }
    }

    pub fn claim(mut self, name: &'static str, spec: Value) -> Self {
        self.manifests.push((name, spec, json!({})));
        self
    }

    pub fn annotated(mut self, name: &'static str, spec: Value, annotations: Value) -> Self {
        self.manifests.push((name, spec, annotations));
        self
    }

    pub fn live(mut self, name: &str, e164: &str, annotations: &Value) -> Self {
        let metadata = json!({ "namespace": "a", "name": name, "uid": format!("uid-{name}"), "annotations": annotations });
        self.live.push(json!({ "metadata": metadata, "spec": { "e164": e164 } }));
        self
    }

    /// A record in that state, of a claim of the namespace `a` that is called like that.
    pub fn record(mut self, e164: &str, claim: &str, state: &str) -> Self {
        self.records.push(json!({
            "metadata": { "name": e164[1..] },
            "spec": {
                "e164": e164, "account": "MA_1",
                "claimRef": { "namespace": "a", "name": claim, "uid": format!("uid-{claim}") },
                "attempt": {
                    "id": "00000000-0000-4000-8000-000000000000", "openedAt": "2026-01-02T03:04:05Z",
                    "state": state, "origin": "Purchase",
                    "answer": { "outcome": "NotFound", "httpStatus": 404, "at": "2026-01-02T03:04:06Z" },
                },
            },
            "status": {
                "number": { "status": "active", "monthlyFee": "7", "setupFee": "3", "currency": "INR" },
            },
        }));
        self
    }

    pub fn declared(mut self, name: &'static str, spec: Value) -> Self {
        self.declared.push((name, spec));
        self
    }

    fn known(&self) -> Known {
        let object = |(name, spec): &(&str, Value)| {
            let mut object = json!({
                "metadata": { "name": name, "creationTimestamp": "2026-01-01T00:00:00Z" },
                "spec": {
                    "authId": format!("MA_{}", name.to_uppercase()),
                    "tokenSecretRef": { "namespace": "n", "name": "s" },
                    "allowedNamespaces": { "from": "All" },
                },
            });
            object["spec"].as_object_mut().unwrap().extend(spec.as_object().unwrap().clone());
            serde_json::from_value(object).unwrap()
        };
        let flags = Credentials::new("MA_1".parse().unwrap(), "t").unwrap();
        Known::of(self.declared.iter().map(object).collect(), Some(flags))
    }

    pub fn owned(mut self, e164: &'static str) -> Self {
        self.owned.push(e164);
        self
    }

    pub fn stocked(mut self, e164: &'static str, setup: &'static str, monthly: &'static str) -> Self {
        self.stock.push([e164, setup, monthly, "INR"]);
        self
    }

    /// What was read of an account; what is owned, that of the flags owns.
    fn facts(&self, account: &AccountId) -> Facts {
        let listed = |[e164, setup, monthly, currency]: [&str; 4], owner: Option<&str>| ListedNumber {
            e164: e164.parse().unwrap(),
            owner: owner.map(|owner| owner.parse().unwrap()),
            number: serde_json::from_value(json!({
                "status": "active", "monthlyFee": monthly, "currency": currency,
                "setupFee": setup.parse::<Money>().ok(),
            }))
            .unwrap(),
        };
        let owns = account.as_str() == "MA_1";
        let owned =
            self.owned.iter().filter(|_| owns).map(|e164| listed([e164, "0", "9", "INR"], Some("MA_1")));
        let mut readings = Readings::default();
        let read = |value| Reading::Read { begun: now(), value };
        readings.insert(Source::Listing, read(Contents::numbers(owned.map(Box::new).collect::<Vec<_>>())));
        let from = jiff::Timestamp::MIN;
        readings.insert(
            Source::LedgerSoFar { from },
            read(Contents::Ledger(LedgerRead {
                from,
                rows: Arc::new(std::iter::empty::<LedgerRow>().collect()),
            })),
        );
        for (_, spec, _) in &self.manifests {
            let e164: E164 = spec["e164"].as_str().unwrap().parse().unwrap();
            let rows = self.stock.iter().filter(|row| row[0] == e164.to_string());
            let at = Time::seconds(now().wall);
            let offers = rows.map(|row| Quote::of(&listed(*row, None).number, at)).collect();
            let quote =
                if self.shut { QuoteRead::Unreadable("503".into()) } else { QuoteRead::Offers(offers) };
            readings.insert(Source::Quote(e164), read(Contents::Quote(quote)));
        }
        Facts { readings, gate: Gate::Open, clocks: Clocks::default() }
    }

    pub fn plan(&self) -> Plan {
        let read = |object: &Value| serde_json::from_value(object.clone()).unwrap();
        let live: Vec<Seen<PhoneNumberClaim>> = self.live.iter().map(read).collect();
        let records: Vec<Seen<PhoneNumber>> =
            self.records.iter().map(|record| serde_json::from_value(record.clone()).unwrap()).collect();
        let (known, world, mut funds) = (self.known(), World::of(live, records), Funds::default());
        let (directory, inr) = (&known.directory, "INR".parse().unwrap());
        let mut books = Books::default();
        for origin in known.all() {
            let account = origin.account().clone();
            books.insert(account.clone(), self.facts(&account));
            funds.put(account.clone(), inr, account, self.balance.map(|balance| balance.parse().unwrap()));
        }
        let timeouts = Timeouts { purchase_timeout: Duration::from_secs(30), settle: Duration::from_mins(2) };
        let mut planning =
            Planning { directory, books: &books, world: world.clone(), funds, timeouts, now: now() };
        let planned: Vec<_> = self
            .manifests
            .iter()
            .map(|(name, spec, annotations)| {
                let metadata = json!({ "namespace": "a", "name": name, "annotations": annotations });
                let manifest = serde_json::from_value(json!({ "metadata": metadata, "spec": spec })).unwrap();
                let live = world.claim("a", name).and_then(Seen::read);
                let claim = Arc::new(applied(&manifest, live.map(|live| &**live)));
                // What was asked for was asked for by an earlier decision.
                let wanted = decide_claim(&world.observed(&claim, directory, &books), None, now()).wanted;
                planning.decide(&Wish { claim, wanted })
            })
            .collect();
        let absent = absent(&world, &planned);
        Plan::new(planned, &planning.funds, absent)
    }

    pub fn told(&self) -> Vec<String> {
        let plan = self.plan();
        let one = |claim: &Planned| format!("{} {} {}", claim.name, <&str>::from(claim.action), claim.reason);
        plan.claims.iter().map(one).collect()
    }
}

fn now() -> Moment {
    Moment { wall: "2026-01-02T04:04:05Z".parse().unwrap(), mono: Duration::from_secs(9) }
}
