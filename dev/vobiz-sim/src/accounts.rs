//! Accounts: whose credentials they are, who pays for them, and how the vendor treats them.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::NumberStyle;

/// A master account or a sub-account.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// `MA_…` or `SA_…`, the `X-Auth-ID`.
    pub auth_id: String,
    /// The `X-Auth-Token`.
    pub token: String,
    /// For a sub-account, the master account that pays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    /// What is in the account, by currency.
    #[serde(default)]
    pub balances: BTreeMap<String, Decimal>,
    /// The part of the balances that is set aside: it is in `balance` and not in `available_balance`.
    #[serde(default)]
    pub reserved: BTreeMap<String, Decimal>,
    /// The vendor's treatment of the account.
    #[serde(default)]
    pub options: AccountOptions,
}

impl Account {
    /// An account without money, treated as the documentation says.
    pub fn new(auth_id: impl Into<String>, token: impl Into<String>) -> Self {
        Self {
            auth_id: auth_id.into(),
            token: token.into(),
            parent: None,
            balances: BTreeMap::new(),
            reserved: BTreeMap::new(),
            options: AccountOptions::default(),
        }
    }

    /// The account, billed to this master account.
    #[must_use]
    pub fn with_parent(mut self, parent: impl Into<String>) -> Self {
        self.parent = Some(parent.into());
        self
    }

    /// The account, with this balance.
    #[must_use]
    pub fn with_balance(mut self, currency: impl Into<String>, amount: impl Into<Decimal>) -> Self {
        self.balances.insert(currency.into(), amount.into());
        self
    }

    /// The account, with these options.
    #[must_use]
    pub fn with_options(mut self, options: AccountOptions) -> Self {
        self.options = options;
        self
    }

    pub(crate) fn balance(&self, currency: &str) -> Decimal {
        self.balances.get(currency).copied().unwrap_or_default()
    }

    pub(crate) fn reserved(&self, currency: &str) -> Decimal {
        self.reserved.get(currency).copied().unwrap_or_default()
    }

    /// Takes an amount from the balance; the caller has seen that it suffices.
    pub(crate) fn debit(&mut self, currency: &str, amount: Decimal) {
        *self.balances.entry(currency.to_owned()).or_default() -= amount;
    }

    /// The identity of the balance in one currency: stable, and not the account's.
    pub(crate) fn balance_id(&self, currency: &str) -> String {
        format!("bal-{}-{}", self.auth_id, currency)
    }
}

/// A change to an account, or a new one: what is left out stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccountPatch {
    /// Which account.
    pub auth_id: String,
    /// The token; a new account needs one.
    pub token: Option<String>,
    /// The master account that pays.
    pub parent: Option<String>,
    /// Balances to set; the other currencies stay.
    #[serde(default)]
    pub balances: BTreeMap<String, Decimal>,
    /// Reserved amounts to set; the other currencies stay.
    #[serde(default)]
    pub reserved: BTreeMap<String, Decimal>,
    /// The options, all of them at once.
    pub options: Option<AccountOptions>,
}

impl AccountPatch {
    pub(crate) fn apply(self, account: &mut Account) {
        if let Some(token) = self.token {
            account.token = token;
        }
        if self.parent.is_some() {
            account.parent = self.parent;
        }
        account.balances.extend(self.balances);
        account.reserved.extend(self.reserved);
        if let Some(options) = self.options {
            account.options = options;
        }
    }
}

/// How the vendor treats an account, where its documentation leaves more than one possibility.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AccountOptions {
    /// The answer to a purchase that the balance does not cover.
    pub short_balance: ShortBalance,
    /// What the ledger calls the debit for a number. Read from the account that pays.
    pub ledger_kind: LedgerKind,
    /// Where a ledger row names the number. Read from the account that pays.
    pub ledger_names_number: NumberNaming,
    /// How balances and ledger amounts are written.
    pub number_style: NumberStyle,
    /// How the ledger adds up what a number costs. Read from the account that pays.
    pub ledger_sums: LedgerSums,
    /// Whose `account_id` ledger rows and balances carry. Read from the account that pays.
    pub row_account: RowAccount,
    /// Whether the ledger is filtered by `type` and `reference_type`. Read from the account that pays.
    pub ledger_filters: LedgerFilters,
    /// How many calls the account has made each day since 1970, and makes: rows of its ledger. Read from the account that
    /// pays.
    pub calls_a_day: u32,
}

/// The answer to a purchase that the balance does not cover.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ShortBalance {
    /// The purchase page's 500.
    #[default]
    Status500,
    /// The errors page's 402, with the missing amount.
    Status402,
}

/// How fees are added up for a ledger row.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LedgerSums {
    /// Exactly.
    #[default]
    Exact,
    /// As binary fractions: 1.1 and 2.2 are 3.3000000000000003.
    Binary,
}

/// Whose `account_id` a ledger row or a balance carries.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RowAccount {
    /// That of the account that pays.
    #[default]
    Payer,
    /// That of the account that bought, or that asks for the balance.
    Buyer,
    /// None.
    Nobody,
}

impl RowAccount {
    pub(crate) fn of<'a>(self, payer: &'a str, buyer: &'a str) -> Option<&'a str> {
        match self {
            Self::Payer => Some(payer),
            Self::Buyer => Some(buyer),
            Self::Nobody => None,
        }
    }
}

/// What becomes of the ledger's filters `type` and `reference_type`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LedgerFilters {
    /// What is documented.
    #[default]
    Honoured,
    /// They are not looked at.
    Ignored,
}

/// What the ledger calls the debit for a number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LedgerKind {
    /// `type: debit`, `reference_type: did_purchase`.
    #[default]
    DidPurchase,
    /// `type: debit`, `reference_type: did_rental`.
    DidRental,
    /// `type: did_rental`, without a reference type.
    LegacyDidRental,
}

/// Where a ledger row names the number that was paid for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NumberNaming {
    /// In `reference`.
    #[default]
    Reference,
    /// In `description`.
    Description,
    /// Nowhere.
    Nowhere,
}
