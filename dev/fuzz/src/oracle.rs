//! What is right, worked out in another way than by the code that is tested.

use vobiz_operator::domain::Money;

use crate::node::Node;

/// A decimal as sign, digits without zeros at either end, and the power of ten of the last digit.
fn canonical(text: &str) -> Option<(bool, String, i64)> {
    let (base, exponent) = match text.find(['e', 'E']) {
        Some(at) => (&text[..at], text[at + 1..].parse::<i64>().ok()?),
        None => (text, 0),
    };
    let (negative, base) = base.strip_prefix('-').map_or((false, base), |base| (true, base));
    let (whole, fraction) = base.split_once('.').unwrap_or((base, ""));
    let digits = format!("{whole}{fraction}");
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) || digits.is_empty() {
        return None;
    }
    let mut power = exponent - i64::try_from(fraction.len()).ok()?;
    let kept = digits.trim_end_matches('0');
    power += i64::try_from(digits.len() - kept.len()).ok()?;
    let kept = kept.trim_start_matches('0');
    Some(if kept.is_empty() { (false, String::new(), 0) } else { (negative, kept.to_owned(), power) })
}

/// Whether the sum is the one that was written, to the last digit; and in the very digits, where no exponent was written.
pub fn same_sum(read: Money, written: &str) -> Result<(), String> {
    let shown = read.to_string();
    let plain = written.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let padded = plain && written.starts_with('0') && written.len() > 1 && !written.starts_with("0.");
    if canonical(&shown) != canonical(written) || (plain && !padded && shown != written) {
        return Err(format!("the sum {written} was read as {shown}"));
    }
    Ok(())
}

/// The sum that was read is the one in that field of the document, if any was read.
pub fn sum_of(
    document: Option<&Node>,
    field: &str,
    read: Option<Money>,
    signless: bool,
) -> Result<(), String> {
    let Some(read) = read else { return Ok(()) };
    let node = document.and_then(|node| node.field(field)).ok_or(format!("{field} came from nowhere"))?;
    let text = node.raw().ok_or(format!("{field} was read from no number"))?.trim_matches('"');
    let text = if signless { text.strip_prefix('-').unwrap_or(text) } else { text };
    same_sum(read, text)
}

/// Whether it is one of Vobiz's error envelopes: an error that is a word or has a code, or a message.
pub fn is_envelope(document: &Node) -> bool {
    let error = document.field("error");
    let inner = |name| error.and_then(|error| error.field(name));
    error.is_some_and(Node::is_string)
        || inner("code").is_some_and(|code| code.is_string() || code.is_number())
        || inner("message").is_some_and(Node::is_string)
        || document.field("message").is_some_and(Node::is_string)
}

/// Which refusal a status may be: the table of `docs/exactly-once.md`, written anew.
pub fn may_be_rejected(status: u16, in_words: bool) -> bool {
    match status {
        400 | 401 | 402 | 403 | 409 | 422 | 429 => true,
        408 | 425 | 499 => false,
        404..=500 => in_words,
        _ => false,
    }
}

pub fn is_e164(text: &str) -> bool {
    let Some(digits) = text.strip_prefix('+') else { return false };
    (2..=15).contains(&digits.len())
        && digits.bytes().all(|byte| byte.is_ascii_digit())
        && !digits.starts_with('0')
}

pub fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}
