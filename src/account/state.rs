//! What the endpoints last said, which reads are wanted, and who waits for them.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use jiff::Timestamp;

use super::{Key, gate::GateState};
use crate::{
    domain::{Currency, E164, ListedNumber, Money},
    plan::{Evidence, EvidenceRequest, FundsRead, LedgerRead, Moment, Reading, Rows, Source},
};

/// What the endpoints last said, and who waits for more.
#[derive(Default)]
pub struct State {
    pub gate: GateState,
    listing: Reading<HashMap<E164, Rows>>,
    searches: HashMap<E164, Reading<Rows>>,
    pub ledger: Reading<LedgerRead>,
    funds: HashMap<E164, Reading<FundsRead>>,
    /// Without a request, they wait until purchases may be sent.
    wants: HashMap<Key, Option<EvidenceRequest>>,
    /// Who is to be looked at again after the next listing for drift.
    next_listing: HashSet<Key>,
    /// What a round failed to bring: the account is not open before it is brought.
    owed: Option<Round>,
    /// When the account was last listed for drift rather than for somebody who waits. Monotonic.
    pub resynced_at: Option<Duration>,
    /// A whole round of reads went well, once.
    pub accepted: bool,
    pub balances: BTreeMap<Currency, Money>,
    /// Numbers that the account owned when it was last listed.
    owned: usize,
    /// A search failed where the listing worked: until the account is listed for drift again, the listing does its work.
    searches_fail: bool,
}

/// What one round of reads has to bring.
#[derive(Debug, Clone, Default)]
pub struct Round {
    pub listing: bool,
    pub searches: HashSet<E164>,
    /// From when on.
    pub ledger: Option<Timestamp>,
    pub funds: HashMap<E164, Option<Currency>>,
}

/// For how long prices are kept: they serve messages.
const KEPT: Duration = Duration::from_mins(5);

/// So many searches are kept at most. They serve claims that wait for their turn, however long that takes; where many
/// wait at a time, a listing serves them all.
const MOST_SEARCHES: usize = 10_000;

/// Prices are read for so many numbers in a round at most, each for two calls: verification waits for the round's end.
const FUNDS_A_ROUND: usize = 8;

/// Rows on a page of the owned list: what the choice between searches and a listing reckons with.
const PER_PAGE: usize = 100;

impl State {
    pub fn evidence(&self, e164: E164) -> Evidence {
        let listing = match &self.listing {
            Reading::Never => Reading::Never,
            Reading::Missing { begun } => Reading::Missing { begun: *begun },
            Reading::Read { begun, value } => {
                Reading::Read { begun: *begun, value: value.get(&e164).cloned().unwrap_or_default() }
            }
        };
        Evidence {
            search: self.searches.get(&e164).cloned().unwrap_or_default(),
            listing,
            ledger: self.ledger.clone(),
            funds: self.funds.get(&e164).cloned().unwrap_or_default(),
        }
    }

    pub fn lists(&self, e164: E164) -> bool {
        matches!(&self.listing, Reading::Read { value, .. } if value.contains_key(&e164))
    }

    /// Returns whether this is news to the reader.
    pub fn want(&mut self, key: Key, request: EvidenceRequest) -> bool {
        self.wants.insert(key, Some(request.clone())) != Some(Some(request))
    }

    /// Waits until purchases may be sent.
    pub fn want_gate(&mut self, key: Key) {
        self.wants.insert(key, None);
    }

    pub fn want_next_listing(&mut self, key: Key) {
        self.next_listing.insert(key);
    }

    /// Who waits for a listing for drift; whoever finds nothing new in it asks again.
    pub fn waiting_for_listing(&mut self) -> HashSet<Key> {
        std::mem::take(&mut self.next_listing)
    }

    /// Everybody who waits; they ask again if what they find does not do.
    pub fn waiting(&mut self, now: Duration) -> Vec<Key> {
        self.funds.retain(|_, reading| reading.begun().is_some_and(|at| now < at.mono + KEPT));
        self.wants.drain().map(|(key, _)| key).collect()
    }

