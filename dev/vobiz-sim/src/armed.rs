//! The faults that are armed, and what they make of a request.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::{Fault, FaultRule, HoldAt, LiveRule, Times, call::Call, world::View};

/// The faults that are armed, in the order of arming.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    live: Vec<LiveRule>,
    armed: u64,
}

/// What the faults make of one request.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    pub(crate) delay: Option<Duration>,
    pub(crate) delay_reply: Option<Duration>,
    pub(crate) hold: Option<HoldAt>,
    pub(crate) view: View,
    pub(crate) outcome: Option<Fault>,
    pub(crate) faulty: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Pace,
    View,
    Outcome,
}

impl Kind {
    fn of(fault: &Fault) -> Self {
        match fault {
            Fault::Delay { .. } | Fault::DelayReply { .. } | Fault::Hold { .. } => Self::Pace,
            Fault::Lag { .. } => Self::View,
            _ => Self::Outcome,
        }
    }
}

impl Faults {
    pub(crate) fn arm(&mut self, rule: FaultRule) -> u64 {
        self.armed += 1;
        self.live.push(LiveRule { id: self.armed, armed_at: Timestamp::now(), rule });
        self.armed
    }

    /// Disarms what matches: everything, those of one account, or one.
    pub(crate) fn disarm(&mut self, account: Option<&str>, id: Option<u64>) -> usize {
        let before = self.live.len();
        self.live.retain(|live| {
            account.is_some_and(|a| live.rule.account.as_deref() != Some(a))
                || id.is_some_and(|id| live.id != id)
        });
        before - self.live.len()
    }

    pub(crate) fn live(&self) -> &[LiveRule] {
        &self.live
    }

    /// Takes the faults of one request, using each of them up once.
    pub(crate) fn take(&mut self, call: &Call) -> Plan {
        let mut plan = Plan::default();
        let mut taken: Vec<Kind> = Vec::new();
        for live in &mut self.live {
            let kind = Kind::of(&live.rule.fault);
            if taken.contains(&kind) || !live.rule.matches(call) || live.rule.times == Times::Count(0) {
                continue;
            }
            taken.push(kind);
            if let Times::Count(left) = &mut live.rule.times {
                *left -= 1;
            }
            plan.add(live);
        }
        self.live.retain(|live| live.rule.times != Times::Count(0));
        plan
    }
}

impl Plan {
    fn add(&mut self, live: &LiveRule) {
        self.faulty = true;
        match &live.rule.fault {
            Fault::Delay { ms } => self.delay = Some(Duration::from_millis(*ms)),
            Fault::DelayReply { ms } => self.delay_reply = Some(Duration::from_millis(*ms)),
            Fault::Hold { at } => self.hold = Some(*at),
            Fault::Lag { ms } => {
                self.view.until = Some(ms.map_or(live.armed_at, |ms| {
                    let age = SignedDuration::from_millis(i64::try_from(ms).unwrap_or(i64::MAX));
                    Timestamp::now().checked_sub(age).unwrap_or(Timestamp::MIN)
                }));
            }
            outcome => self.outcome = Some(outcome.clone()),
        }
    }
}
