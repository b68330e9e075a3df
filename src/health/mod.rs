//! What an operator's operator sees: whether it lives, whether it is ready, and its metrics.

mod gauges;
mod readiness;
mod server;

pub use server::{BindError, bind, serve};

use std::{
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use jiff::Timestamp;
use kube::runtime::reflector::Store as Cache;
use prometheus_client::{encoding::text, registry::Registry};

use crate::{
    account::{Account, Watched},
    api::{PhoneNumber, Seen},
    metrics::{Kind, Metrics},
    plan::Gate,
    reconcile::Claims,
};
use gauges::Gauges;
use readiness::{Facts, Readiness, Vobiz};

/// How far this process has come, noted by those who bring it on.
#[derive(Debug, Default)]
pub struct Stage {
    kinds: Mutex<Option<String>>,
    definitions: Mutex<Option<String>>,
    filled: AtomicBool,
    leading: AtomicBool,
    stopping: AtomicBool,
}

impl Stage {
    /// Why the kinds cannot be listed; `None` when they can.
    pub fn kinds(&self, problem: Option<String>) {
        *self.kinds.lock().unwrap_or_else(PoisonError::into_inner) = problem;
    }

    /// What is wrong with the definitions of the kinds, if anything.
    pub fn definitions(&self, problem: Option<String>) {
        *self.definitions.lock().unwrap_or_else(PoisonError::into_inner) = problem;
    }

    /// The records, and the claims of a namespace, are known as they stand.
    pub fn filled(&self) {
        self.filled.store(true, Ordering::Relaxed);
    }

    /// Whether this process works.
    pub fn leading(&self, leading: bool) {
        self.leading.store(leading, Ordering::Relaxed);
    }

    /// The process stops.
    pub fn stopping(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }
}

/// Everything that is looked at for an answer.
pub struct View {
    pub stage: Arc<Stage>,
    pub claims: Claims,
    pub records: Cache<Seen<PhoneNumber>>,
    pub account: Arc<Account>,
    pub metrics: Arc<Metrics>,
}

impl View {
    fn readiness(&self) -> Readiness {
        let watched = self.account.watched();
        let stage = &self.stage;
        Readiness::of(&Facts {
            stopping: stage.stopping.load(Ordering::Relaxed),
            kinds: stage.kinds.lock().unwrap_or_else(PoisonError::into_inner).clone(),
            definitions: stage.definitions.lock().unwrap_or_else(PoisonError::into_inner).clone(),
            filled: stage.filled.load(Ordering::Relaxed),
            missing: self.claims.listed.missing(),
            vobiz: match watched.gate {
                _ if watched.accepted => Vobiz::Accepted,
                Gate::Open => Vobiz::NotYet(None),
                Gate::Held(_, why) => Vobiz::NotYet(Some(why)),
            },
        })
    }

    /// `OpenMetrics` text.
    fn metrics(&self) -> Result<String, fmt::Error> {
        let mut gauges = Gauges::default();
        for claim in self.claims.all() {
            match &*claim {
                Seen::Read(claim) => gauges.claim(claim),
                Seen::Newer(_) => gauges.newer(Kind::Claim),
            }
        }
        let account = self.account.id();
        for record in self.records.state() {
            match &*record {
                Seen::Read(record) => gauges.record(record, &account),
                Seen::Newer(_) => gauges.newer(Kind::Record),
            }
        }
        gauges.unlisted(self.claims.listed.missing().len());
        // Who does not work knows nothing of the account, or what is out of date.
        let watched = self.stage.leading.load(Ordering::Relaxed).then(|| self.account.watched());
        encode(&gauges, &self.metrics, watched.as_ref(), Timestamp::now())
    }
}

fn encode(
    gauges: &Gauges,
    metrics: &Metrics,
    watched: Option<&Watched>,
    now: Timestamp,
) -> Result<String, fmt::Error> {
    let mut registry = Registry::with_prefix("vobiz_operator");
    gauges.register(&mut registry, watched, now);
    metrics.register(&mut registry);
    let mut served = String::new();
    text::encode(&mut served, &registry)?;
    Ok(served)
}
