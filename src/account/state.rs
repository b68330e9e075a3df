//! What is known of the account, and which claims and records wait for more: what is read next, and what follows from
//! what was read.
//!
//! Functions of state and time; the loop in `run.rs` performs what they decide.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    time::Duration,
};

use super::{
    batch::{Failure, ReadBatch, is_funds, is_search},
    gate::GateState,
};
use crate::{
    api::ObjectKey,
    domain::{Currency, E164, Money},
    plan::{Contents, Evidence, EvidenceRequest, Gate, Reading, Readings, Source},
};

/// What the sources last said, and which claims and records wait for more.
#[derive(Default)]
pub struct State {
    pub gate: GateState,
    readings: Readings,
    /// Without a request, they wait until purchases may be sent.
    waiting: HashMap<ObjectKey, Option<EvidenceRequest>>,
    /// What is to be looked at again after the next listing for drift.
    waiting_for_listing: HashSet<ObjectKey>,
    /// What a batch failed to bring: the account is not open before it is brought.
    owed: ReadBatch,
    /// When the account was last listed for drift rather than because something waits. Monotonic.
    resynced_at: Option<Duration>,
    /// A whole round of reads went well, once.
    pub accepted: bool,
    /// Rows of the account's last listing.
    owned: usize,
    /// A search failed where the listing worked: until the account is listed for drift again, the listing does its work.
    searches_fail: bool,
}

/// One round of reads, as it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Round {
    /// Monotonic.
    pub began: Duration,
    /// Until when the account was held, if it was: only the cheapest read shows whether the others go through.
    pub held: Option<Duration>,
    /// Whether the account is to be listed for drift.
    pub resync: bool,
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

/// Balances that are read after each listing, at most: a number costs what it costs in one of a few currencies, and each
/// is a call that purchases wait for.
const CURRENCIES: usize = 8;

/// A currency in which Vobiz serves no balance is not asked for again before.
const NOT_SERVED_FOR: Duration = Duration::from_hours(6);

impl State {
    pub fn evidence(&self, e164: E164) -> Evidence {
        self.readings.about(e164)
    }

    pub fn lists(&self, e164: E164) -> bool {
        matches!(self.readings.of(Source::Listing), Reading::Read { value: Contents::Numbers(numbers), .. } if numbers.contains_key(&e164))
    }

    /// The balances that could be read.
    pub fn balances(&self) -> BTreeMap<Currency, Money> {
        let readings = self.readings.iter().filter_map(|(source, reading)| match (source, reading) {
            (Source::Balance(currency), Reading::Read { value: Contents::Balance(sum), .. }) => {
                Some((currency, (*sum)?))
            }
            _ => None,
        });
        readings.collect()
    }

    /// Whether there is nothing to wait for. Without a request, it is waited until purchases may be sent.
    pub fn may_go_on(&self, request: Option<&EvidenceRequest>, now: Duration) -> bool {
        match request {
            Some(request) => self.gate.is_readable() && self.lacks(request).next().is_none(),
            None => self.gate.purchasing(now) == Gate::Open,
        }
    }

    /// Notes what waits for what. Returns whether there is something new to read.
    pub fn wait(&mut self, key: ObjectKey, request: Option<EvidenceRequest>) -> bool {
        let reads = request.is_some();
        self.waiting.insert(key, request.clone()) != Some(request) && reads
    }

    pub fn wait_for_listing(&mut self, key: ObjectKey) {
        self.waiting_for_listing.insert(key);
    }

    /// What waits for a listing for drift; it waits again if it finds nothing new in it.
    pub fn take_waiting_for_listing(&mut self) -> HashSet<ObjectKey> {
        std::mem::take(&mut self.waiting_for_listing)
    }

    /// All that waits; it waits again if what it finds does not do.
    pub fn take_waiting(&mut self, now: Duration) -> Vec<ObjectKey> {
        let is_kept = |reading: &Reading<Contents>| reading.begun().is_some_and(|at| now < at.mono + KEPT);
        self.readings.retain(|source, reading| !is_funds(source) || is_kept(reading));
        self.waiting.drain().map(|(key, _)| key).collect()
    }

