//! What numbers cost, for the claims that have a ceiling. Read beside the rounds: an inventory that is slow, or fails, keeps
//! nothing else waiting.

use std::collections::{BTreeMap, BTreeSet};

use futures::future;

use super::{Account, batch::BatchRead, state::State};
use crate::{
    clock::Clock,
    domain::{E164, Time},
    plan::{Contents, QuoteRead, Source},
    vobiz::{Client, ReadError},
};

/// So many prices are read side by side: all that waits for the rate limit shares it with them.
const AT_ONCE: usize = 2;

impl Account {
    /// Reads the prices that claims wait for.
    pub(super) async fn run_quotes(&self) {
        loop {
            let due = self.state().next_quotes();
            if due.is_empty() {
                self.quotes.notified().await;
                continue;
            }
            let reads = due.into_iter().map(|e164| read(&self.client, self.clock, e164));
            self.keep_quotes(future::join_all(reads).await);
        }
    }

    /// Reads the price of a number whose turn has come: it is needed now, whoever else waits for prices.
    pub async fn read_price(&self, e164: E164) {
        self.keep_quotes([read(&self.client, self.clock, e164).await]);
    }

    fn keep_quotes(&self, reads: impl IntoIterator<Item = BatchRead>) {
        for read in reads {
            if let Some(failure) = self.keep(read) {
                self.is_held(&failure.error);
            }
        }
        self.wake_served();
    }
}

impl State {
    /// The numbers whose prices are read next. The namespaces take turns: however many prices one waits for, the others
    /// wait for one of its.
    fn next_quotes(&mut self) -> Vec<E164> {
        if !self.gate.is_readable() {
            return Vec::new();
        }
        let mut lines: BTreeMap<&str, BTreeSet<E164>> = BTreeMap::new();
        for (key, request) in &self.waiting {
            let (Some(namespace), Some(request)) = (key.namespace(), request) else { continue };
            for source in self.lacks(request) {
                if let Source::Quote(e164) = source {
                    lines.entry(namespace).or_default().insert(e164);
                }
            }
        }
        let last = self.quoted_last.as_str();
        let places = lines.iter().flat_map(|(namespace, line)| {
            line.iter().enumerate().map(|(place, e164)| (place, *namespace <= last, *namespace, *e164))
        });
        let mut turns: Vec<_> = places.collect();
        turns.sort_unstable();
        turns.truncate(AT_ONCE);
        let last = turns.last().map(|(_, _, namespace, _)| (*namespace).to_owned());
        let next = turns.into_iter().map(|(.., e164)| e164).collect();
        self.quoted_last = last.unwrap_or_default();
        next
    }
}

async fn read(client: &Client, clock: Clock, e164: E164) -> BatchRead {
    let (begun, mut read) = (clock.now(), BatchRead::default());
    let quote = match client.offers(e164).await {
        Ok(rows) => Ok(QuoteRead::offers(&rows, Time::micros(begun.wall))),
        // A limit speaks of calls, whichever they are; all else concerns only those that need a price.
        Err(error @ ReadError::RateLimited { .. }) => Err(error),
        Err(error) => Ok(QuoteRead::Unreadable(error.to_string().into())),
    };
    read.keep(Source::Quote(e164), begun, quote.map(Contents::Quote));
    read
}

#[cfg(test)]
mod tests {
    use crate::api::ObjectKey;
    use jiff::Timestamp;

    use super::*;
    use crate::{
        domain::Moment,
        plan::{EvidenceRequest, Reading},
    };

    fn at(seconds: u64) -> Moment {
        let mono = std::time::Duration::from_secs(seconds);
        Moment { wall: Timestamp::UNIX_EPOCH + mono, mono }
    }

    fn number(namespace: usize, name: usize) -> E164 {
        format!("+9180{namespace:04}{name:04}").parse().unwrap()
    }

    /// A state in which claims wait for prices: so many in each namespace.
    fn waiting(claims: &[usize]) -> State {
        let mut state = State::default();
        for (namespace, claims) in claims.iter().enumerate() {
            for name in 0..*claims {
                let key = ObjectKey::claim(&namespace.to_string(), &name.to_string());
                let request = EvidenceRequest::new(at(5), [Source::Quote(number(namespace, name))]);
                assert!(state.wait(key, Some(request)));
            }
        }
        state
    }

    #[test]
    fn a_thousand_prices_of_one_namespace_keep_no_other_waiting() {
        let mut state = waiting(&[1000, 1, 2]);
        let mut order = Vec::new();
        for _ in 0..4 {
            for e164 in state.next_quotes() {
                let value = Contents::Quote(QuoteRead::Offers([].into()));
                state.store(vec![(Source::Quote(e164), Reading::Read { begun: at(5), value })]);
                order.push(e164);
            }
        }
        let of = [(0, 0), (1, 0), (2, 0), (0, 1), (2, 1), (0, 2), (0, 3), (0, 4)];
        assert_eq!(order, of.map(|(namespace, name)| number(namespace, name)));
        // They are no part of a round, which would wait for the slowest of them.
        state.resynced_at = Some(at(5).mono);
        assert!(state.batch(at(6), false).is_empty());
    }

    #[test]
    fn no_price_is_read_while_the_account_may_not_be() {
        let mut state = waiting(&[1]);
        state.gate.read_met(&ReadError::Forbidden, at(5).mono);
        assert_eq!(state.next_quotes(), []);
    }
}
