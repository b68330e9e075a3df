//! A batch of reads: the sources that it has to bring, and what follows from a failure among them.

use std::collections::BTreeMap;

use crate::{plan::Source, vobiz::ReadError};

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
    /// Of two ledgers, the one that goes back further serves both.
    pub fn add(&mut self, source: Source) {
        let known = self.0.entry(source.key()).or_insert(source);
        *known = source.min(*known);
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
            Source::Search(_) | Source::Listing | Source::Ledger { .. } => Some(self.source),
            Source::Access | Source::Funds { .. } | Source::Balance(_) => None,
        }
    }
}

pub fn is_search(source: Source) -> bool {
    matches!(source, Source::Search(_))
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
