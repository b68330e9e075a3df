//! What is known of the account, and which claims and records wait for more: what is read next, and what follows from
//! what was read.
//!
//! Functions of state and time; the loop in `run.rs` performs what they decide.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use super::{
    batch::{BatchRead, ReadBatch, is_funds, is_price, is_quote, is_search},
    gate::GateState,
    line::PriceLine,
    looks::Looks,
    round::{Listing, Round},
    shown::Shown,
    unreadable::Unreadable,
    upkeep::{Upkeep, lane, of_all},
};
use crate::{
    api::ObjectKey,
    domain::{E164, Moment},
    plan::{Contents, Evidence, EvidenceRequest, Gate, Names, Reading, Readings, Source},
};

/// What the sources last said, and which claims and records wait for more.
#[derive(Default)]
pub struct State {
    pub gate: GateState,
    pub(super) readings: Readings,
    /// The accounts that its ledger and balances name.
    pub(super) names: Names,
    /// Without a request, they wait until purchases may be sent.
    pub(super) waiting: HashMap<ObjectKey, Option<EvidenceRequest>>,
    /// What failed: the account is not open before it is brought.
    owed: Option<Source>,
    /// The listing that is being read, over several rounds if it is long.
    listing: Option<Listing>,
    upkeep: Upkeep,
    pub looks: Looks,
    /// The old ledger that could not be read last.
    unreadable: Option<Unreadable>,
    /// When the account is listed first, though nothing waits. Monotonic.
    pub(super) first_at: Duration,
    /// When the account was last listed for drift rather than because something waits. Monotonic.
    pub(super) resynced_at: Option<Duration>,
    pub shown: Shown,
    /// Rows of the account's listing, as far as it is known.
    pub(super) owned: usize,
    /// Searches that found too much, since the account was last listed for drift: the listing does their work.
    broad: HashSet<Source>,
    /// A search failed: until the account is listed for drift again, or cannot be listed, the listing does its work.
    searches_fail: bool,
    /// The claims for which prices are to be read.
    pub(super) priced: PriceLine,
}

