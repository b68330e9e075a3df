//! What numbers cost, for the claims that have a ceiling. Read beside the rounds: an inventory that is slow, or fails, keeps
//! nothing else waiting.

use std::time::Duration;

use futures::stream::{FuturesUnordered, StreamExt};
use tokio::time::sleep;

use super::{Account, batch::BatchRead, state::State};
use crate::{
    api::ObjectKey,
    clock::Clock,
    domain::{E164, Moment, Time},
    plan::{Contents, QuoteRead, Source},
    vobiz::{Client, ReadError},
};

impl Account {
    /// Reads the prices that claims wait for. Each wakes its claim as it comes: a slow one keeps no other waiting.
    pub(super) async fn run_quotes(&self) {
        let mut reads = FuturesUnordered::new();
        loop {
            let now = self.clock.now();
            let (next, more_after) = {
                let mut state = self.state();
                (state.next_quote(now), state.priced.more_after(now))
            };
            if let Some(claim) = next {
                reads.push(self.run_quote(claim));
                continue;
            }
            tokio::select! {
                Some(()) = reads.next() => {}
                () = sleep(more_after.unwrap_or(Duration::MAX)), if more_after.is_some() => {}
                () = self.quotes.notified() => {}
            }
        }
    }

    /// Reads the price that the claim lacks, if none that was read for another serves it.
    async fn run_quote(&self, claim: ObjectKey) {
        self.client.pace.price().await;
        let lacks = {
            let mut state = self.state();
            state.priced.asked(&claim, self.clock.now());
            state.lacks_quote(&claim)
        };
        // From now on it may hang, and then there is another place.
        self.quotes.notify_one();
        if let Some(e164) = lacks {
            self.read_price(e164).await;
        }
        let is_served = self.state().take_quoted(&claim, self.clock.now().mono);
        self.wake_all(is_served.then_some(claim));
    }

    /// Reads the price of a number whose turn has come: it is needed now, whoever else waits for prices.
    pub async fn read_price(&self, e164: E164) {
        if let Some(failure) = self.keep(read(&self.client, self.clock, e164).await) {
            self.is_held(&failure.error);
        }
    }
}

impl State {
    /// The claim whose price is read next.
    fn next_quote(&mut self, now: Moment) -> Option<ObjectKey> {
        if !self.gate.is_readable() {
            return None;
        }
        loop {
            let claim = self.priced.next(now)?;
            // It may not wait any more.
            if self.waiting.contains_key(&claim) {
                return Some(claim);
            }
            self.priced.read(&claim);
        }
    }

    /// The claim's price was read: whether the claim has nothing to wait for any more. It is looked at alone: of ten thousand
    /// that wait, each read would look at all.
    fn take_quoted(&mut self, claim: &ObjectKey, now: Duration) -> bool {
        self.priced.read(claim);
        let Some(request) = self.waiting.get(claim) else { return false };
        if self.may_go_on(request.as_ref(), now) {
            return self.waiting.remove(claim).is_some();
        }
        if self.lacks_quote(claim).is_some() {
            // It has asked for a younger one meanwhile, or the account may not be read.
            self.priced.join(claim);
        }
        false
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
    use crate::plan::{EvidenceRequest, Reading};

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

    /// The claims whose prices are next, two at once.
    fn next(state: &mut State) -> Vec<ObjectKey> {
        (0..2).filter_map(|_| state.next_quote(at(5))).collect()
    }

    /// Reads the prices that are next, at that second. Returns the claims that wait no longer.
    fn reads(state: &mut State, begun: u64) -> Vec<ObjectKey> {
        let mut due = next(state);
        for e164 in due.iter().filter_map(|claim| state.lacks_quote(claim)).collect::<Vec<_>>() {
            let value = Contents::Quote(QuoteRead::Offers([].into()));
            state.store(vec![(Source::Quote(e164), Reading::Read { begun: at(begun), value })]);
        }
        due.retain(|claim| state.take_quoted(claim, at(begun).mono));
        due
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
        assert!(state.waiting.is_empty() && next(&mut state).is_empty());
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
        assert!(next(&mut state).is_empty());
    }

    #[test]
    fn no_price_is_read_while_the_account_may_not_be() {
        let mut state = waiting(&[1]);
        let due = next(&mut state);
        state.gate.read_met(&ReadError::Forbidden, at(5).mono);
        assert!(due == [key(0, 0)] && !state.take_quoted(&due[0], at(5).mono));
        assert_eq!(next(&mut state), []);
        // It is read when the account may be again.
        state.gate.on_success(state.gate.until());
        assert_eq!(reads(&mut state, 6), [key(0, 0)]);
    }
}
