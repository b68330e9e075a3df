//! Which account serves a claim, or why none does: one rule for decisions, for the look before a POST, and for who is woken
//! when an account changes.

mod live;
mod unseen;

use std::collections::{BTreeMap, HashMap, HashSet};

use kube::core::SelectorExt;

use super::{
    declared::{Allowed, Declared, Token},
    rules,
    told::Told,
};
use crate::{
    api::{AccountReason, ClaimRef, PhoneNumber, PhoneNumberClaim, Reason},
    domain::AccountId,
};

pub use live::LiveAccount;

/// What is known of the labels of the namespaces.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Labels {
    /// They are not read yet, or not needed.
    #[default]
    Unread,
    /// The API server refuses them.
    Refused,
    /// By namespace.
    Read(BTreeMap<String, BTreeMap<String, String>>),
}

/// All accounts that there are, as far as it matters to whom they serve.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Directory {
    /// By the name of the object.
    declared: BTreeMap<String, Declared>,
    /// The oldest object of each account: it alone serves.
    first: HashMap<AccountId, String>,
    /// Objects that this version cannot read: by name, why.
    unreadable: BTreeMap<String, String>,
    /// Their accounts, as far as that can be read.
    kept: HashSet<AccountId>,
    /// The account of the flags.
    flags: Option<AccountId>,
    labels: Labels,
    /// The API server refuses to list the objects, so that those above may be out of date.
    unlisted: bool,
}

/// Which account serves a claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// The account that counts for the claim: what it owns, and what was recorded with it.
    pub account: Option<AccountId>,
    /// What keeps a new attempt back.
    pub held: Option<Told>,
    /// Whether the account is declared no more: nothing is read of it.
    pub gone: bool,
    /// The VobizAccount that has its credentials; none where the flags have.
    pub declared: Option<String>,
}

impl Service {
    pub fn by(account: AccountId) -> Self {
        Self { account: Some(account), held: None, gone: false, declared: None }
    }

    fn by_none(reason: Reason, message: String) -> Self {
        Self { account: None, held: Some(Told::new(reason, message)), gone: false, declared: None }
    }
}

impl Directory {
    pub fn new(
        declared: BTreeMap<String, Declared>,
        unreadable: BTreeMap<String, String>,
        flags: Option<AccountId>,
        labels: Labels,
    ) -> Self {
        let mut first: HashMap<AccountId, String> = HashMap::new();
        for (name, one) in &declared {
            let known = first.entry(one.account.clone()).or_insert_with(|| name.clone());
            if declared.get(known).is_some_and(|known| one.created < known.created) {
                known.clone_from(name);
            }
        }
        Self { declared, first, unreadable, kept: HashSet::new(), flags, labels, unlisted: false }
    }

    /// With these accounts of objects that this version cannot read: they serve nobody anew, and are not gone.
    pub fn keeping(self, kept: HashSet<AccountId>) -> Self {
        Self { kept, ..self }
    }

    /// The object that serves an account.
    pub fn first(&self, account: &AccountId) -> Option<&str> {
        self.first.get(account).map(String::as_str)
    }

    /// Whether the account is one that is worked with.
    pub fn knows(&self, account: &AccountId) -> bool {
        self.first.contains_key(account)
            || self.kept.contains(account)
            || self.flags.as_ref() == Some(account)
    }

    /// How far the token of an object is known.
    pub fn token(&self, name: &str) -> &Token {
        self.declared.get(name).map_or(&Token::Awaited, |one| &one.token)
    }

    /// The objects that serve an account.
    fn serving(&self) -> impl Iterator<Item = (&str, &Declared)> {
        let all = self.declared.iter().map(|(name, one)| (name.as_str(), one));
        all.filter(|(name, one)| self.first(&one.account) == Some(*name))
    }

    /// The objects that would serve, and have no token: why not.
    pub fn lacking(&self) -> impl Iterator<Item = (&str, &str)> {
        self.serving().filter_map(|(name, one)| Some((name, one.lacks_token()?)))
    }

    /// The accounts whose token cannot be had, and the reason that they give.
    pub fn without_token(&self) -> impl Iterator<Item = (&AccountId, AccountReason)> {
        self.serving().filter_map(|(_, one)| Some((&one.account, one.token.lacks()?.0)))
    }

