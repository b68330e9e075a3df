//! Answers to a purchase.

use std::time::Duration;

use fastrand::Rng;
use vobiz_operator::{
    api::Answer,
    domain::{E164, Outcome},
    vobiz::{
        PurchaseAnswer,
        readers::{BodyError, Envelope, Masks, PurchaseResponse},
    },
};

use super::{Verdict, ensure};
use crate::{
    documents::{ENVELOPES, NUMBER, PURCHASES},
    inputs,
    node::Node,
    oracle::{is_envelope, may_be_rejected, sum_of},
};

const STATUSES: [u16; 24] = [
    200, 200, 200, 200, 201, 202, 204, 302, 307, 400, 401, 402, 403, 404, 404, 408, 409, 422, 425, 429, 500,
    500, 502, 503,
];

/// An answer to a purchase: any status, any body, or one that breaks off or has no end.
pub fn purchase(rng: &mut Rng, input: &mut Vec<u8>) -> Verdict {
    let status = if rng.u8(..4) == 0 { rng.u16(100..1000) } else { STATUSES[rng.usize(..STATUSES.len())] };
    let likely = if status == 200 { &PURCHASES[..] } else { &ENVELOPES };
    *input = inputs::body(rng, likely);
    let body = match rng.u8(..64) {
        0 => Err(BodyError::TooLong(1)),
        1 => Err(BodyError::Broken("reset".into())),
        _ => Ok(input.clone()),
    };
    let retry_after = (rng.u8(..4) == 0).then(|| Duration::from_secs(rng.u64(..)));
    let e164: E164 = NUMBER.parse().map_err(|_| "the number itself")?;
    let at = "2026-01-02T03:04:05Z".parse().map_err(|_| "the time itself")?;
    let response = PurchaseResponse { status, retry_after, body: body.clone() };
    check(status, &body, &response.classify(e164, &Masks::default(), at), e164)
        .map_err(|why| format!("status {status}: {why}"))
}

fn check(status: u16, body: &Result<Vec<u8>, BodyError>, met: &PurchaseAnswer, e164: E164) -> Verdict {
    let document = body.as_ref().ok().and_then(|body| Node::parse(body));
    ensure(met.answer.http_status == Some(i32::from(status)), || "the status was lost".into())?;
    ensure(met.bought.is_some() == (met.answer.outcome == Outcome::Purchased), || "bought, or not".into())?;
    match (met.answer.outcome, &met.bought) {
        (Outcome::Purchased, Some(listed)) => {
            ensure(status == 200 && listed.e164 == e164, || "not a 200 with our number".into())?;
            // Deeper than is judged, or with escaped names: our number must at least be in it.
            let Some(document) = document.filter(|document| !document.has_escaped_keys()) else {
                let bytes = body.as_deref().unwrap_or_default();
                let there =
                    bytes.windows(12).any(|window| window == b"911234500000") || bytes.contains(&b'\\');
                return ensure(there, || "our number is nowhere in it".into()).map(|()| "purchased, odd");
            };
            let number = document.field("number").filter(|number| number.is_map());
            let named = number.and_then(|number| number.field("e164")).and_then(Node::raw);
            let exactly = named.is_some_and(|raw| raw == format!("\"{NUMBER}\"") || raw.contains('\\'));
            ensure(exactly, || format!("it names {named:?}"))?;
            sum_of(number, "setup_fee", listed.number.setup_fee, false)?;
            sum_of(number, "monthly_fee", listed.number.monthly_fee, false)?;
            Ok("purchased")
        }
        (Outcome::NotSent, _) => Err("an answer means that it was sent".into()),
        (Outcome::Unknown, _) => Ok("unknown"),
        _ => refused(status, body, document.as_ref(), &met.answer),
    }
}

fn refused(
    status: u16,
    body: &Result<Vec<u8>, BodyError>,
    document: Option<&Node>,
    answer: &Answer,
) -> Verdict {
    let bytes = body.as_deref().unwrap_or_default();
    // What the second reader does not judge is believed to be an envelope, and for nothing else.
    let unjudged =
        document.is_none_or(Node::has_escaped_keys) && Envelope::parse(bytes, &Masks::default()).is_some();
    let in_words = unjudged || document.is_some_and(is_envelope);
    ensure(may_be_rejected(status, in_words), || format!("a rejection without its reason: {answer:?}"))?;
    ensure(!matches!(body, Err(BodyError::TooLong(_))), || "a rejection without an end".into())?;
    let expected = match status {
        401 => Outcome::Unauthorized,
        402 | 500 => Outcome::PaymentFailed,
        404 => Outcome::NotFound,
        429 => Outcome::RateLimited,
        _ => Outcome::Rejected,
    };
    ensure(answer.outcome == expected, || format!("{status} became {:?}", answer.outcome))?;
    Ok(match answer.outcome {
        Outcome::NotFound => "not found",
        Outcome::PaymentFailed => "payment failed",
        Outcome::Unauthorized => "unauthorized",
        Outcome::RateLimited => "rate limited",
        Outcome::Rejected => "rejected",
        Outcome::Purchased | Outcome::NotSent | Outcome::Unknown => return Err("no refusal".into()),
    })
}

pub fn envelope(rng: &mut Rng, input: &mut Vec<u8>) -> Verdict {
    *input = inputs::body(rng, &ENVELOPES);
    let Some(envelope) = Envelope::parse(input, &Masks::default()) else { return Ok("none") };
    for words in [&envelope.code, &envelope.message].into_iter().flatten() {
        let fit = words.chars().count() <= 300 && !words.contains(char::is_control);
        ensure(fit, || format!("words that are not fit to be shown: {words:?}"))?;
    }
    let Some(document) = Node::parse(input).filter(|document| !document.has_escaped_keys()) else {
        return Ok("odd envelope");
    };
    ensure(is_envelope(&document), || format!("no envelope, read as {envelope:?}"))?;
    let inner = document.field("error").and_then(|error| error.field("details"));
    let details = inner.filter(|details| details.is_map()).or(document.field("details"));
    sum_of(details, "required", envelope.required, false)?;
    sum_of(details, "available", envelope.available, false)?;
    Ok("envelope")
}
