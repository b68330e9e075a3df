//! What a long ledger says by filters: believed where they were held against all of it in this process, and never otherwise.

use std::time::{Duration, Instant};

use crate::{
    plan::Moment,
    vobiz::{Client, Filtered, Ledger, ReadError, Shown},
};

/// A ledger is read by filters for so long at a time.
const PIECE: Duration = Duration::from_millis(500);

/// Whether Vobiz filters its ledger.
#[derive(Default)]
pub struct Filters {
    honoured: Honoured,
    /// What is being read, and since when.
    reading: Option<(Moment, Filtered)>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Honoured {
    /// Nothing has shown it, since that whole reading.
    #[default]
    Unknown,
    Untold(Moment),
    Yes,
    No,
}

impl Filters {
    /// Whether a ledger may be read by filters instead of being read anew.
    pub fn serve(&self, ledger: &Ledger) -> bool {
        self.honoured == Honoured::Yes && ledger.can_be_filtered()
    }

    /// Goes on with a reading of a ledger that is wholly known, and was read whole at that moment: for what it says now, or
    /// to see whether filters show it. Returns since when all that they show was read, when it is at its end.
    pub async fn read(
        &mut self,
        client: &Client,
        ledger: &mut Ledger,
        whole: Moment,
        now: Moment,
        wanted: bool,
    ) -> Result<Option<Moment>, ReadError> {
        let is_told = match self.honoured {
            Honoured::Unknown => false,
            Honoured::Untold(at) => at == whole,
            Honoured::Yes => !wanted,
            Honoured::No => true,
        };
        if is_told || !ledger.can_be_filtered() {
            self.reading = None;
            return Ok(None);
        }
        let (begun, mut reading) =
            self.reading.take().unwrap_or_else(|| (now, Filtered::since(ledger.from())));
        let shown = match client.filtered(&mut reading, Instant::now() + PIECE).await {
            Ok(Some(shown)) => shown,
            Ok(None) => {
                self.reading = Some((begun, reading));
                return Ok(None);
            }
            Err(error @ ReadError::RateLimited { .. }) => return Err(error),
            // All rows can be read, or none can be said to be: filters alone hold nothing up.
            Err(error) => {
                tracing::debug!(%error, "the ledger cannot be read by filters");
                self.honoured = Honoured::Untold(whole);
                return Ok(None);
            }
        };
        let renewed = shown != Shown::Otherwise && ledger.renew(reading);
        self.honoured = match (shown, self.honoured) {
            _ if !renewed => Honoured::No,
            (Shown::All { proof: false }, Honoured::Unknown | Honoured::Untold(_)) => Honoured::Untold(whole),
            _ => Honoured::Yes,
        };
        Ok((self.honoured == Honoured::Yes).then_some(begun))
    }
}