    /// Whether namespaces have to be watched.
    pub fn needs_labels(&self) -> bool {
        self.declared.values().any(Declared::chooses_by_labels)
    }

    /// Whether that object chooses namespaces by labels that the operator may not read.
    pub fn lacks_labels(&self, name: &str) -> bool {
        self.labels == Labels::Refused && self.declared.get(name).is_some_and(Declared::chooses_by_labels)
    }

    /// Which account serves a claim whose number has this record. What was sent or bought with an account stays with it,
    /// whatever the claim, the default, or the allowance say later; also for a claim of the same namespace that comes after
    /// the first one, unless it names an account.
    pub fn serve(&self, claim: &PhoneNumberClaim, record: Option<&PhoneNumber>) -> Service {
        let namespace = claim.metadata.namespace.as_deref().unwrap_or_default();
        let served = self.resolve(claim.account_name(), namespace);
        // What has no claim at all may be any namespace's: the account must be open to the one that takes it.
        let may_be_ours = |record: &&PhoneNumber| {
            let named = record.spec.claim_ref.as_ref();
            let comes_after =
                |named: &ClaimRef| claim.account_name().is_none() && named.namespace == namespace;
            named.is_some_and(|named| Some(&named.uid) == claim.metadata.uid.as_ref() || comes_after(named))
                && rules::stays_with_its_account(&record.spec.attempt)
        };
        let Some(record) = record.filter(may_be_ours) else { return served };
        let account = &record.spec.account;
        let other = rules::is_served_by_another(record, served.account.as_ref());
        let held = served.held.or_else(|| other.then(|| served_by_another(record)));
        let declared = self.first(account).map(str::to_owned);
        Service { account: Some(account.clone()), held, gone: !self.knows(account), declared }
    }

    /// Which account serves the claims of a namespace that name that account, or none.
    pub fn resolve(&self, named: Option<&str>, namespace: &str) -> Service {
        let known = self.by_what_is_known(named, namespace);
        if self.unlisted { known.unlisted() } else { known }
    }

    fn by_what_is_known(&self, named: Option<&str>, namespace: &str) -> Service {
        if let Some(name) = named {
            return self.by_name(name, namespace);
        }
        if let Some((name, why)) = self.unreadable.first_key_value() {
            // It may be the default.
            return Service::unreadable(name, why);
        }
        let defaults: Vec<_> = self.declared.iter().filter(|(_, one)| one.default).collect();
        let living: Vec<_> =
            defaults.iter().filter(|(_, one)| !one.deleting).map(|(name, _)| *name).collect();
        match (living.as_slice(), defaults.first(), &self.flags) {
            ([name], ..) | ([], Some((name, _)), _) => self.by_name(name, namespace),
            ([one, two, ..], ..) => Service::by_none(
                Reason::AccountNotFound,
                format!(
                    "Two VobizAccounts, {one} and {two}, say that they are the default, so the claim has none. Nothing is \
                     bought before one of them says otherwise: kubectl patch vobizaccount {two} --type=merge \
                     -p='{{\"spec\":{{\"default\":false}}}}'"
                ),
            ),
            ([], None, Some(flags)) => match self.first(flags) {
                // The object has taken over: what it says counts.
                Some(name) => self.by_name(name, namespace),
                None => Service::by(flags.clone()),
            },
            ([], None, None) => Service::by_none(
                Reason::AccountNotFound,
                "The claim names no account (spec.accountRef), and no VobizAccount is the default. Nothing is bought before \
                 there is one. See kubectl get vobizaccounts"
                    .into(),
            ),
        }
    }

