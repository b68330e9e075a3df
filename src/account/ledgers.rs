//! The ledgers of a batch: what is known of the ledger is kept up with, what is not is read a piece at a time, and what only
//! an old attempt needs is read beside it.

use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use jiff::Timestamp;
use tokio::time::timeout;

use super::{
    batch::{BatchRead, ReadBatch},
    doubt::{Doubt, SHRUNK},
    filters::Filters,
    pass::Pass,
    remembered::Remembered,
    upkeep::is_outdated,
};
use crate::{
    clock::Clock,
    plan::{Contents, Moment, Reading, Source},
    vobiz::{Client, Known, ReadError},
};

/// A ledger is read for so long at a time, and an old one, beside it: what waits for less does not wait for its end.
const PIECE: Duration = Duration::from_millis(500);
const OLD_PIECE: Duration = Duration::from_millis(200);

/// A reading that is not wanted any more is kept for so long: where another read fails, all that waits asks anew.
const KEPT: Duration = Duration::from_mins(2);

/// A ledger with which one could not keep up is read whole for so long: each time that it is tried costs a reading as well.
const READ_WHOLE: Duration = Duration::from_hours(1);

const LEDGER_SO_FAR: Source = Source::LedgerSoFar { from: Timestamp::MIN };
const LEDGER: Source = Source::Ledger { from: Timestamp::MIN };
const OLD_LEDGER: Source = Source::OldLedger { from: Timestamp::MIN };

/// What goes on from one batch to the next.
#[derive(Default)]
pub struct Ledgers<'a> {
    /// All of it is known, and can be kept up with.
    known: Option<Pass>,
    /// Until when it was, or went back further. Monotonic.
    known_until: Duration,
    /// What is being read of it, anew.
    usual: Option<Pass>,
    old: Option<OldReading<'a>>,
    filters: Filters,
    /// Monotonic.
    read_whole_until: Duration,
    /// What all readings have shown.
    remembered: Remembered,
    /// A reading goes back at least as far as what was known did, until one is believed: it can be held against all of it.
    reach: Option<Timestamp>,
    doubt: Doubt,
    doubt_of_old: Doubt,
}

/// The reading of an old ledger. It is a future of its own, so that a page of it that hangs keeps no batch waiting.
type OldReading<'a> = BoxFuture<'a, Result<Pass, ReadError>>;

/// From when on a batch wants which ledger.
struct Wanted {
    so_far: Option<Timestamp>,
    anew: Option<Timestamp>,
    old: Option<Timestamp>,
}

impl<'a> Ledgers<'a> {
    /// Reads what a batch asks for of ledgers.
    pub async fn read(&mut self, client: &'a Client, clock: Clock, batch: &ReadBatch) -> BatchRead {
        let (mut read, begun) = (BatchRead::default(), clock.now());
        let [so_far, anew, old] = [LEDGER_SO_FAR, LEDGER, OLD_LEDGER].map(|kind| batch.ledger_from(kind));
        let mut wanted = Wanted { so_far, anew, old };
        match self.read_new(&mut read, client, clock, begun, &mut wanted).await {
            Ok(()) => self.read_all(&mut read, client, (begun, clock), &wanted).await,
            Err(error) => {
                let anew = anew.map_or(LEDGER, |from| Source::Ledger { from });
                let source = so_far.map_or(anew, |from| Source::LedgerSoFar { from });
                read.keep(source, begun, Err(refused(error)));
            }
        }
        read.failure.iter().for_each(|failure| self.filters.failed(&failure.error, clock.now().mono));
        read.ledger = self.known.as_ref().map(|known| known.told(&self.filters, begun));
        read
    }

