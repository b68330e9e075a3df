//! What stands behind each number that the account owns: its record and its claim. Pure.

use std::collections::{HashMap, HashSet};

use kube::{Resource, ResourceExt};

use crate::{
    api::{NumberStatus, PhoneNumber, PhoneNumberClaim, Seen},
    domain::{E164, OwnedRow},
    plan::Change,
};

/// A number that the account owns.
#[derive(Debug, Clone, PartialEq)]
pub struct OwnedNumber {
    pub e164: E164,
    pub row: OwnedRow,
    /// The name of its record, whether or not this version can read it.
    pub record: Option<String>,
    pub claim: Claimed,
}

/// Whether a claim stands behind a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claimed {
    By {
        namespace: String,
        name: String,
    },
    Nobody,
    /// A newer version has written the record, so its claim cannot be told.
    Unknown,
}

/// Which numbers are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    All,
    Unclaimed,
    Unrecorded,
}

impl Which {
    fn has(self, number: &OwnedNumber) -> bool {
        match self {
            Self::All => true,
            Self::Unclaimed => number.claim == Claimed::Nobody,
            Self::Unrecorded => number.record.is_none(),
        }
    }
}

/// The owned list, by number.
#[derive(Debug, Default, PartialEq)]
pub struct Standing {
    pub numbers: Vec<OwnedNumber>,
    /// Vobiz's ids of rows that are not written as a phone number.
    pub no_numbers: Vec<String>,
}

/// Joins the rows of the owned list with records and claims. What was released is not owned any more.
pub fn standing(
    rows: Vec<OwnedRow>,
    records: &[Seen<PhoneNumber>],
    claims: &[Seen<PhoneNumberClaim>],
    which: Which,
) -> Standing {
    let records: HashMap<_, _> = records.iter().filter_map(|record| Some((record.e164()?, record))).collect();
    let living: HashSet<_> = claims.iter().filter_map(|claim| claim.meta().uid.as_deref()).collect();
    let mut standing = Standing::default();
    for row in rows.into_iter().filter(|row| row.number.status != Some(NumberStatus::Released)) {
        let Some(e164) = row.e164 else {
            standing.no_numbers.push(row.number.id.unwrap_or_else(|| "(no id)".into()));
            continue;
        };
        let record = records.get(&e164).copied();
        let claim = record.map_or(Claimed::Nobody, |record| claimed(record, &living));
        let number = OwnedNumber { e164, row, record: record.map(ResourceExt::name_any), claim };
        if which.has(&number) {
            standing.numbers.push(number);
        }
    }
    // Two rows may be about one number: they come in the same order each time.
    standing.numbers.sort_by(|a, b| order(a).cmp(&order(b)));
    standing.no_numbers.sort();
    standing
}

fn order(number: &OwnedNumber) -> impl Ord + '_ {
    let row = &number.row;
    (number.e164, &row.number.id, row.owner.as_ref().map(ToString::to_string))
}

/// The claim that the record names, if it lives: between a claim's deletion and the operator's next look the record
/// still names it.
fn claimed(record: &Seen<PhoneNumber>, living: &HashSet<&str>) -> Claimed {
    let Seen::Read(record) = record else { return Claimed::Unknown };
    match &record.spec.claim_ref {
        Some(named) if !Change::is_unclaimed(record) && living.contains(named.uid.as_str()) => {
            Claimed::By { namespace: named.namespace.clone(), name: named.name.clone() }
        }
        _ => Claimed::Nobody,
    }
}

#[cfg(test)]
pub mod for_tests {
    use serde_json::{Value, json};

    use super::*;

    pub fn row(e164: &str, more: &Value) -> OwnedRow {
        let mut row =
            json!({ "id": "n1", "status": "active", "monthlyFee": "2", "setupFee": "50", "currency": "INR" });
        row.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        OwnedRow {
            e164: e164.parse().ok(),
            owner: "MA_1".parse().ok(),
            number: serde_json::from_value(row).unwrap(),
            next_billing: "2026-02-03".parse().ok(),
            is_trial: Some(false),
        }
    }

