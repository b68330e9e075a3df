//! What numbers cost, for the claims that have a ceiling. Read beside the rounds: an inventory that is slow, or fails, keeps
//! nothing else waiting.

use std::time::Duration;

use futures::future;

use super::{Account, batch::BatchRead, state::State};
use crate::{
    api::ObjectKey,
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
            for _ in 0..AT_ONCE {
                self.client.pace.price().await;
            }
            let due = self.state().next_quotes();
            if due.is_empty() {
                self.quotes.notified().await;
                continue;
            }
            let numbers = due.iter().filter_map(|(_, e164)| *e164);
            for read in future::join_all(numbers.map(|e164| read(&self.client, self.clock, e164))).await {
                self.keep_price(read);
            }
            let claims = due.into_iter().map(|(claim, _)| claim);
            let served = self.state().take_quoted(claims, self.clock.now().mono);
            self.wake_all(served);
        }
    }

    /// Reads the price of a number whose turn has come: it is needed now, whoever else waits for prices.
    pub async fn read_price(&self, e164: E164) {
        self.keep_price(read(&self.client, self.clock, e164).await);
    }

    fn keep_price(&self, read: BatchRead) {
        if let Some(failure) = self.keep(read) {
            self.is_held(&failure.error);
        }
    }
}

impl State {
    /// The claims whose turn is next, each with the number whose price is read for it, if it was not read for another.
    fn next_quotes(&mut self) -> Vec<(ObjectKey, Option<E164>)> {
        let mut next = Vec::new();
        while self.gate.is_readable() && next.len() < AT_ONCE {
            let Some(claim) = self.priced.next() else { break };
            // It may not wait any more.
            if self.waiting.contains_key(&claim) {
                let e164 = self.lacks_quote(&claim);
                next.push((claim, e164));
            }
        }
        next
    }

    /// Those of the claims that have nothing to wait for any more. The others are looked at alone: of ten thousand that wait,
    /// each read would look at all.
    fn take_quoted(&mut self, claims: impl Iterator<Item = ObjectKey>, now: Duration) -> Vec<ObjectKey> {
        let mut served = Vec::new();
        for claim in claims {
            let Some(request) = self.waiting.get(&claim) else { continue };
            if self.may_go_on(request.as_ref(), now) {
                self.waiting.remove(&claim);
                served.push(claim);
            } else if self.lacks_quote(&claim).is_some() {
                // It has asked for a younger one meanwhile, or the account may not be read.
                self.priced.join(&claim);
            }
        }
        served
    }

    fn lacks_quote(&self, claim: &ObjectKey) -> Option<E164> {
        let request = self.waiting.get(claim)?.as_ref()?;
        self.lacks(request)
            .find_map(|source| if let Source::Quote(e164) = source { Some(e164) } else { None })
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
    use std::time::Instant;

    use jiff::Timestamp;

    use super::*;
    use crate::{
        domain::Moment,
        plan::{EvidenceRequest, Reading},
    };

    fn at(seconds: u64) -> Moment {
        let mono = Duration::from_secs(seconds);
        Moment { wall: Timestamp::UNIX_EPOCH + mono, mono }
    }

    fn number(namespace: usize, name: usize) -> E164 {
        format!("+91{namespace:04}{name:05}").parse().unwrap()
    }

    fn key(namespace: usize, name: usize) -> ObjectKey {
        ObjectKey::claim(&namespace.to_string(), &name.to_string())
    }

    /// A state in which claims wait for prices: so many in each namespace.
    fn waiting(claims: &[usize]) -> State {
        let mut state = State::default();
        for (namespace, claims) in claims.iter().enumerate() {
            for name in 0..*claims {
                let key = key(namespace, name);
                let request = EvidenceRequest::new(at(5), [Source::Quote(number(namespace, name))]);
                assert!(state.wait(key, Some(request)));
            }
        }
        state
    }

    /// Reads the prices that are next, at that second. Returns the claims that wait no longer.
    fn reads(state: &mut State, begun: u64) -> Vec<ObjectKey> {
        let due = state.next_quotes();
        for (_, e164) in &due {
            let Some(e164) = *e164 else { continue };
            let value = Contents::Quote(QuoteRead::Offers([].into()));
            state.store(vec![(Source::Quote(e164), Reading::Read { begun: at(begun), value })]);
        }
        state.take_quoted(due.into_iter().map(|(claim, _)| claim), at(begun).mono)
    }

    #[test]
    fn a_thousand_prices_of_one_namespace_keep_no_other_waiting() {
        let mut state = waiting(&[1000, 1, 2]);
        let order: Vec<_> = (0..4).flat_map(|_| reads(&mut state, 5)).collect();
        let of = [(0, 0), (1, 0), (2, 0), (0, 1), (2, 1), (0, 2), (0, 3), (0, 4)];
        assert_eq!(order, of.map(|(namespace, name)| key(namespace, name)));
        // They are no part of a round, which would wait for the slowest of them.
        state.resynced_at = Some(at(5).mono);
        assert!(state.batch(at(6), false).is_empty());
    }

    #[test]
    fn twenty_thousand_prices_cost_what_each_of_them_does() {
        let (mut state, begun, mut served) = (waiting(&[10_000, 10_000]), Instant::now(), 0);
        while served < 20_000 {
            served += reads(&mut state, 5).len();
            // Half a second, and minutes if each read looks at all that wait.
            assert!(begun.elapsed() < Duration::from_secs(20), "{served}");
        }
        assert!(state.waiting.is_empty() && state.next_quotes().is_empty());
    }

    #[test]
    fn a_claim_is_in_line_once_and_again_when_it_asks_for_a_younger_price() {
        let mut state = waiting(&[2]);
        let request = |since| EvidenceRequest::new(at(since), [Source::Quote(number(0, 0))]);
        for _ in 0..1000 {
            state.wait(key(0, 0), Some(request(6)));
        }
        // Another namespace's claim to the same number: one read serves both.
        state.wait(key(1, 0), Some(request(5)));
        assert_eq!(reads(&mut state, 5), [key(1, 0)], "one is too old for the first claim");
        assert_eq!(reads(&mut state, 6), [key(0, 1), key(0, 0)]);
        assert!(state.next_quotes().is_empty());
    }

    #[test]
    fn no_price_is_read_while_the_account_may_not_be() {
        let mut state = waiting(&[1]);
        let due = state.next_quotes();
        state.gate.read_met(&ReadError::Forbidden, at(5).mono);
        assert!(state.take_quoted(due.into_iter().map(|(claim, _)| claim), at(5).mono).is_empty());
        assert_eq!(state.next_quotes(), []);
        // It is read when the account may be again.
        state.gate.on_success(state.gate.until());
        assert_eq!(reads(&mut state, 6), [key(0, 0)]);
    }
}
