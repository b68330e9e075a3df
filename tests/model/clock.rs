//! The two clocks. The world knows only in which order things happened, and which of the timeouts are over; from that, the
//! moments are made that the plan functions compare. Any others in the same order would do.

use std::{sync::Arc, time::Duration};

use super::{
    accounts,
    cast::Cast,
    world::{
        AFTER_FIRST_READ, AFTER_SETTLED, AFTER_WAIT, AFTER_WANTED, Operator, Reading, Record, Said, Time,
    },
};
use crate::plan::{
    Evidence, LedgerRead, LedgerRows, Moment, Reading as PlanReading, Rows, SEND_WINDOW, Timeouts,
};

pub const TIMEOUTS: Timeouts =
    Timeouts { purchase_timeout: Duration::from_secs(30), settle: Duration::from_mins(1) };

/// By how much a clock is wrong: longer than anything waits, and less than a ledger's clock may differ.
const SKEW: i64 = 300;

/// The present, by the monotonic clock.
const NOW: u64 = 1_000_000;

/// In seconds before now: when the settle moment was, if it has been; and when the record was first read, if the span
/// since then is not over.
const SETTLED: u64 = 10;
const FIRST_READ: u64 = 5;

/// And when the claim's goal was first seen, and a wait was over.
const GOAL: u64 = 4;
const WAITED: u64 = 2;

/// So many seconds before a time that is given in seconds. Made afresh, which is faster than calculating with times.
fn ago(wall: i64, seconds: u64) -> jiff::Timestamp {
    jiff::Timestamp::from_second(wall - seconds.cast_signed()).unwrap()
}

fn moment(wall: i64, seconds_ago: u64) -> Moment {
    Moment { wall: ago(wall, seconds_ago), mono: Duration::from_secs(NOW - seconds_ago) }
}

/// The present by a wall clock, in seconds.
fn wall(cast: &Cast, skew: i8) -> i64 {
    cast.now().as_second() + i64::from(skew) * SKEW
}

pub fn now(cast: &Cast, operator: &Operator) -> Moment {
    moment(wall(cast, operator.skew), 0)
}

/// The end of a wait for so many attempts to be past: still to come, or between what was read before and after it.
pub fn end_of_wait(cast: &Cast, operator: &Operator, until: u8, time: Time) -> Moment {
    if until <= time.past {
        moment(wall(cast, operator.skew), WAITED)
    } else {
        now(cast, operator).plus(Duration::from_mins(5))
    }
}

/// Whether nothing is waited for any more.
pub fn has_waited(operator: &Operator, time: Time) -> bool {
    [operator.hold, operator.memory.kept_back()].into_iter().flatten().all(|until| until <= time.past)
}

/// When the goal of the claim in one place was first seen.
pub fn wanted_since(cast: &Cast, operator: &Operator, place: usize) -> Moment {
    let old = operator.memory.wanted[place].is_some_and(|goal| goal.old);
    let seen = moment(wall(cast, operator.skew), GOAL);
    if old { Moment { wall: seen.wall.min(cast.before_the_day()), ..seen } } else { seen }
}

/// Whether the span since the operator first read the record is over. It began after every attempt that had been
/// opened by then, so it ends after they are past.
pub fn is_over(operator: &Operator, time: Time) -> bool {
    operator.memory.record.is_some_and(|known| known.until <= time.past)
}

/// When the operator first read the record.
pub fn first_read(cast: &Cast, operator: &Operator, time: Time) -> Moment {
    let span = TIMEOUTS.until_settled().as_secs();
    let seconds = if is_over(operator, time) { span + SETTLED } else { FIRST_READ };
    moment(wall(cast, operator.skew), seconds)
}

/// When the record's attempt was opened, by the wall clock of who opened it.
pub fn opened(cast: &Cast, operator: &Operator, record: &Record, time: Time) -> jiff::Timestamp {
    let span = TIMEOUTS.until_settled().as_secs();
    let mut age = if record.attempt < time.past {
        span + SETTLED
    } else if record.attempt < time.closed {
        SEND_WINDOW.as_secs() + 1
    } else {
        0
    };
    if is_over(operator, time) && operator.skew < record.skew {
        // Time goes on until even a clock that is behind shows the moment.
        age += 2 * SKEW.unsigned_abs();
    }
    ago(wall(cast, record.skew), age)
}

/// The moments of a purchase in the making: when its intent was written, and now.
pub fn window(
    cast: &Cast,
    operator: &Operator,
    draft: &Record,
    suspended: bool,
    time: Time,
) -> (Moment, Moment) {
    let elapsed = if draft.attempt < time.closed { SEND_WINDOW.as_secs() + 1 } else { 0 };
    let opened = moment(wall(cast, draft.skew), elapsed);
    let mono = if suspended { opened.mono } else { Duration::from_secs(NOW) };
    (opened, Moment { mono, ..now(cast, operator) })
}

/// When a reading was begun, as seen for the claim in one place, or for the record.
fn begun(cast: &Cast, operator: &Operator, reading: Reading, place: Option<usize>, time: Time) -> Moment {
    let (over, after) = (is_over(operator, time), |mark| reading.marks & mark != 0);
    let seconds = match place {
        Some(place) if after(AFTER_WANTED[place]) && after(AFTER_WAIT) => WAITED - 1,
        Some(place) if after(AFTER_WANTED[place]) => WAITED + 1,
        None if after(AFTER_SETTLED) => 1,
        None if after(AFTER_FIRST_READ) && over => SETTLED + 1,
        None if after(AFTER_FIRST_READ) => FIRST_READ - 1,
        _ => 1000,
    };
    moment(wall(cast, operator.skew), seconds)
}

/// The ledger of an account as the operator has read it last, and when that was.
pub fn ledger_read(
    cast: &Cast,
    operator: &Operator,
    account: usize,
    time: Time,
) -> Option<(Moment, Arc<LedgerRows>)> {
    let reading = operator.read[account].ledger;
    let Said::Debits(set) = reading.said else { return None };
    Some((begun(cast, operator, reading, None, time), cast.ledger(set, 0).rows.clone()))
}

/// What the operator has read of an account, for the claim in one place, or for the record.
pub fn evidence(
    cast: &Cast,
    operator: &Operator,
    account: usize,
    place: Option<usize>,
    time: Time,
    aged: u8,
) -> Evidence {
    let read = &operator.read[account];
    let begun = |reading: Reading| begun(cast, operator, reading, place, time);
    let rows = |reading: Reading| match reading.said {
        Said::Absent => PlanReading::Read { begun: begun(reading), value: cast.absent.clone() },
        Said::Ours => PlanReading::Read { begun: begun(reading), value: cast.listed[account].clone() },
        Said::Others => PlanReading::Read { begun: begun(reading), value: cast.listed_elsewhere.clone() },
        Said::Never | Said::Debits(_) => PlanReading::<Rows>::Never,
    };
    let ledger = match read.ledger.said {
        Said::Debits(set) => {
            PlanReading::Read { begun: begun(read.ledger), value: cast.ledger(set, aged).clone() }
        }
        _ => PlanReading::<LedgerRead>::Never,
    };
    // A price does not change here: it is as good as read whenever it is asked for.
    let priced = || PlanReading::Read { begun: now(cast, operator), value: accounts::funds() };
    let funds = cast.neighbour.as_ref().map_or(PlanReading::Never, |_| priced());
    let (search, listing) = (rows(read.search), rows(read.listing));
    Evidence { search, listing, ledger, funds, ..Evidence::default() }
}