    /// A round failed: all of it is asked for again before the account is open. Prices are not: they serve messages.
    pub fn owe(&mut self, round: Round) {
        self.owed = Some(Round { funds: HashMap::new(), ..round });
    }

    /// A round went well, and with it whatever was owed.
    pub fn owe_nothing(&mut self) {
        self.owed = None;
    }

    /// What is to be read for those who wait, in as few calls as will do.
    pub fn round(&self, resync: bool) -> Round {
        let owed = self.owed.clone();
        let mut round = owed.clone().unwrap_or_default();
        round.listing |= resync;
        for request in self.wants.values().flatten() {
            self.require(request, &mut round);
        }
        round.funds = round.funds.drain().take(FUNDS_A_ROUND).collect();
        // Where the listing has just failed, searches may still tell who waits for presence.
        let listing_failed = owed.is_some_and(|owed| owed.listing);
        let few = round.searches.len() < self.owned.div_ceil(PER_PAGE).max(1);
        if !round.searches.is_empty() && (self.searches_fail || (!few && !listing_failed)) {
            round.listing = true;
        }
        if round.listing && (self.searches_fail || !listing_failed) {
            round.searches.clear();
        }
        round
    }

    /// A search failed, and the listing that was read in its place did not.
    pub fn searches_fail(&mut self) {
        self.searches_fail = true;
    }

    /// A listing for drift went well: what it costs to ask again is paid once in a while.
    pub fn resynced(&mut self, at: Duration) {
        self.resynced_at = Some(at);
        self.searches_fail = false;
    }

    /// Whether a need is met already.
    pub fn has(&self, request: &EvidenceRequest) -> bool {
        let mut round = Round::default();
        self.require(request, &mut round);
        round.is_empty()
    }

    /// Adds to a round what one request still lacks.
    fn require(&self, request: &EvidenceRequest, round: &mut Round) {
        let fresh = |begun: Option<Moment>| begun.is_some_and(|at| at.mono >= request.since.mono);
        let listed = fresh(self.listing.begun());
        for source in &request.sources {
            match source {
                Source::Search(e164) => {
                    if !listed && !fresh(self.searches.get(e164).and_then(Reading::begun)) {
                        round.searches.insert(*e164);
                    }
                }
                Source::Listing => round.listing |= !listed,
                Source::Ledger { from } => {
                    let reaches = match &self.ledger {
                        Reading::Read { value, .. } => value.from <= *from,
                        Reading::Missing { .. } | Reading::Never => true,
                    };
                    if !reaches || !fresh(self.ledger.begun()) {
                        round.ledger = Some(round.ledger.map_or(*from, |other| other.min(*from)));
                    }
                }
                Source::Funds { e164, currency } => {
                    if !fresh(self.funds.get(e164).and_then(Reading::begun)) {
                        round.funds.insert(*e164, *currency);
                    }
                }
            }
        }
    }

    pub fn listed(&mut self, begun: Moment, numbers: Vec<ListedNumber>) {
        self.owned = numbers.len();
        let mut by_number: HashMap<E164, Vec<ListedNumber>> = HashMap::with_capacity(numbers.len());
        for number in numbers {
            by_number.entry(number.e164).or_default().push(number);
        }
        let value = by_number.into_iter().map(|(e164, rows)| (e164, Rows::from(rows))).collect();
        // A claim that would take the answer to an earlier search takes this one.
        self.searches.retain(|_, search| search.begun().is_some_and(|at| at.mono > begun.mono));
        self.listing = Reading::Read { begun, value };
    }

    pub fn listing_missing(&mut self, begun: Moment) {
        self.listing = Reading::Missing { begun };
    }

    pub fn searched(&mut self, e164: E164, reading: Reading<Vec<ListedNumber>>) {
        let reading = match reading {
            Reading::Never => Reading::Never,
            Reading::Missing { begun } => Reading::Missing { begun },
            Reading::Read { begun, value } => Reading::Read { begun, value: Arc::from(value) },
        };
        if self.searches.len() >= MOST_SEARCHES && !self.searches.contains_key(&e164) {
            let oldest = self.searches.iter().min_by_key(|(_, search)| search.begun().map(|at| at.mono));
            let oldest = oldest.map(|(e164, _)| *e164);
            oldest.and_then(|oldest| self.searches.remove(&oldest));
        }
        self.searches.insert(e164, reading);
    }