    fn by_name(&self, name: &str, namespace: &str) -> Service {
        if let Some(why) = self.unreadable.get(name) {
            return Service::unreadable(name, why);
        }
        let Some(one) = self.declared.get(name) else {
            return Service::by_none(
                Reason::AccountNotFound,
                format!(
                    "There is no VobizAccount {name}. Nothing is bought before there is one. See kubectl get vobizaccounts"
                ),
            );
        };
        if let Some(first) = self.first(&one.account).filter(|first| *first != name) {
            return Service::by_none(
                Reason::AccountNotFound,
                format!(
                    "VobizAccount {name} has the auth id of VobizAccount {first}, which is older and serves alone. Nothing is \
                     bought with it before that one is deleted; or let the claim name {first}."
                ),
            );
        }
        if one.deleting {
            return Service::by_none(
                Reason::AccountNotFound,
                format!(
                    "VobizAccount {name} is being deleted, and takes no new claim. Nothing is bought; let the claim name another."
                ),
            );
        }
        match self.allows(name, one, namespace) {
            Ok(()) => Service {
                held: one.holds_back(name),
                declared: Some(name.to_owned()),
                ..Service::by(one.account.clone())
            },
            Err(told) => Service { account: None, held: Some(told), gone: false, declared: None },
        }
    }

    /// Whether the namespace may buy in that account, and what its claims are told if not.
    fn allows(&self, name: &str, one: &Declared, namespace: &str) -> Result<(), Told> {
        let is_open = match (&one.allowed, &self.labels) {
            (Allowed::All, _) => true,
            (Allowed::Names(names), _) => names.contains(namespace),
            (Allowed::Labels(selector), Labels::Read(labels)) if labels.contains_key(namespace) => {
                labels.get(namespace).is_some_and(|labels| selector.matches(labels))
            }
            (Allowed::Labels(_), Labels::Refused) => {
                return Err(Told::new(
                    Reason::AccountNotAllowed,
                    format!(
                        "VobizAccount {name} chooses namespaces by their labels, which the operator has no right to read, so \
                         nothing is bought. An administrator gives it the right (the chart's value \
                         accounts.watchNamespaces=true), and the claim goes on by itself."
                    ),
                ));
            }
            // Those of a namespace that came with its claims are not read yet either.
            (Allowed::Labels(_), Labels::Unread | Labels::Read(_)) => {
                return Err(Told::new(
                    Reason::Purchasing,
                    format!(
                        "VobizAccount {name} chooses namespaces by their labels, which the operator has not read yet."
                    ),
                ));
            }
        };
        let closed = || {
            Told::new(
                Reason::AccountNotAllowed,
                format!(
                    "VobizAccount {name} is not open to the namespace {namespace}, so nothing is bought. An administrator \
                     opens it (spec.allowedNamespaces), and the claim goes on by itself."
                ),
            )
        };
        is_open.then_some(()).ok_or_else(closed)
    }
}

fn served_by_another(record: &PhoneNumber) -> Told {
    Told::new(
        Reason::Conflict,
        format!(
            "Another account serves the claim by now than {}, with which phonenumber/{} was recorded, so nothing is sent.{}",
            record.spec.account,
            record.spec.e164.digits(),
            super::told::way_out(record)
        ),
    )
}

#[cfg(test)]
mod tests {
    use kube::ResourceExt;
    use serde_json::{Value, json};

    use super::*;
    use crate::{
        api::{ACCOUNT_FINALIZER, AttemptState, Seen, VobizAccount},
        plan::Token,
    };

    /// An account of that name, created at that second, with these fields of its spec.
    fn object(name: &str, created: u32, spec: &Value) -> VobizAccount {
        let mut object = json!({
            "apiVersion": "telephony.vobiz.ai/v1alpha1", "kind": "VobizAccount",
            "metadata": {
                "name": name, "creationTimestamp": format!("2026-01-02T03:04:{created:02}Z"),
                "finalizers": [ACCOUNT_FINALIZER],
            },
            "spec": {
                "authId": format!("MA_{name}"), "tokenSecretRef": { "namespace": "n", "name": "s" },
                "allowedNamespaces": { "from": "All" },
            },
        });
        object["spec"].as_object_mut().unwrap().extend(spec.as_object().unwrap().clone());
        serde_json::from_value(object).unwrap()
    }

    fn deleting(mut object: VobizAccount) -> VobizAccount {
        object.metadata.deletion_timestamp = serde_json::from_value(json!("2026-01-02T04:00:00Z")).unwrap();
        object
    }

    fn directory(objects: &[VobizAccount], flags: Option<&str>) -> Directory {
        let declared = |one: &VobizAccount| (one.name_any(), Declared::of(one, Token::Known));
        let flags = flags.map(|flags| flags.parse().unwrap());
        Directory::new(objects.iter().map(declared).collect(), BTreeMap::new(), flags, Labels::Unread)
    }

