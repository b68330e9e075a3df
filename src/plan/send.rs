//! Decides whether the one POST of an attempt may be sent, and to which attempt its outcome belongs.

use std::borrow::Cow;

use super::{
    Moment,
    change::Change,
    checks::{BEFORE_POST, LiveAsked, Told},
    rules,
    serving::Service,
};
use crate::{
    api::{Answer, Attempt, AttemptState, Outcome, PhoneNumber, PhoneNumberClaim, WITHHELD},
    domain::{AccountId, AttemptId, Time},
};

/// What the live reads of the claim, and of the VobizAccount that serves it, brought after the intent was written.
#[derive(Debug, Clone, Copy)]
pub enum LiveClaim<'a> {
    /// `None`: there is no such claim.
    Read(Option<&'a PhoneNumberClaim>),
    /// There is one that this version cannot read, because a later one has written it.
    Newer,
    /// The operator may not read it any more: asking again brings nothing.
    Refused,
    /// Nor that account, or the labels of the claim's namespace.
    AccountRefused,
    /// The API server did not say.
    Unreadable,
}

/// Whether the one POST of an attempt may be sent, by the process that wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Permission {
    Granted,
    /// The claim has to be read before anything is sent.
    ReadAgain,
    /// Never; and why.
    Denied(Denial),
}

/// Why an attempt is never sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Denial {
    TooLate,
    ClaimGone,
    ClaimChanged,
    ClaimOfNewerVersion,
    ClaimRefused,
    AccountRefused,
    /// Something holds the claim back that did not when the intent was decided: what the claim is told of it.
    Withheld(Told),
}

impl Denial {
    /// For people.
    fn words(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::TooLate => "the attempt grew too old before it could be sent",
            Self::ClaimGone => "the claim was deleted before the purchase was sent",
            Self::ClaimChanged => "the claim was changed before the purchase was sent",
            Self::ClaimOfNewerVersion => {
                "a newer version of the operator has changed the claim before the purchase was sent"
            }
            Self::ClaimRefused => {
                "the operator has no right any more to read the claim (403): give it its role in the namespace again"
            }
            Self::AccountRefused => {
                "the operator has no right to read the VobizAccount, or the labels of the namespace that it asks for (403): \
                 give it the verb get on vobizaccounts, and on namespaces"
            }
            Self::Withheld(told) => return format!("{}: {}", told.reason.into_str(), told.message).into(),
        })
    }

    /// What is stored of the attempt.
    pub fn answer(&self, at: Time) -> Answer {
        let code = matches!(self, Self::Withheld(_)).then(|| WITHHELD.to_owned());
        Answer { code, ..Answer::new(Outcome::NotSent, Some(&self.words()), at) }
    }
}

/// Decides whether an attempt that was opened at `opened` for `claim` may be sent now, given what serves the claim by now. A
/// claim that is gone or being deleted, wants something else by now, or holds its purchase back, buys nothing, and neither
/// does an attempt that others may have begun to verify.
pub fn may_send(
    claim: &PhoneNumberClaim,
    attempt: &Attempt,
    live: LiveClaim<'_>,
    served: &Service,
    opened: Moment,
    now: Moment,
) -> Permission {
    if rules::is_too_late(opened, now) {
        return Permission::Denied(Denial::TooLate);
    }
    match live {
        LiveClaim::Unreadable => Permission::ReadAgain,
        LiveClaim::Refused => Permission::Denied(Denial::ClaimRefused),
        LiveClaim::AccountRefused => Permission::Denied(Denial::AccountRefused),
        LiveClaim::Newer => Permission::Denied(Denial::ClaimOfNewerVersion),
        LiveClaim::Read(Some(live)) if rules::lives_on(claim, live) => {
            if !rules::wants_the_same(claim, live) {
                return Permission::Denied(Denial::ClaimChanged);
            }
            withheld(&LiveAsked { claim: live, attempt, served })
                .map_or(Permission::Granted, |told| Permission::Denied(Denial::Withheld(told)))
        }
        LiveClaim::Read(_) => {
            let gone = rules::buys_for_a_claim_that_lives();
            if gone { Permission::Denied(Denial::ClaimGone) } else { Permission::Granted }
        }
    }
}

/// What holds the claim back, as it stands now.
fn withheld(asked: &LiveAsked<'_>) -> Option<Told> {
    let mut checks = BEFORE_POST.iter().filter(|_| rules::live_claim_may_hold_back());
    checks.find_map(|check| check(asked))
}

