//! Nothing is sent for a number that another account of the family has.

use super::{
    asked::{Asked, Checked, Said, Wake, pause},
    look::{look_begins, presence},
};
use crate::{
    api::Reason,
    domain::AccountId,
    plan::{
        ownership::{Verdict, verdict},
        reading::Fresh,
        rules,
    },
};

/// A debit may be the other account's own: they are all in one ledger. So this is asked before debits are.
pub fn check(asked: &Asked<'_>) -> Checked {
    if rules::adopts_what_is_owned(presence(asked) == Said::Ours) {
        return Checked::Pass;
    }
    let Some(owner) = owner(asked) else { return Checked::Pass };
    let message = format!(
        "Vobiz lists the number under the account {owner}, which is of the same family, so nothing is sent. Take it back \
         from that account at Vobiz, and this claim adopts it; release it there, and this claim buys it once it is in \
         stock. The operator looks again whenever it lists the account (VOBIZ_RESYNC_INTERVAL)."
    );
    pause(Reason::Conflict, message, Wake::NextListing)
}

/// The other account that has the number, by the newest list: it may have been handed back since an older one.
fn owner(asked: &Asked<'_>) -> Option<AccountId> {
    let (observed, since) = (asked.observed, look_begins(asked));
    let readings = [&observed.evidence.search, &observed.evidence.listing];
    let lists = readings.into_iter().filter_map(|reading| match reading.since(since) {
        Fresh::Value(begun, rows) => Some((begun.mono, rows)),
        Fresh::NoSuchEndpoint | Fresh::Stale => None,
    });
    let (_, rows) = lists.max_by_key(|(begun, _)| *begun)?;
    match verdict(rows, observed.claim.number(), observed.served.account.as_ref()?, None) {
        Verdict::Elsewhere(owner) => Some(owner.clone()),
        Verdict::Owned(_) | Verdict::InDoubt(_) | Verdict::Undecided | Verdict::Absent => None,
    }
}
