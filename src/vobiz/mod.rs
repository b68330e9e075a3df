//! Vobiz's REST API: one client that may spend, one that only reads, and types that tolerate every shape
//! that Vobiz has been seen to answer in.

mod client;
mod credentials;
mod envelope;
mod error;
mod ledger;
mod paging;
mod purchase;
mod transport;
mod wire;

pub use client::{Casing, Client, Settings};
pub use credentials::{Credentials, CredentialsError, CredentialsSource, Source};
pub use error::{PurchaseError, ReadError, Rejection, RejectionKind, SetupError};
pub use ledger::{LedgerRow, ReferenceType, RowStatus, RowType};
pub use purchase::Purchased;
pub use transport::USER_AGENT;
pub use wire::{Balance, ListedNumber};
