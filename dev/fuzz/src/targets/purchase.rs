//! Answers to a purchase.

use std::time::Duration;

use fastrand::Rng;
use vobiz_operator::{
    domain::E164,
    vobiz::{
        PurchaseError, Purchased, Rejection, RejectionKind,
        readers::{BodyError, Envelope, Masks, PurchaseAnswer},
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
    let answer = PurchaseAnswer { status, retry_after, body: body.clone() };
    check(status, &body, answer.judge(e164, &Masks::default()), e164)
        .map_err(|why| format!("status {status}: {why}"))
}

fn check(
    status: u16,
    body: &Result<Vec<u8>, BodyError>,
    outcome: Result<Purchased, PurchaseError>,
    e164: E164,
) -> Verdict {
    let document = body.as_ref().ok().and_then(|body| Node::parse(body));
    match outcome {
        Ok(Purchased(listed)) => {
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
        Err(PurchaseError::NotSent(_)) => Err("an answer means that it was sent".into()),
        Err(PurchaseError::Unknown { status: told, .. }) => {
            ensure(told == Some(status), || "the status was lost".into())?;
            Ok("unknown")
        }
        Err(PurchaseError::Rejected(rejection)) => rejected(status, body, document.as_ref(), &rejection),
    }
}

fn rejected(
    status: u16,
    body: &Result<Vec<u8>, BodyError>,
    document: Option<&Node>,
    rejection: &Rejection,
) -> Verdict {
    let bytes = body.as_deref().unwrap_or_default();
    // What the second reader does not judge is believed to be an envelope, and for nothing else.
    let unjudged =
        document.is_none_or(Node::has_escaped_keys) && Envelope::parse(bytes, &Masks::default()).is_some();
    let in_words = unjudged || document.is_some_and(is_envelope);
    ensure(may_be_rejected(status, in_words), || format!("a rejection without its reason: {rejection:?}"))?;
    ensure(!matches!(body, Err(BodyError::TooLong(_))), || "a rejection without an end".into())?;
    ensure(rejection.status == status, || "the status was changed".into())?;
    let expected = match status {
        401 => RejectionKind::Unauthorized,
        402 | 500 => RejectionKind::PaymentFailed,
        404 => RejectionKind::NotFound,
        429 => RejectionKind::RateLimited,
        _ => RejectionKind::Other,
    };
    ensure(rejection.kind == expected, || format!("{status} became {:?}", rejection.kind))?;
    Ok(match rejection.kind {
        RejectionKind::NotFound => "not found",
        RejectionKind::PaymentFailed => "payment failed",
        RejectionKind::Unauthorized => "unauthorized",
        RejectionKind::RateLimited => "rate limited",
        RejectionKind::Other => "rejected",
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
