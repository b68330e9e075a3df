//! The sentences about a number that is bound, and about one that another account of the family has.

use super::message::{ownership, sum};
use crate::{
    api::{Number, NumberStatus, Origin, Ownership, PhoneNumber, Reason},
    domain::AccountId,
    plan::{Change, forget},
};

pub fn bound(reason: Reason, record: &PhoneNumber) -> String {
    let fees = record.described().map(fees).unwrap_or_default();
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
        Reason::NumberPending => format!(
            "{} Vobiz has not activated it yet (pending_purchase): complete what Vobiz asks for, the verification of \
             your identity for example. The operator looks again whenever it lists the account.{fees}",
            obtained(record)
        ),
        Reason::NumberStatusUnknown => unknown(record),
        Reason::NumberMoved => moved(record),
        _ => lost(record),
    }
}

fn fees(number: &Number) -> String {
    if number.setup_fee.is_none() && number.monthly_fee.is_none() {
        return String::new();
    }
    let (setup, monthly) = (sum(number.setup_fee, number.currency), sum(number.monthly_fee, number.currency));
    format!(" Setup fee {setup}, monthly fee {monthly}.")
}

/// How the account came to the number.
fn obtained(record: &PhoneNumber) -> &'static str {
    match record.spec.attempt.origin {
        Origin::Purchase => "The number was bought.",
        Origin::Adoption => {
            "The account owned the number already when it was claimed; it was adopted, and not bought."
        }
    }
}

fn unknown(record: &PhoneNumber) -> String {
    let word = record.described().and_then(|number| number.status.as_ref());
    let listed = match word.filter(|word| **word != NumberStatus::Active) {
        Some(word) => {
            format!("Vobiz gives it the status \"{word}\", which does not say whether it can be used")
        }
        None => "Vobiz lists it again, and does not say in which status".into(),
    };
    format!(
        "{} {listed}: ask Vobiz. It is not bought again; the operator looks again whenever it lists the account.",
        obtained(record)
    )
}

fn moved(record: &PhoneNumber) -> String {
    let owner = Change::moved_to(record).map_or("another account", AccountId::as_str);
    format!(
        "{} Vobiz now lists it under the account {owner}, which is of the same family as {}. It is not lost, and not \
         bought again. Take it back from {owner} at Vobiz, and this heals by itself. If it is to stay there, delete this \
         claim, and forget the record: {}",
        obtained(record),
        record.spec.account,
        forget(&record.spec.e164.digits()),
    )
}

fn lost(record: &PhoneNumber) -> String {
    let releasing =
        record.described().is_some_and(|number| number.status == Some(NumberStatus::PendingRelease));
    let was = if releasing { " It was being released when it was last listed." } else { "" };
    format!(
        "{} Two full listings of the account no longer have it.{was} It is not bought again by itself. Ask Vobiz. If \
         it is given up for good, delete this claim, and forget the record (a new claim then buys the number if it is in \
         stock): {}",
        obtained(record),
        forget(&record.spec.e164.digits()),
    )
}
