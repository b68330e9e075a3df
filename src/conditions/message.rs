//! The sentences: what happened, Vobiz's own words, what to do next.

use super::{claim::Waits, cluster::WRITES_FAIL, reason::Reason};
use crate::{
    api::{Answer, Attempt, Debit, FORGET_ANNOTATION, Ownership, PhoneNumber, RETRY_ANNOTATION},
    domain::{Currency, Money, Time},
    plan::{ConflictWith, GateCause, Spans, debits_count},
};

/// When an open attempt settles, for people.
pub fn settles(attempt: &Attempt, spans: Spans) -> String {
    Time::seconds(attempt.opened_at.after(spans.until_settled())).to_string()
}

fn sum(amount: Option<Money>, currency: Option<Currency>) -> String {
    match (amount, currency) {
        (Some(amount), Some(currency)) => format!("{amount} {currency}"),
        (Some(amount), None) => amount.to_string(),
        (None, _) => "an unknown sum".into(),
    }
}

/// Vobiz's own words, with the status code.
fn words(answer: &Answer) -> String {
    let status = answer.http_status.map(|status| format!(" ({status})")).unwrap_or_default();
    match (&answer.message, &answer.code) {
        (Some(message), _) => format!("Vobiz{status}: \"{message}\"."),
        (None, Some(code)) => format!("Vobiz{status}: \"{code}\"."),
        (None, None) => format!("Vobiz gave no reason{status}."),
    }
}

fn sums(answer: &Answer) -> String {
    if answer.required.is_none() && answer.available.is_none() {
        return String::new();
    }
    let (required, available) =
        (sum(answer.required, answer.currency), sum(answer.available, answer.currency));
    format!(" Needed: {required} (setup fee and first month); available: {available}.")
}

fn what_happened(reason: Reason, answer: &Answer) -> String {
    match reason {
        Reason::NumberNotFound => format!("The number is not in Vobiz's inventory. {}", words(answer)),
        Reason::InsufficientBalance => {
            format!("Vobiz could not debit the account.{} {}", sums(answer), words(answer))
        }
        Reason::Rejected => format!("Vobiz rejected the purchase. {}", words(answer)),
        Reason::InvalidCredentials => format!("Vobiz refused the credentials. {}", words(answer)),
        Reason::RateLimited => format!("Vobiz limits the rate of calls. {}", words(answer)),
        _ => {
            let what = answer.message.as_deref().unwrap_or("no usable answer");
            format!("The purchase was sent, and its outcome is unknown: {what}.{}", sums(answer))
        }
    }
}

pub fn being_verified(reason: Reason, answer: &Answer, until: &str) -> String {
    let happened = what_happened(reason, answer);
    format!("{happened} Verifying until {until} that it was not bought after all; nothing to do until then.")
}

pub fn unanswered(until: &str) -> String {
    format!(
        "No answer to the purchase has been stored in time; whether it was sent is unknown. Verifying until {until}; it \
         is not sent again meanwhile."
    )
}

pub fn sending() -> String {
    "The purchase is being sent to Vobiz.".into()
}

pub fn confirming(until: &str) -> String {
    format!(
        "The account already owns this number, or was debited for it. Confirming, until {until} at the latest; \
         nothing is sent."
    )
}

pub fn trying_again() -> String {
    "The earlier attempt has settled as not bought. Another one is made without being asked.".into()
}

pub fn waiting(waits: &Waits) -> String {
    match waits {
        Waits::Hold(until) => {
            format!("Purchases and adoptions are on hold until {} (--hold-purchases).", Time::seconds(*until))
        }
        Waits::Evidence => {
            "Asking Vobiz whether the account owns the number already; nothing is sent before.".into()
        }
        Waits::Pause(until) => format!(
            "Nothing is sent before {}: what an earlier attempt for this number may have bought could still show.",
            Time::seconds(*until)
        ),
        Waits::Turn => {
            "Waiting for the purchase's turn (rate limit and concurrency of this operator).".into()
        }
        Waits::Cluster(why) => {
            format!("The purchase cannot be recorded in the cluster, so it is not sent: {why}. {WRITES_FAIL}")
        }
        Waits::Binding(why) => format!(
            "The claim cannot be bound to the record of its number in the cluster: {why}. Nothing is bought. {WRITES_FAIL}"
        ),
    }
}