    fn claim(named: Option<&str>) -> PhoneNumberClaim {
        let named = named.map(|name| json!({ "name": name }));
        let claim = json!({
            "metadata": { "namespace": "team", "name": "office", "uid": "u" },
            "spec": { "e164": "+911234500000", "accountRef": named },
        });
        serde_json::from_value(claim).unwrap()
    }

    /// The record of a claim of that uid.
    fn of(account: &str, state: AttemptState, uid: &str) -> PhoneNumber {
        let spec = json!({
            "e164": "+911234500000", "account": account,
            "claimRef": { "namespace": "team", "name": "office", "uid": uid },
            "attempt": {
                "id": "00000000-0000-4000-8000-000000000000", "openedAt": "2026-01-02T03:04:05Z",
                "state": state, "origin": "Purchase",
            },
        });
        let record = json!({ "metadata": { "name": "911234500000" }, "spec": spec });
        let Seen::Read(record) = serde_json::from_value(record).unwrap() else { panic!() };
        PhoneNumber::clone(&record)
    }

    /// The account, and the reason and the words of what holds the claim back.
    fn told(served: &Service) -> (Option<&str>, Option<Reason>, &str) {
        let held = served.held.as_ref();
        (
            served.account.as_ref().map(AccountId::as_str),
            held.map(|told| told.reason),
            held.map_or("", |told| &told.message),
        )
    }

    #[test]
    #[expect(clippy::too_many_lines, reason = "one table")]
    fn the_table_of_which_account_serves_a_claim() {
        use Reason::{AccountNotAllowed, AccountNotFound, Paused};
        let plain = |name| object(name, 1, &json!({}));
        let default = |name| object(name, 1, &json!({ "default": true }));
        let closed = |spec: Value| object("a", 1, &json!({ "default": true, "allowedNamespaces": spec }));
        let again = |created| object("b", created, &json!({ "authId": "MA_a" }));
        let taken = |spec: Value| {
            let mut account = object("f", 1, &json!({ "authId": "ma_flags" }));
            account.spec.allowed_namespaces = serde_json::from_value(spec).unwrap();
            account
        };
        for (objects, flags, named, account, held, words) in [
            // The one that is named; else the default; else that of the flags.
            (vec![plain("a"), default("b")], Some("MA_flags"), Some("a"), Some("MA_a"), None, ""),
            (vec![plain("a"), default("b")], Some("MA_flags"), None, Some("MA_b"), None, ""),
            (vec![plain("a")], Some("MA_flags"), None, Some("MA_flags"), None, ""),
            (vec![], Some("MA_flags"), None, Some("MA_flags"), None, ""),
            (vec![plain("a")], None, None, None, Some(AccountNotFound), "no VobizAccount is the default"),
            (vec![plain("a")], Some("MA_flags"), Some("x"), None, Some(AccountNotFound), "no VobizAccount x"),
            // Never a guess.
            (
                vec![default("a"), default("b")],
                Some("MA_flags"),
                None,
                None,
                Some(AccountNotFound),
                "a and b",
            ),
            (vec![default("a"), default("b")], None, Some("b"), Some("MA_b"), None, ""),
            (vec![deleting(default("a")), default("b")], None, None, Some("MA_b"), None, ""),
            (
                vec![deleting(default("a"))],
                Some("MA_flags"),
                None,
                None,
                Some(AccountNotFound),
                "being deleted",
            ),
            (vec![deleting(plain("a"))], None, Some("a"), None, Some(AccountNotFound), "being deleted"),
            // A default that is closed is no reason to buy in the account of the flags.
            (vec![closed(json!({}))], Some("MA_flags"), None, None, Some(AccountNotAllowed), "not open"),
            (vec![closed(json!({ "names": ["x"] }))], None, Some("a"), None, Some(AccountNotAllowed), "team"),
            (vec![closed(json!({ "names": ["x", "team"] }))], None, Some("a"), Some("MA_a"), None, ""),
            (
                vec![closed(json!({ "from": "Selector" }))],
                None,
                None,
                None,
                Some(AccountNotAllowed),
                "not open",
            ),
            // Of two objects of one account, the older serves alone, the first by name of two as old.
            (vec![plain("a"), again(2)], None, Some("a"), Some("MA_a"), None, ""),
            (
                vec![plain("a"), again(2)],
                None,
                Some("b"),
                None,
                Some(AccountNotFound),
                "VobizAccount a, which is",
            ),
            (
                vec![plain("a"), again(0)],
                None,
                Some("a"),
                None,
                Some(AccountNotFound),
                "VobizAccount b, which is",
            ),
            (
                vec![plain("a"), again(1)],
                None,
                Some("b"),
                None,
                Some(AccountNotFound),
                "VobizAccount a, which is",
            ),
            (vec![deleting(plain("a")), again(2)], None, Some("b"), None, Some(AccountNotFound), "older"),
            // One that has the account of the flags takes over from them, with what it allows.
            (vec![taken(json!({ "from": "All" }))], Some("MA_FLAGS"), None, Some("ma_flags"), None, ""),
            (
                vec![taken(json!({}))],
                Some("MA_FLAGS"),
                None,
                None,
                Some(AccountNotAllowed),
                "VobizAccount f is",
            ),
            (
                vec![object("a", 1, &json!({ "suspend": true }))],
                None,
                Some("a"),
                Some("MA_a"),
                Some(Paused),
                "suspend",
            ),
        ] {
            let served = directory(&objects, flags).serve(&claim(named), None);
            let (found, reason, message) = told(&served);
            assert_eq!((found, reason), (account, held), "{named:?} {message}");
            assert!(message.contains(words), "{message}");
        }
    }