    /// Reads what is new of the ledger that is known, and what filters show of it; takes from what is wanted what that serves.
    async fn read_new(
        &mut self,
        read: &mut BatchRead,
        client: &Client,
        clock: Clock,
        begun: Moment,
        wanted: &mut Wanted,
    ) -> Result<(), ReadError> {
        let Some(known) = &mut self.known else { return Ok(()) };
        let known_from = known.from;
        let serves = |from: &Timestamp| known_from <= *from;
        let grows_old = is_outdated(known_from, begun.wall);
        let filtered = wanted.anew.filter(serves).filter(|_| !grows_old && self.filters.serve(&known.ledger));
        if wanted.so_far.filter(serves).or(filtered).is_none() {
            return Ok(());
        }
        known.clock = clock;
        let read_so_far = known.catch_up(client).await?;
        if let Known::Lost(error) = read_so_far {
            return Err(error);
        }
        let Known::Wholly { anew } = read_so_far else {
            self.forget(begun.mono);
            return Ok(());
        };
        let wants = filtered.is_some();
        let (whole, now) = (known.begun, clock.now().mono);
        let shown = self.filters.read(client, &mut known.ledger, whole, begun, now, wants).await;
        known.note();
        if shown.is_err() && known.lacks_news() {
            return shown.map(drop);
        }
        if !known.catch_up_with_filters(client).await? {
            self.forget(now);
            return Ok(());
        }
        // Else it was asked for anew because what is known of it is too old for looks.
        if wanted.so_far.is_some_and(|from| serves(&from)) {
            read.readings.push((LEDGER_SO_FAR, known.reading(begun)));
        }
        let anew = shown?.or(anew.then_some(begun));
        read.readings.extend(anew.map(|since| (LEDGER, known.reading(since))));
        let is_served = anew.is_some() || (wants && self.filters.serve(&known.ledger));
        wanted.anew = wanted.anew.filter(|from| !(is_served && serves(from)));
        wanted.so_far = wanted.so_far.filter(|from| !serves(from));
        Ok(())
    }

    /// What is known of the ledger cannot be kept up with, or an older state of it was met.
    fn forget(&mut self, now: Duration) {
        self.filters.stop();
        let Some(known) = self.known.take() else { return };
        self.known_until = now;
        // A reading that is under way may go back less far, and be believed for that.
        self.usual.take_if(|pass| known.ledger.has_shrunk() || pass.from > known.from);
        self.reach = Some(known.from);
    }

    /// A reading is of an older state of the ledger: those after it go back as far.
    fn disbelieve(&mut self, from: Timestamp, now: Duration) -> ReadError {
        self.forget(now);
        self.reach = self.reach.into_iter().chain([from]).min();
        shrunk()
    }

    /// Goes on with what has to be read whole.
    async fn read_all(
        &mut self,
        read: &mut BatchRead,
        client: &'a Client,
        at: (Moment, Clock),
        wanted: &Wanted,
    ) {
        let (begun, _) = at;
        let kept = begun.mono >= self.read_whole_until;
        let now = begun.mono;
        // One that no look goes back to any more would become longer for ever.
        let reach = self.reach.filter(|from| !is_outdated(*from, begun.wall));
        let from = wanted.anew.into_iter().chain(wanted.so_far).min();
        let from = from.map(|from| reach.map_or(from, |reach| reach.min(from)));
        let left_alone = from.is_some() && self.doubt.is_left_alone(now);
        let usual = from.filter(|_| !left_alone);
        let (usual, old) = tokio::join!(
            go_on(&mut self.usual, usual, client, at, kept, &self.remembered),
            go_on_with_old(&mut self.old, wanted.old, client, at, kept, &self.remembered),
        );
        let old = match old {
            Ok(Some(mut pass)) => {
                let (doubt, known) = (&mut self.doubt_of_old, self.known.as_ref());
                let is_believed = pass.is_believed(doubt, now, known, self.known_until);
                if is_believed { Ok(Some(pass)) } else { Err(shrunk()) }
            }
            old => old,
        };
        let usual = match usual {
            Ok(Some(mut pass)) => {
                let is_believed = pass.is_believed(&mut self.doubt, now, None, Duration::ZERO);
                if is_believed { Ok(Some(pass)) } else { Err(self.disbelieve(pass.from, now)) }
            }
            _ if left_alone => Err(shrunk()),
            usual => usual,
        };
        match usual {
            Ok(pass) => read.readings.extend(pass.map(|pass| (LEDGER, self.know(pass, now)))),
            Err(error) => {
                let source = from.map_or(LEDGER, |from| Source::Ledger { from });
                read.keep(source, begun, Err(refused(error)));
            }
        }
        match old {
            Ok(pass) => read.readings.extend(pass.map(|mut pass| (OLD_LEDGER, pass.reading(pass.begun)))),
            Err(error @ (ReadError::NoSuchEndpoint | ReadError::RateLimited { .. })) => {
                read.keep(OLD_LEDGER, begun, Err(error));
            }
            Err(error) => read.old_ledger_failed = wanted.old.map(|from| (from, error)),
        }
    }

