//! Whether the ledger keeps up with what was bought.

use std::sync::Arc;

use super::super::{
    facts::{Facts, Listed},
    finding::Verdict,
};
use crate::{
    api::{AttemptState, Origin, PhoneNumber},
    domain::Outcome,
    vobiz::Debits,
};

/// A debit may be dated so long before its purchase, by another clock.
const CLOCKS_APART: std::time::Duration = std::time::Duration::from_mins(10);

/// What was bought, and has had its time to show.
fn bought(facts: &Facts) -> impl Iterator<Item = &Arc<PhoneNumber>> {
    facts.own_records().filter(|record| {
        let attempt = &record.spec.attempt;
        attempt.state == AttemptState::Bound
            && attempt.origin == Origin::Purchase
            && attempt.answer.as_ref().is_some_and(|answer| answer.outcome == Outcome::Purchased)
            && attempt.opened_at.after(facts.until_settled) < facts.now
    })
}

pub fn newest_debit(facts: &Facts) -> Option<Verdict> {
    let Debits { newest, since } = *facts.survey()?.ledger.answer.as_ref().ok()?;
    let told = match (newest, since) {
        (Some(newest), _) => {
            let hours = facts.now.duration_since(newest.at()).as_hours();
            format!("The newest debit for a number that the ledger shows is of {newest}, {hours} h ago")
        }
        (None, Some(since)) => format!("The ledger shows no debit for a number since {since}"),
        (None, None) => "The first page of the ledger shows no debit for a number".into(),
    };
    let last = bought(facts).max_by_key(|record| record.spec.attempt.opened_at);
    let lags = |record: &&Arc<PhoneNumber>| {
        let opened = record.spec.attempt.opened_at.at();
        since.is_some_and(|since| since <= opened)
            && newest.is_none_or(|newest| newest.after(CLOCKS_APART) < opened)
    };
    match last.filter(lags) {
        Some(record) => Some(Verdict::warning(
            format!(
                "{told}, though {} was bought at {}: the ledger lags, or does not show such debits, and a failure is taken \
                 for unpaid too soon.",
                record.spec.e164, record.spec.attempt.opened_at
            ),
            "Ask Vobiz how late debits show, and set VOBIZ_SETTLE_TIME longer (chart: vobiz.settleTime)",
        )),
        None if matches!(facts.records, Listed::Read(_)) => Some(Verdict::ok(format!("{told}."))),
        None => None,
    }
}
