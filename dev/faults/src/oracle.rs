//! Whether the promise was kept: what the simulator charged and who owns the number, against the record, the claim and
//! the calls that were seen. Written anew, and not taken from the operator.

use serde_json::Value;
use testbed::table::{self, condition};
use vobiz_sim::JournalFilter;

use crate::{
    call::{Call, Write},
    stage::Stage,
    timeline::Entry,
};

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End {
    /// The claim's reason, or the record's state where there is no claim.
    pub reason: String,
    pub debits: u64,
    pub posts: u64,
    pub attempts: usize,
}

/// What is true, whatever anybody believes.
struct Truth {
    owned: bool,
    debits: u64,
    blind: bool,
}

impl Truth {
    fn of(stage: &Stage, blind: bool) -> Self {
        Self {
            owned: stage.vobiz.owner(&stage.number).as_deref() == Some(stage.account.as_str()),
            debits: stage.vobiz.debits(&stage.number),
            blind,
        }
    }
}

/// Whether the run has settled, and how: the record, and the claim if there is one, as the truth demands. `blind`: Vobiz
/// lacks an endpoint that verification needs.
///
/// # Errors
/// What is not as it should be (yet).
pub async fn settled(stage: &Stage, blind: bool) -> Result<End, String> {
    let truth = Truth::of(stage, blind);
    let (record, claim) = (stage.record().await, stage.claim().await);
    let reason = match &claim {
        Some(claim) => {
            table::check_always(claim);
            let record = record.as_ref().ok_or("there is no record")?;
            let expected = expected(record, &truth)?;
            shows(claim, expected)?
        }
        None => match record.as_ref().map(testbed::objects::state) {
            None if truth.owned || truth.debits > 0 => return Err("what was paid for has no record".into()),
            None => "gone".to_owned(),
            Some("Bound") if truth.owned => {
                testbed::objects::claimed(record.as_ref().unwrap_or(&Value::Null))
                    .filter(|claimed| *claimed == "False")
                    .map(|_| "unclaimed".to_owned())
                    .ok_or("the record does not know that its claim is gone")?
            }
            Some("NeedsDecision") if !truth.owned && truth.debits > 0 => "NeedsDecision".to_owned(),
            Some(other) => return Err(format!("without a claim the record is {other}")),
        },
    };
    let attempts = attempts(stage).len();
    Ok(End { reason, debits: truth.debits, posts: stage.vobiz.purchase_calls(&stage.number), attempts })
}

/// What the claim has to say, given the record; an error if the record itself is not settled as it must be.
fn expected(record: &Value, truth: &Truth) -> Result<&'static str, String> {
    let attempt = &record["spec"]["attempt"];
    let (state, outcome) =
        (attempt["state"].as_str().unwrap_or_default(), attempt["answer"]["outcome"].as_str());
    let wrong = |what: &str| Err(format!("{what}: {attempt}"));
    match state {
        "Bound" if !truth.owned => wrong("bound, and not owned"),
        "Bound" if attempt["origin"] == "Adoption" => Ok("Adopted"),
        "Bound" => Ok("Purchased"),
        "NeedsDecision" if truth.blind => Ok("NeedsDecision"),
        _ if truth.owned => wrong("owned, and not bound"),
        "NeedsDecision" if truth.debits > 0 => Ok("NeedsDecision"),
        "NeedsDecision" => wrong("a decision is asked for, and nothing was paid"),
        _ if truth.debits > 0 => wrong("paid for, and nobody is asked"),
        "Failed" if retried_unasked(&Write::of(record).ok_or("no attempt")?) => {
            wrong("to be tried again, and it is not")
        }
        "Failed" => Ok(match outcome {
            Some("NotFound") => "NumberNotFound",
            Some("PaymentFailed") if attempt["answer"]["funds"] == "Sufficient" => "NotPurchased",
            Some("PaymentFailed") => "InsufficientBalance",
            Some("Rejected") => "Rejected",
            _ => "NotPurchased",
        }),
        _ => wrong("not settled"),
    }
}

/// Whether the claim shows the row of the table for that reason, settled.
fn shows(claim: &Value, reason: &'static str) -> Result<String, String> {
    let row = match reason {
        "Purchased" => table::PURCHASED,
        "Adopted" => table::ADOPTED,
        "NumberNotFound" => table::NUMBER_NOT_FOUND.settled(),
        "InsufficientBalance" => table::INSUFFICIENT_BALANCE.settled(),
        "Rejected" => table::REJECTED.settled(),
        "NeedsDecision" => table::NEEDS_DECISION,
        _ => table::NOT_PURCHASED,
    };
    if !row.describes(claim) {
        let shown = condition(claim, "Ready").map(|ready| ready["reason"].to_string());
        return Err(format!(
            "the claim shows {}, and not {reason}",
            shown.unwrap_or_else(|| "nothing".into())
        ));
    }
    row.check(claim);
    Ok(reason.to_owned())
}

