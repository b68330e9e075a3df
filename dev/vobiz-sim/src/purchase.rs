//! `POST …/numbers/purchase-from-inventory`, in the vendor's order: the inventory, the account that
//! pays, the debit, the owner, the time, the answer.

use jiff::Timestamp;

use crate::{
    Debit, ShortBalance,
    call::{Call, PurchaseBody},
    envelopes,
    ledger::Row,
    numbers::Price,
    reply::Reply,
    shapes,
    world::World,
};

/// How far a purchase goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    /// All the way.
    Whole,
    /// The debit, and no further.
    DebitOnly,
}

pub(crate) fn answer(world: &mut World, seq: u64, call: &Call, account: &str, extent: Extent) -> Reply {
    let (e164, price) = match choose(world, call.purchase.as_ref()) {
        Ok(chosen) => chosen,
        Err(refusal) => return refusal,
    };
    if let Err(refusal) = debit(world, seq, account, &e164, &price) {
        return refusal;
    }
    match world.numbers.get_mut(&e164) {
        Some(number) if extent == Extent::Whole => {
            let now = Timestamp::now();
            number.set_price(&price);
            number.owner = Some(account.to_owned());
            number.sold_at = Some(now);
            number.purchased_at = Some(now);
            number.updated_at = now;
            shapes::purchased(number, account)
        }
        _ => envelopes::provider_failed(),
    }
}

/// Finds the number in the inventory, and the price in the currency that was asked for.
fn choose(world: &World, body: Option<&PurchaseBody>) -> Result<(String, Price), Reply> {
    let body = body
        .filter(|body| body.well_formed)
        .ok_or_else(|| envelopes::bad_request("INVALID_REQUEST", "the body is not a purchase", "body"))?;
    let e164 = body
        .e164
        .as_deref()
        .filter(|e164| is_e164(e164))
        .ok_or_else(|| envelopes::bad_request("INVALID_E164", "e164 must be in E.164 format", "e164"))?;
    let number = world
        .numbers
        .get(e164)
        .filter(|number| number.is_for_sale())
        .ok_or_else(envelopes::not_in_inventory)?;
    let price = match &body.currency {
        None => number.prices().next(),
        Some(currency) => number.prices().find(|price| price.currency == *currency),
    };
    let price = price.ok_or_else(|| {
        envelopes::bad_request("INVALID_CURRENCY", "the number is not sold in this currency", "currency")
    })?;
    Ok((e164.to_owned(), number.listed.charged.clone().unwrap_or(price)))
}

/// Takes the money from whoever pays for the account, and writes it into both books.
fn debit(world: &mut World, seq: u64, buyer: &str, e164: &str, price: &Price) -> Result<(), Reply> {
    let payer_id = world.billing_id(buyer).to_owned();
    let (required, available) = (price.total(), world.available(&payer_id, &price.currency));
    let short = available < required;
    let Some(payer) = world.accounts.get_mut(&payer_id).filter(|_| !short) else {
        let options = world.accounts.get(buyer).map(|buyer| buyer.options).unwrap_or_default();
        return Err(match options.short_balance {
            ShortBalance::Status500 => envelopes::provider_failed(),
            ShortBalance::Status402 => envelopes::insufficient_balance(required, available, &price.currency),
        });
    };
    let at = Timestamp::now();
    payer.debit(&price.currency, required);
    world.ledger.push(Row::debit(payer, buyer, e164, price, at));
    world.journal.debits.push(Debit {
        seq,
        at,
        account: payer_id,
        buyer: buyer.to_owned(),
        amount: required,
        currency: price.currency.clone(),
        e164: e164.to_owned(),
    });
    Ok(())
}

fn is_e164(text: &str) -> bool {
    text.strip_prefix('+').is_some_and(|digits| {
        (7..=15).contains(&digits.len())
            && !digits.starts_with('0')
            && digits.bytes().all(|byte| byte.is_ascii_digit())
    })
}