    #[test]
    fn what_was_sent_or_bought_with_an_account_stays_with_it() {
        use AttemptState::{Bound, Failed, NeedsDecision, Open};
        let closed = object("a", 1, &json!({ "allowedNamespaces": {} }));
        let accounts = directory(&[closed, object("b", 1, &json!({ "default": true }))], None);
        let in_namespace = |namespace: &str| {
            let mut record = of("MA_a", Bound, "another");
            record.spec.claim_ref.as_mut().unwrap().namespace = namespace.into();
            record
        };
        let mut unclaimed = of("MA_a", Bound, "");
        unclaimed.spec.claim_ref = None;
        for (record, named, account, held, gone) in [
            // Edited, closed, or another default: the account of the record counts, and no new attempt is made with it.
            (of("MA_a", Bound, "u"), None, Some("MA_a"), Some(Reason::Conflict), false),
            (of("MA_a", Open, "u"), Some("b"), Some("MA_a"), Some(Reason::Conflict), false),
            (of("MA_a", NeedsDecision, "u"), Some("a"), Some("MA_a"), Some(Reason::AccountNotAllowed), false),
            (of("MA_b", Open, "u"), Some("b"), Some("MA_b"), None, false),
            // A failure, and the record of another claim, bind to nothing.
            (of("MA_a", Failed, "u"), None, Some("MA_b"), None, false),
            (of("MA_a", Bound, "another"), Some("b"), Some("MA_b"), None, false),
            (in_namespace("other"), None, Some("MA_b"), None, false),
            (unclaimed, None, Some("MA_b"), None, false),
            // What a claim of the namespace has bought, one that comes after it takes over, unless it names an account.
            (of("MA_a", Bound, "another"), None, Some("MA_a"), Some(Reason::Conflict), false),
            (of("MA_a", Open, "another"), None, Some("MA_a"), Some(Reason::Conflict), false),
            (of("MA_a", Failed, "another"), None, Some("MA_b"), None, false),
            (of("MA_gone", Bound, "u"), Some("b"), Some("MA_gone"), Some(Reason::Conflict), true),
        ] {
            let served = accounts.serve(&claim(named), Some(&record));
            let state = record.spec.attempt.state;
            assert_eq!((told(&served).0, told(&served).1, served.gone), (account, held, gone), "{state:?}");
        }
    }

    #[test]
    fn where_a_decision_would_not_count_what_makes_it_count_is_told() {
        use AttemptState::{Bound, NeedsDecision, Open};
        let accounts =
            directory(&[object("a", 1, &json!({})), object("b", 1, &json!({ "default": true }))], None);
        for (state, is_told) in [(NeedsDecision, true), (Open, false), (Bound, false)] {
            let served = accounts.serve(&claim(None), Some(&of("MA_a", state, "u")));
            for way_out in
                ["MA_a serves the claim again", "spec.accountRef", "telephony.vobiz.ai/forget=true"]
            {
                assert_eq!(told(&served).2.contains(way_out), is_told, "{state:?} {way_out}: {served:?}");
            }
        }
    }

