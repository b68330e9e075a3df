//! The words of the trade, parsed from any string.

use fastrand::Rng;
use vobiz_operator::domain::{AccountId, AttemptId, Currency, E164, Money, Time};

use super::{Verdict, ensure};
use crate::{
    bytes::{damage, noise},
    documents::NUMBER,
    inputs::amount,
    oracle::{is_e164, same_sum},
};

/// A text, sometimes damaged, sometimes noise.
fn text(rng: &mut Rng, input: &mut Vec<u8>, likely: String) -> String {
    let mut bytes = if rng.u8(..8) == 0 { noise(rng) } else { likely.into_bytes() };
    if rng.u8(..3) == 0 {
        damage(rng, &mut bytes);
    }
    *input = bytes;
    String::from_utf8_lossy(input).into_owned()
}

pub fn money(rng: &mut Rng, input: &mut Vec<u8>) -> Verdict {
    let likely = amount(rng);
    let text = text(rng, input, likely);
    let Ok(sum) = text.parse::<Money>() else { return Ok("refused") };
    same_sum(sum, &text)?;
    let shown = sum.to_string();
    ensure(shown.parse() == Ok(sum), || format!("{shown} is not read again"))?;
    // Neither of these may panic, whatever the size.
    let _ = (sum.abs(), sum + sum);
    Ok("exact")
}

pub fn time(rng: &mut Rng, input: &mut Vec<u8>) -> Verdict {
    let mut likely = format!(
        "{:04}-{:02}-{:02}{}{:02}:{:02}:{:02}",
        rng.u16(..10_000),
        rng.u8(..14),
        rng.u8(..33),
        ["T", " ", "t"][rng.usize(..3)],
        rng.u8(..26),
        rng.u8(..62),
        rng.u8(..62)
    );
    if rng.bool() {
        likely.push_str([".", ","][rng.usize(..2)]);
        likely.extend((0..rng.usize(1..12)).map(|_| rng.char('0'..='9')));
    }
    likely.push_str(
        ["Z", "+05:30", "-00:00", "+00:00", "", "z", "[Asia/Kolkata]", "+25:00", "Z[UTC]"][rng.usize(..9)],
    );
    let text = text(rng, input, likely);
    let Ok(time) = text.parse::<Time>() else { return Ok("refused") };
    let shown = time.to_string();
    let again: Time = shown.parse().map_err(|_| format!("{shown} is not read again"))?;
    ensure(shown.ends_with('Z') && again.to_string() == shown, || {
        format!("{shown} changes when it is read again")
    })?;
    let lost = time.at().duration_until(again.at()).abs()
        >= std::time::Duration::from_secs(1).try_into().unwrap_or_default();
    ensure(!lost, || format!("another time: {shown}"))?;
    let _ = time.after(std::time::Duration::MAX);
    Ok("time")
}

pub fn e164(rng: &mut Rng, input: &mut Vec<u8>) -> Verdict {
    let length = rng.usize(..20);
    let digits: String = (0..length).map(|_| rng.char('0'..='9')).collect();
    let likely = match rng.u8(..4) {
        0 => NUMBER.to_owned(),
        1 => format!("DID {digits} bought, {NUMBER}"),
        _ => format!("+{digits}"),
    };
    let text = text(rng, input, likely);
    let ours: E164 = NUMBER.parse().map_err(|_| "the number itself")?;
    let named = text.split(|c: char| !c.is_ascii_digit()).any(|run| run == &NUMBER[1..]);
    let mentioned = E164::mentioned_in(&text).find(|number| *number == ours);
    ensure(mentioned.is_some() == named, || "named or not".into())?;
    // Bare digits are no more than a suspicion, which the numbers that are known then confirm.
    let suspected = mentioned.is_some_and(E164::is_suspect);
    ensure(!named || suspected, || "ours is named, and not even suspected".into())?;
    match text.parse::<E164>() {
        Ok(number) => {
            ensure(is_e164(&text) && number.to_string() == text, || format!("read as {number}"))?;
            Ok("number")
        }
        Err(_) => ensure(!is_e164(&text), || "a number was refused".into()).map(|()| "refused"),
    }
}

pub fn ids(rng: &mut Rng, input: &mut Vec<u8>) -> Verdict {
    let likely = match rng.u8(..4) {
        0 => AttemptId::from_random(rng.u128(..).to_le_bytes()).to_string(),
        1 => ["INR", "USD", "inr", "IN", "\u{20ac}"][rng.usize(..5)].to_owned(),
        2 => format!("MA_{}", rng.alphanumeric()),
        _ => "SA_".repeat(rng.usize(..60)),
    };
    let text = text(rng, input, likely);
    if let Ok(account) = text.parse::<AccountId>() {
        let safe = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
        ensure(safe && (1..=128).contains(&text.len()) && account.as_str() == text, || {
            "an unsafe id".into()
        })?;
    }
    if let Ok(id) = text.parse::<AttemptId>() {
        ensure(id.to_string().parse() == Ok(id), || format!("{id} is not read again"))?;
        return Ok("attempt id");
    }
    match text.parse::<Currency>() {
        Ok(currency) => ensure(currency.to_string() == text, || format!("{currency}")).map(|()| "currency"),
        Err(_) => Ok(if text.parse::<AccountId>().is_ok() { "account id" } else { "refused" }),
    }
}
