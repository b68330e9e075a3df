//! The metrics that are read at a scrape: claims, records, conditions, and what is known of the account.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{family::Family, gauge::Gauge, info::Info},
    registry::{Registry, Unit},
};

use crate::{
    account::AccountHealth,
    api::{AccountReason, AttemptState, Reason},
    domain::{AccountId, Currency, Money},
    metrics::{Kind, Label},
    plan::{ClaimBrief, Gate, GateCause, RecordBrief},
};

/// What a process that works knows of the accounts.
pub struct Met {
    pub accounts: Vec<AccountHealth>,
    /// Those whose token cannot be had, and the reason that they give.
    pub without_token: Vec<(AccountId, AccountReason)>,
}

/// What is, at the time of a scrape. Made anew for each, so that a series ends with its objects.
#[derive(Debug, Default, PartialEq)]
pub struct Gauges {
    claims: BTreeMap<&'static str, u64>,
    paused: u64,
    /// By state: how many, and since when the oldest.
    unresolved: BTreeMap<&'static str, (u64, Timestamp)>,
    bought: HashMap<AccountId, Bought>,
    /// Claims and records that this version cannot read.
    newer: [u64; 2],
    unlisted: u64,
    /// Once the account has been listed.
    unrecorded: Option<u64>,
}

/// What an account has, by whether a claim stands behind it.
#[derive(Debug, Default, PartialEq)]
struct Bought {
    numbers: BTreeMap<bool, u64>,
    costs: BTreeMap<(Currency, bool), Option<Money>>,
}

/// Where a claim has no reason yet, or one that a newer version has written.
const NO_REASON: &str = "None";

const NO_LABELS: [Label; 0] = [];

impl Gauges {
    pub fn count_claim(&mut self, claim: &ClaimBrief) {
        if claim.newer {
            return self.newer(Kind::Claim);
        }
        *self.claims.entry(claim.reason.map_or(NO_REASON, |reason| reason.into_str())).or_default() += 1;
        self.paused += u64::from(claim.paused);
    }

    /// Only counted: what it says is for another version.
    pub fn newer(&mut self, kind: Kind) {
        if kind == Kind::Claim {
            *self.claims.entry(Reason::NewerVersion.into_str()).or_default() += 1;
        }
        self.newer[usize::from(kind == Kind::Record)] += 1;
    }

    pub fn unlisted(&mut self, namespaces: usize) {
        self.unlisted = u64::try_from(namespaces).unwrap_or(u64::MAX);
    }

    /// Its own numbers of one account that no record knows.
    pub fn unrecorded(&mut self, numbers: Option<usize>) {
        let numbers = numbers.map(|numbers| u64::try_from(numbers).unwrap_or(u64::MAX));
        self.unrecorded = self.unrecorded.into_iter().chain(numbers).reduce(u64::saturating_add);
    }

    /// Counts a record of that account. Its id is shown as the account is worked with: a record may spell it otherwise.
    pub fn count_record(&mut self, record: &RecordBrief, account: &AccountId) {
        let state = match record.state {
            AttemptState::Open => "Open",
            AttemptState::NeedsDecision => "NeedsDecision",
            AttemptState::Failed => return,
            AttemptState::Bound => return self.number(record, account),
        };
        let (count, oldest) = self.unresolved.entry(state).or_insert((0, record.opened));
        *count += 1;
        *oldest = record.opened.min(*oldest);
    }

    fn number(&mut self, record: &RecordBrief, account: &AccountId) {
        let Some(claimed) = record.claimed else { return };
        let bought = self.bought.entry(account.clone()).or_default();
        *bought.numbers.entry(claimed).or_default() += 1;
        if let (Some(fee), Some(currency)) = (record.monthly_fee, record.currency) {
            let sum = bought.costs.entry((currency, claimed)).or_insert_with(|| "0".parse().ok());
            *sum = sum.and_then(|sum| sum + fee);
        }
    }

    /// Adds everything to what is served.
    pub fn register(&self, to: &mut Registry, met: Option<&Met>, now: Timestamp) {
        to.register(
            "build",
            "The version that runs; the value says nothing",
            Info::new([("version", env!("CARGO_PKG_VERSION"))]),
        );
        to.register(
            "leader",
            "1 while this process works; 0 while it waits for its election or stops",
            family([(NO_LABELS, f64::from(u8::from(met.is_some())))]),
        );
        self.register_objects(to, now);
        if let Some(met) = met {
            register_held(to, met);
            register_accounts(to, &met.accounts);
            to.register(
                "unrecorded_numbers",
                "Numbers that the accounts owned when they were last listed, each its own, and that no record knows",
                family(self.unrecorded.map(|count| (NO_LABELS, amount(count)))),
            );
        }
    }

