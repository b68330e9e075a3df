use super::{
    change::Change,
    time::{Moment, SEND_WINDOW},
};
use crate::{
    api::{AttemptState, Outcome, PhoneNumber, PhoneNumberClaim},
    domain::AttemptId,
};

/// What a live read of the claim brought, after the intent was written.
#[derive(Debug, Clone, Copy)]
pub enum LiveClaim<'a> {
    /// `None`: there is no such claim.
    Read(Option<&'a PhoneNumberClaim>),
    /// The API server did not say.
    Unreadable,
}

/// Whether the one POST of an attempt may be sent, by the process that wrote it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permission {
    Granted,
    /// The claim has to be read before anything is sent.
    ReadAgain,
    /// Never; and why.
    Denied(&'static str),
}

/// Decides whether the attempt that was opened at `opened` for `claim` may be sent now. A claim that is gone or being
/// deleted buys nothing, and neither does an attempt that others may have begun to verify.
#[must_use]
pub fn permission(claim: &PhoneNumberClaim, live: LiveClaim<'_>, opened: Moment, now: Moment) -> Permission {
    let closes = opened.plus(SEND_WINDOW);
    // Either clock: the monotonic one stands still while a machine is suspended.
    if now.mono >= closes.mono || now.wall >= closes.wall {
        return Permission::Denied("the attempt grew too old before it could be sent");
    }
    match live {
        LiveClaim::Unreadable => Permission::ReadAgain,
        LiveClaim::Read(Some(live))
            if live.metadata.uid == claim.metadata.uid && live.metadata.deletion_timestamp.is_none() =>
        {
            Permission::Granted
        }
        LiveClaim::Read(_) => Permission::Denied("the claim was deleted before the purchase was sent"),
    }
}

/// Where the outcome of a purchase goes.
#[derive(Debug, Clone, Copy)]
pub enum OutcomeStep<'a> {
    /// Into the record as it is stored, by compare-and-swap.
    Replace(&'a PhoneNumber),
    /// The record was taken away, and nothing else remembers what was paid for: it is created anew.
    Recreate,
    /// Verification was faster, and the outcome adds nothing to what it found.
    Drop,
    /// The record holds a newer attempt, whose verification will find the number.
    Superseded,
}

/// Decides where the outcome of an attempt goes, given the record as it is stored now.
#[must_use]
pub fn outcome<'a>(stored: Option<&'a PhoneNumber>, attempt: AttemptId, change: &Change) -> OutcomeStep<'a> {
    let purchased = matches!(change, Change::Answered { answer, .. } if answer.outcome == Outcome::Purchased);
    let Some(record) = stored else { return OutcomeStep::Recreate };
    let found = &record.spec.attempt;
    if found.id != attempt {
        OutcomeStep::Superseded
    } else if found.state == AttemptState::Open || purchased {
        OutcomeStep::Replace(record)
    } else {
        // Only a definite success has anything to add.
        OutcomeStep::Drop
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use kube::core::ObjectMeta;

    use super::*;

    const GONE: &str = "the claim was deleted before the purchase was sent";
    const LATE: &str = "the attempt grew too old before it could be sent";

    fn claim(uid: &str) -> PhoneNumberClaim {
        let spec = serde_json::from_str(r#"{"e164":"+911234500000"}"#).unwrap();
        let metadata = ObjectMeta { uid: Some(uid.into()), ..ObjectMeta::default() };
        PhoneNumberClaim { metadata, spec, status: None }
    }

    fn opened() -> Moment {
        Moment { wall: "2026-01-02T03:04:05Z".parse().unwrap(), mono: Duration::from_mins(1) }
    }

    #[test]
    fn only_a_claim_that_was_read_and_stands_is_bought_for() {
        let wanted = claim("a");
        let mut deleting = claim("a");
        deleting.metadata.deletion_timestamp =
            Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(opened().wall));
        for (live, expected) in [
            (LiveClaim::Read(Some(&claim("a"))), Permission::Granted),
            (LiveClaim::Read(Some(&claim("b"))), Permission::Denied(GONE)),
            (LiveClaim::Read(Some(&deleting)), Permission::Denied(GONE)),
            (LiveClaim::Read(None), Permission::Denied(GONE)),
            (LiveClaim::Unreadable, Permission::ReadAgain),
        ] {
            assert_eq!(permission(&wanted, live, opened(), opened()), expected, "{live:?}");
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
            (at(10_000, 0), Permission::Denied(LATE)),
            (at(0, 10_000), Permission::Denied(LATE)),
        ] {
            assert_eq!(
                permission(&wanted, LiveClaim::Read(Some(&wanted)), opened(), now),
                expected,
                "{now:?}"
            );
        }
    }
}
