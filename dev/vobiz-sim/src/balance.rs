//! `GET …/balance/{currency}`.

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::Serialize;

use crate::{
    envelopes,
    money::Amount,
    reply::Reply,
    shapes::micros,
    world::{View, World},
};

#[derive(Serialize)]
#[allow(clippy::struct_field_names, reason = "the vendor's names")]
struct Balance<'a> {
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    account_id: Option<&'a str>,
    currency: &'a str,
    balance: Amount,
    reserved_funds: Amount,
    promotional_balance: Amount,
    promotional_reserved_balance: Amount,
    available_balance: Amount,
    credit_limit: Amount,
    is_postpaid: bool,
    credit_limit_type: &'static str,
    low_balance_threshold: Amount,
    status: &'static str,
    created_at: String,
    updated_at: String,
}

/// A sub-account without money of its own is shown the balance that its purchases are paid from.
pub(crate) fn answer(world: &World, account: &str, currency: &str, view: View) -> Reply {
    let own = world.accounts.get(account).filter(|account| account.balances.contains_key(currency));
    let payer = own.or_else(|| {
        let payer = world.accounts.get(world.billing_id(account));
        payer.filter(|account| account.balances.contains_key(currency))
    });
    let Some(payer) = payer else {
        return envelopes::plain(404, "not found", "balance not found");
    };
    let balance = payer.balance(currency) + hidden_debits(world, &payer.auth_id, currency, view);
    let reserved = payer.reserved(currency);
    let amount = |value| Amount::new(value, payer.options.number_style);
    let now = micros(Timestamp::now());
    Reply::json(
        200,
        &Balance {
            id: payer.balance_id(currency),
            account_id: payer.options.row_account.of(&payer.auth_id, account),
            currency,
            balance: amount(balance),
            reserved_funds: amount(reserved),
            promotional_balance: amount(Decimal::ZERO),
            promotional_reserved_balance: amount(Decimal::ZERO),
            available_balance: amount(balance - reserved),
            credit_limit: amount(Decimal::ZERO),
            is_postpaid: false,
            credit_limit_type: "hard",
            low_balance_threshold: amount(Decimal::from(20)),
            status: "active",
            created_at: now.clone(),
            updated_at: now,
        },
    )
}

/// What a lagging view has not seen leave the balance yet.
fn hidden_debits(world: &World, account: &str, currency: &str, view: View) -> Decimal {
    let debits = world.journal.debits.iter();
    debits
        .filter(|debit| debit.account == account && debit.currency == currency && view.hides(debit.at))
        .map(|debit| debit.amount)
        .sum()
}
