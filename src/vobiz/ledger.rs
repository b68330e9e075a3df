//! Reads the rows of the account's ledger.

use serde::Deserialize;

use super::{
    json::{Lenient, id, money, text},
    key::key,
    masks::Masks,
};
use crate::domain::{
    AccountId, Currency, Id, LedgerRow, Money, ReferenceType, RowStatus, RowType, Texts, Time, mark,
};

/// What a row is, as far as filters go.
pub type Sort = (RowType, ReferenceType);

#[derive(Deserialize)]
pub struct WireRow {
    #[serde(default, deserialize_with = "id")]
    id: Option<String>,
    account_id: Lenient<AccountId>,
    auth_id: Lenient<AccountId>,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default, deserialize_with = "money")]
    amount: Option<Money>,
    currency: Lenient<Currency>,
    #[serde(default, deserialize_with = "text")]
    description: String,
    #[serde(default, deserialize_with = "text")]
    reference: String,
    reference_type: Lenient<String>,
    status: Lenient<String>,
    created_at: Lenient<Time>,
    processed_at: Lenient<Time>,
}

impl WireRow {
    /// What tells the row from all others, if it has an id. A refund must not hide its debit, even if both have the same.
    pub fn key(&self) -> Option<u64> {
        Some(key((self.id()?, &self.kind, self.amount.map(Money::abs))))
    }

    /// The row's id, which stays while its type, sum or time change.
    pub fn id_key(&self) -> Option<u64> {
        self.id().map(key)
    }

    fn id(&self) -> Option<&str> {
        self.id.as_deref().filter(|id| !id.is_empty())
    }

    pub fn parse(self, masks: &Masks) -> LedgerRow {
        let text = format!("{} {}", self.reference, self.description);
        LedgerRow {
            // Stored and shown, so it is cut to length, and freed of credentials that Vobiz may echo in it.
            id: Id::from(&*storable(&masks.mask(self.id.as_deref().unwrap_or_default()))),
            account: self.account(masks).cloned(),
            texts: Texts::read(&text, self.kind == "credit"),
            ..self.bare()
        }
    }

    fn account(&self, masks: &Masks) -> Option<&AccountId> {
        let named = self.account_id.0.as_ref().or(self.auth_id.0.as_ref());
        named.filter(|account| masks.is_clean(account.as_str()))
    }

    /// The row without its id, its account and its texts.
    pub fn bare(&self) -> LedgerRow {
        LedgerRow {
            id: Id::from(""),
            account: None,
            kind: match self.kind.as_str() {
                "credit" => RowType::Credit,
                "debit" => RowType::Debit,
                "did_rental" => RowType::DidRental,
                _ => RowType::Other,
            },
            status: match self.status.0.as_deref() {
                // A row without a status is taken to have moved its money.
                Some("completed") | None => RowStatus::Completed,
                Some("pending") => RowStatus::Pending,
                Some("failed" | "cancelled") => RowStatus::Void,
                Some(_) => RowStatus::Other,
            },
            reference_type: match self.reference_type.0.as_deref() {
                Some("did_purchase" | "did_rental") => ReferenceType::Number,
                Some("refund") => ReferenceType::Refund,
                None | Some("") => ReferenceType::Absent,
                Some(_) => ReferenceType::Other,
            },
            amount: self.amount.map(Money::abs),
            currency: self.currency.0,
            at: self.created_at.0.or(self.processed_at.0),
            texts: Texts::default(),
        }
    }
}

/// An id, as it is stored and shown. One that is long, or has signs that cannot be shown, keeps its beginning, and a mark
/// that tells it from the others.
fn storable(id: &str) -> String {
    const LONGEST: usize = 64;
    const BEGINNING: usize = 24;
    let plain = |c: &char| c.is_ascii_alphanumeric() || "-_.:/=+@#".contains(*c);
    if id.len() <= LONGEST && id.chars().all(|c| plain(&c)) {
        return id.to_owned();
    }
    let beginning: String = id.chars().filter(plain).take(BEGINNING).collect();
    format!("{beginning}~{}", mark(id))
}

