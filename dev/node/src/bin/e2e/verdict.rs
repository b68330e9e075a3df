//! What Vobiz was asked and what it charged, held against the rules.

use std::collections::BTreeMap;

use vobiz_sim::{Answer, Debit, Journal, JournalFilter, Operation, RequestEntry, SimAdmin};

use crate::claims::Seen;
use crate::error::{E2eError, expect};
use crate::examples;
use crate::install::{SETTLE_SECONDS, TIMEOUT_SECONDS};
use testbed::terminal::say;

/// All purchase calls so far.
pub fn calls(vobiz: &SimAdmin) -> usize {
    let calls = JournalFilter { operation: Some(Operation::Purchase), ..JournalFilter::default() };
    vobiz.journal(&calls).requests.len()
}

/// One debit for each number that is ready, none for the others, and no call too many.
pub fn check(claims: &[Seen], vobiz: &SimAdmin) -> Result<(), E2eError> {
    let journal = vobiz.journal(&JournalFilter::default());
    for claim in examples::others(claims) {
        let debits = vobiz.debits(&claim.e164);
        let good = claim.is("Ready") && claim.reason == "Purchased" && debits == 1;
        expect(good, "Ready, Purchased, one debit", || format!("{claim:?}, {debits} debits"))?;
    }
    let again = repeated(&journal).map_err(|found| E2eError::Unexpected {
        expected:
            "at most one debit for a number, and a second purchase call only where the first is settled"
                .into(),
        found,
    })?;
    let owned = claims.iter().filter(|claim| claim.is("Ready")).count();
    say(format!(
        "    {owned} numbers are ready; {} debits, none of a number twice; {} purchase calls",
        journal.debits.len(),
        calls(vobiz)
    ));
    say(format!("    numbers asked for again, after a call that bought nothing and was settled: {again}"));
    expect(again > 0, "the purchase that was killed for nothing to be made again", || "none".into())
}

/// How many numbers were asked for more than once, if each of these calls was permitted.
fn repeated(journal: &Journal) -> Result<usize, String> {
    let mut calls: BTreeMap<&str, Vec<&RequestEntry>> = BTreeMap::new();
    for call in journal.requests.iter().filter(|it| it.operation == Operation::Purchase) {
        calls.entry(call.e164.as_deref().unwrap_or_default()).or_default().push(call);
    }
    for (number, calls) in &calls {
        let debits: Vec<_> = journal.debits.iter().filter(|debit| debit.e164 == *number).collect();
        if debits.len() > 1 {
            return Err(format!("{number} was paid for {} times", debits.len()));
        }
        for pair in calls.windows(2) {
            if let Some(fault) = fault(pair[0], pair[1], &debits) {
                return Err(format!("{number}: {fault}: {pair:#?}"));
            }
        }
    }
    Ok(calls.values().filter(|calls| calls.len() > 1).count())
}

/// Why the later call should not have been made. A process that sees an outcome asks no more; a call that got no
/// answer, or one that says that it was not let in, may be followed by one more, once it can no longer show.
fn fault(earlier: &RequestEntry, later: &RequestEntry, debits: &[&Debit]) -> Option<String> {
    if debits.iter().any(|debit| debit.seq <= earlier.seq) {
        return Some("asked for again although it was paid for".into());
    }
    let permitted = match earlier.answer {
        Answer::Status(status) => matches!(status, 401 | 429),
        Answer::ClientGone | Answer::Dropped | Answer::InProgress | Answer::Held => true,
    };
    if !permitted {
        return Some("asked for again although there was an answer".into());
    }
    let settled = i64::try_from(TIMEOUT_SECONDS + SETTLE_SECONDS).unwrap_or(i64::MAX);
    let apart = later.received_at.duration_since(earlier.received_at).as_secs();
    (apart < settled).then(|| format!("asked for again after {apart} s, when {settled} s settle it"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NUMBER: &str = "+15550100";

    fn call(seq: u64, at_second: i64, answer: Answer) -> RequestEntry {
        RequestEntry {
            seq,
            received_at: jiff::Timestamp::from_second(at_second).unwrap(),
            finished_at: None,
            operation: Operation::Purchase,
            method: "POST".into(),
            path: "/".into(),
            query: None,
            account: None,
            e164: Some(NUMBER.into()),
            currency: None,
            answer,
            faulty: false,
            user_agent: None,
        }
    }

    /// What is found of two calls, so many seconds apart, and debits that the named calls caused.
    fn found(first: Answer, apart: i64, debited: &[u64]) -> Result<usize, String> {
        let debit = |seq: &u64| Debit {
            seq: *seq,
            at: jiff::Timestamp::UNIX_EPOCH,
            account: "MA".into(),
            buyer: "MA".into(),
            amount: 2.into(),
            currency: "INR".into(),
            e164: NUMBER.into(),
        };
        let requests = vec![call(1, 1000, first), call(2, 1000 + apart, Answer::Status(200))];
        repeated(&Journal { requests, debits: debited.iter().map(debit).collect() })
    }

    #[test]
    fn an_unanswered_call_may_be_made_again_once_it_is_settled() {
        for first in [Answer::ClientGone, Answer::Dropped, Answer::Status(401), Answer::Status(429)] {
            assert_eq!(found(first, 25, &[2]), Ok(1), "{first:?}");
            assert!(found(first, 24, &[2]).unwrap_err().contains("after 24 s"), "{first:?}");
        }
    }

    #[test]
    fn a_call_that_was_answered_or_paid_for_may_not() {
        for status in [200, 404, 402, 500] {
            assert!(found(Answer::Status(status), 99, &[]).unwrap_err().contains("an answer"), "{status}");
        }
        assert!(found(Answer::ClientGone, 99, &[1]).unwrap_err().contains("it was paid for"));
        assert!(found(Answer::ClientGone, 99, &[1, 2]).unwrap_err().contains("2 times"));
    }

    #[test]
    fn one_call_is_none_too_many() {
        let journal = Journal { requests: vec![call(1, 1000, Answer::Status(200))], debits: Vec::new() };
        assert_eq!(repeated(&journal), Ok(0));
    }
}