    /// When the next round begins. Monotonic.
    pub fn next_round(&self, now: Duration, resync: Duration) -> Duration {
        let resync_at = self.resynced_at.map_or(Duration::ZERO, |at| at + resync);
        let due = if self.batch(false).is_empty() { resync_at } else { now.min(resync_at) };
        self.gate.next_round(due)
    }

    pub fn round_begins(&mut self, now: Duration, resync: Duration) -> Round {
        self.gate.round_begins(now);
        let resync = self.resynced_at.is_none_or(|at| now >= at + resync);
        Round { began: now, held: self.gate.until(), resync }
    }

    /// What is to be read for all that waits, in as few calls as will do.
    pub fn batch(&self, resync: bool) -> ReadBatch {
        let mut batch = self.owed.clone();
        if resync {
            batch.add(Source::Listing);
        }
        for source in self.waiting.values().flatten().flat_map(|request| self.lacks(request)) {
            batch.add(source);
        }
        let mut prices = 0..FUNDS_A_ROUND;
        batch.retain(|source| !is_funds(source) || prices.next().is_some());
        // Where the listing has just failed, searches may still serve the records that wait for presence.
        let listing_failed = self.owed.contains(Source::Listing);
        let searches = batch.count(is_search);
        let few = searches < self.owned.div_ceil(PER_PAGE).max(1);
        let too_many = searches > 0 && (self.searches_fail || (!few && !listing_failed));
        if too_many || (batch.contains(Source::Listing) && (self.searches_fail || !listing_failed)) {
            batch.list_instead();
        }
        batch
    }

    /// What a request still lacks.
    fn lacks(&self, request: &EvidenceRequest) -> impl Iterator<Item = Source> {
        request.sources.iter().copied().filter(|source| !self.readings.has(*source, request.since))
    }

    /// Keeps what was read.
    pub fn store(&mut self, readings: Vec<(Source, Reading<Contents>)>) {
        for (source, reading) in readings {
            match (source, &reading) {
                (Source::Listing, Reading::Read { begun, value: Contents::Numbers(numbers) }) => {
                    self.owned = numbers.values().map(|rows| rows.len()).sum();
                    // A claim that would take the answer to an earlier search takes this one.
                    let is_later =
                        |search: &Reading<Contents>| search.begun().is_some_and(|at| at.mono > begun.mono);
                    self.readings.retain(|source, reading| !is_search(source) || is_later(reading));
                }
                (Source::Search(_), _) => self.make_room(source),
                _ => {}
            }
            self.readings.insert(source, reading);
        }
    }

    /// The oldest search makes room for another one.
    fn make_room(&mut self, new: Source) {
        let searches = || self.readings.iter().filter(|(source, _)| is_search(*source));
        let is_new = self.readings.of(new).begun().is_none();
        if is_new && self.readings.iter().len() >= MOST_SEARCHES && searches().count() >= MOST_SEARCHES {
            let oldest = searches().min_by_key(|(_, search)| search.begun().map(|at| at.mono));
            if let Some((oldest, _)) = oldest {
                self.readings.remove(oldest);
            }
        }
    }

    /// A search failed, and the listing was read in its place. Returns whether the listing did not fail: then it does the
    /// work of searches for a while.
    pub fn listed_instead(&mut self, failure: Option<&Failure>) -> bool {
        self.searches_fail |= failure.is_none_or(|failure| failure.source != Source::Listing);
        self.searches_fail
    }

    /// A round failed: its batch is asked for again before the account is open.
    pub fn owe(&mut self, batch: ReadBatch) {
        self.owed = batch.owed();
    }

    /// A round went well, and with it all that was owed.
    pub fn on_success(&mut self, round: Round) {
        self.owed = ReadBatch::default();
        self.gate.on_success(round.held);
        self.accepted = true;
        if round.resync {
            self.resynced_at = Some(round.began);
            // What it costs to ask again is paid once in a while.
            self.searches_fail = false;
        }
    }

