//! What needs more than one call to be caught: two operators, records that are lost or older than the truth, a control
//! plane that goes away, one that reads and takes no records, and users who write more than a record can hold.

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

/// All of them.
pub const ALL: [Scenario; 19] = [
    Scenario { name: "two-operators", play: |bench, evidence| Box::pin(two::operators(bench, evidence)) },
    Scenario {
        name: "etcd-and-api-server-restart",
        play: |bench, evidence| Box::pin(outage::both(bench, evidence)),
    },
    Scenario { name: "etcd-restart", play: |bench, evidence| Box::pin(outage::etcd(bench, evidence)) },
    Scenario { name: "record-deleted", play: |bench, evidence| Box::pin(records::deleted(bench, evidence)) },
    Scenario { name: "record-lost", play: |bench, evidence| Box::pin(records::lost(bench, evidence)) },
    Scenario {
        name: "record-lost-in-flight",
        play: |bench, evidence| Box::pin(records::lost_in_flight(bench, evidence)),
    },
    Scenario {
        name: "record-lost-after-a-debit-alone",
        play: |bench, evidence| Box::pin(records::lost_with_debit(bench, evidence)),
    },
    Scenario {
        name: "record-restored-open",
        play: |bench, evidence| Box::pin(records::restored_open(bench, evidence)),
    },
    Scenario {
        name: "record-restored-failed",
        play: |bench, evidence| Box::pin(records::restored_failed(bench, evidence)),
    },
    Scenario {
        name: "record-restored-in-flight",
        play: |bench, evidence| Box::pin(records::restored_in_flight(bench, evidence)),
    },
    Scenario {
        name: "debit-older-than-an-outage",
        play: |bench, evidence| Box::pin(ledger::older_than_an_outage(bench, evidence)),
    },
    Scenario {
        name: "debit-older-than-a-hold",
        play: |bench, evidence| Box::pin(ledger::older_than_a_hold(bench, evidence)),
    },
    Scenario {
        name: "refund-of-an-older-debit",
        play: |bench, evidence| Box::pin(ledger::refund_of_an_older_debit(bench, evidence)),
    },
    Scenario {
        name: "debit-beside-a-named-purchase",
        play: |bench, evidence| Box::pin(ledger::beside_a_named_purchase(bench, evidence)),
    },
    Scenario {
        name: "outcome-cannot-be-stored",
        play: |bench, evidence| Box::pin(refused::outcome(bench, evidence)),
    },
    Scenario { name: "long-retry-tokens", play: |bench, evidence| Box::pin(tokens::long(bench, evidence)) },
    Scenario {
        name: "intent-cannot-be-stored",
        play: |bench, evidence| Box::pin(refused::intent(bench, evidence)),
    },
    Scenario {
        name: "outcome-outlives-its-term",
        play: |bench, evidence| Box::pin(refused::term(bench, evidence)),
    },
    Scenario {
        name: "settlement-cannot-be-stored",
        play: |bench, evidence| Box::pin(refused::settlement(bench, evidence)),
    },
];

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