    pub fn claim(name: &str) -> Seen<PhoneNumberClaim> {
        let metadata = json!({ "namespace": "team-a", "name": name, "uid": format!("uid-{name}") });
        serde_json::from_value(json!({ "metadata": metadata, "spec": { "e164": "+911234500000" } })).unwrap()
    }

    /// A bound record, of a claim called like that.
    pub fn record(digits: &str, claim: &str) -> Value {
        json!({
            "metadata": { "name": digits },
            "spec": {
                "e164": format!("+{digits}"), "account": "MA_1",
                "claimRef": { "namespace": "team-a", "name": claim, "uid": format!("uid-{claim}") },
                "attempt": {
                    "id": "00000000-0000-4000-8000-000000000000", "openedAt": "2026-01-02T03:04:05Z",
                    "state": "Bound", "origin": "Purchase",
                },
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{
        for_tests::{claim, record, row},
        *,
    };

    fn seen(record: Value) -> Seen<PhoneNumber> {
        serde_json::from_value(record).unwrap()
    }

    /// One number with that record, where the claim `office` lives.
    fn claimed_by(record: Option<Value>) -> (bool, Claimed) {
        let records: Vec<_> = record.into_iter().map(seen).collect();
        let standing = standing(vec![row("+911", &json!({}))], &records, &[claim("office")], Which::All);
        let number = &standing.numbers[0];
        (number.record.is_some(), number.claim.clone())
    }

    #[test]
    fn a_claim_stands_behind_a_number_if_the_record_names_it_and_it_lives() {
        let by = Claimed::By { namespace: "team-a".into(), name: "office".into() };
        let mut unclaimed = record("911", "office");
        unclaimed["status"]["conditions"] = json!([{
            "type": "Claimed", "status": "False", "reason": "x", "message": "", "lastTransitionTime": "2026-01-02T03:04:05Z",
        }]);
        let mut newer = record("911", "office");
        newer["spec"]["attempt"]["state"] = json!("Releasing");
        for (record, expected) in [
            (None, (false, Claimed::Nobody)),
            (Some(record("911", "office")), (true, by)),
            (Some(record("911", "deleted")), (true, Claimed::Nobody)),
            (Some(unclaimed), (true, Claimed::Nobody)),
            (Some(newer), (true, Claimed::Unknown)),
            (Some(record("912", "office")), (false, Claimed::Nobody)),
        ] {
            assert_eq!(claimed_by(record.clone()), expected, "{record:?}");
        }
    }

    #[test]
    fn no_row_is_lost_silently_and_released_numbers_are_not_owned() {
        let rows = || {
            vec![
                row("+912", &json!({})),
                row("sip:911@host", &json!({ "id": "odd" })),
                row("+911", &json!({ "status": "released" })),
                row("+911", &json!({ "id": "n2", "status": "blocked" })),
                row("+911", &json!({ "id": "n1" })),
                row("acme", &json!({ "id": null })),
            ]
        };
        let records = [seen(record("912", "deleted"))];
        let numbers = |which| {
            let standing = standing(rows(), &records, &[], which);
            assert_eq!(standing.no_numbers, ["(no id)", "odd"]);
            let one = |number: OwnedNumber| format!("{} {}", number.e164, number.row.number.id.unwrap());
            standing.numbers.into_iter().map(one).collect::<Vec<_>>()
        };
        assert_eq!(numbers(Which::All), ["+911 n1", "+911 n2", "+912 n1"]);
        assert_eq!(numbers(Which::Unclaimed), ["+911 n1", "+911 n2", "+912 n1"]);
        assert_eq!(numbers(Which::Unrecorded), ["+911 n1", "+911 n2"]);
    }
}
