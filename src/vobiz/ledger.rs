//! Reads the rows of the account's ledger.

use serde::Deserialize;

use super::{
    masks::Masks,
    wire::{id, lenient, money, text},
};
use crate::{
    api::Debit,
    domain::{Currency, E164, Money, Time, mark},
};

/// One row of the ledger.
#[derive(Debug, Clone, PartialEq)]
pub struct LedgerRow {
    pub id: String,
    pub kind: RowType,
    pub status: RowStatus,
    pub reference_type: ReferenceType,
    /// Amount without its sign: Vobiz does not document one.
    pub amount: Option<Money>,
    pub currency: Option<Currency>,
    pub at: Option<Time>,
    // Every claim asks every row, so reference and description, where a row may name a number, are read once.
    /// What they mention.
    mentions: Box<[E164]>,
    /// Whether they spell a number out, plus sign and all.
    spells_one_out: bool,
    /// Whether they name one with a plus sign.
    names_one: bool,
    /// What else a credit refers to: the ids of what it gives back, for one.
    words: Box<[Box<str>]>,
}

/// Shorter words may be anything.
const SHORTEST_ID: usize = 6;

/// `type` of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowType {
    Credit,
    Debit,
    /// Legacy word for a debit for a number.
    DidRental,
    Other,
}

/// `status` of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowStatus {
    Completed,
    Pending,
    /// Failed or cancelled.
    Void,
    /// A word that is not documented.
    Other,
}

/// `reference_type` of a row, as far as it matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReferenceType {
    /// `did_purchase`, and `did_rental`, which the vendor uses for the same.
    Number,
    Refund,
    Absent,
    /// Calls, recordings and the like: their texts name numbers too, and mean no purchase.
    Other,
}

#[derive(Deserialize)]
pub struct WireRow {
    #[serde(default, deserialize_with = "id")]
    id: Option<String>,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default, deserialize_with = "money")]
    amount: Option<Money>,
    #[serde(default, deserialize_with = "lenient")]
    currency: Option<Currency>,
    #[serde(default, deserialize_with = "text")]
    description: String,
    #[serde(default, deserialize_with = "text")]
    reference: String,
    #[serde(default, deserialize_with = "lenient")]
    reference_type: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    status: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    created_at: Option<Time>,
    #[serde(default, deserialize_with = "lenient")]
    processed_at: Option<Time>,
}

impl WireRow {
    pub fn parse(self, masks: &Masks) -> LedgerRow {
        let text = format!("{} {}", self.reference, self.description);
        let is_credit = self.kind == "credit";
        LedgerRow {
            // Stored and shown, whatever its length was, and whatever Vobiz echoes in it.
            id: storable(&masks.mask(&self.id.unwrap_or_default())),
            kind: match self.kind.as_str() {
                "credit" => RowType::Credit,
                "debit" => RowType::Debit,
                "did_rental" => RowType::DidRental,
                _ => RowType::Other,
            },
            status: match self.status.as_deref() {
                // A row without a status took its money as far as anybody can tell.
                Some("completed") | None => RowStatus::Completed,
                Some("pending") => RowStatus::Pending,
                Some("failed" | "cancelled") => RowStatus::Void,
                Some(_) => RowStatus::Other,
            },
            reference_type: match self.reference_type.as_deref() {
                Some("did_purchase" | "did_rental") => ReferenceType::Number,
                Some("refund") => ReferenceType::Refund,
                None | Some("") => ReferenceType::Absent,
                Some(_) => ReferenceType::Other,
            },
            amount: self.amount.map(Money::abs),
            currency: self.currency,
            at: self.created_at.or(self.processed_at),
            mentions: E164::mentioned_in(&text).collect(),
            spells_one_out: E164::any_spelt_out_in(&text),
            names_one: E164::any_named_in(&text),
            words: if is_credit { words(&text) } else { Box::default() },
        }
    }
}

fn words(text: &str) -> Box<[Box<str>]> {
    let parts = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_');
    parts.filter(|word| word.len() >= SHORTEST_ID).map(Box::from).collect()
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

impl LedgerRow {
    /// Whether the row could be a purchase of a number, or undo one: the only rows worth keeping.
    #[must_use]
    pub fn concerns_numbers(&self) -> bool {
        // What is not completed acquits nothing: such a debit may have been taken, and such a credit not been given.
        let counts = match self.status {
            RowStatus::Completed => true,
            RowStatus::Pending | RowStatus::Other => self.takes_money(),
            RowStatus::Void => false,
        };
        counts
            && match self.kind {
                RowType::DidRental | RowType::Credit => true,
                RowType::Debit => {
                    matches!(self.reference_type, ReferenceType::Number | ReferenceType::Absent)
                }
                RowType::Other => false,
            }
    }

    /// Whether the row took money.
    #[must_use]
    pub fn takes_money(&self) -> bool {
        matches!(self.kind, RowType::Debit | RowType::DidRental)
    }

    /// Whether the row names this number.
    #[must_use]
    pub fn names(&self, e164: E164) -> bool {
        self.mentions.contains(&e164)
    }

    /// Whether the row is about one number for certain: one that is spelt out, or bare digits that spell one of those
    /// known.
    #[must_use]
    pub fn spells_out_any(&self, known: &[E164]) -> bool {
        self.spells_one_out || self.suspects().any(|e164| known.contains(&e164))
    }

    /// Whether the row may be about one number: one with a plus sign, or bare digits that spell one of those known.
    #[must_use]
    pub fn names_any(&self, known: &[E164]) -> bool {
        self.names_one || self.suspects().any(|e164| known.contains(&e164))
    }

    /// Whether a credit names the row that it gives back, by its id.
    #[must_use]
    pub fn refers_to(&self, id: &str) -> bool {
        self.words.iter().any(|word| **word == *id)
    }

    /// What a credit refers to.
    pub fn words(&self) -> impl Iterator<Item = &str> {
        self.words.iter().map(AsRef::as_ref)
    }

    /// The numbers that the row names.
    #[must_use]
    pub fn mentions(&self) -> &[E164] {
        &self.mentions
    }

    /// The row as it is stored and asked about.
    #[must_use]
    pub fn debit(&self) -> Debit {
        Debit { id: self.id.clone(), amount: self.amount, currency: self.currency, at: self.at }
    }

    /// What the row may name in bare digits.
    pub fn suspects(&self) -> impl Iterator<Item = E164> {
        self.mentions.iter().copied().filter(|mentioned| mentioned.is_suspect())
    }

    #[cfg(test)]
    pub(crate) fn for_tests(json: &str) -> Self {
        serde_json::from_str::<WireRow>(json).unwrap().parse(&Masks::default())
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
