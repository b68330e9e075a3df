//! Vobiz's REST API: a client that only reads, one that may spend as well, and types that tolerate every shape
//! that Vobiz has been seen to answer in.

mod answer;
mod call;
mod casing;
mod connections;
mod connector;
mod credentials;
mod envelope;
mod error;
mod filtered;
mod inventory;
mod json;
mod key;
mod ledger;
mod masks;
mod notices;
mod pace;
mod page;
mod paging;
mod purchase;
mod reader;
mod seen;
mod survey;
mod transactions;
mod transport;
mod window;
mod wire;

pub use answer::PurchaseAnswer;
pub use casing::Casing;
pub use connections::{READ_TIMEOUT, Settings};
pub use connector::Connector;
pub use credentials::{Credentials, CredentialsError, CredentialsSource, Source};
pub use error::{ReadError, SetupError};
pub use filtered::{Filtered, Shown};
pub use notices::Notice;
pub use purchase::{Client, Spending};
pub use reader::Reader;
pub use survey::{Debits, Survey, Tried};
pub use transactions::{Known, Ledger};
pub use transport::USER_AGENT;
pub use wire::Balance;

/// What answers mean, without a connection: bytes in, meaning out. In the open so that hostile input can be thrown at
/// every reader.
pub mod readers {
    pub use super::{
        answer::PurchaseResponse,
        envelope::Envelope,
        masks::Masks,
        page::{Page, ledger_page, numbers_page},
        paging::{Listed, Next, Pages},
        transport::{BodyError, PAGE_BODY_LIMIT, PURCHASE_BODY_LIMIT, body, retry_after},
    };
}