/// What must hold at the end of every run, however it ended.
///
/// # Errors
/// The promise that was broken.
pub fn promises(stage: &Stage, end: &End, ends: &[&str]) -> Result<(), String> {
    if end.debits > 1 {
        return Err(format!("{} debits for one number", end.debits));
    }
    let paid = stage.vobiz.counts(&JournalFilter::account(&stage.account)).debits;
    if let Some((number, debits)) = paid.iter().find(|(_, debits)| **debits > 1) {
        return Err(format!("{debits} debits for {number}"));
    }
    let calls = stage.timeline().calls();
    posts(&calls, stage.digits())?;
    let attempts = attempts(stage);
    permissions(&attempts)?;
    if !ends.contains(&end.reason.as_str()) && !came_too_late(&attempts, &end.reason) {
        return Err(format!("it ended {}, and not one of {ends:?}", end.reason));
    }
    Ok(())
}

/// Whether the answer did not come in time, because of what was done to the process or because the machine was too
/// busy: then its outcome is rightly unknown.
fn came_too_late(attempts: &[(Write, Write)], reason: &str) -> bool {
    let unknown = |last: &Write| last.outcome.as_deref() == Some("Unknown") && !last.answered;
    reason == "NotPurchased" && attempts.last().is_some_and(|(_, last)| unknown(last))
}

/// The writes of the number's record that took place, in the order in which they did.
fn attempts_and_changes(stage: &Stage) -> Vec<(u64, Write)> {
    let ours = stage.timeline().calls().into_iter().filter(|call| {
        call.digits.as_deref() == Some(stage.digits()) && call.took_place() && call.write.is_some()
    });
    let mut writes: Vec<(u64, Write)> = ours.filter_map(|call| Some((call.revision?, call.write?))).collect();
    writes.sort_by_key(|(revision, _)| *revision);
    writes
}

/// The attempts, each as it was opened and as it was left.
pub fn attempts(stage: &Stage) -> Vec<(Write, Write)> {
    let mut attempts: Vec<(Write, Write)> = Vec::new();
    for (_, write) in attempts_and_changes(stage) {
        match attempts.iter_mut().find(|(opened, _)| opened.attempt == write.attempt) {
            Some((_, last)) => *last = write,
            None => attempts.push((write.clone(), write)),
        }
    }
    attempts
}

/// Each POST has an intent of the same process that was stored before, and read its claim after that; and no intent
/// has two.
pub fn posts(calls: &[Entry], digits: &str) -> Result<(), String> {
    let mut sent: Vec<&str> = Vec::new();
    for (at, post) in calls.iter().enumerate() {
        if post.call != Call::Purchase || post.digits.as_deref() != Some(digits) {
            continue;
        }
        let own =
            |call: &&Entry| call.process == post.process && call.answered.is_some_and(|done| done <= post.at);
        let before: Vec<&Entry> = calls[..at].iter().filter(own).filter(|call| call.took_place()).collect();
        let intent = before.iter().rposition(|call| {
            call.digits.as_deref() == Some(digits) && call.write.as_ref().is_some_and(Write::is_intent)
        });
        // An intent whose answer never came is believed once it has been read: the proxy saw the write take place.
        let Some(intent) = intent else { return Err(format!("a purchase without an intent: {post}")) };
        let Some(write) = &before[intent].write else { continue };
        if write.origin != "Purchase" {
            return Err(format!("a purchase for an attempt that must not send: {post}"));
        }
        let looks = |call: &&Entry| call.call == Call::ReadClaim && call.claim == before[intent].claim;
        if !before[intent..].iter().any(looks) {
            return Err(format!("a purchase without another look at the claim: {post}"));
        }
        if sent.contains(&write.attempt.as_str()) {
            return Err(format!("a second purchase for one attempt: {post}"));
        }
        sent.push(&write.attempt);
    }
    Ok(())
}

/// The attempt that a POST belongs to: the last that its process had opened.
#[must_use]
pub fn attempt_of(calls: &[Entry], post: &Entry, digits: &str) -> Option<String> {
    let own =
        |call: &&Entry| call.process == post.process && call.answered.is_some_and(|done| done <= post.at);
    let intents =
        calls.iter().filter(own).filter(|call| call.took_place() && call.digits.as_deref() == Some(digits));
    let intent = intents.filter_map(|call| call.write.as_ref()).rfind(|write| write.is_intent());
    intent.map(|write| write.attempt.clone())
}

