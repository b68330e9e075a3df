//! `GET …/transactions`: the ledger of the account that pays.

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    Account, LedgerFilters, LedgerKind, LedgerSums, NumberNaming,
    calls::{Calls, among_calls, call},
    envelopes,
    money::Amount,
    numbers::Price,
    paging::Page,
    params::Params,
    reply::Reply,
    shapes::micros,
    world::{View, World},
};

/// The `type` of a ledger row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the vendor's words")]
pub enum RowType {
    Credit,
    Debit,
    DidRental,
}

impl RowType {
    fn word(self) -> &'static str {
        match self {
            Self::Credit => "credit",
            Self::Debit => "debit",
            Self::DidRental => "did_rental",
        }
    }
}

/// The `status` of a ledger row.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the vendor's words")]
pub enum RowStatus {
    #[default]
    Completed,
    Pending,
    Failed,
    Cancelled,
}

impl RowStatus {
    fn word(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Pending => "pending",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

/// A ledger row that the state brings along. It moves no money.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LedgerEntry {
    /// The account whose ledger it is in.
    pub account: String,
    /// What it is.
    #[serde(rename = "type")]
    pub kind: RowType,
    /// How much.
    pub amount: Decimal,
    /// In which currency.
    pub currency: String,
    /// What it says.
    #[serde(default)]
    pub description: String,
    /// What it refers to.
    #[serde(default)]
    pub reference: Option<String>,
    /// The kind of thing that it refers to.
    #[serde(default)]
    pub reference_type: Option<String>,
    /// How it stands.
    #[serde(default)]
    pub status: RowStatus,
    /// When it was made; now, unless told otherwise.
    #[serde(default)]
    pub at: Option<Timestamp>,
}

/// A row of the ledger.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    id: String,
    balance_id: String,
    /// The account that bought, if it is not the one whose ledger this is.
    buyer: Option<String>,
    entry: LedgerEntry,
    pub(crate) at: Timestamp,
    /// Whether this server made it, which is what a lagging ledger goes by.
    ours: bool,
}

impl Row {
    /// A call of the account's.
    pub(crate) fn call(id: String, at: Timestamp, payer: &Account) -> Self {
        Self { id, ..Self::seeded(call(&payer.auth_id, at), payer) }
    }

    pub(crate) fn seeded(entry: LedgerEntry, account: &Account) -> Self {
        let at = entry.at.unwrap_or_else(Timestamp::now);
        let balance_id = account.balance_id(&entry.currency);
        Self { id: Uuid::new_v4().to_string(), balance_id, buyer: None, entry, at, ours: false }
    }

    /// The row of a debit for a number, in the words of the account that pays.
    pub(crate) fn debit(payer: &Account, buyer: &str, e164: &str, price: &Price, at: Timestamp) -> Self {
        let naming = payer.options.ledger_names_number;
        let (kind, reference_type) = match payer.options.ledger_kind {
            LedgerKind::DidPurchase => (RowType::Debit, Some("did_purchase")),
            LedgerKind::DidRental => (RowType::Debit, Some("did_rental")),
            LedgerKind::LegacyDidRental => (RowType::DidRental, None),
        };
        let description = match naming {
            NumberNaming::Description => format!("Number purchase {e164}"),
            NumberNaming::Reference | NumberNaming::Nowhere => "Number purchase".to_owned(),
        };
        let entry = LedgerEntry {
            account: payer.auth_id.clone(),
            kind,
            amount: match payer.options.ledger_sums {
                LedgerSums::Exact => price.total(),
                LedgerSums::Binary => price.binary_total(),
            },
            currency: price.currency.clone(),
            description,
            reference: (naming == NumberNaming::Reference).then(|| e164.to_owned()),
            reference_type: reference_type.map(str::to_owned),
            status: RowStatus::Completed,
            at: Some(at),
        };
        Self { ours: true, buyer: Some(buyer.to_owned()), ..Self::seeded(entry, payer) }
    }
}

/// What a ledger query asks for. A row is compared with moments, not with days: there may be a million.
struct Filter<'a> {
    params: &'a Params,
    from: Option<Timestamp>,
    before: Option<Timestamp>,
    by_type: bool,
}

impl<'a> Filter<'a> {
    /// The filter, or nothing if a date is malformed.
    fn parse(params: &'a Params) -> Option<Self> {
        let date = |name| params.get(name).map(|text| day(text).ok_or(())).transpose().ok();
        let begin = |date: Date| Some(date.to_zoned(TimeZone::UTC).ok()?.timestamp());
        let from = date("from_date")?.and_then(begin);
        let before = date("to_date")?.and_then(|date| begin(date.tomorrow().ok()?));
        Some(Self { params, from, before, by_type: true })
    }

