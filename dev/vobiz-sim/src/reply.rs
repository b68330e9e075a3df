//! An answer, and the ways of delivering it badly.

use std::{convert::Infallible, io, time::Duration};

use bytes::Bytes;
use futures::{StreamExt, stream};
use http_body_util::{BodyExt, Full, StreamBody, combinators::UnsyncBoxBody};
use hyper::{Response, StatusCode, body::Frame};
use serde::Serialize;

pub(crate) type Body = UnsyncBoxBody<Bytes, io::Error>;

/// One piece of the white space before a huge body.
static WHITE: [u8; 65_536] = [b' '; 65_536];

/// Long enough for the first half of a truncated body to be on its way when the connection closes.
const BEFORE_THE_CUT: Duration = Duration::from_millis(20);

#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Bytes,
    pub(crate) delivery: Delivery,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Delivery {
    /// As it should be.
    Whole,
    /// Half of it, under the length of all of it.
    Truncated,
    /// After so many bytes of white space.
    Padded(u64),
}

impl Reply {
    pub(crate) fn new(status: u16, content_type: &str, body: impl Into<Bytes>) -> Self {
        Self {
            status,
            headers: vec![("content-type".to_owned(), content_type.to_owned())],
            body: body.into(),
            delivery: Delivery::Whole,
        }
    }

    pub(crate) fn json(status: u16, body: &impl Serialize) -> Self {
        match serde_json::to_vec(body) {
            Ok(bytes) => Self::new(status, "application/json", bytes),
            Err(error) => Self::new(500, "text/plain", format!("the simulator failed: {error}")),
        }
    }

    pub(crate) fn delivered(mut self, delivery: Delivery) -> Self {
        self.delivery = delivery;
        self
    }

    pub(crate) fn into_response(self) -> Response<Body> {
        let mut response = Response::builder().status(self.status);
        for (name, value) in &self.headers {
            response = response.header(name, value);
        }
        if matches!(self.delivery, Delivery::Truncated) {
            response = response.header("content-length", self.body.len());
        }
        let body = match self.delivery {
            Delivery::Whole => whole(self.body),
            Delivery::Truncated => truncated(&self.body),
            Delivery::Padded(bytes) => padded(self.body, bytes),
        };
        response.body(body).unwrap_or_else(|error| {
            let mut response = Response::new(whole(Bytes::from(format!("impossible answer: {error}"))));
            *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
            response
        })
    }
}

fn whole(body: Bytes) -> Body {
    Full::new(body).map_err(|never: Infallible| match never {}).boxed_unsync()
}

fn truncated(body: &Bytes) -> Body {
    let half = body.slice(..body.len() / 2);
    let cut = stream::once(async {
        tokio::time::sleep(BEFORE_THE_CUT).await;
        Err(io::Error::from(io::ErrorKind::ConnectionAborted))
    });
    BodyExt::boxed_unsync(StreamBody::new(stream::iter([Ok(Frame::data(half))]).chain(cut)))
}

fn padded(body: Bytes, bytes: u64) -> Body {
    let pieces = usize::try_from(bytes.div_ceil(WHITE.len() as u64)).unwrap_or(usize::MAX);
    let white = std::iter::repeat_n(Bytes::from_static(&WHITE), pieces);
    let frames = white.chain([body]).map(|piece| Ok(Frame::data(piece)));
    BodyExt::boxed_unsync(StreamBody::new(stream::iter(frames)))
}
