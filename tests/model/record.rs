//! The mirror of `reconcile::record` and of the account's reader.

use super::{
    Operators, accounts, api,
    bounds::{Fault, Twist},
    clock, vobiz,
    world::{
        AFTER_FIRST_READ, AFTER_SETTLED, AFTER_WAIT, AFTER_WANTED, Reading, Record, Said, World, place_of,
    },
};
use crate::{
    api::{AttemptState, PhoneNumber},
    plan::{self, ClaimLiveness, Clocks, EvidenceRequest, RecordObserved, RecordStep, Removal, Source},
};

impl Operators {
    /// One round of reads of an account.
    pub fn read(&self, world: &mut World, operator: usize, account: usize, need: &EvidenceRequest) {
        let (list, ledger) = (vobiz::list(world, account), vobiz::ledger(world, &self.mix, account));
        let me = &mut world.operators[operator];
        let mut marks = AFTER_WANTED[0] | AFTER_WANTED[1] | AFTER_FIRST_READ;
        marks |= if clock::is_over(me, world.time) { AFTER_SETTLED } else { 0 };
        marks |= if clock::has_waited(me, world.time) { AFTER_WAIT } else { 0 };
        for source in &need.sources {
            match source {
                Source::Search(_) if !self.mix.has(Twist::Listings) => {
                    me.read[account].search = Reading { said: list, marks };
                }
                Source::Search(_) | Source::Listing => {
                    me.read[account].listing = Reading { said: list, marks };
                }
                // No row of it changes here: what was read before is as it was.
                Source::LedgerSoFar { .. } | Source::Ledger { .. } | Source::OldLedger { .. } => {
                    me.read[account].ledger = Reading { said: ledger, marks };
                }
                Source::Access | Source::Funds { .. } | Source::Balance(_) | Source::Quote(_) => {}
            }
        }
    }

    /// `reconcile_record`.
    pub fn reconcile_record(&self, world: &mut World, operator: usize, misses: bool) -> Option<()> {
        let record = world.cached_record(operator)?;
        let sending = world.operators[operator].worker.sending() == Some(record.attempt);
        let (mut seen, step) = self.decide_record(world, operator, &record, sending);
        match step {
            RecordStep::Rest | RecordStep::Wait(_) => {}
            RecordStep::AskOthers(need) => self.read(world, operator, 1, &need),
            RecordStep::Read(need) => {
                let account = self.verifier_of(world, &record);
                self.read(world, operator, account, &need);
                if misses {
                    need.sources.iter().find(|source| matches!(source, Source::Search(_)))?;
                    world.operators[operator].read[account].search.said = Said::Absent;
                }
            }
            RecordStep::Write(change) => {
                let claimed = change.claimed();
                change.apply(&mut seen, self.cast.now());
                let next = self.cast.read_back(&seen, &record, claimed);
                api::replace(world, &self.mix, self.off, operator, Some(next));
            }
            RecordStep::Delete => {
                api::replace(world, &self.mix, self.off, operator, Some(Record { deleting: true, ..record }));
            }
            RecordStep::DropFinalizer => {
                api::replace(world, &self.mix, self.off, operator, None);
            }
        }
        Some(())
    }

    fn decide_record(
        &self,
        world: &mut World,
        operator: usize,
        record: &Record,
        sending: bool,
    ) -> (PhoneNumber, RecordStep) {
        let cached = world.cached_claim(operator, place_of(record.claim)).is_some();
        let liveness = if record.state == AttemptState::Bound && record.unclaimed && !cached {
            ClaimLiveness::Gone
        } else {
            self.liveness(world, operator, record.claim)
        };
        let seen = self.see(world, operator, record);
        let (me, account) = (&world.operators[operator], self.account_of(record));
        let verifier = self.verifier_of(world, record);
        let observed = RecordObserved {
            record: &seen,
            account: &self.cast.accounts[account],
            liveness,
            sending,
            first_read: clock::first_read(&self.cast, me, world.time),
            evidence: &clock::evidence(&self.cast, me, verifier, None, world.time, world.vobiz.aged),
            absent_since: None,
            neighbours: &|begun, rows| accounts::neighbours(&self.cast, me, world.time, begun, rows),
            timeouts: clock::TIMEOUTS,
            clocks: Clocks::default(),
            removal: Removal { forget: false, deleting: record.deleting, has_finalizer: true },
        };
        let step = plan::decide_record(&observed, clock::now(&self.cast, me));
        (seen, step)
    }

    /// Listing and ledger are read for the sake of other numbers.
    pub fn read_for_others(&self, world: &mut World, operator: usize) -> Option<()> {
        world.spend(Fault::Others)?;
        let now = clock::now(&self.cast, &world.operators[operator]);
        let need = EvidenceRequest::new(now, [Source::Listing, Source::Ledger { from: self.cast.now() }]);
        self.read(world, operator, 0, &need);
        Some(())
    }

    /// A full listing that nobody waits for.
    pub fn resync(&self, world: &mut World, operator: usize) -> Option<()> {
        let undecided = world.record.filter(|record| record.state == AttemptState::NeedsDecision)?;
        let now = clock::now(&self.cast, &world.operators[operator]);
        let need = EvidenceRequest::new(now, [Source::Listing]);
        self.read(world, operator, self.account_of(&undecided), &need);
        Some(())
    }
}