pub fn gate(cause: GateCause, why: &str) -> String {
    match cause {
        GateCause::Credentials => format!(
            "Vobiz refuses the credentials of the account: {why}. Put VOBIZ_AUTH_ID and VOBIZ_AUTH_TOKEN right; the \
             operator asks again by itself. Nothing is bought meanwhile."
        ),
        GateCause::RateLimited => {
            format!("Vobiz limits the rate of calls: {why}. The operator goes on by itself.")
        }
        GateCause::Unavailable => format!(
            "Vobiz cannot be asked what the account owns: {why}. Nothing is bought before that; the operator goes \
             on by itself."
        ),
    }
}

/// A token that was not used before.
pub const NEW_TOKEN: &str = "\"$(date +%s)\"";

/// How to ask for another attempt, with that token.
pub fn retry_with(token: &str, record: &PhoneNumber) -> String {
    let claim = record.spec.claim_ref.as_ref();
    let (namespace, name) = claim.map_or(("NAMESPACE", "NAME"), |claim| (&claim.namespace, &claim.name));
    format!("kubectl annotate --overwrite -n {namespace} phonenumberclaim/{name} {RETRY_ANNOTATION}={token}")
}

fn ownership(record: &PhoneNumber) -> Option<Ownership> {
    record.status.as_ref()?.verification.map(|verification| verification.ownership)
}

/// Debits, as far as a person can take them in: the API server refuses longer messages than it can store.
fn listed(attempt: &Attempt) -> String {
    const SHOWN: usize = 5;
    let debits = &attempt.unexplained_debits;
    let one = |debit: &Debit| format!("{} (transaction {})", sum(debit.amount, debit.currency), debit.id);
    let mut rows: Vec<_> = debits.iter().take(SHOWN).map(one).collect();
    let all = usize::try_from(debits_count(attempt)).unwrap_or(usize::MAX);
    if all > SHOWN {
        rows.push(format!("and {} more", all - SHOWN));
    }
    rows.join(", ")
}

/// The attempt is settled: not bought.
pub fn settled(reason: Reason, record: &PhoneNumber) -> String {
    let answer = record.spec.attempt.answer.as_ref();
    let happened = match (reason, answer) {
        (Reason::NotPurchased, None) => {
            "No answer to the purchase was stored, for the second time.".to_owned()
        }
        (_, Some(answer)) => what_happened(reason, answer),
        (_, None) => String::new(),
    };
    let verified = match ownership(record) {
        _ if reason == Reason::VobizUnavailable => "",
        Some(Ownership::Unverifiable) => {
            " This Vobiz offers no list or ledger to verify it with, so its word stands."
        }
        _ => " Verified: the number was neither bought nor paid for.",
    };
    let next = match reason {
        Reason::NumberNotFound => "Choose a number that is in stock, or, once it is, try again with",
        Reason::InsufficientBalance => "Top up the account, then try again with",
        Reason::InvalidCredentials | Reason::RateLimited | Reason::VobizUnavailable => {
            let what = if reason == Reason::VobizUnavailable {
                let why = answer.and_then(|answer| answer.message.as_deref()).unwrap_or("no connection");
                format!("The purchase was not sent: {why}.")
            } else {
                happened
            };
            return format!("{what}{verified} Another attempt is made without being asked.");
        }
        _ => "To try again:",
    };
    format!("{happened}{verified} {next} {}", retry_with(NEW_TOKEN, record))
}