/// Failures after which R6 has the operator try again by itself.
fn retried_unasked(last: &Write) -> bool {
    last.origin == "Adoption"
        || match last.outcome.as_deref() {
            None => !last.automatic_retry_used,
            Some(outcome) => ["NotSent", "Unauthorized", "RateLimited"].contains(&outcome),
        }
}

/// R6: every attempt but a claim's first was permitted by how the one before ended.
fn permissions(attempts: &[(Write, Write)]) -> Result<(), String> {
    for pair in attempts.windows(2) {
        let ((_, last), (next, _)) = (&pair[0], &pair[1]);
        let asked = next.spent_tokens.iter().any(|token| !last.spent_tokens.contains(token));
        let permitted = match last.state.as_str() {
            "Failed" => asked || last.claim_uid != next.claim_uid || retried_unasked(last),
            "NeedsDecision" => asked && next.spent_tokens.contains(&last.attempt),
            _ => false,
        };
        let died = last.origin == "Purchase" && last.outcome.is_none() && last.claim_uid == next.claim_uid;
        if !permitted {
            return Err(format!("an attempt that nobody permitted: {next:?} after {last:?}"));
        }
        if died && !asked && !next.automatic_retry_used {
            return Err(format!("the automatic attempt is not written down: {next:?}"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn write(attempt: &str, state: &str, outcome: Option<&str>) -> Write {
        Write {
            attempt: attempt.into(),
            state: state.into(),
            origin: "Purchase".into(),
            outcome: outcome.map(str::to_owned),
            answered: true,
            claim_uid: Some("u".into()),
            automatic_retry_used: false,
            spent_tokens: Vec::new(),
        }
    }

    fn entry(call: Call, process: usize, at: u64, write: Option<Write>) -> Entry {
        Entry {
            at: Duration::from_secs(at),
            process,
            call,
            digits: Some("12".into()),
            claim: None,
            write,
            status: Some(200),
            answered: Some(Duration::from_millis(at * 1000 + 1)),
            revision: Some(at),
            fate: String::new(),
        }
    }

    #[test]
    fn a_purchase_needs_its_own_stored_intent_and_another_look_at_the_claim() {
        let intent = || entry(Call::CreateRecord, 1, 1, Some(write("a", "Open", None)));
        let look = || entry(Call::ReadClaim, 1, 2, None);
        let post = |process, at| entry(Call::Purchase, process, at, None);
        let check = |calls: &[Entry]| posts(calls, "12").err();
        assert_eq!(check(&[intent(), look(), post(1, 3)]), None);
        assert!(check(&[look(), post(1, 3)]).unwrap().contains("without an intent"));
        assert!(check(&[intent(), look(), post(2, 3)]).unwrap().contains("without an intent"));
        assert!(check(&[intent(), post(1, 3)]).unwrap().contains("another look"));
        let at_another = Entry { claim: Some("another".into()), ..look() };
        assert!(check(&[intent(), at_another, post(1, 3)]).unwrap().contains("another look"));
        assert!(check(&[intent(), look(), post(1, 3), post(1, 4)]).unwrap().contains("second purchase"));
        let refused = Entry { status: Some(409), ..intent() };
        assert!(check(&[refused, look(), post(1, 3)]).unwrap().contains("without an intent"));
        let adoption = Write { origin: "Adoption".into(), ..write("a", "Open", None) };
        let adoption = entry(Call::CreateRecord, 1, 1, Some(adoption));
        assert!(check(&[adoption, look(), post(1, 3)]).unwrap().contains("must not send"));
    }

    #[test]
    fn a_second_attempt_needs_a_failure_that_was_nobodys_or_somebody_who_asks() {
        let after = |last: Write, next: Write| permissions(&[(last.clone(), last), (next.clone(), next)]);
        let next = || write("b", "Open", None);
        let marked = || Write { automatic_retry_used: true, ..next() };
        assert!(after(write("a", "Failed", Some("NotFound")), next()).is_err());
        assert!(after(write("a", "Open", None), next()).is_err());
        assert!(after(write("a", "Bound", Some("Purchased")), next()).is_err());
        assert!(after(write("a", "Failed", Some("RateLimited")), next()).is_ok());
        assert!(after(write("a", "Failed", None), next()).is_err());
        assert!(after(write("a", "Failed", None), marked()).is_ok());
        let used = Write { automatic_retry_used: true, ..write("a", "Failed", None) };
        assert!(after(used, marked()).is_err());
        let asked = Write { spent_tokens: vec!["again".into()], ..next() };
        assert!(after(write("a", "Failed", Some("NotFound")), asked.clone()).is_ok());
        assert!(after(write("a", "NeedsDecision", Some("Unknown")), asked).is_err());
        let decided = Write { spent_tokens: vec!["a".into()], ..next() };
        assert!(after(write("a", "NeedsDecision", Some("Unknown")), decided).is_ok());
    }
}