    #[test]
    fn what_an_object_says_when_it_is_read_counts_before_what_was_seen_of_it() {
        use Reason::{AccountNotAllowed, AccountNotFound, Conflict, Paused};
        let read = |spec: &Value| Some(Seen::from(object("a", 1, spec)));
        let mut unfinished = object("a", 1, &json!({ "default": true }));
        unfinished.metadata.finalizers = None;
        let newer = json!({ "metadata": { "name": "a" }, "spec": { "authId": 7 } });
        let seen = directory(&[object("a", 1, &json!({ "default": true }))], Some("MA_flags"));
        for (read, held) in [
            (read(&json!({ "default": true })), None),
            (read(&json!({ "default": true, "suspend": true })), Some(Paused)),
            (read(&json!({ "default": true, "allowedNamespaces": {} })), Some(AccountNotAllowed)),
            (Some(Seen::from(deleting(object("a", 1, &json!({ "default": true }))))), Some(AccountNotFound)),
            (Some(Seen::from(unfinished)), Some(Reason::Purchasing)),
            (Some(serde_json::from_value(newer).unwrap()), Some(AccountNotFound)),
            // The flags serve the claim by now: what was recorded with the object is not sent.
            (read(&json!({})), Some(Conflict)),
            (None, Some(Conflict)),
        ] {
            let record = of("MA_a", AttemptState::Open, "u");
            let live = LiveAccount { name: "a".into(), object: read, labels: None };
            let served = seen.with(&live).serve(&claim(None), Some(&record));
            assert_eq!(told(&served).1, held, "{:?}", live.object);
        }
    }

    #[test]
    fn labels_that_are_read_count_before_those_that_were_seen() {
        let paid = json!({ "from": "Selector", "selector": { "matchLabels": { "tier": "paid" } } });
        let account = object("a", 1, &json!({ "allowedNamespaces": paid }));
        let seen = Labels::Read(serde_json::from_value(json!({ "team": { "tier": "paid" } })).unwrap());
        let declared = BTreeMap::from([("a".into(), Declared::of(&account, Token::Known))]);
        let seen = Directory::new(declared, BTreeMap::new(), None, seen);
        for (labels, held) in [
            (json!({ "team": { "tier": "paid" } }), None),
            (json!({ "team": {} }), Some(Reason::AccountNotAllowed)),
            // The namespace has gone.
            (json!({}), Some(Reason::Purchasing)),
        ] {
            let labels = Some(Labels::Read(serde_json::from_value(labels).unwrap()));
            let object = Some(Seen::from(account.clone()));
            let live = LiveAccount { name: "a".into(), object, labels };
            let record = of("MA_a", AttemptState::Open, "u");
            let served = seen.with(&live).serve(&claim(Some("a")), Some(&record));
            assert_eq!(told(&served).1, held, "{:?}", live.labels);
        }
    }

    #[test]
    fn namespaces_are_chosen_by_their_labels_once_these_are_known() {
        let allowed = json!({ "from": "Selector", "selector": { "matchLabels": { "tier": "paid" } } });
        let account = object("a", 1, &json!({ "allowedNamespaces": allowed }));
        let team = |labels: Value| Labels::Read(serde_json::from_value(json!({ "team": labels })).unwrap());
        for (labels, expected, words) in [
            (Labels::Unread, Some(Reason::Purchasing), "not read yet"),
            (Labels::Refused, Some(Reason::AccountNotAllowed), "accounts.watchNamespaces=true"),
            (Labels::Read(BTreeMap::new()), Some(Reason::Purchasing), "not read yet"),
            (team(json!({})), Some(Reason::AccountNotAllowed), "not open to the namespace team"),
            (
                team(json!({ "tier": "free" })),
                Some(Reason::AccountNotAllowed),
                "not open to the namespace team",
            ),
            (team(json!({ "tier": "paid" })), None, ""),
        ] {
            let refused = labels == Labels::Refused;
            let declared = BTreeMap::from([("a".into(), Declared::of(&account, Token::Known))]);
            let directory = Directory::new(declared, BTreeMap::new(), None, labels);
            assert!(directory.needs_labels());
            assert_eq!((directory.lacks_labels("a"), directory.lacks_labels("b")), (refused, false));
            let held = directory.resolve(Some("a"), "team").held;
            assert_eq!(held.as_ref().map(|told| told.reason), expected);
            assert!(held.is_none_or(|told| told.message.contains(words)), "{words}");
        }
        assert!(!directory(&[object("a", 1, &json!({}))], None).needs_labels());
    }