    fn register_objects(&self, to: &mut Registry, now: Timestamp) {
        let reasons = self.claims.iter().map(|(reason, count)| ([("reason", *reason)], amount(*count)));
        to.register("claims", "Claims, by the reason of their condition Ready", family(reasons));
        to.register(
            "paused",
            "Claims that are paused: nothing is bought or adopted for them",
            family([(NO_LABELS, amount(self.paused))]),
        );
        let states = self.unresolved.iter();
        to.register(
            "unresolved_attempts",
            "Attempts whose outcome is not settled: being verified (Open), or waiting for a decision (NeedsDecision)",
            family(states.clone().map(|(state, (count, _))| ([("state", *state)], amount(*count)))),
        );
        to.register_with_unit(
            "oldest_unresolved_attempt_age",
            "Time since the oldest unresolved attempt was opened, in seconds",
            Unit::Seconds,
            family(states.map(|(state, (_, oldest))| {
                ([("state", *state)], now.duration_since(*oldest).as_secs_f64().max(0.0))
            })),
        );
        let newer = [Kind::Claim, Kind::Record].into_iter().zip(self.newer);
        to.register(
            "unreadable_objects",
            "Claims and records that a newer version has written and this one leaves alone, by kind",
            family(newer.map(|(kind, count)| ([kind.label()], amount(count)))),
        );
        to.register(
            "unlisted_namespaces",
            "Watched namespaces whose claims cannot be listed or read now",
            family([(NO_LABELS, amount(self.unlisted))]),
        );
        self.register_bought(to);
    }

    fn register_bought(&self, to: &mut Registry) {
        let numbers = self.bought.iter().flat_map(|(account, bought)| {
            let labels = |claimed| [("account", account.to_string()), ("claimed", truth(claimed))];
            bought.numbers.iter().map(move |(claimed, count)| (labels(*claimed), amount(*count)))
        });
        to.register(
            "numbers",
            "Numbers that were bought or adopted, by whether a claim stands behind them",
            family(numbers),
        );
        let costs = self.bought.iter().flat_map(|(account, bought)| {
            bought.costs.iter().filter_map(move |((currency, claimed), sum)| {
                let labels = [
                    ("account", account.to_string()),
                    ("claimed", truth(*claimed)),
                    ("currency", currency.to_string()),
                ];
                Some((labels, money(sum.as_ref()?)?))
            })
        });
        to.register(
            "monthly_cost",
            "Recurring fees a month of the numbers that were bought or adopted, in units of the currency",
            family(costs),
        );
    }
}

/// What holds each account, also one without a token that is not worked with.
fn register_held(to: &mut Registry, met: &Met) {
    let gates = met.accounts.iter().map(|health| {
        let cause = if let Gate::Closed(cause, _) = &health.gate { Some(*cause) } else { None };
        (&health.account, cause.map(|cause| cause.reason().into_str()))
    });
    let tokens = met.without_token.iter().map(|(account, reason)| (account, Some(reason.into_str())));
    let mut all: HashMap<&AccountId, Vec<&str>> = HashMap::new();
    for (account, reason) in gates.chain(tokens) {
        all.entry(account).or_default().extend(reason);
    }
    let reasons = [
        GateCause::Credentials.reason().into_str(),
        GateCause::RateLimited.reason().into_str(),
        GateCause::Unavailable.reason().into_str(),
        AccountReason::SecretNotFound.into_str(),
    ];
    let held = all.into_iter().flat_map(|(account, held)| {
        reasons.map(|reason| {
            let labels = [("account", account.to_string()), ("reason", reason.to_owned())];
            (labels, f64::from(u8::from(held.contains(&reason))))
        })
    });
    to.register(
        "account_held",
        "1 while the account is sent no purchases, or left alone, for this reason, else 0",
        family(held),
    );
}

fn register_accounts(to: &mut Registry, accounts: &[AccountHealth]) {
    let accepted = accounts.iter().filter_map(|account| {
        let refused = matches!(account.gate, Gate::Closed(GateCause::Credentials, _));
        let accepted = if refused { Some(0.0) } else { account.accepted.then_some(1.0) };
        Some(([("account", account.account.to_string())], accepted?))
    });
    to.register(
        "credentials_accepted",
        "1 if Vobiz has accepted the credentials and not refused them since, 0 if it refuses them",
        family(accepted),
    );
    let balances = accounts.iter().flat_map(|account| {
        account.balances.iter().filter_map(|(currency, sum)| {
            let labels = [("account", account.account.to_string()), ("currency", currency.to_string())];
            Some((labels, money(sum)?))
        })
    });
    to.register(
        "account_balance",
        "Available balance of the account when it was last listed, in units of the currency",
        family(balances),
    );
}

