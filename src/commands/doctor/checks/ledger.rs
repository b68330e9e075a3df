//! Whether the ledger keeps up with what was bought, and is given the time to.

use std::sync::Arc;

use super::super::{
    facts::{Asked, Facts},
    finding::Verdict,
};
use crate::{
    api::{AttemptState, Origin, PhoneNumber},
    domain::{Outcome, Time},
    plan::Timeouts,
    vobiz::Debits,
};

/// A debit may be dated so long before its purchase, by another clock.
const CLOCKS_APART: std::time::Duration = std::time::Duration::from_mins(10);

/// What was bought, and has had its time to show.
fn bought<'a>(facts: &'a Facts, asked: &Asked) -> Option<impl Iterator<Item = &'a Arc<PhoneNumber>>> {
    Some(facts.records.readable()?.filter(move |record| {
        let attempt = &record.spec.attempt;
        asked.has(record)
            && attempt.state == AttemptState::Bound
            && attempt.origin == Origin::Purchase
            && attempt.answer.as_ref().is_some_and(|answer| answer.outcome == Outcome::Purchased)
            && attempt.opened_at.after(facts.timeouts.until_settled()) < facts.now
    }))
}

pub fn newest_debit(facts: &Facts, asked: &Asked) -> Option<Verdict> {
    let Debits { newest, rows, since } = *asked.survey()?.ledger.answer.as_ref().ok()?;
    let read = match since {
        Some(since) => format!("Of the ledger, {rows} rows were read, all since {}:", Time::seconds(since)),
        None => format!("Of the ledger, one page of {rows} rows was read, and there are more:"),
    };
    let told = match newest {
        Some(newest) => format!(
            "{read} the newest debit for a number among them is of {}, {} h ago",
            Time::seconds(newest.at()),
            facts.now.duration_since(newest.at()).as_hours()
        ),
        None => format!("{read} none of them is a debit for a number"),
    };
    let last = bought(facts, asked)?.max_by_key(|record| record.spec.attempt.opened_at);
    let lags = |record: &&Arc<PhoneNumber>| {
        let opened = record.spec.attempt.opened_at.at();
        since.is_some_and(|since| since <= opened)
            && newest.is_none_or(|newest| newest.after(CLOCKS_APART) < opened)
    };
    Some(match last.filter(lags) {
        Some(record) => Verdict::warning(
            format!(
                "{told}, though {} was bought at {}: the ledger lags, or does not show such debits, and a failure is taken \
                 for unpaid too soon.",
                record.spec.e164,
                Time::seconds(record.spec.attempt.opened_at.at())
            ),
            "Ask Vobiz how late debits show, and set VOBIZ_SETTLE_TIME longer (chart: vobiz.settleTime)",
        ),
        None => Verdict::ok(format!("{told}.")),
    })
}

/// By what is configured where this program runs.
pub fn settle_time(facts: &Facts) -> Verdict {
    let Timeouts { purchase_timeout, settle } = facts.timeouts;
    if facts.timeouts.are_in_order() {
        let seconds = facts.timeouts.until_settled().as_secs();
        return Verdict::ok(format!(
            "A purchase counts as not made {seconds} s after its intent at the earliest."
        ));
    }
    Verdict::error(
        format!(
            "VOBIZ_SETTLE_TIME ({settle:?}) is shorter than VOBIZ_PURCHASE_TIMEOUT ({purchase_timeout:?}): an operator that \
             is told so does not start."
        ),
        format!("Set VOBIZ_SETTLE_TIME to {purchase_timeout:?} or longer (chart: vobiz.settleTime)"),
    )
}
