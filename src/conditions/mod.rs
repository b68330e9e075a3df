//! What users are told: pure functions from what is known to conditions, with messages for people.
//!
//! kstatus throughout: `observedGeneration` on every write, `Reconciling` and `Stalled` only while true and never
//! together.

mod account;
mod case;
mod claim;
mod cluster;
mod message;
mod newer;
mod number;
mod price;
mod status;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod worst_tests;

pub use account::{AccountFacts, Unsettled, account_status};
pub use case::{SHOWN_AFTER, Unstored};
pub use claim::{ClaimFacts, claim_status};
pub use message::recorded_elsewhere;
pub use newer::newer;
pub use price::fee_differs_newly;
pub use status::set_record_conditions;
