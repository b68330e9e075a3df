//! Nothing is attempted while the account may not be read, and nothing is sent while it takes no purchases.

use std::borrow::Cow;

use super::asked::{Asked, Checked, Pause, Told, Wake, pause};
use crate::{
    api::{ConditionType, Reason},
    plan::{ClaimObserved, Gate, GateCause, Service},
};

/// What is owned already can be told, and taken over, while only purchases are held.
pub fn may_be_read(asked: &Asked<'_>) -> Checked {
    match asked.observed.gate {
        Gate::Open | Gate::Closed(GateCause::PurchasesLimited, _) => Checked::Pass,
        Gate::Closed(
            cause @ (GateCause::Credentials | GateCause::RateLimited | GateCause::Unavailable),
            _,
        ) => Checked::Pause(Pause { told: held(asked.observed, cause), until: Wake::GateOpens }),
    }
}

pub fn may_be_sent_to(asked: &Asked<'_>) -> Checked {
    limited(asked).map_or(Checked::Pass, |told| Checked::Pause(Pause { told, until: Wake::GateOpens }))
}

/// A pause that passes by itself. What holds the claim back besides, by what was read before it or before a restart, it is
/// told on; of a number out of stock only where nothing was sent, since another attempt is news. While purchases are limited as
/// well, that is what the claim is told, and its end wakes the claim, too.
pub fn passing(asked: &Asked<'_>, message: impl Into<Cow<'static, str>>, until: Wake) -> Checked {
    let ClaimObserved { claim, record, .. } = asked.observed;
    let mut held = vec![Reason::NotOwned, Reason::PriceExceeded, Reason::PriceUnknown];
    held.extend(record.is_none().then_some(Reason::NumberNotFound));
    if let Some(told) = Told::already(claim, &held) {
        return Checked::Pause(Pause { told, until });
    }
    let Some(told) = limited(asked) else { return pause(Reason::Purchasing, message, until) };
    let until = if let Wake::At(moment) = until { Wake::GateOpensOr(moment) } else { until };
    Checked::Pause(Pause { told, until })
}

fn limited(asked: &Asked<'_>) -> Option<Told> {
    match asked.observed.gate {
        Gate::Closed(cause @ GateCause::PurchasesLimited, _) => Some(told(cause, &asked.observed.served)),
        Gate::Open
        | Gate::Closed(GateCause::Credentials | GateCause::RateLimited | GateCause::Unavailable, _) => None,
    }
}

/// What a held account is told as: by its cause, and by nothing that differs between two calls. A cause that holds it
/// still, in another way, is not worth a write of every claim that waits; that the credentials are refused is.
fn held(observed: &ClaimObserved<'_>, cause: GateCause) -> Told {
    let ready = observed.claim.status.as_ref().and_then(|status| status.condition(ConditionType::Ready));
    let is_said = |told: &Told| {
        ready.is_some_and(|ready| ready.reason == told.reason.into_str() && ready.message == told.message)
    };
    let passing = [GateCause::RateLimited, GateCause::Unavailable];
    let told = |cause| told(cause, &observed.served);
    let before = passing.contains(&cause).then(|| passing.map(told).into_iter().find(is_said)).flatten();
    before.unwrap_or_else(|| told(cause))
}

/// What an open attempt is told as that cannot be verified, where its answer speaks of the account as well.
pub fn credentials_refused(served: &Service) -> Told {
    told(GateCause::Credentials, served)
}

/// By the cause alone: thousands of claims may wait for the same, and what each call met stands in the log.
fn told(cause: GateCause, served: &Service) -> Told {
    let message = match cause {
        GateCause::Credentials => return refused(served.declared.as_deref()),
        GateCause::RateLimited => {
            "Vobiz limits the rate of calls (429). Nothing is bought meanwhile; the operator goes on by itself."
        }
        GateCause::Unavailable => {
            "Vobiz cannot be asked what the account owns: it gives no answer, or none that can be read (the operator's \
             log has each error). Nothing is bought before that; the operator goes on by itself."
        }
        // An end that is named would move with each refusal, in every claim that waits.
        GateCause::PurchasesLimited => {
            "Vobiz answered a purchase with 429, so the operator sends none for as long as Vobiz asked, an hour at most. \
             What the account owns is read meanwhile, and what was sent is verified. Nothing to do: the operator goes on \
             by itself."
        }
    };
    Told::new(cause.reason(), message)
}

/// By what the credentials stand in: only that can be put right.
fn refused(declared: Option<&str>) -> Told {
    let (whose, mend) = declared.map_or_else(
        || ("the account".to_owned(), "Put VOBIZ_AUTH_ID and VOBIZ_AUTH_TOKEN right".to_owned()),
        |name| {
            let secret = "An administrator puts the token right that is in its Secret (spec.tokenSecretRef)";
            (format!("VobizAccount {name}"), secret.to_owned())
        },
    );
    Told::new(
        GateCause::Credentials.reason(),
        format!(
            "Vobiz refuses the credentials of {whose} (401, or 403 to the list of its numbers). {mend}; the operator asks \
             again by itself. Nothing is bought meanwhile."
        ),
    )
}
