//! Nothing is attempted for a claim that its user has paused.

use super::asked::{Asked, Checked, LiveAsked, Pause, Told, Wake};
use crate::api::{PAUSED_ANNOTATION, PhoneNumberClaim, Reason};

pub fn check(asked: &Asked<'_>) -> Checked {
    told(asked.observed.claim)
        .map_or(Checked::Pass, |told| Checked::Pause(Pause { told, until: Wake::ClaimChanges }))
}

pub fn check_live(live: &LiveAsked<'_>) -> Option<Told> {
    told(live.claim)
}

fn told(claim: &PhoneNumberClaim) -> Option<Told> {
    claim.is_paused().then(|| {
        let message = format!(
            "The claim is paused, so nothing is bought or adopted for it. To go on: kubectl annotate {} \
             {PAUSED_ANNOTATION}-",
            claim.for_kubectl()
        );
        Told { reason: Reason::Paused, message: message.into() }
    })
}