pub fn needs_decision(record: &PhoneNumber) -> String {
    let attempt = &record.spec.attempt;
    let id = attempt.id;
    let evidence = match attempt.unexplained_debits.as_slice() {
        [] => {
            let evidence = match ownership(record) {
                Some(Ownership::Undecided) => "Vobiz lists the number in a way that proves neither",
                _ => "this Vobiz offers no list or ledger that could tell",
            };
            format!("{evidence}, and {} may have been paid", price(attempt))
        }
        _ => format!("the account was debited {} and does not own the number", listed(attempt)),
    };
    format!(
        "Attempt {id} of {} cannot be decided: {evidence}. Clear it up with Vobiz. If the number turns out to be \
         owned, it binds by itself. If it was not bought and one more purchase is right: {}",
        Time::seconds(attempt.opened_at.at()),
        retry_with(&id.to_string(), record),
    )
}

/// What an open attempt says while it cannot be verified.
pub fn unverifiable(message: &str, why: &str) -> String {
    format!("{message} It cannot be verified now: {why}.")
}

/// What a purchase costs, as far as it is known.
fn price(attempt: &Attempt) -> String {
    let told = attempt.answer.as_ref().filter(|answer| answer.required.is_some());
    told.map_or_else(
        || "its setup fee and first month".into(),
        |answer| sum(answer.required, answer.currency),
    )
}

pub fn conflict(with: ConflictWith, record: &PhoneNumber) -> String {
    let name = record.spec.e164.digits();
    let claim = record.spec.claim_ref.as_ref();
    let holder = claim.map_or_else(|| "nobody".into(), |claim| format!("{}/{}", claim.namespace, claim.name));
    match with {
        ConflictWith::Claim => format!(
            "The number is claimed by {holder} (see phonenumber/{name}). One number serves one claim: delete this \
             one, or that one if it has not bought."
        ),
        ConflictWith::Namespace => format!(
            "The number belongs to the deleted claim {holder} of another namespace. To hand it over, an \
             administrator clears the reference: kubectl patch phonenumber/{name} --type=json \
             -p='[{{\"op\":\"remove\",\"path\":\"/spec/claimRef\"}}]'"
        ),
        ConflictWith::Account => format!(
            "phonenumber/{name} was recorded with the Vobiz account {}, which is not the one that this operator \
             calls with.",
            record.spec.account
        ),
    }
}

pub fn bound(reason: Reason, record: &PhoneNumber) -> String {
    let number = record.status.as_ref().and_then(|status| status.number.as_ref());
    let fees =
        number.filter(|number| number.setup_fee.is_some() || number.monthly_fee.is_some()).map(|number| {
            let (setup, monthly) =
                (sum(number.setup_fee, number.currency), sum(number.monthly_fee, number.currency));
            format!(" Setup fee {setup}, monthly fee {monthly}.")
        });
    let fees = fees.unwrap_or_default();
    match reason {
        Reason::Purchased if ownership(record) == Some(Ownership::Unverifiable) => format!(
            "The number is bought.{fees} This Vobiz offers no list or ledger, so it could not be looked up before, and \
             cannot be verified."
        ),
        Reason::Purchased => format!("The number is bought.{fees}"),
        Reason::Adopted => format!("The account owned the number already; nothing was bought.{fees}"),
        Reason::NumberBlocked => {
            "Vobiz has blocked the number. Ask Vobiz why; it is not bought again.".into()
        }
        Reason::NumberReleasing => {
            "The number is being released, not by this operator. Cancel the release at Vobiz \
             within its cool-down (24 hours) to keep it; it is not bought again."
                .into()
        }
        _ => format!(
            "The number was bought, and two full listings of the account no longer have it. It is not bought again. \
             Ask Vobiz; if it is given up for good, delete this claim, then: kubectl annotate phonenumber/{name} \
             {FORGET_ANNOTATION}=true && kubectl delete phonenumber/{name}",
            name = record.spec.e164.digits()
        ),
    }
}