    /// A ledger that was read is known from now on, if one can keep up with it.
    fn know(&mut self, mut pass: Pass, now: Duration) -> Reading<Contents> {
        let reading = pass.reading(pass.begun);
        if self.known.as_ref().is_some_and(|known| !pass.ledger.is_kept() || known.from < pass.from) {
            self.known_until = now;
        }
        if !pass.ledger.is_kept() {
            self.read_whole_until = pass.begun.mono + READ_WHOLE;
        }
        self.reach = None;
        self.remembered.forget_outdated(pass.begun.wall);
        self.known = pass.ledger.is_kept().then_some(pass);
        reading
    }
}

/// Goes on with a reading for so long, or begins one, if any is wanted. Returns it when it is at its end.
async fn go_on(
    under_way: &mut Option<Pass>,
    wanted: Option<Timestamp>,
    client: &Client,
    (begun, clock): (Moment, Clock),
    kept: bool,
    remembered: &Remembered,
) -> Result<Option<Pass>, ReadError> {
    let Some(from) = wanted else {
        under_way.take_if(|pass| begun.mono >= pass.went_on + KEPT);
        return Ok(None);
    };
    let until = Some(Instant::now() + PIECE);
    let mut pass = under_way.take().unwrap_or_else(|| Pass::begin(from, (begun, clock), kept, remembered));
    (pass.went_on, pass.clock) = (begun.mono, clock);
    let went_on = pass.go_on(client, until).await;
    if went_on == Ok(true) {
        return Ok(Some(pass));
    }
    if pass.lost.stays_good(&went_on, pass.ledger.pages()) {
        *under_way = Some(pass);
    }
    went_on.map(|_| None)
}

/// The same of an old ledger: a page that has not come in that time is waited for in the next batch.
async fn go_on_with_old<'a>(
    under_way: &mut Option<OldReading<'a>>,
    wanted: Option<Timestamp>,
    client: &'a Client,
    at: (Moment, Clock),
    kept: bool,
    remembered: &Remembered,
) -> Result<Option<Pass>, ReadError> {
    let Some(from) = wanted else {
        *under_way = None;
        return Ok(None);
    };
    let reading = under_way.get_or_insert_with(|| {
        let mut pass = Pass::begin(from, at, kept, remembered);
        Box::pin(async move { pass.go_on(client, None).await.map(|_| pass) })
    });
    let Ok(read) = timeout(OLD_PIECE, reading).await else { return Ok(None) };
    *under_way = None;
    read.map(Some)
}

fn shrunk() -> ReadError {
    ReadError::Failed(SHRUNK.into())
}

/// Only the owned list speaks of the whole account; a ledger that may not be read is one that cannot be read.
fn refused(error: ReadError) -> ReadError {
    match error {
        ReadError::Unauthorized => ReadError::Failed("Vobiz refuses to show the ledger (401)".into()),
        ReadError::Forbidden => ReadError::Failed("Vobiz refuses to show the ledger (403)".into()),
        ReadError::NoSuchEndpoint | ReadError::RateLimited { .. } | ReadError::Failed(_) => error,
    }
}
