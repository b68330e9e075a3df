//! The ledgers of a batch: what is known of the ledger is kept up with, what is not is read a piece at a time, and what only
//! an old attempt needs is read beside it.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use jiff::{Timestamp, civil::Date, tz::TimeZone};

use super::batch::{BatchRead, ReadBatch};
use crate::{
    clock::Clock,
    plan::{Contents, LedgerRead, LedgerRows, Moment, Reading, Source},
    vobiz::{Client, Known, Ledger, ReadError},
};

/// A ledger is read for so long at a time, and an old one, beside it: what waits for less does not wait for its end.
const PIECE: Duration = Duration::from_millis(500);
const OLD_PIECE: Duration = Duration::from_millis(200);

/// A ledger with which one could not keep up is read whole for so long: each time that it is tried costs a reading as well.
const READ_WHOLE: Duration = Duration::from_hours(1);

const LEDGER_SO_FAR: Source = Source::LedgerSoFar { from: Timestamp::MIN };
const LEDGER: Source = Source::Ledger { from: Timestamp::MIN };
const OLD_LEDGER: Source = Source::OldLedger { from: Timestamp::MIN };

/// What goes on from one batch to the next.
#[derive(Default)]
pub struct Ledgers {
    /// All of it is known, and can be kept up with.
    known: Option<Pass>,
    /// What is being read of it, anew.
    usual: Option<Pass>,
    old: Option<Pass>,
    /// Monotonic.
    read_whole_until: Duration,
}

/// A reading of all rows.
struct Pass {
    begun: Moment,
    from: Timestamp,
    ledger: Ledger,
    rows: Arc<LedgerRows>,
}

impl Pass {
    /// The ledger is asked by UTC days, so what is covered begins at a midnight.
    fn begin(from: Timestamp, begun: Moment, kept: bool) -> Self {
        let day = from.to_zoned(TimeZone::UTC).date();
        let from = day.to_zoned(TimeZone::UTC).map_or(from, |midnight| midnight.timestamp());
        let ledger: fn(Date) -> Ledger = if kept { Ledger::kept_since } else { Ledger::whole_since };
        Self { begun, from, ledger: ledger(day), rows: Arc::default() }
    }

    fn reading(&mut self, begun: Moment) -> Reading<Contents> {
        if let Some(rows) = self.ledger.take_rows() {
            self.rows = Arc::new(rows.into_iter().collect());
        }
        let value = Contents::Ledger(LedgerRead { from: self.from, rows: self.rows.clone() });
        Reading::Read { begun, value }
    }
}

impl Ledgers {
    /// Reads what a batch asks for of ledgers.
    pub async fn read(&mut self, client: &Client, clock: Clock, batch: &ReadBatch) -> BatchRead {
        let (mut read, begun) = (BatchRead::default(), clock.now());
        let (so_far, mut anew) = (batch.ledger_from(LEDGER_SO_FAR), batch.ledger_from(LEDGER));
        let mut missing = so_far;
        if let Some(from) = so_far.filter(|from| self.known_from().is_some_and(|known| known <= *from)) {
            match self.catch_up(client, begun).await {
                Ok(Caught::Up { reading, anew: is_anew }) => {
                    if is_anew {
                        read.readings.push((LEDGER, reading.clone()));
                        anew = anew.filter(|from| self.known_from().is_none_or(|known| known > *from));
                    }
                    read.readings.push((LEDGER_SO_FAR, reading));
                    missing = None;
                }
                Ok(Caught::Unproven) => {}
                Err(error) => {
                    read.keep(Source::LedgerSoFar { from }, begun, Err(refused(error)));
                    return read;
                }
            }
        }
        self.go_on(
            &mut read,
            client,
            begun,
            anew.into_iter().chain(missing).min(),
            batch.ledger_from(OLD_LEDGER),
        )
        .await;
        read.ledger_rows = self.known.as_ref().and_then(|known| known.ledger.rows_known());
        read
    }