    /// The account's calls, which are all of one kind.
    fn calls(&self, payer: &Account) -> Calls {
        let calls = Calls::between(payer.options.calls_a_day, self.from, self.before);
        let all = Self { from: None, before: None, ..*self };
        let newest = calls.newest_but(0).map(|(id, at)| Row::call(id, at, payer));
        if newest.is_some_and(|newest| all.passes(&newest)) { calls } else { Calls::between(0, None, None) }
    }

    fn passes(&self, row: &Row) -> bool {
        let entry = &row.entry;
        let is = |name: &str, value: Option<&str>| {
            self.params.get(name).is_none_or(|wanted| value == Some(wanted))
        };
        self.from.is_none_or(|from| row.at >= from)
            && self.before.is_none_or(|before| row.at < before)
            && (!self.by_type || is("type", Some(entry.kind.word())))
            && is("status", Some(entry.status.word()))
            && is("currency", Some(&entry.currency))
            && (!self.by_type || is("reference_type", entry.reference_type.as_deref()))
            && is("reference", entry.reference.as_deref())
            && is("transaction_id", Some(&row.id))
            && self.params.get("description").is_none_or(|part| entry.description.contains(part))
    }
}

/// A UTC day, written as such or as a moment in it.
fn day(text: &str) -> Option<Date> {
    // jiff would also take a date with a time behind it for a date.
    let date = (text.len() == "2026-01-02".len()).then(|| text.parse().ok()).flatten();
    date.or_else(|| Some(text.parse::<Timestamp>().ok()?.to_zoned(TimeZone::UTC).date()))
}

#[derive(Serialize)]
#[allow(clippy::struct_field_names, reason = "the vendor's names")]
struct Transactions<'a> {
    transactions: Vec<Transaction<'a>>,
    summary: Summary,
    total: usize,
    page: usize,
    per_page: usize,
    total_pages: usize,
}

#[derive(Serialize)]
struct Summary {
    total_credits: Amount,
    total_debits: Amount,
    count: usize,
}

#[derive(Serialize)]
struct Transaction<'a> {
    id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    account_id: Option<&'a str>,
    balance_id: &'a str,
    r#type: RowType,
    amount: Amount,
    currency: &'a str,
    description: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reference: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reference_type: Option<&'a str>,
    status: RowStatus,
    processed_at: String,
    created_at: String,
    updated_at: String,
}

pub(crate) fn answer(world: &World, account: &str, params: &Params, view: View) -> Reply {
    let Some(mut filter) = Filter::parse(params) else {
        return Reply::json(500, &serde_json::json!({"error": "Failed to retrieve transactions"}));
    };
    let Some(payer) = world.accounts.get(world.billing_id(account)) else { return envelopes::no_such_path() };
    filter.by_type = payer.options.ledger_filters == LedgerFilters::Honoured;
    let style = payer.options.number_style;
    let mut rows: Vec<&Row> = world
        .ledger
        .iter()
        .filter(|row| {
            row.entry.account == payer.auth_id && !(row.ours && view.hides(row.at)) && filter.passes(row)
        })
        .collect();
    // Newest first; of two in the same instant, the one that was written later.
    rows.reverse();
    rows.sort_by_key(|row| std::cmp::Reverse(row.at));
    let calls = filter.calls(payer);
    let sum = |credit: bool| {
        let rows = rows.iter().filter(|row| (row.entry.kind == RowType::Credit) == credit);
        Amount::new(rows.map(|row| row.entry.amount).sum(), style)
    };
    let total = rows.len() + calls.count();
    let summary = Summary { total_credits: sum(true), total_debits: sum(false), count: total };
    let page = Page::of_ledger(params);
    let shown = among_calls(&rows, calls, page.skipped(), page.per_page, payer);
    let reply = Transactions {
        transactions: shown.iter().map(|row| transaction(row, payer)).collect(),
        summary,
        total,
        page: page.page,
        per_page: page.per_page,
        total_pages: total.div_ceil(page.per_page),
    };
    Reply::json(200, &reply)
}

fn transaction<'a>(row: &'a Row, payer: &'a Account) -> Transaction<'a> {
    let buyer = row.buyer.as_deref().unwrap_or(&row.entry.account);
    Transaction {
        id: &row.id,
        account_id: payer.options.row_account.of(&row.entry.account, buyer),
        balance_id: &row.balance_id,
        r#type: row.entry.kind,
        amount: Amount::new(row.entry.amount, payer.options.number_style),
        currency: &row.entry.currency,
        description: &row.entry.description,
        reference: row.entry.reference.as_deref(),
        reference_type: row.entry.reference_type.as_deref(),
        status: row.entry.status,
        processed_at: micros(row.at),
        created_at: micros(row.at),
        updated_at: micros(row.at),
    }
}