/// Where the outcome of a purchase goes.
#[derive(Debug, Clone, Copy)]
#[must_use]
pub enum OutcomeTarget<'a> {
    /// Into the record as it is stored, by compare-and-swap.
    Replace(&'a PhoneNumber),
    /// The record was taken away, and nothing else remembers what may have been paid for: it is created anew.
    Recreate,
    /// The outcome adds nothing to what is known already.
    Drop,
    /// The record holds a newer attempt, whose verification will find the number.
    Superseded,
    /// The record is one of another account, in which nothing finds what was sent with this one: no record remembers it.
    Elsewhere(&'a PhoneNumber),
}

/// Decides where the outcome of an attempt that was sent with that account goes, given the record as it is stored now.
pub fn outcome_target<'a>(
    stored: Option<&'a PhoneNumber>,
    (account, attempt): (&AccountId, AttemptId),
    change: &Change,
) -> OutcomeTarget<'a> {
    let is = |wanted| matches!(change, Change::Answered { answer, .. } if answer.outcome == wanted);
    let purchased = is(Outcome::Purchased);
    let Some(record) = stored else {
        // What was never sent leaves nothing to remember, and a record of it would stand in the way of one that does.
        let remembers = !is(Outcome::NotSent) && rules::outcome_recreates_its_record();
        return if remembers { OutcomeTarget::Recreate } else { OutcomeTarget::Drop };
    };
    let found = &record.spec.attempt;
    if rules::is_another_attempt(found, attempt) {
        if rules::is_of_another_account(record, account) {
            return if is(Outcome::NotSent) { OutcomeTarget::Drop } else { OutcomeTarget::Elsewhere(record) };
        }
        // A settled failure is verified no more, and goes with its claim: a number that was bought all the same would
        // be forgotten.
        let failed = found.state == AttemptState::Failed && purchased;
        return if failed { OutcomeTarget::Replace(record) } else { OutcomeTarget::Superseded };
    }
    if rules::takes_the_outcome(found, purchased) {
        OutcomeTarget::Replace(record)
    } else {
        // Only a definite success has anything to add.
        OutcomeTarget::Drop
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use kube::core::ObjectMeta;

    use super::*;
    use crate::{
        api::{Acquire, PAUSED_ANNOTATION, PhoneNumberSpec, Reason},
        plan::NewAttempt,
    };

    fn answered(outcome: Outcome) -> Change {
        let answer =
            serde_json::from_value(serde_json::json!({ "outcome": outcome, "at": "2026-01-02T03:04:05Z" }));
        Change::Answered { answer: Box::new(answer.unwrap()), bought: None }
    }

    fn record(id: u8, state: AttemptState) -> PhoneNumber {
        let mut attempt = NewAttempt::for_tests().open(AttemptId::from_random([id; 16]), opened().wall);
        attempt.state = state;
        let (e164, account) = ("+12".parse().unwrap(), "MA_1".parse().unwrap());
        let spec =
            PhoneNumberSpec { e164, account, claim_ref: None, attempt, later: crate::api::Later::default() };
        PhoneNumber { metadata: ObjectMeta::default(), spec, status: None }
    }

    #[test]
    fn the_table_of_where_an_outcome_goes() {
        use AttemptState::{Bound, Failed, NeedsDecision, Open};
        use Outcome::{NotSent, Purchased, Unknown};
        let (own, newer) = (1, 2);
        let sent = |account: &str| (account.parse().unwrap(), AttemptId::from_random([own; 16]));
        for (stored, outcome_is, expected) in [
            (None, Purchased, "Recreate"),
            (None, Unknown, "Recreate"),
            (None, NotSent, "Drop"),
            (Some((own, Open)), Unknown, "Replace"),
            (Some((own, Open)), NotSent, "Replace"),
            (Some((own, Failed)), Unknown, "Drop"),
            (Some((own, Failed)), Purchased, "Replace"),
            (Some((own, NeedsDecision)), Purchased, "Replace"),
            (Some((newer, Open)), Purchased, "Superseded"),
            (Some((newer, Bound)), Purchased, "Superseded"),
            (Some((newer, Failed)), Purchased, "Replace"),
            (Some((newer, Failed)), Unknown, "Superseded"),
        ] {
            let stored = stored.map(|(id, state)| record(id, state));
            let (account, attempt) = sent("ma_1");
            let step = outcome_target(stored.as_ref(), (&account, attempt), &answered(outcome_is));
            let word = format!("{step:?}");
            assert!(word.starts_with(expected), "{stored:?} {outcome_is:?}: {word}");
        }
        // Of another account: it is bound there never, and found there never.
        for state in [Open, Bound, Failed, NeedsDecision] {
            for (outcome_is, expected) in
                [(Purchased, "Elsewhere"), (Unknown, "Elsewhere"), (NotSent, "Drop")]
            {
                let (stored, (account, attempt)) = (record(newer, state), sent("MA_2"));
                let step = outcome_target(Some(&stored), (&account, attempt), &answered(outcome_is));
                assert!(format!("{step:?}").starts_with(expected), "{state:?} {outcome_is:?}: {step:?}");
            }
        }
    }

    fn claim(uid: &str) -> PhoneNumberClaim {
        let spec = serde_json::from_str(r#"{"e164":"+911234500000"}"#).unwrap();
        let metadata = ObjectMeta { uid: Some(uid.into()), ..ObjectMeta::default() };
        PhoneNumberClaim { metadata, spec, status: None }
    }

    fn ours() -> Service {
        Service::by("MA_1".parse().unwrap())
    }

    fn opened() -> Moment {
        Moment { wall: "2026-01-02T03:04:05Z".parse().unwrap(), mono: Duration::from_mins(1) }
    }

    #[test]
    fn only_a_claim_that_was_read_and_stands_unchanged_is_bought_for() {
        let wanted = claim("a");
        let mut deleting = claim("a");
        deleting.metadata.deletion_timestamp =
            Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(opened().wall));
        let mut changed = claim("a");
        changed.spec.currency = "USD".parse().ok();
        let mut renumbered = claim("a");
        renumbered.spec.e164 = "+911234500001".parse().unwrap();
        for (live, expected) in [
            (LiveClaim::Read(Some(&claim("a"))), Permission::Granted),
            (LiveClaim::Read(Some(&changed)), Permission::Denied(Denial::ClaimChanged)),
            (LiveClaim::Read(Some(&renumbered)), Permission::Denied(Denial::ClaimChanged)),
            (LiveClaim::Read(Some(&claim("b"))), Permission::Denied(Denial::ClaimGone)),
            (LiveClaim::Read(Some(&deleting)), Permission::Denied(Denial::ClaimGone)),
            (LiveClaim::Read(None), Permission::Denied(Denial::ClaimGone)),
            (LiveClaim::Unreadable, Permission::ReadAgain),
            (LiveClaim::Refused, Permission::Denied(Denial::ClaimRefused)),
            (LiveClaim::AccountRefused, Permission::Denied(Denial::AccountRefused)),
            (LiveClaim::Newer, Permission::Denied(Denial::ClaimOfNewerVersion)),
        ] {
            assert_eq!(
                may_send(&wanted, &attempt(), live, &ours(), opened(), opened()),
                expected,
                "{live:?}"
            );
        }
    }

    fn attempt() -> Attempt {
        NewAttempt::for_tests().open(AttemptId::from_random([1; 16]), opened().wall)
    }

    #[test]
    fn what_holds_the_claim_back_by_then_withholds_its_purchase() {
        let paused = |value: &str| {
            let mut claim = claim("a");
            claim.metadata.annotations = Some([(PAUSED_ANNOTATION.to_owned(), value.to_owned())].into());
            claim
        };
        let mut adopts = claim("a");
        adopts.spec.acquire = Acquire::AdoptOnly;
        let mut both = paused("true");
        both.spec.acquire = Acquire::AdoptOnly;
        let mut changed = paused("true");
        changed.spec.currency = "USD".parse().ok();
        let outcome = |decided: &PhoneNumberClaim, live: &PhoneNumberClaim| match may_send(
            decided,
            &attempt(),
            LiveClaim::Read(Some(live)),
            &ours(),
            opened(),
            opened(),
        ) {
            Permission::Denied(Denial::Withheld(told)) => Some(told.reason),
            Permission::Denied(denied) => panic!("{denied:?}"),
            Permission::Granted | Permission::ReadAgain => None,
        };
        for (live, expected) in [
            (paused("false"), None),
            (paused("True"), None),
            (paused(""), None),
            (paused("true"), Some(Reason::Paused)),
            (adopts.clone(), Some(Reason::NotOwned)),
            (both, Some(Reason::Paused)),
        ] {
            assert_eq!(outcome(&claim("a"), &live), expected, "{live:?}");
        }
        let ceiling = |monthly: &str| {
            let mut claim = claim("a");
            let fields = serde_json::json!({ "currency": "INR", "monthlyFee": monthly });
            claim.spec.max_price = serde_json::from_value(fields).unwrap();
            claim
        };
        // No price was asked for, and a ceiling that is gone holds nothing back.
        assert_eq!(outcome(&ceiling("52"), &ceiling("53")), Some(Reason::PriceUnknown));
        assert_eq!(outcome(&ceiling("52"), &claim("a")), None);
        // It may be bought for by now.
        assert_eq!(outcome(&adopts, &claim("a")), None);
        let both =
            may_send(&claim("a"), &attempt(), LiveClaim::Read(Some(&changed)), &ours(), opened(), opened());
        assert_eq!(both, Permission::Denied(Denial::ClaimChanged));
    }

    #[test]
    fn a_ceiling_that_was_lowered_by_then_withholds_its_purchase() {
        let quote = serde_json::json!({ "setupFee": "50", "monthlyFee": "52", "currency": "INR", "at": "2026-01-02T03:04:05Z" });
        let attempt = Attempt { quote: serde_json::from_value(quote).unwrap(), ..attempt() };
        for (ceiling, expected) in [
            (None, None),
            (Some(r#"{"currency":"INR","monthlyFee":"53"}"#), None),
            (Some(r#"{"currency":"INR","monthlyFee":"52"}"#), None),
            (Some(r#"{"currency":"INR","monthlyFee":"51.99"}"#), Some(Reason::PriceExceeded)),
            (Some(r#"{"currency":"INR","monthlyFee":"52","setupFee":"49"}"#), Some(Reason::PriceExceeded)),
            (Some(r#"{"currency":"USD","monthlyFee":"52"}"#), Some(Reason::PriceExceeded)),
        ] {
            let mut live = claim("a");
            live.spec.max_price = ceiling.map(|ceiling| serde_json::from_str(ceiling).unwrap());
            let said =
                may_send(&claim("a"), &attempt, LiveClaim::Read(Some(&live)), &ours(), opened(), opened());
            let withheld = match &said {
                Permission::Denied(Denial::Withheld(told)) => Some(told.reason),
                _ => None,
            };
            assert_eq!(withheld, expected, "{ceiling:?}");
            assert_eq!(said == Permission::Granted, expected.is_none(), "{ceiling:?}: {said:?}");
        }
    }

    #[test]
    fn what_the_accounts_say_by_then_withholds_a_purchase() {
        let told = Told::new(Reason::AccountNotAllowed, "It is not open to the namespace.");
        let served = Service { held: Some(told.clone()), ..ours() };
        let claim = claim("a");
        let live = LiveClaim::Read(Some(&claim));
        let permission = may_send(&claim, &attempt(), live, &served, opened(), opened());
        assert_eq!(permission, Permission::Denied(Denial::Withheld(told)));
    }

    #[test]
    fn a_withheld_purchase_is_stored_as_one_that_was_not_sent() {
        let told = Told { reason: Reason::Paused, message: "The claim is paused.".into() };
        let at = Time::micros(opened().wall);
        for (denied, code, words) in [
            (Denial::Withheld(told), Some(WITHHELD), "Paused: The claim is paused."),
            (Denial::ClaimGone, None, "the claim was deleted before the purchase was sent"),
        ] {
            let answer = denied.answer(at);
            assert_eq!((answer.outcome, answer.code.as_deref()), (Outcome::NotSent, code));
            assert_eq!(answer.message.as_deref(), Some(words));
            assert_eq!(answer.is_withheld(), code.is_some());
        }
    }

    #[test]
    fn the_send_window_closes_on_whichever_clock_reaches_its_end_first() {
        let wanted = claim("a");
        let at = |wall: u64, mono: u64| Moment {
            wall: opened().plus(Duration::from_millis(wall)).wall,
            mono: opened().plus(Duration::from_millis(mono)).mono,
        };
        for (now, expected) in [
            (at(9_999, 9_999), Permission::Granted),
            (at(10_000, 0), Permission::Denied(Denial::TooLate)),
            (at(0, 10_000), Permission::Denied(Denial::TooLate)),
        ] {
            let live = LiveClaim::Read(Some(&wanted));
            assert_eq!(may_send(&wanted, &attempt(), live, &ours(), opened(), now), expected, "{now:?}");
        }
    }
}
