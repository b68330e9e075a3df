//! What is asked of all claims, or of all records, at a time: it is kept beside each, so that none is read for it.

use jiff::Timestamp;

use super::Change;
use crate::{
    api::{
        AttemptState, ConditionType, Number, Origin, Outcome, PhoneNumber, PhoneNumberClaim, Reason, Seen,
        Status,
    },
    domain::{AccountId, Currency, E164, Id, Money},
};

pub struct ClaimBrief {
    pub uid: Id,
    pub e164: Option<E164>,
    /// The reason of its condition Ready: none yet, or one that a newer version has written.
    pub reason: Option<Reason>,
    pub paused: bool,
    /// The account that it names.
    pub account: Option<Box<str>>,
    /// This version cannot read it.
    pub newer: bool,
}

impl ClaimBrief {
    pub fn of(seen: &Seen<PhoneNumberClaim>) -> Self {
        let status = seen.read().and_then(|claim| claim.status.as_ref());
        let ready = status.and_then(|status| status.condition(ConditionType::Ready));
        let reason = ready
            .and_then(|ready| Reason::ALL.iter().copied().find(|known| known.into_str() == ready.reason));
        let uid = kube::Resource::meta(seen).uid.as_deref().unwrap_or_default().into();
        let paused = seen.read().is_some_and(|claim| claim.is_paused());
        let account = seen.read().and_then(|claim| claim.account_name()).map(Into::into);
        Self { uid, e164: seen.e164(), reason, paused, account, newer: seen.is_newer() }
    }

    /// Whether it was told last that its number is bought.
    pub fn is_bought(&self) -> bool {
        self.reason.is_some_and(|reason| reason.row(true).purchased == Status::True)
    }
}

pub struct RecordBrief {
    pub e164: E164,
    pub account: AccountId,
    pub state: AttemptState,
    pub origin: Origin,
    pub opened: Timestamp,
    /// When the attempt was settled, or opened where that is not known.
    pub settled: Timestamp,
    /// Whether a claim stands behind it, where the record has a status.
    pub claimed: Option<bool>,
    /// What Vobiz lists of the number.
    pub monthly_fee: Option<Money>,
    pub price: Option<Money>,
    pub currency: Option<Currency>,
    /// The currency that it is billed in.
    pub billed: Option<Currency>,
}

impl RecordBrief {
    /// None of one that this version cannot read.
    pub fn of(seen: &Seen<PhoneNumber>) -> Option<Self> {
        seen.read().map(|record| Self::of_record(record))
    }

    pub fn of_record(record: &PhoneNumber) -> Self {
        let (attempt, number) = (&record.spec.attempt, record.described());
        Self {
            e164: record.spec.e164,
            account: record.spec.account.clone(),
            state: attempt.state,
            origin: attempt.origin,
            opened: attempt.opened_at.at(),
            settled: attempt.settled_at.unwrap_or(attempt.opened_at).at(),
            claimed: record.status.as_ref().map(|_| !Change::is_unclaimed(record)),
            monthly_fee: number.and_then(|number| number.monthly_fee),
            price: number.and_then(Number::price),
            currency: number.and_then(|number| number.currency),
            billed: billed(record),
        }
    }
}

/// The currency of a number that was bought, as Vobiz says, or of a purchase that Vobiz accepted. What a claim merely
/// asks for is no currency of the account's: each would be asked for ever, and claims can name them all.
fn billed(record: &PhoneNumber) -> Option<Currency> {
    let attempt = &record.spec.attempt;
    let accepted = attempt.answer.as_ref().is_some_and(|answer| answer.outcome == Outcome::Purchased);
    let listed = record.described().and_then(|number| number.currency);
    match attempt.state {
        AttemptState::Bound => listed.or(attempt.currency.filter(|_| accepted)),
        AttemptState::Open | AttemptState::Failed | AttemptState::NeedsDecision => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn record(attempt: &Value, listed: &Value) -> PhoneNumber {
        let mut spec = json!({
            "e164": "+911234500000", "account": "MA_1",
            "attempt": { "id": "00000000-0000-4000-8000-000000000000", "openedAt": "2026-01-02T03:04:05Z" },
        });
        let fields = attempt.as_object().unwrap().clone();
        spec["attempt"].as_object_mut().unwrap().extend(fields);
        serde_json::from_value(json!({
            "apiVersion": "telephony.vobiz.ai/v1alpha1", "kind": "PhoneNumber", "metadata": { "name": "911234500000" },
            "spec": spec, "status": { "number": { "currency": listed } },
        }))
        .unwrap()
    }

    #[test]
    fn a_currency_is_in_use_where_vobiz_bills_in_it_not_where_it_is_wished() {
        let answer = |outcome| json!({ "outcome": outcome, "at": "2026-01-02T03:04:06Z" });
        let bought = |origin, answer| json!({ "state": "Bound", "origin": origin, "currency": "USD", "answer": answer });
        for (attempt, listed, expected) in [
            (bought("Purchase", answer("Purchased")), json!("INR"), Some("INR")),
            (bought("Purchase", answer("Purchased")), json!(null), Some("USD")),
            (bought("Purchase", answer("Unknown")), json!(null), None),
            (bought("Adoption", json!(null)), json!("INR"), Some("INR")),
            (bought("Adoption", json!(null)), json!(null), None),
            (json!({ "state": "Open", "origin": "Purchase", "currency": "USD" }), json!(null), None),
            (json!({ "state": "Failed", "origin": "Purchase", "currency": "USD" }), json!("INR"), None),
            (json!({ "state": "NeedsDecision", "origin": "Purchase", "currency": "USD" }), json!(null), None),
        ] {
            let expected = expected.map(|currency| currency.parse().unwrap());
            assert_eq!(billed(&record(&attempt, &listed)), expected, "{attempt} {listed}");
        }
    }
}