    pub fn funds_read(&mut self, e164: E164, begun: Moment, funds: Option<FundsRead>) {
        let reading = funds.map_or(Reading::Missing { begun }, |value| Reading::Read { begun, value });
        self.funds.insert(e164, reading);
    }
}

impl Round {
    /// A search failed: the listing tells what all of them were to tell.
    pub fn list_instead(&mut self) {
        self.searches.clear();
        self.listing = true;
    }

    pub fn is_empty(&self) -> bool {
        !self.listing && self.searches.is_empty() && self.ledger.is_none() && self.funds.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Moment {
        let mono = Duration::from_secs(seconds);
        Moment { wall: Timestamp::UNIX_EPOCH + mono, mono }
    }

    fn number(index: u64) -> E164 {
        format!("+91{index:010}").parse().unwrap()
    }

    fn presence(index: u64, since: u64) -> EvidenceRequest {
        EvidenceRequest::new(at(since), [Source::Search(number(index))])
    }

    fn key(index: u64) -> Key {
        Key::Record(index.to_string())
    }

    /// An account with more than a page of numbers, so that one number is searched for.
    fn large() -> State {
        State { owned: 500, ..State::default() }
    }

    #[test]
    fn what_a_claim_in_a_long_queue_was_looked_up_with_stays() {
        let mut state = large();
        state.searched(number(1), Reading::Read { begun: at(10), value: Vec::new() });
        state.waiting(Duration::from_hours(5));
        assert!(state.has(&presence(1, 10)));
        assert!(!state.has(&presence(1, 11)), "too old for that question");
        // A later listing says all of it, an earlier one does not.
        state.listed(at(9), Vec::new());
        assert_eq!(state.searches.len(), 1);
        state.listed(at(12), Vec::new());
        assert_eq!(state.searches.len(), 0);
        assert!(state.has(&presence(1, 10)));
    }

    #[test]
    fn searches_are_kept_within_a_bound_and_the_oldest_go_first() {
        let mut state = large();
        let most = u64::try_from(MOST_SEARCHES).unwrap();
        for index in 0..most + 2 {
            state.searched(number(index), Reading::Read { begun: at(index), value: Vec::new() });
        }
        assert_eq!(state.searches.len(), MOST_SEARCHES);
        assert!(!state.has(&presence(1, 0)) && state.has(&presence(2, 0)));
    }

    #[test]
    fn after_a_failed_search_the_listing_does_its_work_until_the_next_resync() {
        let mut state = large();
        state.want(key(1), presence(1, 5));
        let mut round = state.round(false);
        assert_eq!((round.listing, round.searches.len()), (false, 1));
        round.list_instead();
        assert_eq!((round.listing, round.searches.len()), (true, 0));
        state.searches_fail();
        assert_eq!((state.round(false).listing, state.round(false).searches.len()), (true, 0));
        // Not even where the listing was owed are they tried.
        state.owe(round);
        assert_eq!((state.round(false).listing, state.round(false).searches.len()), (true, 0));
        state.owe_nothing();
        state.resynced(Duration::from_secs(9));
        assert_eq!((state.round(false).listing, state.round(false).searches.len()), (false, 1));
    }

    #[test]
    fn prices_are_read_for_a_few_numbers_in_each_round() {
        let mut state = large();
        for index in 0..100 {
            let funds = Source::Funds { e164: number(index), currency: "INR".parse().ok() };
            state.want(key(index), EvidenceRequest::new(at(5), [funds]));
        }
        let round = state.round(false);
        assert_eq!(round.funds.len(), FUNDS_A_ROUND);
        for e164 in round.funds.keys() {
            state.funds_read(*e164, at(6), None);
        }
        assert!(state.round(false).funds.keys().all(|next| !round.funds.contains_key(next)));
    }
}
