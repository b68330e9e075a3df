//! A batch of reads: the sources that it has to bring, and what follows from a failure among them.

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;

use crate::{
    plan::{BalanceRead, Contents, Moment, Reading, Source},
    vobiz::ReadError,
};

/// What one batch of reads has to bring: each source once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReadBatch(BTreeMap<Source, Source>);

impl FromIterator<Source> for ReadBatch {
    fn from_iter<I: IntoIterator<Item = Source>>(sources: I) -> Self {
        let mut batch = Self::default();
        sources.into_iter().for_each(|source| batch.add(source));
        batch
    }
}

impl ReadBatch {
    /// Of two ledgers, the one that goes back further serves both; of two old ones, the shorter comes first.
    pub fn add(&mut self, source: Source) {
        let known = self.0.entry(source.key()).or_insert(source);
        let is_old = matches!(source, Source::OldLedger { .. });
        *known = if is_old { source.max(*known) } else { source.min(*known) };
    }

    /// In the order in which they are read.
    pub fn sources(&self) -> impl Iterator<Item = Source> {
        self.0.values().copied()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn contains(&self, source: Source) -> bool {
        self.0.contains_key(&source.key())
    }

    /// From when on that kind of ledger is to be read, if it is.
    pub fn ledger_from(&self, kind: Source) -> Option<Timestamp> {
        self.0.get(&kind.key()).and_then(|source| source.ledger_from())
    }

    /// How many of the sources are like that.
    pub fn count(&self, is_it: impl Fn(Source) -> bool) -> usize {
        self.sources().filter(|source| is_it(*source)).count()
    }

    pub fn retain(&mut self, mut keeps: impl FnMut(Source) -> bool) {
        self.0.retain(|_, source| keeps(*source));
    }

    /// The listing tells what the searches were to tell.
    pub fn list_instead(&mut self) {
        self.retain(|source| !is_search(source));
        self.add(Source::Listing);
    }
}

/// What a batch has brought: all of it, or what was read before a failure.
#[derive(Debug, Default)]
pub struct BatchRead {
    pub readings: Vec<(Source, Reading<Contents>)>,
    pub failure: Option<Failure>,
    /// How many numbers a listing says that there are.
    pub owned: Option<usize>,
    /// Searches that find so much that a listing costs no more.
    pub broad: Vec<Source>,
    /// What is known of the ledger, if it is known and can be kept up with.
    pub ledger: Option<LedgerKnown>,
    /// Which old ledger could not be read, and why: it concerns nobody else.
    pub old_ledger_failed: Option<(Timestamp, ReadError)>,
}

impl BatchRead {
    /// Keeps an answer. Returns whether it is one.
    pub fn keep(&mut self, source: Source, begun: Moment, answer: Result<Contents, ReadError>) -> bool {
        let reading = match answer {
            Ok(value) => Reading::Read { begun, value },
            // A search for nothing may be answered like that.
            Err(ReadError::NoSuchEndpoint) if !is_search(source) => Reading::NoSuchEndpoint { begun },
            Err(error) => {
                if let Source::Balance(_) = source {
                    // An old sum would be taken for a new one.
                    let reading = Reading::Read { begun, value: Contents::Balance(BalanceRead::default()) };
                    self.readings.push((source, reading));
                }
                self.failure = Some(Failure { source, error });
                return false;
            }
        };
        self.readings.push((source, reading));
        true
    }
}

/// How much is known of a ledger that is kept up with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LedgerKnown {
    pub rows: usize,
    /// Whether filters show what matters of it: to read that anew is cheap.
    pub filtered: bool,
    /// When more is to be read of whether they do. Monotonic.
    pub proof_at: Option<Duration>,
}

/// The read that ended a batch.
#[derive(Debug, Clone)]
pub struct Failure {
    pub source: Source,
    pub error: ReadError,
}

impl Failure {
    /// Whether the batch goes on, with the listing in place of its searches. What fails for one number, or for every
    /// search, says nothing about the account; the listing does. A limit speaks of calls, whichever they are.
    pub fn is_of_searches_alone(&self) -> bool {
        is_search(self.source) && !matches!(self.error, ReadError::RateLimited { .. })
    }

    /// What has to be read before the account is open again. Prices and balances serve messages.
    pub fn owed(&self) -> Option<Source> {
        match self.source {
            Source::Search(_) | Source::Listing | Source::LedgerSoFar { .. } | Source::Ledger { .. } => {
                Some(self.source)
            }
            Source::OldLedger { .. }
            | Source::Access
            | Source::Funds { .. }
            | Source::Balance(_)
            | Source::Quote(_) => None,
        }
    }
}

pub fn is_search(source: Source) -> bool {
    matches!(source, Source::Search(_))
}

pub fn is_price(source: Source) -> bool {
    is_funds(source) || is_quote(source)
}

pub fn is_quote(source: Source) -> bool {
    matches!(source, Source::Quote(_))
}

pub fn is_funds(source: Source) -> bool {
    matches!(source, Source::Funds { .. })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_that_fails_gives_way_to_the_listing_but_for_a_limit() {
        let (search, listing) = (Source::Search("+911234500000".parse().unwrap()), Source::Listing);
        let failed = || ReadError::Failed("500".into());
        for (source, error, goes_on) in [
            (search, failed(), true),
            (search, ReadError::NoSuchEndpoint, true),
            (search, ReadError::Unauthorized, true),
            (search, ReadError::Forbidden, true),
            (search, ReadError::RateLimited { retry_after: None }, false),
            (listing, failed(), false),
            (listing, ReadError::Unauthorized, false),
        ] {
            let failure = Failure { source, error };
            assert_eq!(failure.is_of_searches_alone(), goes_on, "{failure:?}");
        }
    }
}
