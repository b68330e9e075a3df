//! Answers as bytes on a connection.

use std::{io, time::Duration};

use bytes::Bytes;
use fastrand::Rng;
use futures::{FutureExt as _, stream};
use http::header::{HeaderMap, HeaderValue, RETRY_AFTER};
use vobiz_operator::{
    domain::Time,
    vobiz::readers::{self, BodyError},
};

use super::{Verdict, ensure};
use crate::bytes::noise;

const IN_A_MINUTE: &[u8] = b"Fri, 02 Jan 2026 03:04:05 GMT";

pub fn retry_after(rng: &mut Rng, input: &mut Vec<u8>) -> Verdict {
    *input = match rng.u8(..6) {
        0 => noise(rng),
        1 => rng.u128(..).to_string().into_bytes(),
        2 => IN_A_MINUTE.to_vec(),
        3 => format!("{}{}", ["-", "+", " ", "\t", "0x", "1e"][rng.usize(..6)], rng.u16(..)).into_bytes(),
        4 => format!(" {} ", rng.u64(..)).into_bytes(),
        _ => rng.u16(..).to_string().into_bytes(),
    };
    let Ok(value) = HeaderValue::from_bytes(input) else { return Ok("no header") };
    let now: Time = "2026-01-02T03:03:05Z".parse().map_err(|_| "the time itself")?;
    let read = readers::retry_after(&HeaderMap::from_iter([(RETRY_AFTER, value)]), now.at());
    let written = std::str::from_utf8(input).ok().map(|text| text.trim().trim_start_matches('+').to_owned());
    match read {
        None => Ok("none"),
        Some(wait) if input == IN_A_MINUTE => {
            ensure(wait.as_secs() == 60, || format!("read as {wait:?}")).map(|()| "date")
        }
        Some(wait) => {
            let seconds = written.and_then(|text| text.parse().ok()).map(Duration::from_secs);
            ensure(seconds == Some(wait), || format!("read as {wait:?}"))?;
            Ok("seconds")
        }
    }
}

/// A body in pieces, shorter or longer than the limit, that may break off.
pub fn body(rng: &mut Rng, input: &mut Vec<u8>) -> Verdict {
    let limit = rng.usize(..300);
    let mut pieces: Vec<Result<Bytes, io::Error>> = Vec::new();
    for _ in 0..rng.usize(..8) {
        let piece: Vec<u8> = (0..rng.usize(..100)).map(|_| rng.u8(..)).collect();
        input.extend_from_slice(&piece);
        pieces.push(Ok(piece.into()));
    }
    let breaks = rng.u8(..4) == 0;
    if breaks {
        pieces.push(Err(io::ErrorKind::ConnectionReset.into()));
    }
    let response = http::Response::new(reqwest::Body::wrap_stream(stream::iter(pieces)));
    let read = readers::body(response.into(), limit).now_or_never().ok_or("waits for nothing")?;
    match read {
        Ok(bytes) => {
            ensure(!breaks && input.len() <= limit && bytes == *input, || {
                "not the body that was sent".into()
            })?;
            Ok("whole")
        }
        Err(BodyError::TooLong(told)) => {
            ensure(input.len() > limit && told == limit, || "within the limit".into())?;
            Ok("too long")
        }
        Err(BodyError::Broken(_)) => {
            ensure(breaks && input.len() <= limit, || "it did not break off".into())?;
            Ok("broken")
        }
    }
}