#[cfg(test)]
mod for_tests {
    use super::*;

    impl LedgerRow {
        pub(crate) fn for_tests(json: &str) -> Self {
            serde_json::from_str::<WireRow>(json).unwrap().parse(&Masks::default())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_that_are_long_or_odd_are_stored_short_and_stay_different() {
        assert_eq!(storable("0f4e2c1a-5b7d-4e89-9c3a-2d1f0e6b8a47"), "0f4e2c1a-5b7d-4e89-9c3a-2d1f0e6b8a47");
        assert_eq!(storable(""), "");
        let odd =
            ["<b>1</b>".to_owned(), "<b>2</b>".to_owned(), "x".repeat(1_000_000), "x".repeat(1_000_001)];
        let stored: Vec<String> = odd.iter().map(|id| storable(id)).collect();
        assert!(stored.iter().all(|id| id.len() <= 64), "{stored:?}");
        assert!((1..4).all(|at| !stored[..at].contains(&stored[at])), "{stored:?}");
    }

    #[test]
    fn a_call_that_names_the_number_is_no_purchase_of_it() {
        let call = LedgerRow::for_tests(
            r#"{"id":"t","type":"debit","amount":1,"reference_type":"cdr","reference":"911234500000","status":"completed"}"#,
        );
        assert!(!call.concerns_numbers());
    }

    #[test]
    fn a_number_in_a_text_that_cannot_be_read_is_named_all_the_same() {
        for field in [
            r#""description":"DID 911234500000 \ud800""#,
            r#""reference":911234500000"#,
            r#""reference":{"did":"911234500000"}"#,
            r#""description":["+911234500000"],"reference":null"#,
        ] {
            let row = LedgerRow::for_tests(&format!(r#"{{"id":"t","type":"debit","amount":1,{field}}}"#));
            assert!(row.names("+911234500000".parse().unwrap()), "{field}");
        }
    }

    #[test]
    fn either_reference_type_and_the_legacy_type_concern_numbers() {
        for row in [
            r#"{"id":"t","type":"debit","amount":52,"reference_type":"did_purchase","status":"completed"}"#,
            r#"{"id":"t","type":"debit","amount":-52,"reference_type":"did_rental","status":"pending"}"#,
            r#"{"id":7,"type":"did_rental","amount":"52"}"#,
        ] {
            let row = LedgerRow::for_tests(row);
            assert!(row.concerns_numbers() && row.takes_money());
            assert_eq!(row.amount, "52".parse().ok());
        }
        let failed =
            r#"{"id":"t","type":"debit","amount":52,"reference_type":"did_purchase","status":"failed"}"#;
        assert!(!LedgerRow::for_tests(failed).concerns_numbers());
    }

    #[test]
    fn a_row_says_whose_it_is_under_either_name_but_for_a_credential() {
        let masks = Masks::of(["hush-hush"].into_iter());
        for (field, expected) in [
            (r#""account_id":"MA_1","auth_id":"SA_1""#, "MA_1"),
            (r#""auth_id":"SA_1""#, "SA_1"),
            (r#""account_id":7,"auth_id":null"#, ""),
            (r#""account_id":"hush-hush""#, ""),
        ] {
            let row = format!(r#"{{"id":"t","type":"debit",{field}}}"#);
            let row = serde_json::from_str::<WireRow>(&row).unwrap().parse(&masks);
            assert_eq!(row.account, expected.parse().ok(), "{field}");
        }
    }

    #[test]
    fn a_status_that_is_not_documented_acquits_nothing() {
        for (kind, status, counts) in [
            ("debit", "processing", true),
            ("debit", "cancelled", false),
            ("debit", "failed", false),
            ("credit", "processing", false),
            ("credit", "completed", true),
        ] {
            let row = format!(r#"{{"id":"t","type":"{kind}","amount":52,"status":"{status}"}}"#);
            assert_eq!(LedgerRow::for_tests(&row).concerns_numbers(), counts, "{kind} {status}");
        }
    }
}
