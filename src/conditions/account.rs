//! What an account says of itself: whether claims can buy in it, and if not, why.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::ResourceExt;

use super::status::condition;
use crate::{
    api::{AccountReason, ConditionType, Progress, Status, VobizAccount, VobizAccountStatus},
    plan::{Gate, GateCause, Token, forget},
};

/// What is known of an account.
pub struct AccountFacts<'a> {
    pub account: &'a VobizAccount,
    /// The object that serves its auth id.
    pub first: &'a str,
    pub token: &'a Token,
    /// Whether it chooses namespaces by labels that the operator may not read.
    pub lacks_labels: bool,
    /// How Vobiz has met it, and whether it has accepted the credentials in use. Nothing, while it is not worked with.
    pub met: Option<(&'a Gate, bool)>,
    /// What the API server says to the finalizer that holds its deletion back, where the operator may not write it.
    pub refused: Option<&'a str>,
    /// What holds its deletion back, if that is known.
    pub unsettled: Option<Unsettled<'a>>,
    /// What was read of it; conditions and generation are not looked at. Nothing, before it was listed.
    pub figures: Option<VobizAccountStatus>,
}

/// A record that keeps an account from going.
#[derive(Clone, Copy)]
pub enum Unsettled<'a> {
    Open(&'a str),
    /// This version cannot read it.
    Newer(&'a str),
}

impl AccountFacts<'_> {
    /// Whether it waits for Vobiz to say something, as far as its status tells.
    pub fn awaits_vobiz(&self) -> bool {
        let accepted = self.said().is_some_and(|ready| ready.status == Status::True.into_str());
        *self.token == Token::Known && matches!(self.met, Some((_, false))) && !accepted
    }

    /// What was said of this generation.
    fn said(&self) -> Option<&Condition> {
        let status = self.account.status.as_ref()?;
        let is_current = status.observed_generation == self.account.metadata.generation;
        ConditionType::Ready.of(&status.conditions).filter(|_| is_current)
    }

    /// Whether what was said is known to be untrue by now.
    fn is_outdated(&self) -> bool {
        let Some(said) = self.said() else { return true };
        let was = |reason: AccountReason| said.reason == reason.into_str();
        was(AccountReason::DuplicateAuthId)
            || was(AccountReason::SecretNotFound) && *self.token == Token::Known
    }
}

/// The status that it should have. Nothing while what an earlier process has said may still be true.
pub fn account_status(facts: &AccountFacts<'_>, now: Timestamp) -> Option<VobizAccountStatus> {
    let (reason, message) = ready(facts).or_else(|| facts.is_outdated().then(|| checking(facts)))?;
    let old = facts.account.status.as_ref();
    let previous = old.map(|status| status.conditions.as_slice()).unwrap_or_default();
    let generation = facts.account.metadata.generation;
    let (ready, progress) = reason.row();
    let progress = match progress {
        Progress::Done => None,
        Progress::Reconciling => Some(ConditionType::Reconciling),
        Progress::Stalled => Some(ConditionType::Stalled),
    };
    let ours = [(ConditionType::Ready, ready)].into_iter().chain(progress.map(|type_| (type_, Status::True)));
    let ours = ours.map(|(type_, status)| Condition {
        observed_generation: generation,
        ..condition(previous, type_, status, reason.into_str(), &message, now)
    });
    let types = [ConditionType::Ready, ConditionType::Reconciling, ConditionType::Stalled];
    let is_ours = |old: &&Condition| types.iter().any(|type_| type_.into_str() == old.type_);
    let conditions = ours.chain(previous.iter().filter(|old| !is_ours(old)).cloned()).collect();
    // What was read by an earlier process stays until it is read again.
    let figures = facts.figures.clone().or_else(|| old.cloned()).unwrap_or_default();
    Some(VobizAccountStatus { observed_generation: generation, conditions, ..figures })
}

