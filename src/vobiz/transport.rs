//! The HTTP client of Vobiz, with every mechanism turned off that could send a request twice.

use std::{error::Error as _, path::Path, time::Duration};

use jiff::Timestamp;
use reqwest::{
    Certificate, ClientBuilder, Response, Url,
    header::{HeaderMap, RETRY_AFTER},
    redirect, retry,
};

use super::error::SetupError;
use crate::{
    address::{has_userinfo, shown},
    proxy::Proxies,
};

/// `vobiz-operator/VERSION`, to every API.
pub const USER_AGENT: &str = concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION"));

/// Bound on the answer to a purchase, bytes. The documented answers have about one thousand.
pub const PURCHASE_BODY_LIMIT: usize = 1 << 20;

/// Bound on one page of a list, bytes.
pub const PAGE_BODY_LIMIT: usize = 16 << 20;

/// The client for the one call that spends. Every line is load-bearing: each removes a way in which one request
/// could arrive twice, or in which "never sent" could be untrue. `tests/spending_client.rs` counts.
pub fn spender(base: &Url, ca_file: Option<&Path>, timeout: Duration) -> Result<reqwest::Client, SetupError> {
    builder(base, ca_file)?
        // A refused HTTP/2 stream is re-sent by design.
        .http1_only()
        // A 307 or 308 re-sends the body elsewhere.
        .redirect(redirect::Policy::none())
        // reqwest retries protocol refusals by itself.
        .retry(retry::never())
        // A kept connection that dies while a request is written on it looks like a connection never made.
        .pool_max_idle_per_host(0)
        // Shorter than the whole, so that a connection never made is told apart from an answer never given.
        .connect_timeout(Duration::from_secs(5).min(timeout / 2))
        .timeout(timeout)
        .build()
        .map_err(|error| SetupError::Http(explain(&error)))
}

/// The client for calls that may be sent twice, with so many kept connections.
pub fn reader(
    base: &Url,
    ca_file: Option<&Path>,
    timeout: Duration,
    kept: usize,
) -> Result<reqwest::Client, SetupError> {
    builder(base, ca_file)?
        .http1_only()
        // Credentials stay with the host that they were given for.
        .redirect(redirect::Policy::none())
        .connect_timeout(Duration::from_secs(5))
        .pool_idle_timeout(Duration::from_mins(1))
        .pool_max_idle_per_host(kept)
        .timeout(timeout)
        .build()
        .map_err(|error| SetupError::Http(explain(&error)))
}

fn builder(base: &Url, ca_file: Option<&Path>) -> Result<ClientBuilder, SetupError> {
    // One proxy for one host, chosen here: reqwest would pass over one that it cannot use.
    let builder = reqwest::Client::builder().user_agent(USER_AGENT).referer(false).no_proxy();
    if base.scheme() == "http" {
        // Loopback only (see `check_url`): no proxy stands in between, and no certificate is looked at.
        return Ok(builder.tls_certs_only([]));
    }
    let proxies = Proxies::from_env()?;
    let builder = match proxies.before(base.host_str().unwrap_or_default(), base.port_or_known_default()) {
        None => builder,
        Some(proxy) => builder.proxy(proxy.for_reqwest()?),
    };
    let Some(path) = ca_file else { return Ok(builder) };
    let shown = path.display().to_string();
    let pem = std::fs::read(path).map_err(|source| SetupError::CaFile { path: shown.clone(), source })?;
    let certificates =
        Certificate::from_pem_bundle(&pem).map_err(|_| SetupError::NoCertificate(shown.clone()))?;
    if certificates.is_empty() {
        return Err(SetupError::NoCertificate(shown));
    }
    Ok(builder.tls_certs_merge(certificates))
}

/// Parses the base URL. Credentials travel in headers, so they travel encrypted or not beyond this machine. What is refused
/// is shown by its scheme and host alone.
pub fn check_url(text: &str) -> Result<Url, SetupError> {
    let url: Url = text.parse().map_err(|_| SetupError::Url)?;
    let host = url.host_str().unwrap_or_default();
    if has_userinfo(&url) {
        return Err(SetupError::UserInfo(shown(&url)));
    }
    let address = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
    let loopback = host == "localhost" || address.is_ok_and(|address| address.is_loopback());
    match url.scheme() {
        "https" if !host.is_empty() => Ok(url),
        "http" if loopback => Ok(url),
        "http" => Err(SetupError::NotHttps(shown(&url))),
        _ => Err(SetupError::Url),
    }
}

