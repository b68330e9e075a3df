//! The client that may spend sends one request, whatever the server does: raw servers count what arrives.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod client;
mod endless;
mod kept;
mod plain;
mod proxy;
mod reads;
mod server;
mod tls;