fn ready(facts: &AccountFacts<'_>) -> Option<(AccountReason, String)> {
    let deleted = facts.account.metadata.deletion_timestamp.is_some();
    if let Some(why) = facts.refused {
        let (reason, consequence) = if deleted {
            (AccountReason::Deleting, "stays")
        } else {
            (AccountReason::Checking, "takes no claim")
        };
        return Some((
            reason,
            format!(
                "The operator may not write the account's finalizer, so the account {consequence}: {why}. Give the operator's \
                 role the right to patch vobizaccounts, and it goes on by itself."
            ),
        ));
    }
    if deleted {
        return Some((AccountReason::Deleting, deleting(facts.unsettled)));
    }
    if facts.first != facts.account.name_any() {
        let first = facts.first;
        return Some((
            AccountReason::DuplicateAuthId,
            format!(
                "VobizAccount {first} has the same auth id, is older, and serves alone. Delete one of the two: kubectl delete \
                 vobizaccount {}",
                facts.account.name_any()
            ),
        ));
    }
    if let Some((reason, why)) = facts.token.lacks() {
        return Some((reason, format!("{why}. The operator looks again every 30 s.")));
    }
    // Vobiz may be met with other credentials meanwhile: those of the flags, or of another Secret.
    if *facts.token == Token::Awaited { None } else { met(facts) }
}

fn checking(facts: &AccountFacts<'_>) -> (AccountReason, String) {
    let told = format!("The operator reads the {}, and shows the token to Vobiz.", place(facts.account));
    (AccountReason::Checking, told)
}

fn deleting(unsettled: Option<Unsettled<'_>>) -> String {
    let until = match unsettled {
        None => {
            "It goes in a few seconds, or as soon as a purchase that is under way has its outcome.".into()
        }
        Some(Unsettled::Open(name)) => format!(
            "It stays until phonenumber/{name} is settled, which needs a token that Vobiz accepts. If that one is given up \
             instead, whatever Vobiz's ledger says: {}",
            forget(name)
        ),
        Some(Unsettled::Newer(name)) => format!(
            "It stays because phonenumber/{name} was written by a newer version of the operator, and may be unsettled: run \
             that version."
        ),
    };
    format!("The account is being deleted, and takes no new claim. {until}")
}

fn place(account: &VobizAccount) -> String {
    let secret = &account.spec.token_secret_ref;
    format!("Secret {}/{}, key {}", secret.namespace, secret.name, secret.key)
}

