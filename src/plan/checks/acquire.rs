//! Nothing is sent for a claim that takes over what the account owns, and never buys.

use std::borrow::Cow;

use super::{
    account::passing,
    asked::{Asked, Checked, LiveAsked, Pause, Said, Told, Wake},
    look::{look_begins, presence},
};
use crate::{
    api::{Acquire, PhoneNumberClaim, Reason},
    plan::evidence::{EvidenceRequest, Source},
};

/// Ownership alone counts: what a debit without the number means is asked only where a purchase may follow.
pub fn check(asked: &Asked<'_>) -> Checked {
    let claim = asked.observed.claim;
    if claim.spec.acquire == Acquire::Purchase {
        return Checked::Pass;
    }
    match presence(asked) {
        // The look, which is asked next, adopts it.
        Said::Ours => Checked::Pass,
        Said::Unasked => {
            let request = EvidenceRequest::new(look_begins(asked), [Source::Search(claim.number())]);
            passing(asked, "Asking Vobiz whether the account owns the number.", Wake::Evidence(request))
        }
        said @ (Said::NotOurs | Said::NoEndpoint) => {
            Checked::Pause(Pause { told: not_owned(claim, said), until: Wake::NextListing })
        }
    }
}

pub fn check_live(LiveAsked { claim, .. }: &LiveAsked<'_>) -> Option<Told> {
    (claim.spec.acquire == Acquire::AdoptOnly).then(|| not_owned(claim, Said::NotOurs))
}

fn not_owned(claim: &PhoneNumberClaim, said: Said) -> Told {
    let what = match said {
        Said::NoEndpoint => "Vobiz offers no list that could tell whether the account owns the number",
        Said::Unasked | Said::Ours | Said::NotOurs => "The account does not own the number",
    };
    let message = format!(
        "{what}, and the claim never buys (spec.acquire: AdoptOnly). The operator looks again whenever it lists the \
         account (VOBIZ_RESYNC_INTERVAL). To have it bought: kubectl patch {} --type=merge \
         -p='{{\"spec\":{{\"acquire\":\"Purchase\"}}}}'",
        claim.for_kubectl()
    );
    Told { reason: Reason::NotOwned, message: Cow::Owned(message) }
}
