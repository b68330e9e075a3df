//! A simulated Vobiz.
//!
//! [`Sim`] serves the part of the vendor's REST API that buying a number needs: the purchase, the owned
//! numbers, the inventory, the balance and the ledger. It keeps exact accounts of what it was asked and
//! what it charged, and it can be told to misbehave at any point of a request, because the interesting
//! question about a client is what it does after the answer that never came.
//!
//! Everything that a test can do through [`SimAdmin`] another process can do over HTTP, below `/_sim/`.

mod accounts;
mod admin;
mod admin_http;
mod armed;
mod balance;
mod call;
mod calls;
mod config;
mod envelopes;
mod error;
mod exchange;
mod faults;
mod inventory;
mod journal;
mod kept;
mod ledger;
mod money;
mod numbers;
mod owned;
mod paging;
mod params;
mod purchase;
mod reply;
mod server;
mod shapes;
mod tls;
mod waiting;
mod world;

pub use accounts::{
    Account, AccountOptions, AccountPatch, LedgerFilters, LedgerKind, LedgerSums, NumberNaming, RowAccount,
    ShortBalance,
};
pub use admin::SimAdmin;
pub use config::{Config, State};
pub use error::SimError;
pub use faults::{ErrorBody, Fault, FaultRule, HoldAt, LiveRule, Target, Times};
pub use journal::{Answer, Counts, Debit, Journal, JournalFilter, Operation, RequestEntry};
pub use ledger::{LedgerEntry, RowStatus, RowType};
pub use money::NumberStyle;
pub use numbers::{InventoryNumber, NumberStatus, OwnedNumber, Price, PriceField, Shape};
pub use server::Sim;
