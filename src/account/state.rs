use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use jiff::Timestamp;

use super::{Key, gate::GateState};
use crate::{
    domain::{Currency, E164, Money},
    plan::{Evidence, FundsRead, LedgerRead, Moment, Need, Reading, Rows},
    vobiz::ListedNumber,
};

/// What the endpoints last said, and who waits for more.
#[derive(Default)]
pub struct State {
    pub gate: GateState,
    listing: Reading<HashMap<E164, Rows>>,
    searches: HashMap<E164, Reading<Rows>>,
    pub ledger: Reading<LedgerRead>,
    funds: HashMap<E164, Reading<FundsRead>>,
    wants: HashMap<Key, (E164, Need)>,
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

/// For how long searches and prices are kept: a claim may wait for its turn with what was found for it.
const KEPT: Duration = Duration::from_mins(5);

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
    pub fn want(&mut self, key: Key, e164: E164, need: Need) -> bool {
        let previous = self.wants.insert(key, (e164, need));
        previous != Some((e164, need)) && need != Need::default()
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
        let is_young = |begun: Option<Moment>| begun.is_some_and(|at| now < at.mono + KEPT);
        self.searches.retain(|_, reading| is_young(reading.begun()));
        self.funds.retain(|_, reading| is_young(reading.begun()));
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
        for (e164, need) in self.wants.values() {
            self.require(*e164, *need, &mut round);
        }
        // Where the listing has just failed, searches may still tell who waits for presence.
        if owed.is_some_and(|owed| owed.listing) {
            return round;
        }
        if round.searches.len() >= self.owned.div_ceil(PER_PAGE).max(1) {
            round.listing = true;
        }
        if round.listing {
            round.searches.clear();
        }
        round
    }

    /// Whether a need is met already.
    pub fn has(&self, e164: E164, need: Need) -> bool {
        let mut round = Round::default();
        self.require(e164, need, &mut round);
        round.is_empty()
    }

    /// Adds to a round what one need still lacks.
    fn require(&self, e164: E164, need: Need, round: &mut Round) {
        round.listing |=
            need.listing.is_some_and(|since| self.listing.begun().is_none_or(|at| at.mono < since.mono));
        if let Some(since) = need.presence {
            let search = self.searches.get(&e164).and_then(Reading::begun);
            let newest = [self.listing.begun(), search].into_iter().flatten().map(|at| at.mono).max();
            if newest.is_none_or(|at| at < since.mono) {
                round.searches.insert(e164);
            }
        }
        if let Some((since, from)) = need.ledger {
            let covered = match &self.ledger {
                Reading::Read { begun, value } => begun.mono >= since.mono && value.from <= from,
                Reading::Missing { begun } => begun.mono >= since.mono,
                Reading::Never => false,
            };
            if !covered {
                round.ledger = Some(round.ledger.map_or(from, |other| other.min(from)));
            }
        }
        if let Some((since, currency)) = need.funds {
            let known = self.funds.get(&e164).and_then(Reading::begun);
            if known.is_none_or(|at| at.mono < since.mono) {
                round.funds.insert(e164, currency);
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
        self.searches.insert(e164, reading);
    }

    pub fn funds_read(&mut self, e164: E164, begun: Moment, funds: Option<FundsRead>) {
        let reading = funds.map_or(Reading::Missing { begun }, |value| Reading::Read { begun, value });
        self.funds.insert(e164, reading);
    }
}

impl Round {
    pub fn is_empty(&self) -> bool {
        !self.listing && self.searches.is_empty() && self.ledger.is_none() && self.funds.is_empty()
    }
}
