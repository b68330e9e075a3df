//! What needs more than one call to be caught: two operators, two accounts of which one is unwell, records that are lost or
//! older than the truth, a control plane that goes away, one that reads and takes no records, and users who write more than
//! a record can hold.

mod accounts;
mod ledger;
mod outage;
mod records;
mod refused;
mod tokens;
mod two;

use std::{panic::AssertUnwindSafe, pin::Pin, sync::Arc};

use futures::FutureExt;

use crate::{Bench, campaign::words, evidence::Evidence};

type Future<'a> = Pin<Box<dyn std::future::Future<Output = Result<(), String>> + 'a>>;
type Play = for<'a> fn(&'a Arc<Bench>, Evidence) -> Future<'a>;

/// A scenario: its name, and how it is played.
#[derive(Clone, Copy)]
pub struct Scenario {
    pub name: &'static str,
    play: Play,
}

macro_rules! scenarios {
    ($($name:literal => $play:path,)+) => {
        /// All of them.
        pub const ALL: &[Scenario] =
            &[$(Scenario { name: $name, play: |bench, evidence| Box::pin($play(bench, evidence)) }),+];
    };
}

scenarios! {
    "two-operators" => two::operators,
    "etcd-and-api-server-restart" => outage::both,
    "etcd-restart" => outage::etcd,
    "record-deleted" => records::deleted,
    "record-lost" => records::lost,
    "record-lost-in-flight" => records::lost_in_flight,
    "record-lost-after-a-debit-alone" => records::lost_with_debit,
    "record-restored-open" => records::restored_open,
    "record-restored-failed" => records::restored_failed,
    "record-restored-in-flight" => records::restored_in_flight,
    "debit-older-than-an-outage" => ledger::older_than_an_outage,
    "debit-older-than-a-hold" => ledger::older_than_a_hold,
    "refund-of-an-older-debit" => ledger::refund_of_an_older_debit,
    "debit-beside-a-named-purchase" => ledger::beside_a_named_purchase,
    "outcome-cannot-be-stored" => refused::outcome,
    "long-retry-tokens" => tokens::long,
    "intent-cannot-be-stored" => refused::intent,
    "outcome-outlives-its-term" => refused::term,
    "settlement-cannot-be-stored" => refused::settlement,
    "one-account-is-limited" => accounts::limited,
    "one-account-fails" => accounts::failing,
    "one-account-is-silent" => accounts::silent,
    "one-account-is-refused" => accounts::refused,
}

impl Scenario {
    /// Plays it.
    ///
    /// # Errors
    /// The promise that was broken.
    pub async fn play(self, bench: &Arc<Bench>, evidence: Evidence) -> Result<(), String> {
        let played = AssertUnwindSafe((self.play)(bench, evidence)).catch_unwind();
        played.await.unwrap_or_else(|panic| Err(words(&*panic)))
    }

    /// Plays it, and says everything about a failure.
    ///
    /// # Errors
    /// What there is to print.
    pub async fn perform(self, bench: &Arc<Bench>) -> Result<(), String> {
        let evidence = Evidence::new().map_err(|error| error.to_string())?;
        let played = self.play(bench, evidence.clone()).await;
        played.map_err(|why| {
            format!(
                "FAILED: scenario {}: {why}\nreplay it: make faults SCENARIO={}\n{}",
                self.name,
                self.name,
                evidence.describe()
            )
        })
    }
}
