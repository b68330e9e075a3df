//! What a long ledger says by filters: believed where they were held against all of it in this process, and never otherwise.

use std::time::{Duration, Instant};

use crate::{
    plan::Moment,
    vobiz::{Client, Filtered, Ledger, ReadError, Shown},
};

/// What waits is read by filters for so long at a time.
const PIECE: Duration = Duration::from_millis(500);

/// Whether filters are honoured is read for so long at a time, and so often: a look that comes meanwhile waits for no more, and
/// most looks for none of it.
const PROOF: Duration = Duration::from_millis(100);
const BETWEEN_PROOFS: Duration = Duration::from_secs(1);

/// Where Vobiz asks for fewer calls, nothing is read for so long that no claim waits for.
const AFTER_LIMIT: Duration = Duration::from_mins(1);

/// For so long filters that were not honoured are not asked: what showed it may have been a moment of the ledger's.
const AGAIN: Duration = Duration::from_hours(1);

/// Whether Vobiz filters its ledger.
#[derive(Default)]
pub struct Filters {
    honoured: Honoured,
    reading: Option<Begun>,
    /// From when on more may be read of whether they are honoured. Monotonic.
    proof_at: Duration,
}

/// What is being read, and since when.
struct Begun {
    at: Moment,
    /// When the ledger was read whole of which this is a part.
    whole: Moment,
    filtered: Filtered,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Honoured {
    #[default]
    Unknown,
    /// What was asked since that whole reading has shown nothing.
    Untold(Moment),
    Yes,
    /// Until then (monotonic).
    No(Duration),
}

impl Honoured {
    /// Whether there is nothing to be read, of a ledger that was read whole at that moment.
    fn is_told(self, whole: Moment, now: Duration, wanted: bool) -> bool {
        match self {
            Self::Unknown => false,
            Self::Untold(at) => at == whole,
            Self::Yes => !wanted,
            Self::No(until) => now < until,
        }
    }

    /// What is known once filters have shown that. `renewed`: and it was all that was known to be of interest.
    fn after(self, shown: &Shown, renewed: bool, whole: Moment, now: Duration) -> Self {
        match (shown, self) {
            _ if !renewed => Self::No(now + AGAIN),
            (_, Self::Yes) | (Shown::All { proof: true }, _) => Self::Yes,
            _ => Self::Untold(whole),
        }
    }
}

impl Filters {
    /// Whether a ledger may be read by filters instead of being read anew.
    pub fn serve(&self, ledger: &Ledger) -> bool {
        self.honoured == Honoured::Yes && ledger.can_be_filtered()
    }

    /// The ledger cannot be read on.
    pub fn failed(&mut self, error: &ReadError, now: Duration) {
        if let ReadError::RateLimited { .. } = error {
            self.proof_at = now + AFTER_LIMIT;
        }
    }

    /// What is being read is of no use any more.
    pub fn stop(&mut self) {
        self.reading = None;
    }

    /// When more is to be read of whether filters are honoured, of a ledger that was read whole at that moment. Times are
    /// monotonic.
    pub fn proof_at(&self, ledger: &Ledger, whole: Moment, now: Duration) -> Option<Duration> {
        (!self.honoured.is_told(whole, now, false) && ledger.can_be_filtered()).then_some(self.proof_at)
    }

    /// Goes on with a reading of a ledger that is wholly known, and was read whole at that moment: for what it says now, or
    /// to see whether filters show it. Returns since when all that they show was read, when it is at its end: that is when what
    /// is new began to be looked for, since rows that have come after it are left out of what they show.
    pub async fn read(
        &mut self,
        client: &Client,
        ledger: &mut Ledger,
        whole: Moment,
        caught_up: Moment,
        now: Duration,
        wanted: bool,
    ) -> Result<Option<Moment>, ReadError> {
        if self.honoured.is_told(whole, now, wanted) || !ledger.can_be_filtered() {
            self.reading = None;
            return Ok(None);
        }
        if !wanted && now < self.proof_at {
            return Ok(None);
        }
        // Of a ledger that was read anew meanwhile, it would show what was before.
        let under_way = self.reading.take().filter(|begun| begun.whole == whole);
        let anew = || Some(Begun { at: caught_up, whole, filtered: ledger.filter()? });
        let Some(mut begun) = under_way.or_else(anew) else { return Ok(None) };
        let (asked, piece) = (Instant::now(), if wanted { PIECE } else { PROOF });
        let shown = client.filtered(&mut begun.filtered, asked + piece).await;
        ledger.meet(&mut begun.filtered);
        self.proof_at = now + asked.elapsed() + BETWEEN_PROOFS;
        let shown = match shown {
            Ok(Some(shown)) => shown,
            Ok(None) => {
                self.reading = Some(begun);
                return Ok(None);
            }
            // It goes on with that page when the limit allows it.
            Err(error @ ReadError::RateLimited { .. }) => {
                self.reading = Some(begun);
                return Err(error);
            }
            // All rows can be read, or none can be said to be: filters alone hold nothing up.
            Err(error) => {
                tracing::debug!(%error, "the ledger cannot be read by filters");
                self.honoured = Honoured::Untold(whole);
                return Ok(None);
            }
        };
        let renewed = shown != Shown::Otherwise && ledger.renew(begun.filtered);
        self.honoured = self.honoured.after(&shown, renewed, whole, now);
        Ok((self.honoured == Honoured::Yes).then_some(begun.at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_that_were_not_honoured_are_asked_again_and_must_prove_it_anew() {
        let moment = |hours| Moment { wall: jiff::Timestamp::UNIX_EPOCH, mono: Duration::from_hours(hours) };
        let (whole, now) = (moment(1), moment(2).mono);
        let (proof, shown) = (Shown::All { proof: true }, Shown::All { proof: false });
        let (unknown, no) = (Honoured::Unknown, Honoured::No(now + AGAIN));
        for (before, shown, renewed, after) in [
            (unknown, &proof, true, Honoured::Yes),
            (unknown, &shown, true, Honoured::Untold(whole)),
            (Honoured::Yes, &shown, true, Honoured::Yes),
            (Honoured::Yes, &proof, false, no),
            (no, &proof, true, Honoured::Yes),
            (no, &shown, true, Honoured::Untold(whole)),
            (no, &shown, false, no),
        ] {
            assert_eq!(before.after(shown, renewed, whole, now), after, "{before:?} {shown:?} {renewed}");
        }
        assert!(no.is_told(whole, now, true) && !no.is_told(whole, moment(3).mono, true));
    }
}