/// For how long prices are kept: they serve messages, and the next purchase.
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
        self.readings.about(e164)
    }

    pub fn lists(&self, e164: E164) -> bool {
        matches!(self.readings.of(Source::Listing), Reading::Read { value: Contents::Numbers(rows), .. } if rows.of(e164).len() > 0)
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
        let looks = request.iter().flat_map(|request| {
            request.sources.iter().map(|source| (lane(*source, request.since), request.since.mono))
        });
        for (source, at) in looks {
            if let Source::LedgerSoFar { from } = source {
                self.upkeep.looks(from, at);
            }
        }
        if request.iter().flat_map(|request| &request.sources).any(|source| is_quote(*source)) {
            self.priced.join(&key);
        }
        self.waiting.insert(key, request.clone()) != Some(request) && reads
    }

    /// Has the listing for drift waited for that follows the one by which it was decided. If it has ended meanwhile, nothing
    /// else would wake what waits, which is then returned.
    pub fn wait_for_listing(&mut self, key: ObjectKey, decided_by: Option<Moment>) -> Option<ObjectKey> {
        if self.resynced_at > decided_by.map(|begun| begun.mono) {
            return Some(key);
        }
        self.looks.wait(key);
        None
    }

    /// What has nothing to wait for any more.
    pub fn take_served(&mut self, now: Duration) -> Vec<ObjectKey> {
        let is_kept = |reading: &Reading<Contents>| reading.begun().is_some_and(|at| now < at.mono + KEPT);
        self.readings.retain(|source, reading| !is_price(source) || is_kept(reading));
        let waiting = std::mem::take(&mut self.waiting);
        let (served, waiting): (HashMap<_, _>, _) =
            waiting.into_iter().partition(|(_, request)| self.may_go_on(request.as_ref(), now));
        self.waiting = waiting;
        served.into_keys().collect()
    }

    /// All that waits, to be told that the account is held.
    pub fn take_waiting(&mut self) -> Vec<ObjectKey> {
        self.priced.clear();
        self.waiting.drain().map(|(key, _)| key).collect()
    }

    /// When the next round begins. Monotonic.
    pub fn next_round(&self, now: Moment, resync: Duration) -> Duration {
        let resync_at = self.resynced_at.map_or(self.first_at, |at| at + resync);
        let old_ledger_at = self.unreadable.map(|old| old.until).filter(|at| *at > now.mono);
        let at_once = (!self.batch(now, false).is_empty()).then_some(now.mono);
        let others = old_ledger_at.into_iter().chain(self.upkeep.next()).chain(self.looks.due());
        let others = others.chain(self.shown.due());
        let due = at_once.into_iter().chain(others).fold(resync_at, Duration::min);
        self.gate.next_round(due)
    }

    pub fn round_begins(&mut self, now: Moment, resync: Duration) -> Round {
        self.gate.round_begins(now.mono);
        let is_shown = self.shown.begins(now.mono);
        let resync = match self.resynced_at {
            Some(at) => now.mono >= at + resync,
            None => !is_shown || now.mono >= self.first_at || !self.batch(now, false).is_empty(),
        };
        if resync {
            self.upkeep.resync(now.mono);
        }
        let held = self.gate.until();
        let probes = held.is_some() || is_shown && self.batch(now, resync).is_empty();
        Round { began: now, held, resync, probes }
    }

    /// What is to be read for all that waits, in as few calls as will do.
    pub fn batch(&self, now: Moment, resync: bool) -> ReadBatch {
        let unasked = self.owed.into_iter().chain(self.upkeep.due(now.mono));
        let mut batch: ReadBatch = unasked.map(|source| of_all(source, now)).collect();
        let looks = self.looks.due().is_some_and(|at| now.mono >= at);
        if resync || looks || self.listing.is_some() {
            batch.add(Source::Listing);
        }
        // What the listing under way will tell as well.
        let mut told = ReadBatch::default();
        for request in self.waiting.values().flatten() {
            let is_told = self.listing.is_some_and(|listing| listing.begun.mono >= request.since.mono);
            for source in self.lacks(request) {
                match lane(source, now) {
                    Source::Quote(_) => {}
                    source if self.broad.contains(&source) => batch.add(Source::Listing),
                    Source::OldLedger { from }
                        if self.unreadable.is_some_and(|old| old.holds(from, now.mono)) => {}
                    source if is_told && is_search(source) => told.add(source),
                    source => batch.add(source),
                }
            }
        }
        let mut prices = 0..FUNDS_A_ROUND;
        batch.retain(|source| !is_funds(source) || prices.next().is_some());
        let pages = self.owned.div_ceil(PER_PAGE).max(1);
        let searches = batch.count(is_search);
        // Where the listing has just failed, searches may still serve the records that wait for presence.
        let listing_failed = self.owed == Some(Source::Listing);
        if searches > 0 && (self.searches_fail || (searches >= pages && !listing_failed)) {
            batch.list_instead();
        } else if !self.searches_fail && searches + told.count(is_search) < pages {
            // A few do not wait for its end.
            told.sources().for_each(|source| batch.add(source));
        }
        self.upkeep.renew(&mut batch, now.mono);
        batch
    }

    /// The batch of a round, and since when the listing in it is being read.
    pub fn batch_begins(&mut self, round: Round) -> (ReadBatch, Option<Moment>) {
        let batch = self.batch(round.began, round.resync);
        if batch.contains(Source::Listing) && self.listing.is_none() {
            self.listing = Some(Listing { begun: round.began, resync: round.resync });
        }
        (batch, self.listing.map(|listing| listing.begun))
    }

    /// What a request still lacks.
    pub(super) fn lacks(&self, request: &EvidenceRequest) -> impl Iterator<Item = Source> {
        request.sources.iter().copied().filter(|source| !self.readings.has(*source, request.since))
    }

    /// A batch was read. Returns whether the account was listed for drift with it.
    pub fn batch_ends(&mut self, round: Round, read: BatchRead, now: Moment) -> bool {
        let listed = read.readings.iter().any(|(source, _)| *source == Source::Listing);
        // A round that had nothing to read has heard nothing from Vobiz.
        let heard = round.probes || !read.readings.is_empty() || read.owned.is_some();
        let listing_failed = read.failure.as_ref().is_some_and(|failure| failure.source == Source::Listing);
        self.owned = read.owned.unwrap_or(self.owned);
        self.store(read.readings);
        self.upkeep.knows(read.ledger);
        self.broad.extend(read.broad);
        let listing = if listed || listing_failed { self.listing.take() } else { None };
        let listing = listing.filter(|_| listed);
        if let Some(listing) = listing {
            self.looks.listed(listing.begun.mono, now.mono, listing.resync);
        }
        let resynced = listing.filter(|listing| listing.resync);
        if let Some(listing) = resynced {
            self.resynced_at = Some(listing.begun.mono);
            self.broad.clear();
        }
        // What it costs to search again is paid once in a while.
        self.searches_fail &= resynced.is_none() && !listing_failed;
        if let Some((from, _)) = read.old_ledger_failed {
            self.unreadable = Some(Unreadable::again(self.unreadable, from, round.began.mono));
        }
        match read.failure {
            Some(failure) if failure.is_of_searches_alone() => self.searches_fail = true,
            Some(failure) => self.owed = failure.owed().or(self.owed),
            None if self.owed.is_none() => {
                self.gate.on_success(round.held);
                if heard {
                    self.shown.accept(round.began.mono);
                }
            }
            None => {}
        }
        resynced.is_some()
    }

    /// Keeps what was read.
    pub fn store(&mut self, readings: Vec<(Source, Reading<Contents>)>) {
        for (source, reading) in readings {
            match (source, &reading) {
                (Source::Listing, Reading::Read { begun, value: Contents::Numbers(rows) }) => {
                    self.owned = rows.len();
                    // A claim that would take the answer to an earlier search takes this one.
                    let is_later =
                        |search: &Reading<Contents>| search.begun().is_some_and(|at| at.mono > begun.mono);
                    self.readings.retain(|source, reading| !is_search(source) || is_later(reading));
                }
                (Source::Search(_), _) => self.make_room(source),
                (Source::LedgerSoFar { .. } | Source::Ledger { .. }, _) => {
                    let anew = matches!(source, Source::Ledger { .. });
                    self.upkeep.was_read(anew, reading.begun().map_or(Duration::ZERO, |at| at.mono));
                }
                (Source::OldLedger { .. }, Reading::Read { value: Contents::Ledger(read), .. }) => {
                    self.unreadable.take_if(|old| old.is_refuted(read.from));
                }
                _ => {}
            }
            self.note_names(&reading);
            let key = source.key();
            self.owed.take_if(|owed| key == owed.key() || owed.substitutes().contains(&key));
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
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use jiff::Timestamp;

    use super::*;
    use crate::{
        account::{batch::Failure, upkeep::USUAL},
        domain::ListedNumber,
        plan::{FundsRead, LedgerRead},
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
        ObjectKey::record(&index.to_string())
    }

    /// What a list without rows says.
    fn nothing(begun: u64) -> Reading<Contents> {
        Reading::Read { begun: at(begun), value: Contents::numbers(Vec::new()) }
    }

    fn ledger(begun: u64, from: u64) -> Reading<Contents> {
        let read = LedgerRead { from: at(from).wall, rows: Arc::default() };
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

    fn round(began: u64, resync: bool) -> Round {
        Round { began: at(began), held: None, resync, probes: false }
    }

    fn ends(state: &mut State, round: Round, read: BatchRead) -> bool {
        state.batch_ends(round, read, round.began)
    }

    /// A round in which that fails.
    fn fails(state: &mut State, began: u64, source: Source) {
        let failure = Some(Failure { source, error: ReadError::Failed("500".into()) });
        state.batch_begins(round(began, false));
        assert!(!ends(state, round(began, false), BatchRead { failure, ..BatchRead::default() }));
    }

    /// A round in which the account is listed. Returns whether it was for drift.
    fn lists(state: &mut State, began: u64, resync: bool) -> bool {
        state.batch_begins(round(began, resync));
        let readings = vec![(Source::Listing, nothing(began))];
        ends(state, round(began, resync), BatchRead { readings, ..BatchRead::default() })
    }

    #[test]
    fn what_a_claim_in_a_long_queue_was_looked_up_with_stays() {
        let mut state = large();
        state.store(vec![(search(1), nothing(10))]);
        state.take_served(Duration::from_hours(5));
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
        assert_eq!(reads(&state.batch(at(1000), false)), (false, 1));
        fails(&mut state, 6, search(0));
        assert_eq!(reads(&state.batch(at(1000), false)), (true, 0));
        // Not even where something else failed are they tried.
        fails(&mut state, 7, Source::Ledger { from: at(0).wall });
        assert_eq!(reads(&state.batch(at(1000), false)), (true, 0));
        assert!(!lists(&mut state, 9, false) && lists(&mut state, 10, true));
        state.owned = 500;
        state.wait(key(1), Some(presence(1, 11)));
        assert_eq!(reads(&state.batch(at(1000), false)), (false, 1));
    }

    #[test]
    fn the_listing_that_fails_in_place_of_a_search_leaves_searches_alone() {
        let mut state = asked(1);
        fails(&mut state, 6, search(0));
        fails(&mut state, 7, Source::Listing);
        assert_eq!(
            reads(&state.batch(at(1000), false)),
            (true, 1),
            "the listing is owed, and the search is tried again"
        );
    }

    #[test]
    fn as_many_searches_as_pages_are_one_listing() {
        // Rows of the account, how many numbers are searched for, and whether they are listed instead.
        for (owned, searches, listed) in
            [(0, 1, true), (100, 1, true), (101, 1, false), (500, 4, false), (500, 5, true), (500, 0, false)]
        {
            let state = State { owned, ..asked(searches) };
            let expected = if listed { (true, 0) } else { (false, usize::try_from(searches).unwrap()) };
            assert_eq!(reads(&state.batch(at(1000), false)), expected, "{owned} {searches}");
            assert_eq!(
                reads(&state.batch(at(1000), true)),
                (true, expected.1),
                "a few do not wait for all pages"
            );
        }
    }

    #[test]
    fn what_a_round_failed_to_bring_is_owed_but_for_what_serves_messages() {
        let mut state = large();
        fails(&mut state, 6, Source::Funds { e164: number(1), currency: None });
        assert!(state.batch(at(1000), false).is_empty());
        let from = Source::Ledger { from: at(3).wall };
        fails(&mut state, 7, from);
        assert_eq!(state.batch(at(1000), false), [from].into_iter().collect());
        state.store(vec![(from, ledger(8, 3))]);
        assert!(state.batch(at(1000), false).is_empty());
        // Where the listing failed, searches are tried all the same, however many.
        let mut state = asked(50);
        fails(&mut state, 6, Source::Listing);
        assert_eq!(reads(&state.batch(at(1000), false)), (true, 50));
        assert!(!lists(&mut state, 4, false), "it is not for drift");
        assert_eq!(reads(&state.batch(at(1000), false)), (true, 0));
    }

    #[test]
    fn one_ledger_serves_all_that_ask_for_it_from_their_days_on() {
        let mut state = large();
        let from = |from| EvidenceRequest::new(at(1000), [Source::Ledger { from: at(from).wall }]);
        for (index, since) in [500, 300, 400].into_iter().enumerate() {
            assert!(state.wait(key(u64::try_from(index).unwrap()), Some(from(since))));
        }
        let all: ReadBatch = [Source::Ledger { from: at(300).wall }].into_iter().collect();
        assert_eq!(state.batch(at(1000), false), all);
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

    /// A wall clock by which ledgers grow old.
    fn days(days: u64) -> Moment {
        at(days * 24 * 3600)
    }

    #[test]
    fn a_ledger_that_grows_old_while_it_is_waited_for_is_read_and_not_lost() {
        let mut state = large();
        state.resynced_at = Some(days(10).mono);
        let from = days(8).wall;
        let request = EvidenceRequest::new(days(9), [Source::Ledger { from }]);
        state.wait(key(1), Some(request.clone()));
        let reads = |state: &State, now| state.batch(now, false).sources().collect::<Vec<_>>();
        assert_eq!(reads(&state, days(10)), [Source::Ledger { from }]);
        assert_eq!(reads(&state, days(11)), [Source::OldLedger { from }]);
        let old_ledger_failed = Some((from, ReadError::Failed("500".into())));
        let failed = BatchRead { old_ledger_failed, ..BatchRead::default() };
        ends(&mut state, Round { began: days(11), held: None, resync: false, probes: false }, failed);
        assert_eq!(reads(&state, days(11)), [], "it is left alone for a while");
        let again = state.next_round(days(11), Duration::MAX / 2);
        assert_eq!(again, days(11).mono + Duration::from_mins(1));
        let value = Contents::Ledger(LedgerRead { from, rows: Arc::default() });
        state.store(vec![(Source::OldLedger { from }, Reading::Read { begun: days(11), value })]);
        assert_eq!(reads(&state, days(12)), []);
        assert!(has(&state, &request));
    }

    #[test]
    fn a_ledger_that_failed_and_has_grown_old_is_not_what_opens_the_account() {
        let mut state = large();
        let from = days(8).wall;
        fails(&mut state, 10 * 24 * 3600, Source::Ledger { from });
        for (now, from) in [(days(10), from), (days(11), days(11).wall - USUAL)] {
            assert_eq!(state.batch(now, false), [Source::Ledger { from }].into_iter().collect());
        }
    }

    #[test]
    fn an_old_ledger_that_was_read_well_begins_its_pauses_anew() {
        let mut state = large();
        let fails = |state: &mut State, now: u64| {
            let old_ledger_failed = Some((days(1).wall, ReadError::Failed("500".into())));
            ends(state, round(now, false), BatchRead { old_ledger_failed, ..BatchRead::default() });
            state.unreadable.unwrap().until.saturating_sub(seconds_of(now)).as_secs()
        };
        let read = |state: &mut State, from: u64| {
            let value = Contents::Ledger(LedgerRead { from: days(from).wall, rows: Arc::default() });
            let reading = Reading::Read { begun: at(5), value };
            state.store(vec![(Source::OldLedger { from: days(from).wall }, reading)]);
        };
        assert_eq!([fails(&mut state, 1), fails(&mut state, 100)], [60, 120]);
        read(&mut state, 2);
        assert_eq!(fails(&mut state, 300), 240, "it was another one, that goes less far back");
        read(&mut state, 1);
        assert_eq!(fails(&mut state, 900), 60);
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
        assert!(state.take_served(Duration::ZERO).is_empty());
        assert_eq!(state.take_waiting().len(), 2);
        assert!(state.take_waiting().is_empty());
    }

    #[test]
    fn prices_are_read_for_a_few_numbers_in_each_round() {
        let mut state = large();
        let funds = |index| Source::Funds { e164: number(index), currency: "INR".parse().ok() };
        for index in 0..100 {
            state.wait(key(index), Some(EvidenceRequest::new(at(5), [funds(index)])));
        }
        let batch = state.batch(at(1000), false);
        assert_eq!(batch.count(is_funds), FUNDS_A_ROUND);
        state.store(
            batch.sources().map(|source| (source, Reading::NoSuchEndpoint { begun: at(6) })).collect(),
        );
        assert!(state.batch(at(1000), false).sources().all(|next| !batch.contains(next)));
        // They serve messages, and are kept for a while.
        let read = Reading::Read { begun: at(6), value: Contents::Funds(FundsRead::default()) };
        state.store(vec![(funds(1), read)]);
        for (now, kept) in [(seconds_of(305), true), (seconds_of(306), false)] {
            state.take_served(now);
            assert_eq!(matches!(state.evidence(number(1)).funds, Reading::Read { .. }), kept);
        }
    }

    #[test]
    fn a_round_begins_when_something_waits_or_the_resync_is_due() {
        let resync = seconds_of(60);
        let mut state = large();
        assert_eq!(state.next_round(at(7), resync), Duration::ZERO, "nothing was listed yet");
        assert_eq!(state.round_begins(at(7), resync), round(7, true));
        assert!(lists(&mut state, 7, true));
        assert_eq!(state.next_round(at(8), resync), seconds_of(67));
        state.wait(key(1), None);
        assert_eq!(state.next_round(at(8), resync), seconds_of(67), "it waits for no read");
        state.wait(key(1), Some(presence(1, 8)));
        assert_eq!(state.next_round(at(8), resync), seconds_of(8));
        assert!(!state.round_begins(at(8), resync).resync);
        // A hold ends first, regardless of what waits.
        state.gate.read_met(&ReadError::Failed("500".into()), seconds_of(8));
        assert_eq!(state.next_round(at(8), resync), seconds_of(9));
        assert_eq!(state.round_begins(at(9), resync).held, Some(seconds_of(9)));
    }

    #[test]
    fn credentials_are_shown_before_the_first_listing_where_that_is_asked_for() {
        let resync = seconds_of(60);
        let mut state = State { first_at: seconds_of(50), ..State::default() };
        ends(&mut state, round(0, false), BatchRead::default());
        assert!(!state.shown.accepted(), "nothing was asked");
        assert_eq!(state.next_round(at(1), resync), seconds_of(50));
        assert!(state.shown.ask(seconds_of(1)));
        assert_eq!(state.next_round(at(2), resync), seconds_of(1));
        let shows = state.round_begins(at(2), resync);
        assert_eq!((shows.probes, shows.resync), (true, false), "nothing is listed early");
        ends(&mut state, shows, BatchRead::default());
        assert!(state.shown.accepted());
        assert_eq!(state.next_round(at(3), resync), seconds_of(50));
        state.shown.change(seconds_of(50));
        let lists = state.round_begins(at(50), resync);
        assert_eq!((lists.probes, lists.resync), (false, true), "a listing shows them as well");
    }

    #[test]
    fn a_listing_for_a_look_is_none_for_drift() {
        let mut state = large();
        assert!(lists(&mut state, 6, true));
        let asked = [key(1), key(2)];
        assert!(!state.looks.ask(asked.clone(), seconds_of(7)));
        state.wait_for_listing(key(3), Some(at(6)));
        assert!(!lists(&mut state, 30, false), "all records are looked at after one for drift alone");
        assert_eq!(state.looks.take_served(), asked.into());
        assert!(lists(&mut state, 40, true));
        assert_eq!(state.looks.take_served(), [key(3)].into());
    }

    #[test]
    fn a_listing_that_ended_before_it_was_waited_for_is_not_missed() {
        // By which listing it was decided, whether the next one was for drift, and whether there is nothing to wait for.
        for (decided_by, resync, missed) in
            [(Some(6), true, true), (None, true, true), (Some(7), true, false), (Some(6), false, false)]
        {
            let mut state = large();
            lists(&mut state, 6, true);
            lists(&mut state, 7, resync);
            state.looks.take_served();
            let woken = state.wait_for_listing(key(1), decided_by.map(at));
            assert_eq!(woken.is_some(), missed, "{decided_by:?} {resync}");
            lists(&mut state, 8, true);
            assert_eq!(state.looks.take_served().contains(&key(1)), !missed, "{decided_by:?} {resync}");
        }
    }

    #[test]
    fn evidence_is_about_one_number() {
        let row = |index| {
            let number_of = crate::domain::Number::default();
            Box::new(ListedNumber { e164: number(index), owner: None, number: number_of })
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
    fn a_long_listing_goes_on_for_rounds_and_keeps_nothing_waiting() {
        let mut state = asked(9);
        let begins = |state: &mut State, now| {
            let (batch, begun) = state.batch_begins(round(now, now == 6));
            (reads(&batch), begun.map(|begun| begun.mono.as_secs()))
        };
        assert_eq!(begins(&mut state, 6), ((true, 0), Some(6)), "so many are listed");
        let piece = BatchRead { owned: Some(800), ..BatchRead::default() };
        assert!(!ends(&mut state, round(6, true), piece));
        // A few that ask later are searched for beside it, many wait for the next one.
        state.wait(key(20), Some(presence(20, 7)));
        assert_eq!(begins(&mut state, 8), ((true, 1), Some(6)));
        state.store(vec![(search(20), nothing(8))]);
        assert_eq!(state.take_served(seconds_of(8)), [key(20)]);
        (30..38).for_each(|index| assert!(state.wait(key(index), Some(presence(index, 9)))));
        assert_eq!(begins(&mut state, 9), ((true, 0), Some(6)));
        let readings = vec![(Source::Listing, nothing(6))];
        assert!(ends(&mut state, round(9, false), BatchRead { readings, ..BatchRead::default() }));
        assert_eq!(state.take_served(seconds_of(9)).len(), 9);
        assert_eq!(begins(&mut state, 10), ((true, 0), Some(10)));
    }

    #[test]
    fn a_few_that_a_long_listing_will_tell_of_are_searched_for_all_the_same() {
        let mut state = asked(1);
        assert_eq!(reads(&state.batch_begins(round(6, true)).0), (true, 1));
        state.wait(key(2), Some(presence(2, 5)));
        assert_eq!(reads(&state.batch(at(1000), false)), (true, 2));
    }

    #[test]
    fn a_hundred_idle_accounts_are_listed_once_an_interval_one_by_one() {
        let resync = Duration::from_mins(10);
        let mut listed: Vec<Duration> = Vec::new();
        for place in 0..100 {
            // As they come: see `Turns` in `each.rs`.
            let mut state = State { first_at: resync / 128 * place, ..State::default() };
            let mut now = at(0);
            // An hour.
            loop {
                now.mono = now.mono.max(state.next_round(now, resync));
                if now.mono >= 6 * resync {
                    break;
                }
                let round = state.round_begins(now, resync);
                let (batch, _) = state.batch_begins(round);
                assert_eq!(batch, [Source::Listing].into_iter().collect(), "nothing else is read");
                listed.push(now.mono);
                let read = BatchRead {
                    readings: vec![(
                        Source::Listing,
                        Reading::Read { begun: now, value: Contents::numbers(vec![]) },
                    )],
                    ..BatchRead::default()
                };
                // It takes a while, by which no account comes later each time.
                now.mono += seconds_of(1);
                assert!(state.batch_ends(round, read, now));
            }
        }
        assert_eq!(listed.len(), 100 * 6);
        listed.sort_unstable();
        assert!(listed.windows(2).all(|two| two[0] + resync / 128 <= two[1]), "they are spread");
    }
}