fn family<L>(
    samples: impl IntoIterator<Item = (L, f64)>,
) -> Family<L, Gauge<f64, std::sync::atomic::AtomicU64>>
where
    L: Clone + std::hash::Hash + Eq + EncodeLabelSet,
{
    let family = Family::<L, Gauge<f64, std::sync::atomic::AtomicU64>>::default();
    for (labels, value) in samples {
        family.get_or_create(&labels).set(value);
    }
    family
}

fn truth(value: bool) -> String {
    value.to_string()
}

fn amount(count: u64) -> f64 {
    // Exact up to 2^53; there are not so many numbers in the world.
    u32::try_from(count).map_or(f64::MAX, f64::from)
}

/// For charts. Sums are added up exactly, and no decision is made by what is served.
fn money(sum: &Money) -> Option<f64> {
    sum.to_string().parse().ok()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::metrics::{Metrics, Peer};

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    /// All that can be served, one of each.
    fn served() -> String {
        let (inr, opened) = ("INR".parse().unwrap(), at("2026-01-02T03:04:05Z"));
        let gauges = Gauges {
            claims: BTreeMap::from([("Purchased", 2)]),
            paused: 1,
            unresolved: BTreeMap::from([("Open", (1, opened))]),
            bought: HashMap::from([(
                "MA_1".parse().unwrap(),
                Bought {
                    numbers: BTreeMap::from([(true, 2)]),
                    costs: BTreeMap::from([((inr, false), "1.50".parse().ok())]),
                },
            )]),
            newer: [1, 2],
            unlisted: 1,
            unrecorded: Some(3),
        };
        let balances = BTreeMap::from([(inr, "9948.25".parse().unwrap())]);
        let account = "MA_1".parse().unwrap();
        let account =
            AccountHealth { account, accepted: true, was_accepted: true, gate: Gate::Open, balances };
        let metrics = Metrics::default();
        metrics.clock_skew(Peer::Vobiz, Some(jiff::SignedDuration::from_secs(-900)));
        let met = Met { accounts: vec![account], without_token: Vec::new() };
        super::super::encode(&gauges, &metrics, Some(&met), at("2026-01-02T03:05:05Z")).unwrap()
    }

    /// Name, type, labels and help of each, as the documentation writes them.
    fn described(served: &str) -> BTreeSet<[String; 4]> {
        let mut rows = BTreeSet::new();
        for line in served.lines().filter_map(|line| line.strip_prefix("# HELP ")) {
            let (name, help) = line.split_once(' ').unwrap();
            let type_ =
                served.lines().find_map(|line| line.strip_prefix(&format!("# TYPE {name} "))).unwrap();
            let suffix = match type_ {
                "counter" => "_total",
                "info" => "_info",
                _ => "",
            };
            let sample =
                if type_ == "histogram" { format!("{name}_count") } else { format!("{name}{suffix}") };
            let samples = served.lines().filter(|line| line.starts_with(&sample));
            let pairs = samples.filter_map(|line| line.split_once('{')?.1.split_once('}'));
            let labels: BTreeSet<&str> = pairs
                .flat_map(|(pairs, _)| pairs.split(','))
                .filter_map(|pair| Some(pair.split_once('=')?.0))
                .collect();
            let labels = labels.into_iter().map(|label| format!("`{label}`")).collect::<Vec<_>>().join(", ");
            rows.insert([format!("`{name}{suffix}`"), type_.to_owned(), labels, help.to_owned()]);
        }
        rows
    }

    #[test]
    fn the_documentation_lists_what_is_served_and_nothing_else() {
        let documented: BTreeSet<[String; 4]> = include_str!("../../docs/metrics.md")
            .lines()
            .filter(|line| line.starts_with("| `vobiz_operator_"))
            .map(|line| {
                let cells: Vec<String> =
                    line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect();
                cells.try_into().unwrap()
            })
            .collect();
        assert_eq!(documented, described(&served()));
    }

    #[test]
    fn sums_are_exact_and_ages_are_in_seconds() {
        let served = served();
        for line in [
            r#"vobiz_operator_claims{reason="Purchased"} 2.0"#,
            r#"vobiz_operator_oldest_unresolved_attempt_age_seconds{state="Open"} 60.0"#,
            r#"vobiz_operator_monthly_cost{account="MA_1",claimed="false",currency="INR"} 1.5"#,
            r#"vobiz_operator_clock_skew_seconds{peer="vobiz"} -900.0"#,
            r#"vobiz_operator_account_balance{account="MA_1",currency="INR"} 9948.25"#,
            r#"vobiz_operator_account_held{account="MA_1",reason="InvalidCredentials"} 0.0"#,
            "vobiz_operator_leader 1.0",
            "vobiz_operator_unrecorded_numbers 3.0",
            r#"vobiz_operator_credentials_accepted{account="MA_1"} 1.0"#,
            r#"vobiz_operator_purchases_total{outcome="Purchased"} 0"#,
        ] {
            assert!(served.lines().any(|served| served == line), "{line} is missing:\n{served}");
        }
        assert!(served.ends_with("# EOF\n"));
    }

    #[test]
    fn an_account_has_one_spelling_whatever_its_records_have() {
        let mut gauges = Gauges::default();
        for (account, digits) in [("ma_1", "1"), ("MA_1", "2")] {
            let record = RecordBrief {
                e164: format!("+91123450000{digits}").parse().unwrap(),
                account: account.parse().unwrap(),
                state: AttemptState::Bound,
                origin: crate::api::Origin::Purchase,
                opened: Timestamp::UNIX_EPOCH,
                settled: Timestamp::UNIX_EPOCH,
                claimed: Some(true),
                monthly_fee: None,
                price: None,
                currency: None,
                billed: None,
            };
            gauges.count_record(&record, &"MA_1".parse().unwrap());
        }
        let served = super::super::encode(&gauges, &Metrics::default(), None, Timestamp::UNIX_EPOCH).unwrap();
        assert!(served.contains(r#"numbers{account="MA_1",claimed="true"} 2.0"#), "{served}");
    }

    #[test]
    fn each_account_is_shown_by_itself() {
        let account = |id: &str, gate, accepted| AccountHealth {
            account: id.parse().unwrap(),
            accepted,
            was_accepted: accepted,
            gate,
            balances: BTreeMap::from([("INR".parse().unwrap(), "0.10".parse().unwrap())]),
        };
        let accounts = vec![
            account("MA_1", Gate::Open, true),
            account("MA_2", Gate::Closed(GateCause::Credentials, String::new()), true),
            account("MA_3", Gate::Open, false),
        ];
        let without_token = [
            ("MA_3", AccountReason::SecretNotFound),
            ("MA_4", AccountReason::SecretNotFound),
            ("MA_5", AccountReason::InvalidCredentials),
        ];
        let without_token = without_token.map(|(id, reason)| (id.parse().unwrap(), reason)).into();
        let met = Met { accounts, without_token };
        let (gauges, now) = (Gauges::default(), at("2026-01-02T03:04:05Z"));
        let served = super::super::encode(&gauges, &Metrics::default(), Some(&met), now).unwrap();
        let value =
            |sample: &str| served.lines().find_map(|line| line.strip_prefix(sample)?.strip_prefix(' '));
        for (id, refused, missing) in [
            ("MA_1", "0.0", "0.0"),
            ("MA_2", "1.0", "0.0"),
            ("MA_3", "0.0", "1.0"),
            ("MA_4", "0.0", "1.0"),
            ("MA_5", "1.0", "0.0"),
        ] {
            let held = |reason: &str| {
                value(&format!(r#"vobiz_operator_account_held{{account="{id}",reason="{reason}"}}"#))
            };
            let told = (held("InvalidCredentials"), held("SecretNotFound"), held("VobizUnavailable"));
            assert_eq!(told, (Some(refused), Some(missing), Some("0.0")), "{id}");
        }
        for (id, accepted) in [("MA_1", Some("1.0")), ("MA_2", Some("0.0")), ("MA_3", None)] {
            let balance = format!(r#"vobiz_operator_account_balance{{account="{id}",currency="INR"}}"#);
            let shown = format!(r#"vobiz_operator_credentials_accepted{{account="{id}"}}"#);
            assert_eq!((value(&balance), value(&shown)), (Some("0.1"), accepted));
        }
    }

    #[test]
    fn who_waits_says_nothing_about_the_account() {
        let gauges = Gauges::default();
        let now = at("2026-01-02T03:04:05Z");
        let served = super::super::encode(&gauges, &Metrics::default(), None, now).unwrap();
        assert!(served.contains("vobiz_operator_leader 0.0\n"), "{served}");
        for absent in ["account_", "credentials_accepted", "_claims", "_numbers", "unresolved", "unrecorded"]
        {
            assert!(!served.contains(absent), "{absent}: {served}");
        }
    }
}