    #[test]
    fn no_attempt_before_the_token_is_known_and_the_deletion_held_back() {
        let account = object("a", 1, &json!({}));
        let mut free = account.clone();
        free.metadata.finalizers = None;
        let (missing, unusable) =
            (Token::Missing("there is no Secret".into()), Token::Unusable("it is empty".into()));
        for (account, token, reason, lacks) in [
            (&account, Token::Known, None, None),
            (&account, Token::Awaited, Some(Reason::Purchasing), None),
            (&account, missing, Some(Reason::InvalidCredentials), Some(AccountReason::SecretNotFound)),
            (&account, unusable, Some(Reason::InvalidCredentials), Some(AccountReason::InvalidCredentials)),
            (&free, Token::Known, Some(Reason::Purchasing), None),
        ] {
            let declared = BTreeMap::from([("a".into(), Declared::of(account, token))]);
            let directory = Directory::new(declared, BTreeMap::new(), None, Labels::Unread);
            let served = directory.resolve(Some("a"), "team");
            assert_eq!(served.account, "MA_a".parse().ok());
            assert_eq!(served.held.map(|told| told.reason), reason);
            assert_eq!(directory.without_token().next().map(|(_, reason)| reason), lacks);
        }
    }

    #[test]
    fn what_cannot_be_read_may_be_the_default() {
        let declared =
            BTreeMap::from([("a".into(), Declared::of(&object("a", 1, &json!({})), Token::Known))]);
        let unreadable = BTreeMap::from([("z".to_owned(), "a word".to_owned())]);
        let directory = Directory::new(declared, unreadable, "MA_flags".parse().ok(), Labels::Unread);
        for (named, account, reason) in [
            (None, None, Some(Reason::AccountNotFound)),
            (Some("a"), Some("MA_a"), None),
            (Some("z"), None, Some(Reason::AccountNotFound)),
        ] {
            let served = directory.resolve(named, "team");
            assert_eq!((told(&served).0, told(&served).1), (account, reason), "{named:?}");
        }
    }

    #[test]
    fn no_attempt_while_accounts_cannot_be_listed_also_with_the_flags() {
        let (closed, default) = (
            object("a", 1, &json!({ "allowedNamespaces": {} })),
            object("b", 1, &json!({ "default": true })),
        );
        let of_flags = of("MA_flags", AttemptState::Open, "u");
        for (objects, named, record, account) in [
            (vec![], None, None, Some("MA_flags")),
            (vec![], None, Some(&of_flags), Some("MA_flags")),
            (vec![default.clone()], None, None, Some("MA_b")),
            (vec![default.clone()], Some("b"), None, Some("MA_b")),
            (vec![closed], Some("a"), None, None),
            (vec![], Some("b"), None, None),
        ] {
            let listed = directory(&objects, Some("MA_flags"));
            let unlisted = listed.clone().unlisted(true);
            assert_ne!(listed, unlisted, "claims are woken when it changes");
            let served = unlisted.serve(&claim(named), record);
            let (found, reason, message) = told(&served);
            assert_eq!((found, reason), (account, Some(Reason::AccountNotFound)), "{named:?}");
            assert!(message.contains("list VobizAccounts"), "{message}");
        }
        let read = object("b", 1, &json!({ "default": true, "suspend": false, "rateLimit": "5" }));
        let read =
            LiveAccount { name: "b".into(), object: Some(Seen::from(read)), labels: Some(Labels::Unread) };
        let live = directory(&[default], None).unlisted(true).with(&read).serve(&claim(None), None);
        assert_eq!(told(&live).1, Some(Reason::AccountNotFound), "nor once the account was read live");
    }
}