/// Why a body could not be had to its end.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// There was more of it than is read of any answer. The rest was not read.
    #[error("the answer is longer than {0} bytes")]
    TooLong(usize),
    /// The connection ended or fell silent before the body did.
    #[error("{0}")]
    Broken(String),
}

/// Reads a body of at most `limit` bytes. What it announces is not believed: memory is taken for what has arrived.
///
/// # Errors
/// If it breaks off, or as soon as it is longer.
pub async fn body(mut response: Response, limit: usize) -> Result<Vec<u8>, BodyError> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| BodyError::Broken(explain(&error)))? {
        if bytes.len() + chunk.len() > limit {
            return Err(BodyError::TooLong(limit));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// `Retry-After`, in either form of RFC 9110: seconds, or a date. Vobiz documents seconds; what stands before it on
/// the way may send dates.
pub fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
    Some(Duration::try_from(date.duration_since(now)).unwrap_or_default())
}

/// Whether a connection was had, and then ended before it gave an answer.
pub fn died_unanswered(error: &reqwest::Error) -> bool {
    error.is_request() && !error.is_connect() && !error.is_timeout()
}

/// An error and its causes in one line, without the URL: that names the account and the number.
pub fn explain(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return if error.is_connect() { "no connection in time".into() } else { "no answer in time".into() };
    }
    let mut causes = Vec::new();
    let mut next = error.source();
    while let Some(cause) = next {
        causes.push(cause.to_string());
        next = cause.source();
    }
    match causes.pop() {
        Some(root) => root,
        None if error.is_body() || error.is_decode() => "the answer broke off".into(),
        None => "the request could not be made".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_long_to_wait_is_read_in_seconds_and_as_a_date() {
        let now = "2026-01-02T03:04:05Z".parse().unwrap();
        for (text, seconds) in [
            ("7", Some(7)),
            (" 0 ", Some(0)),
            ("Fri, 02 Jan 2026 03:05:05 GMT", Some(60)),
            ("Fri, 02 Jan 2026 03:04:00 GMT", Some(0)),
            ("soon", None),
            ("-7", None),
            ("", None),
        ] {
            let headers = HeaderMap::from_iter([(RETRY_AFTER, text.parse().unwrap())]);
            assert_eq!(retry_after(&headers, now), seconds.map(Duration::from_secs), "{text:?}");
        }
    }

    #[test]
    fn plain_http_is_for_loopback_hosts_only() {
        for good in
            ["https://api.vobiz.ai", "http://127.0.0.1:8080", "http://localhost:1/x", "http://[::1]:1"]
        {
            assert!(check_url(good).is_ok(), "{good}");
        }
        for bad in [
            "http://api.vobiz.ai",
            "http://10.0.0.1",
            "http://127.0.0.1.example.com",
            "ftp://x",
            "api.vobiz.ai",
            "",
        ] {
            assert!(check_url(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_url_that_says_who_asks_is_refused_and_its_password_shown_to_nobody() {
        for (text, words) in [
            ("https://user:hush@api.vobiz.ai/v1", "write https://api.vobiz.ai,"),
            ("https://hush@api.vobiz.ai:8443", "write https://api.vobiz.ai:8443,"),
            ("https://:hush@api.vobiz.ai", "write https://api.vobiz.ai,"),
            ("http://user:hush@127.0.0.1:80", "write http://127.0.0.1,"),
            ("http://user:hush@10.0.0.1", "write http://10.0.0.1,"),
            ("http://10.0.0.1/?token=hush", "loopback host: http://10.0.0.1"),
            ("http://user:hush@10.0.0.1:x", "is not a URL"),
            ("user:hush@10.0.0.1", "is not a URL"),
            ("ftp://user:hush@10.0.0.1", "user name or a password"),
        ] {
            let complaint = check_url(text).unwrap_err().to_string();
            assert!(complaint.contains(words) && !complaint.contains("hush"), "{text}: {complaint}");
        }
    }
}
