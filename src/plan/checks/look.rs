//! Nothing is sent for a number that may be ours already: Vobiz is asked first whether the account owns it, or was debited
//! for it.

use jiff::Timestamp;

use super::{
    account::passing,
    asked::{Asked, Checked, Look, Said, Wake},
};
use crate::{
    api::Origin,
    domain::Debit,
    plan::{
        Moment,
        attempt::{NewAttempt, answered_debits},
        evidence::{EvidenceRequest, Source, earlier},
        ledger::Ledger,
        listing::Rows,
        ownership::{Verdict, verdict},
        reading::Fresh,
        rules,
        window::debits_from,
    },
};

/// Adopts what is owned or debited, and lets pass what is neither, or what Vobiz has no endpoint to tell of.
pub fn check(asked: &Asked<'_>) -> Checked {
    let look = look(asked);
    let (presence, debited) = (look.presence, look.debited);
    if rules::adopts_what_is_owned(presence == Said::Ours)
        || rules::adopts_what_is_debited(debited == Said::Ours)
    {
        let attempt = NewAttempt::of(asked.observed, &asked.wanted.cause, Origin::Adoption, look.from);
        return Checked::Adopt(NewAttempt { found_debits: look.debits.clone(), ..attempt });
    }
    if presence != Said::Unasked && debited != Said::Unasked {
        return Checked::Pass;
    }
    let lacks = [
        (presence == Said::Unasked).then_some(Source::Search(asked.observed.claim.number())),
        // With the clocks' difference: what counts must have been read.
        (debited == Said::Unasked).then_some(Source::LedgerSoFar { from: earlier(look.from) }),
    ];
    let request = EvidenceRequest::new(look_begins(asked), lacks.into_iter().flatten());
    let message = "Asking Vobiz whether the account owns the number already; nothing is sent before.";
    passing(asked, message, Wake::Evidence(request))
}

/// The purchase, after a look that found nothing.
pub fn purchase(asked: &Asked<'_>) -> NewAttempt {
    let look = look(asked);
    let looked_up = look.presence == Said::NotOurs && look.debited == Said::NotOurs;
    let attempt = NewAttempt::of(asked.observed, &asked.wanted.cause, Origin::Purchase, look.from);
    NewAttempt { looked_up, ..attempt }
}

fn look<'a>(asked: &'a Asked<'_>) -> &'a Look {
    asked.look.get_or_init(|| {
        let since = look_begins(asked);
        // The wall clock may have been wrong when the attempt was wanted first, and set right since.
        let earliest = Moment { wall: since.wall.min(asked.now.when(asked.wanted.since).wall), ..since };
        let from = debits_from(asked.observed, &asked.wanted.cause, earliest);
        let (debited, debits) = debits(asked, since, from);
        Look { presence: presence(asked), debited, debits, from }
    })
}

/// Answers count that were begun after this moment.
pub(super) fn look_begins(asked: &Asked<'_>) -> Moment {
    let waited_for = [asked.observed.hold_until, asked.observed.not_before].into_iter().flatten();
    let since = asked.wanted.since;
    Moment { mono: rules::look_begins(since, waited_for, asked.now), ..since }
}

/// Whether a list shows the number as ours.
pub(super) fn presence(asked: &Asked<'_>) -> Said {
    let since = look_begins(asked);
    let readings = [&asked.observed.evidence.listing, &asked.observed.evidence.search];
    let said = readings.map(|reading| match reading.since(since) {
        Fresh::Value(_, rows) if is_ours(asked, rows) => Said::Ours,
        Fresh::Value(..) => Said::NotOurs,
        Fresh::NoSuchEndpoint => Said::NoEndpoint,
        Fresh::Stale => Said::Unasked,
    });
    let strongest = [Said::Ours, Said::NotOurs, Said::NoEndpoint];
    strongest.into_iter().find(|one| said.contains(one)).unwrap_or(Said::Unasked)
}

/// What is listed in a way that decides nothing is left to verification as well: nothing is sent for it.
fn is_ours(asked: &Asked<'_>, rows: &Rows) -> bool {
    // Nothing is read without an account.
    let Some(account) = &asked.observed.served.account else { return false };
    match verdict(rows, asked.observed.claim.number(), account, None) {
        Verdict::Owned(_) | Verdict::InDoubt(_) | Verdict::Undecided => true,
        Verdict::Elsewhere(_) | Verdict::Absent => false,
    }
}

/// The debits that name the number, begun at `since` or later and looked for from `from` on.
fn debits(asked: &Asked<'_>, since: Moment, from: Timestamp) -> (Said, Vec<Debit>) {
    match asked.observed.evidence.ledger_so_far(since, earlier(from)) {
        Fresh::Value(_, read) => {
            let answered = answered_debits(asked.observed, &asked.wanted.cause);
            let e164 = asked.observed.claim.number();
            let ledger = Ledger { rows: &read.rows, e164, since: from, answered: &answered };
            let named = ledger.named();
            (if named.is_empty() { Said::NotOurs } else { Said::Ours }, named)
        }
        Fresh::NoSuchEndpoint => (Said::NoEndpoint, Vec::new()),
        Fresh::Stale => (Said::Unasked, Vec::new()),
    }
}