/// What Vobiz has said to it.
fn met(facts: &AccountFacts<'_>) -> Option<(AccountReason, String)> {
    use AccountReason::{
        Accepted, InvalidCredentials, NamespacesUnreadable, RateLimited, Suspended, VobizUnavailable,
    };
    let (gate, accepted) = facts.met?;
    let cause = if let Gate::Closed(cause, _) = gate { Some(*cause) } else { None };
    let told = |reason, words: &str| Some((reason, words.to_owned()));
    match cause {
        Some(GateCause::Credentials) => Some((
            InvalidCredentials,
            format!(
                "Vobiz refuses the credentials (401, or 403 to the list of the account's numbers). Put the token right \
                 ({}); the operator reads it every 30 s.",
                place(facts.account)
            ),
        )),
        _ if facts.account.spec.suspend => told(
            Suspended,
            "spec.suspend is true: no purchase or adoption is begun. What was sent is verified, and what was bought is \
             looked after.",
        ),
        _ if facts.lacks_labels => told(
            NamespacesUnreadable,
            "The account chooses namespaces by their labels, which the operator has no right to read, so no claim can buy in \
             it. Give the operator the right: helm upgrade, with --set accounts.watchNamespaces=true.",
        ),
        Some(GateCause::RateLimited) => {
            told(RateLimited, "Vobiz limits the rate of calls (429). It goes on by itself.")
        }
        Some(GateCause::PurchasesLimited) => {
            told(RateLimited, "Vobiz answered a purchase with 429: none is sent for as long as it asked.")
        }
        Some(GateCause::Unavailable) => told(
            VobizUnavailable,
            "Vobiz cannot be asked what the account owns (the operator's log has each error). It goes on by itself.",
        ),
        None if accepted => told(Accepted, "Vobiz accepts the credentials."),
        None => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn account(spec: &Value, status: &Value) -> VobizAccount {
        let mut account = json!({
            "apiVersion": "telephony.vobiz.ai/v1alpha1", "kind": "VobizAccount",
            "metadata": { "name": "a", "generation": 2 },
            "spec": { "authId": "MA_1", "tokenSecretRef": { "namespace": "n", "name": "s" } },
            "status": status,
        });
        account["spec"].as_object_mut().unwrap().extend(spec.as_object().unwrap().clone());
        serde_json::from_value(account).unwrap()
    }

    fn held(cause: GateCause) -> Gate {
        Gate::Closed(cause, "words".into())
    }

    #[test]
    #[expect(clippy::too_many_lines, reason = "one table")]
    fn the_table_of_what_an_account_says_of_itself() {
        let (known, missing) = (Token::Known, Token::Missing("There is no Secret n/s".into()));
        let unusable = Token::Unusable("It is empty".into());
        let (plain, suspended) = (json!({}), json!({ "suspend": true }));
        let (credentials, unavailable) = (held(GateCause::Credentials), held(GateCause::Unavailable));
        let stalled = |reason| Some((reason, "False", Some("Stalled")));
        let reconciling = |reason| Some((reason, "False", Some("Reconciling")));
        for (spec, first, token, lacks_labels, met, expected) in [
            (&plain, "a", &known, false, Some((&Gate::Open, true)), Some(("Accepted", "True", None))),
            (&plain, "a", &known, false, Some((&Gate::Open, false)), reconciling("Checking")),
            (&plain, "a", &known, false, None, reconciling("Checking")),
            (&plain, "a", &Token::Awaited, false, None, reconciling("Checking")),
            // Vobiz has accepted others: those of the flags, or of the Secret before.
            (&plain, "a", &Token::Awaited, false, Some((&Gate::Open, true)), reconciling("Checking")),
            (&suspended, "a", &Token::Awaited, false, Some((&credentials, true)), reconciling("Checking")),
            (&plain, "a", &missing, false, None, stalled("SecretNotFound")),
            (&plain, "a", &missing, true, Some((&Gate::Open, true)), stalled("SecretNotFound")),
            (&plain, "a", &unusable, false, None, stalled("InvalidCredentials")),
            (&plain, "b", &known, false, None, stalled("DuplicateAuthId")),
            (&suspended, "a", &known, true, Some((&Gate::Open, true)), Some(("Suspended", "False", None))),
            (&suspended, "a", &known, true, Some((&credentials, true)), stalled("InvalidCredentials")),
            (&plain, "a", &known, true, Some((&Gate::Open, true)), stalled("NamespacesUnreadable")),
            (&plain, "a", &known, true, Some((&unavailable, true)), stalled("NamespacesUnreadable")),
            (&plain, "a", &known, false, Some((&unavailable, true)), reconciling("VobizUnavailable")),
            (
                &plain,
                "a",
                &known,
                false,
                Some((&held(GateCause::RateLimited), true)),
                reconciling("RateLimited"),
            ),
            (
                &plain,
                "a",
                &known,
                false,
                Some((&held(GateCause::PurchasesLimited), true)),
                reconciling("RateLimited"),
            ),
        ] {
            let account = account(spec, &json!(null));
            let facts = AccountFacts {
                account: &account,
                first,
                token,
                lacks_labels,
                met,
                refused: None,
                unsettled: None,
                figures: None,
            };
            let status = account_status(&facts, Timestamp::UNIX_EPOCH);
            let shown = status.as_ref().map(|status| {
                let conditions = &status.conditions;
                assert_eq!((status.observed_generation, conditions[0].type_.as_str()), (Some(2), "Ready"));
                assert!(conditions.iter().all(|one| one.reason == conditions[0].reason));
                let also = conditions.get(1).map(|one| one.type_.as_str());
                (conditions[0].reason.as_str(), conditions[0].status.as_str(), also)
            });
            assert_eq!(shown, expected, "{token:?} {met:?}");
        }
    }

    /// The reason that is told after another one was, and whether Vobiz is asked for its own.
    fn follows(said: &Value, token: &Token, met: Option<(&Gate, bool)>) -> (Option<String>, bool) {
        let account = account(&json!({}), said);
        let facts = AccountFacts {
            account: &account,
            first: "a",
            token,
            lacks_labels: false,
            met,
            refused: None,
            unsettled: None,
            figures: None,
        };
        let status = account_status(&facts, Timestamp::UNIX_EPOCH);
        (status.map(|status| status.conditions[0].reason.clone()), facts.awaits_vobiz())
    }

    #[test]
    fn what_was_said_before_stays_until_it_is_known_to_be_untrue() {
        let said = |reason: &str, generation: i64| {
            let status = if reason == "Accepted" { "True" } else { "False" };
            let ready = json!({ "type": "Ready", "status": status, "reason": reason, "message": "",
                "lastTransitionTime": "2026-01-02T03:04:05Z" });
            json!({ "observedGeneration": generation, "conditions": [ready] })
        };
        let (met, known, awaited) = (Some((&Gate::Open, false)), &Token::Known, &Token::Awaited);
        for (before, token, met, told, asks) in [
            // A process that has just begun.
            (said("Accepted", 2), known, met, None, false),
            (said("Accepted", 2), awaited, None, None, false),
            (said("InvalidCredentials", 2), known, met, None, true),
            (said("SecretNotFound", 2), awaited, None, None, false),
            // The Secret is there, another one is named, or the older object has gone.
            (said("SecretNotFound", 2), known, met, Some("Checking"), true),
            (said("Accepted", 1), known, met, Some("Checking"), true),
            (said("Accepted", 1), awaited, Some((&Gate::Open, true)), Some("Checking"), false),
            (said("DuplicateAuthId", 2), awaited, None, Some("Checking"), false),
            (json!(null), known, met, Some("Checking"), true),
            (json!(null), known, Some((&Gate::Open, true)), Some("Accepted"), false),
        ] {
            let expected = (told.map(str::to_owned), asks);
            assert_eq!(follows(&before, token, met), expected, "{before} {token:?} {met:?}");
        }
    }

    #[test]
    fn an_account_that_is_deleted_says_what_it_waits_for() {
        let mut account = account(&json!({}), &json!(null));
        account.metadata.deletion_timestamp = serde_json::from_value(json!("2026-01-02T04:00:00Z")).unwrap();
        for (unsettled, words) in [
            (None, "in a few seconds"),
            (
                Some(Unsettled::Open("911")),
                "kubectl annotate phonenumber/911 telephony.vobiz.ai/forget=true && ",
            ),
            (Some(Unsettled::Newer("911")), "run that version"),
        ] {
            for (first, token) in [("a", Token::Known), ("b", Token::Missing("There is no Secret".into()))] {
                let met = Some((&Gate::Open, true));
                let facts = AccountFacts {
                    account: &account,
                    first,
                    token: &token,
                    lacks_labels: false,
                    met,
                    refused: None,
                    unsettled,
                    figures: None,
                };
                let ready = account_status(&facts, Timestamp::UNIX_EPOCH).unwrap().conditions.swap_remove(0);
                assert_eq!((ready.reason.as_str(), ready.status.as_str()), ("Deleting", "False"));
                assert!(ready.message.contains(words), "{}", ready.message);
            }
        }
    }

    #[test]
    fn figures_of_an_earlier_process_stay_until_they_are_read_again() {
        let numbers = json!({ "owned": 1, "recorded": 1, "unrecorded": 0, "unclaimed": 0 });
        let account = account(&json!({}), &json!({ "numbers": numbers, "conditions": [] }));
        let missing = Token::Missing("There is no Secret".into());
        let mut facts = AccountFacts {
            lacks_labels: false,
            account: &account,
            first: "a",
            token: &missing,
            met: None,
            refused: None,
            unsettled: None,
            figures: None,
        };
        let status = account_status(&facts, Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!(status.numbers.map(|numbers| numbers.owned), Some(1));
        facts.figures = Some(VobizAccountStatus::default());
        assert_eq!(account_status(&facts, Timestamp::UNIX_EPOCH).unwrap().numbers, None);
    }

    #[test]
    fn a_finalizer_that_may_not_be_written_is_told() {
        for (deleted, reason, words) in [
            (None, "Checking", "takes no claim: no right. "),
            (Some("2026-01-02T04:00:00Z"), "Deleting", "stays: no right. "),
        ] {
            let mut account = account(&json!({}), &json!(null));
            account.metadata.deletion_timestamp = serde_json::from_value(json!(deleted)).unwrap();
            let facts = AccountFacts {
                account: &account,
                first: "a",
                token: &Token::Awaited,
                lacks_labels: false,
                met: None,
                refused: Some("no right"),
                unsettled: None,
                figures: None,
            };
            let status = account_status(&facts, Timestamp::UNIX_EPOCH).unwrap();
            let ready = &status.conditions[0];
            assert!(ready.reason == reason && ready.message.contains(words), "{ready:?}");
        }
    }
}
