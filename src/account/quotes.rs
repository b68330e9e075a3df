//! What numbers cost, for the claims that have a ceiling. Read beside the rounds: an inventory that is slow, or fails, keeps
//! nothing else waiting.

use std::time::Duration;

use futures::stream::{FuturesUnordered, StreamExt};

use super::{Account, batch::BatchRead, state::State};
use crate::{
    api::ObjectKey,
    clock::Clock,
    domain::{E164, Time},
    plan::{Contents, QuoteRead, Source},
    vobiz::{Client, ReadError},
};

/// So many prices are read side by side: all that waits for the rate limit shares it with them.
const AT_ONCE: usize = 3;

/// So many of one namespace: where none of its prices comes, those of the others do.
const OF_ONE_NAMESPACE: usize = 2;

impl Account {
    /// Reads the prices that claims wait for. Each wakes its claim as it comes: a slow one keeps no other waiting.
    pub(super) async fn run_quotes(&self) {
        let (mut reads, mut being_read) = (FuturesUnordered::new(), Vec::new());
        loop {
            let next = self.state().next_quote(&being_read);
            if let Some(claim) = next {
                being_read.push(claim.clone());
                reads.push(self.run_quote(claim));
                continue;
            }
            tokio::select! {
                Some(claim) = reads.next() => {
                    if let Some(place) = being_read.iter().position(|other| *other == claim) {
                        being_read.swap_remove(place);
                    }
                }
                () = self.quotes.notified() => {}
            }
        }
    }

    /// Reads the price that the claim lacks, if none that was read for another serves it. Returns the claim.
    async fn run_quote(&self, claim: ObjectKey) -> ObjectKey {
        self.client.pace.price().await;
        let lacks = self.state().lacks_quote(&claim);
        if let Some(e164) = lacks {
            self.read_price(e164).await;
        }
        let is_served = self.state().take_quoted(&claim, self.clock.now().mono);
        self.wake_all(is_served.then(|| claim.clone()));
        claim
    }

    /// Reads the price of a number whose turn has come: it is needed now, whoever else waits for prices.
    pub async fn read_price(&self, e164: E164) {
        if let Some(failure) = self.keep(read(&self.client, self.clock, e164).await) {
            self.is_held(&failure.error);
        }
    }
}

impl State {
    /// The claim whose price is read next, beside those that are being read for these claims.
    fn next_quote(&mut self, being_read: &[ObjectKey]) -> Option<ObjectKey> {
        if being_read.len() >= AT_ONCE || !self.gate.is_readable() {
            return None;
        }
        let of =
            |namespace: &str| being_read.iter().filter(|claim| claim.namespace() == Some(namespace)).count();
        loop {
            let claim = self.priced.next(|namespace| of(namespace) < OF_ONE_NAMESPACE)?;
            // It may not wait any more.
            if self.waiting.contains_key(&claim) {
                return Some(claim);
            }
        }
    }

    /// Whether the claim has nothing to wait for any more. It is looked at alone: of ten thousand that wait, each read would
    /// look at all.
    fn take_quoted(&mut self, claim: &ObjectKey, now: Duration) -> bool {
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

    /// The claims whose prices are next, two at once.
    fn next(state: &mut State) -> Vec<ObjectKey> {
        (0..2).filter_map(|_| state.next_quote(&[])).collect()
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
    fn one_namespace_has_two_prices_read_at_a_time_and_all_have_three() {
        for (being_read, expected) in [
            (vec![], Some((0, 0))),
            (vec![(0, 8)], Some((0, 0))),
            (vec![(0, 8), (0, 9)], Some((1, 0))),
            (vec![(0, 8), (0, 9), (1, 9)], None),
        ] {
            let being_read: Vec<_> = being_read.into_iter().map(|(space, name)| key(space, name)).collect();
            let next = waiting(&[1, 1]).next_quote(&being_read);
            assert_eq!(next, expected.map(|(space, name)| key(space, name)), "{being_read:?}");
        }
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