    /// The balance to be read next: of each currency that is in use, once after each listing for drift. Before the first
    /// listing the credentials may be wrong, and each call would say so again.
    pub fn next_balance(&mut self, in_use: &BTreeSet<Currency>, now: Duration) -> Option<Source> {
        let asked: BTreeSet<_> =
            in_use.iter().take(CURRENCIES).map(|currency| Source::Balance(*currency)).collect();
        // The sum of a currency that is used no longer would stand there for ever, older every day.
        self.readings.retain(|source, reading| match (source, reading) {
            (Source::Balance(_), Reading::Read { .. }) => asked.contains(&source),
            _ => true,
        });
        let resynced_at = self.resynced_at.filter(|_| self.gate.is_readable())?;
        asked.into_iter().find(|source| match self.readings.of(*source) {
            Reading::Never => true,
            Reading::Read { begun, .. } => begun.mono < resynced_at,
            Reading::NoSuchEndpoint { begun } => {
                begun.mono < resynced_at && now >= begun.mono + NOT_SERVED_FOR
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::{
        domain::ListedNumber,
        plan::{FundsRead, LedgerRead, Moment},
        vobiz::ReadError,
    };

    fn at(seconds: u64) -> Moment {
        let mono = seconds_of(seconds);
        Moment { wall: Timestamp::UNIX_EPOCH + mono, mono }
    }

    fn seconds_of(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn number(index: u64) -> E164 {
        format!("+91{index:010}").parse().unwrap()
    }

    fn search(index: u64) -> Source {
        Source::Search(number(index))
    }

    fn presence(index: u64, since: u64) -> EvidenceRequest {
        EvidenceRequest::new(at(since), [search(index)])
    }

    fn key(index: u64) -> ObjectKey {
        ObjectKey::Record(index.to_string())
    }

    /// What a list without rows says.
    fn nothing(begun: u64) -> Reading<Contents> {
        Reading::Read { begun: at(begun), value: Contents::numbers(Vec::new()) }
    }

    fn ledger(begun: u64, from: u64) -> Reading<Contents> {
        let read = LedgerRead { from: at(from).wall, rows: Vec::new().into() };
        Reading::Read { begun: at(begun), value: Contents::Ledger(read) }
    }

    /// An account with more than a page of numbers, so that one number is searched for.
    fn large() -> State {
        State { owned: 500, ..State::default() }
    }

    /// A state in which that many numbers are asked for since the fifth second.
    fn asked(searches: u64) -> State {
        let mut state = large();
        for index in 0..searches {
            assert!(state.wait(key(index), Some(presence(index, 5))));
        }
        state
    }

    fn has(state: &State, request: &EvidenceRequest) -> bool {
        state.may_go_on(Some(request), Duration::ZERO)
    }

    fn searches_kept(state: &State) -> usize {
        state.readings.iter().filter(|(source, _)| is_search(*source)).count()
    }

    /// Whether a batch contains the listing, and how many searches.
    fn reads(batch: &ReadBatch) -> (bool, usize) {
        (batch.contains(Source::Listing), batch.count(is_search))
    }

    fn failure(source: Source, error: ReadError) -> Failure {
        Failure { source, error }
    }

    #[test]
    fn what_a_claim_in_a_long_queue_was_looked_up_with_stays() {
        let mut state = large();
        state.store(vec![(search(1), nothing(10))]);
        state.take_waiting(Duration::from_hours(5));
        assert!(has(&state, &presence(1, 10)));
        assert!(!has(&state, &presence(1, 11)), "too old for that question");
        // A later listing says all of it, an earlier one does not.
        state.store(vec![(Source::Listing, nothing(9))]);
        assert_eq!(searches_kept(&state), 1);
        state.store(vec![(Source::Listing, nothing(12))]);
        assert_eq!(searches_kept(&state), 0);
        assert!(has(&state, &presence(1, 10)));
    }

    #[test]
    fn searches_are_kept_within_a_bound_and_the_oldest_go_first() {
        let mut state = large();
        let most = u64::try_from(MOST_SEARCHES).unwrap();
        for index in 0..most + 2 {
            state.store(vec![(search(index), nothing(index))]);
        }
        assert_eq!(searches_kept(&state), MOST_SEARCHES);
        assert!(!has(&state, &presence(1, 0)) && has(&state, &presence(2, 0)));
    }

    #[test]
    fn after_a_failed_search_the_listing_does_its_work_until_the_next_resync() {
        let mut state = asked(1);
        let mut batch = state.batch(false);
        assert_eq!(reads(&batch), (false, 1));
        assert!(failure(search(0), ReadError::Failed("500".into())).is_of_searches_alone());
        batch.list_instead();
        assert_eq!(reads(&batch), (true, 0));
        assert!(state.listed_instead(None));
        assert_eq!(reads(&state.batch(false)), (true, 0));
        // Not even where the listing was owed are they tried.
        state.owe(batch);
        assert_eq!(reads(&state.batch(false)), (true, 0));
        state.on_success(Round { began: seconds_of(9), held: None, resync: true });
        assert_eq!(reads(&state.batch(false)), (false, 1));
    }

    #[test]
    fn the_listing_that_fails_in_place_of_a_search_leaves_searches_alone() {
        for (second, does_their_work) in [
            (None, true),
            (Some(failure(Source::Ledger { from: at(0).wall }, ReadError::Failed("500".into()))), true),
            (Some(failure(Source::Listing, ReadError::Failed("500".into()))), false),
        ] {
            let mut state = asked(1);
            assert_eq!(state.listed_instead(second.as_ref()), does_their_work, "{second:?}");
            assert_eq!(reads(&state.batch(false)), (does_their_work, usize::from(!does_their_work)));
        }
    }

    #[test]
    fn as_many_searches_as_pages_are_one_listing() {
        // Rows of the account, how many numbers are searched for, and whether they are listed instead.
        for (owned, searches, listed) in
            [(0, 1, true), (100, 1, true), (101, 1, false), (500, 4, false), (500, 5, true), (500, 0, false)]
        {
            let state = State { owned, ..asked(searches) };
            let expected = if listed { (true, 0) } else { (false, usize::try_from(searches).unwrap()) };
            assert_eq!(reads(&state.batch(false)), expected, "{owned} {searches}");
            assert_eq!(reads(&state.batch(true)), (true, 0), "a listing says what searches would say");
        }
    }

    #[test]
    fn what_a_round_failed_to_bring_is_owed_but_for_what_serves_messages() {
        let mut state = large();
        let funds = Source::Funds { e164: number(1), currency: None };
        let ledger = Source::Ledger { from: at(3).wall };
        state.owe([search(1), ledger, funds].into_iter().collect());
        assert_eq!(state.batch(false), [search(1), ledger].into_iter().collect());
        // Where the listing failed, searches are tried all the same, however many.
        let mut state = asked(50);
        state.owe([Source::Listing].into_iter().collect());
        assert_eq!(reads(&state.batch(false)), (true, 50));
        state.on_success(Round { began: seconds_of(9), held: None, resync: false });
        assert_eq!(reads(&state.batch(false)), (true, 0));
    }

    #[test]
    fn one_ledger_serves_all_that_ask_for_it_from_their_days_on() {
        let mut state = large();
        let from = |from| EvidenceRequest::new(at(1000), [Source::Ledger { from: at(from).wall }]);
        for (index, since) in [500, 300, 400].into_iter().enumerate() {
            assert!(state.wait(key(u64::try_from(index).unwrap()), Some(from(since))));
        }
        let all: ReadBatch = [Source::Ledger { from: at(300).wall }].into_iter().collect();
        assert_eq!(state.batch(false), all);
        state.store(vec![(Source::Ledger { from: at(400).wall }, ledger(1000, 400))]);
        assert!(has(&state, &from(400)) && has(&state, &from(500)) && !has(&state, &from(300)));
        state.store(vec![(Source::Ledger { from: at(300).wall }, ledger(999, 300))]);
        assert!(!has(&state, &from(400)), "it was begun too early");
        state.store(vec![(
            Source::Ledger { from: at(400).wall },
            Reading::NoSuchEndpoint { begun: at(1000) },
        )]);
        assert!(has(&state, &from(300)), "there is none to wait for");
    }

    #[test]
    fn the_same_request_is_no_news_and_none_reads_nothing() {
        let mut state = large();
        assert!(state.wait(key(1), Some(presence(1, 5))));
        assert!(!state.wait(key(1), Some(presence(1, 5))));
        assert!(state.wait(key(1), Some(presence(1, 6))));
        assert!(!state.wait(key(2), None), "it waits until purchases may be sent");
        assert!(state.may_go_on(None, Duration::ZERO));
        state.gate.read_met(&ReadError::Unauthorized, Duration::ZERO);
        assert!(!state.may_go_on(None, Duration::ZERO));
        state.store(vec![(search(1), nothing(7))]);
        assert!(!has(&state, &presence(1, 6)), "the account is held");
        assert_eq!(state.take_waiting(Duration::ZERO).len(), 2);
        assert!(state.take_waiting(Duration::ZERO).is_empty());
    }

    #[test]
    fn prices_are_read_for_a_few_numbers_in_each_round() {
        let mut state = large();
        let funds = |index| Source::Funds { e164: number(index), currency: "INR".parse().ok() };
        for index in 0..100 {
            state.wait(key(index), Some(EvidenceRequest::new(at(5), [funds(index)])));
        }
        let batch = state.batch(false);
        assert_eq!(batch.count(is_funds), FUNDS_A_ROUND);
        state.store(
            batch.sources().map(|source| (source, Reading::NoSuchEndpoint { begun: at(6) })).collect(),
        );
        assert!(state.batch(false).sources().all(|next| !batch.contains(next)));
        // They serve messages, and are kept for a while.
        let read = Reading::Read { begun: at(6), value: Contents::Funds(FundsRead::default()) };
        state.store(vec![(funds(1), read)]);
        for (now, kept) in [(seconds_of(305), true), (seconds_of(306), false)] {
            state.take_waiting(now);
            assert_eq!(matches!(state.evidence(number(1)).funds, Reading::Read { .. }), kept);
        }
    }

    #[test]
    fn a_round_begins_when_something_waits_or_the_resync_is_due() {
        let resync = seconds_of(60);
        let mut state = large();
        assert_eq!(state.next_round(seconds_of(7), resync), Duration::ZERO, "nothing was listed yet");
        let round = state.round_begins(seconds_of(7), resync);
        assert_eq!(round, Round { began: seconds_of(7), held: None, resync: true });
        state.on_success(round);
        assert_eq!(state.next_round(seconds_of(8), resync), seconds_of(67));
        state.wait(key(1), None);
        assert_eq!(state.next_round(seconds_of(8), resync), seconds_of(67), "it waits for no read");
        state.wait(key(1), Some(presence(1, 8)));
        assert_eq!(state.next_round(seconds_of(8), resync), seconds_of(8));
        assert!(!state.round_begins(seconds_of(8), resync).resync);
        // A hold ends first, regardless of what waits.
        state.gate.read_met(&ReadError::Failed("500".into()), seconds_of(8));
        assert_eq!(state.next_round(seconds_of(8), resync), seconds_of(9));
        assert_eq!(state.round_begins(seconds_of(9), resync).held, Some(seconds_of(9)));
    }

    #[test]
    fn evidence_is_about_one_number() {
        let row = |index| ListedNumber {
            e164: number(index),
            owner: None,
            number: crate::domain::Number::default(),
        };
        let listed = |rows| Reading::Read { begun: at(1), value: Contents::numbers(rows) };
        let mut state = State::default();
        state.store(vec![(Source::Listing, listed(vec![row(1), row(2), row(1)]))]);
        assert_eq!(state.owned, 3);
        let rows = |state: &State, index| match state.evidence(number(index)).listing {
            Reading::Read { value, .. } => value.len(),
            Reading::Never | Reading::NoSuchEndpoint { .. } => panic!(),
        };
        assert_eq!([rows(&state, 1), rows(&state, 2), rows(&state, 3)], [2, 1, 0]);
        assert!(state.lists(number(2)) && !state.lists(number(3)));
        assert!(matches!(state.evidence(number(1)).search, Reading::Never));
    }

    #[test]
    fn a_balance_is_read_once_after_each_listing_and_forgotten_when_unused() {
        let currencies = |names: &[&str]| -> BTreeSet<Currency> {
            names.iter().map(|name| name.parse().unwrap()).collect()
        };
        let (inr, usd) = (Source::Balance("INR".parse().unwrap()), Source::Balance("USD".parse().unwrap()));
        let sum = |begun, sum: Option<&str>| {
            let value = Contents::Balance(sum.map(|sum| sum.parse().unwrap()));
            Reading::Read { begun: at(begun), value }
        };
        let both = currencies(&["INR", "USD"]);
        let listed = |at| Round { began: seconds_of(at), held: None, resync: true };
        let mut state = State::default();
        assert_eq!(state.next_balance(&both, seconds_of(5)), None, "nothing was listed yet");
        state.on_success(listed(10));
        assert_eq!(state.next_balance(&both, seconds_of(10)), Some(inr));
        state.store(vec![(inr, sum(11, Some("5")))]);
        assert_eq!(state.next_balance(&both, seconds_of(11)), Some(usd));
        state.store(vec![(usd, sum(12, None))]);
        assert_eq!(state.next_balance(&both, seconds_of(12)), None);
        assert_eq!(state.balances().len(), 1, "one could not be read");
        state.on_success(listed(20));
        assert_eq!(state.next_balance(&both, seconds_of(20)), Some(inr));
        assert_eq!(state.next_balance(&currencies(&["USD"]), seconds_of(20)), Some(usd));
        assert!(state.balances().is_empty(), "no number is billed in it any more");
        state.gate.read_met(&ReadError::Forbidden, seconds_of(21));
        assert_eq!(state.next_balance(&both, seconds_of(21)), None, "the account is held");
    }

    #[test]
    fn a_currency_that_is_not_served_is_left_alone_for_hours() {
        let in_use: BTreeSet<Currency> = ["AAA".parse().unwrap()].into();
        let aaa = Source::Balance("AAA".parse().unwrap());
        let mut state = State::default();
        state.store(vec![(aaa, Reading::NoSuchEndpoint { begun: at(1) })]);
        // Not even where it was out of use meanwhile.
        assert_eq!(state.next_balance(&BTreeSet::new(), seconds_of(2)), None);
        state.on_success(Round { began: seconds_of(100), held: None, resync: true });
        let again = seconds_of(1) + NOT_SERVED_FOR;
        assert_eq!(state.next_balance(&in_use, NOT_SERVED_FOR), None);
        assert_eq!(state.next_balance(&in_use, again), Some(aaa));
    }

    #[test]
    fn a_few_balances_are_read_however_many_currencies_are_in_use() {
        let in_use: BTreeSet<Currency> =
            (b'A'..=b'Z').map(|last| format!("II{}", last as char).parse().unwrap()).collect();
        let mut state = State::default();
        state.on_success(Round { began: seconds_of(1), held: None, resync: true });
        let mut read = 0;
        while let Some(balance) = state.next_balance(&in_use, seconds_of(2)) {
            state.store(vec![(balance, Reading::NoSuchEndpoint { begun: at(2) })]);
            read += 1;
        }
        assert_eq!(read, CURRENCIES);
    }
}