    fn known_from(&self) -> Option<Timestamp> {
        self.known.as_ref().map(|known| known.from)
    }

    /// Goes on with the readings from those moments on.
    async fn go_on(
        &mut self,
        read: &mut BatchRead,
        client: &Client,
        begun: Moment,
        usual: Option<Timestamp>,
        old: Option<Timestamp>,
    ) {
        let kept = begun.mono >= self.read_whole_until;
        let (usual_read, old_read) = tokio::join!(
            go_on(&mut self.usual, usual, client, begun, kept, PIECE),
            go_on(&mut self.old, old, client, begun, kept, OLD_PIECE),
        );
        match usual_read {
            Ok(pass) => read.readings.extend(pass.map(|pass| (LEDGER, self.know(pass)))),
            Err(error) => {
                let source = usual.map_or(LEDGER, |from| Source::Ledger { from });
                read.keep(source, begun, Err(refused(error)));
            }
        }
        match old_read {
            Ok(pass) => read.readings.extend(pass.map(|mut pass| (OLD_LEDGER, pass.reading(pass.begun)))),
            Err(error @ (ReadError::NoSuchEndpoint | ReadError::RateLimited { .. })) => {
                read.keep(OLD_LEDGER, begun, Err(error));
            }
            Err(error) => read.old_ledger_failed = old.map(|from| (from, error)),
        }
    }

    /// Reads what is new of the ledger that is known.
    async fn catch_up(&mut self, client: &Client, begun: Moment) -> Result<Caught, ReadError> {
        let Some(known) = &mut self.known else { return Ok(Caught::Unproven) };
        known.ledger.catch_up();
        match client.ledger(&mut known.ledger, None).await? {
            Known::Wholly { anew } => Ok(Caught::Up { reading: known.reading(begun), anew }),
            Known::Partly | Known::Unproven => {
                self.known = None;
                Ok(Caught::Unproven)
            }
        }
    }

    /// A ledger that was read is known from now on, if one can keep up with it.
    fn know(&mut self, mut pass: Pass) -> Reading<Contents> {
        let reading = pass.reading(pass.begun);
        if !pass.ledger.is_kept() {
            self.read_whole_until = pass.begun.mono + READ_WHOLE;
        }
        self.known = pass.ledger.is_kept().then_some(pass);
        reading
    }
}

/// What came of reading what is new.
enum Caught {
    /// `anew`: and all that was known was read again on the way.
    Up {
        reading: Reading<Contents>,
        anew: bool,
    },
    Unproven,
}

/// Goes on with a reading for so long, or begins one, if any is wanted. Returns it when it is at its end.
async fn go_on(
    under_way: &mut Option<Pass>,
    wanted: Option<Timestamp>,
    client: &Client,
    begun: Moment,
    kept: bool,
    piece: Duration,
) -> Result<Option<Pass>, ReadError> {
    let Some(from) = wanted else {
        *under_way = None;
        return Ok(None);
    };
    let until = Instant::now() + piece;
    let mut pass = under_way.take().unwrap_or_else(|| Pass::begin(from, begun, kept));
    loop {
        match client.ledger(&mut pass.ledger, Some(until)).await? {
            Known::Wholly { .. } => return Ok(Some(pass)),
            Known::Partly => {
                *under_way = Some(pass);
                return Ok(None);
            }
            // It is read as often as it takes.
            Known::Unproven => pass = Pass::begin(pass.from, pass.begun, false),
        }
    }
}

/// Only the owned list speaks of the whole account; a ledger that may not be read is one that cannot be read.
fn refused(error: ReadError) -> ReadError {
    match error {
        ReadError::Unauthorized => ReadError::Failed("Vobiz refuses to show the ledger (401)".into()),
        ReadError::Forbidden => ReadError::Failed("Vobiz refuses to show the ledger (403)".into()),
        ReadError::NoSuchEndpoint | ReadError::RateLimited { .. } | ReadError::Failed(_) => error,
    }
}
