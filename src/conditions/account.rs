//! What an account says of itself: whether claims can buy in it, and if not, why.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::ResourceExt;

use super::status::condition;
use crate::{
    api::{AccountReason, ConditionType, Progress, Status, VobizAccount, VobizAccountStatus},
    plan::{Gate, GateCause, Token},
};

/// What is known of an account.
pub struct AccountFacts<'a> {
    pub account: &'a VobizAccount,
    /// The object that serves its auth id.
    pub first: &'a str,
    pub token: &'a Token,
    /// Whether it chooses namespaces by labels that the operator may not read.
    pub lacks_labels: bool,
    /// How Vobiz has met it, and whether it was ever accepted. Nothing, while it is not worked with.
    pub met: Option<(&'a Gate, bool)>,
    /// What was read of it; conditions and generation are not looked at. Nothing, before it was listed.
    pub figures: Option<VobizAccountStatus>,
}

/// The status that it should have. Nothing while it is too early to say anything.
pub fn account_status(facts: &AccountFacts<'_>, now: Timestamp) -> Option<VobizAccountStatus> {
    let (reason, message) = ready(facts)?;
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
    if facts.first != facts.account.name_any() {
        let first = facts.first;
        return Some((
            AccountReason::DuplicateAuthId,
            format!(
                "VobizAccount {first} has the same auth id, is older, and serves alone. Delete one of the two."
            ),
        ));
    }
    if let Some((reason, why)) = facts.token.lacks() {
        return Some((reason, format!("{why}. The operator looks again every 30 s.")));
    }
    met(facts)
}

/// What Vobiz has said to it.
fn met(facts: &AccountFacts<'_>) -> Option<(AccountReason, String)> {
    use AccountReason::{
        Accepted, InvalidCredentials, NamespacesUnreadable, RateLimited, Suspended, VobizUnavailable,
    };
    let spec = &facts.account.spec;
    let secret = &spec.token_secret_ref;
    let place = format!("Secret {}/{}, key {}", secret.namespace, secret.name, secret.key);
    let (gate, accepted) = facts.met?;
    let cause = if let Gate::Closed(cause, _) = gate { Some(*cause) } else { None };
    let told = |reason, words: &str| Some((reason, words.to_owned()));
    match cause {
        Some(GateCause::Credentials) => Some((
            InvalidCredentials,
            format!(
                "Vobiz refuses the credentials (401, or 403 to the list of the account's numbers). Put the token right \
                 ({place}); the operator reads it every 30 s."
            ),
        )),
        _ if spec.suspend => told(
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
    fn the_table_of_what_an_account_says_of_itself() {
        let (known, missing) = (Token::Known, Token::Missing("There is no Secret n/s".into()));
        let unusable = Token::Unusable("It is empty".into());
        let (plain, suspended) = (json!({}), json!({ "suspend": true }));
        let (credentials, unavailable) = (held(GateCause::Credentials), held(GateCause::Unavailable));
        let stalled = |reason| Some((reason, "False", Some("Stalled")));
        let reconciling = |reason| Some((reason, "False", Some("Reconciling")));
        for (spec, first, token, lacks_labels, met, expected) in [
            (&plain, "a", &known, false, Some((&Gate::Open, true)), Some(("Accepted", "True", None))),
            (&plain, "a", &known, false, Some((&Gate::Open, false)), None),
            (&plain, "a", &Token::Awaited, false, None, None),
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
            let facts = AccountFacts { account: &account, first, token, lacks_labels, met, figures: None };
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
            figures: None,
        };
        let status = account_status(&facts, Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!(status.numbers.map(|numbers| numbers.owned), Some(1));
        facts.figures = Some(VobizAccountStatus::default());
        assert_eq!(account_status(&facts, Timestamp::UNIX_EPOCH).unwrap().numbers, None);
    }
}
