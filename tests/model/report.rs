//! Words for people: steps, worlds, figures.

use std::{
    collections::BTreeMap,
    fmt::Debug,
    hash::Hash,
    time::{Duration, Instant},
};

use stateright::{
    Model,
    report::{ReportData, ReportDiscovery, Reporter},
};

use super::{
    bounds::Fault,
    step::Step,
    vobiz::Treatment,
    worker::Reply,
    world::{Cached, Claim, Record, Worker, World},
};

pub fn step(step: Step) -> String {
    let name = |operator: usize| ["A", "B"][operator];
    let claim = |place: usize| ["first", "second"][place];
    match step {
        Step::ReconcileClaim(o, p) => format!("{} looks at the {} claim", name(o), claim(p)),
        Step::ReconcileRecord(o) => format!("{} looks at the record", name(o)),
        Step::ReconcileRecordMissing(o) => format!("{} looks at the record; its search misses", name(o)),
        Step::ReadForOthers(o) => format!("{} lists the account and its ledger for others", name(o)),
        Step::TakeTurn(o, p) => format!("{} has a slot for the {} claim", name(o), claim(p)),
        Step::WriteIntent(o, Reply::Arrives) => format!("{} writes its intent", name(o)),
        Step::WriteIntent(o, Reply::LostAfter) => format!("{} writes its intent; the reply is lost", name(o)),
        Step::WriteIntent(o, Reply::LostBefore) => format!("{}'s intent is lost", name(o)),
        Step::RereadIntent(o, true) => format!("{} reads what became of its intent", name(o)),
        Step::RereadIntent(o, false) => format!("{} cannot read what became of its intent", name(o)),
        Step::Send(o) => format!("{} reads the claim live and sends, or not", name(o)),
        Step::StoreOutcome(o) => format!("{} stores the outcome", name(o)),
        Step::GiveUp(o) => format!("{} waits no longer for an answer", name(o)),
        Step::Resync(o) => format!("{} lists the account", name(o)),
        Step::FollowRecord(o) => format!("{}'s cache of records catches up", name(o)),
        Step::FollowClaim(o, p) => format!("{}'s cache of the {} claim catches up", name(o), claim(p)),
        Step::Arrive(attempt, treatment) => format!("the POST of attempt {attempt} {}", treated(treatment)),
        Step::ShowNumber => "the lists show the number".into(),
        Step::ShowDebits => "the ledger shows the debits".into(),
        Step::CloseWindow => "the send window closes".into(),
        Step::Settle => "the settle moment passes".into(),
        Step::FinishDeletion(p) => format!("the {} claim is gone", claim(p)),
        Step::CorrectClock(o) => format!("{}'s clock is put right", name(o)),
        Step::Crash(o) => format!("{} is killed and started again", name(o)),
        Step::Suspend(o) => format!("{}'s machine is suspended", name(o)),
        Step::SetClock(o, skew) => {
            format!("{}'s wall clock is set {}", name(o), if skew > 0 { "ahead" } else { "back" })
        }
        Step::Resend(attempt) => format!("a proxy repeats the POST of attempt {attempt}"),
        Step::SoldElsewhere(Fault::Rival) => "another customer buys the number".into(),
        Step::SoldElsewhere(_) => "another account of ours buys the number".into(),
        Step::WipeStatus => "the record's status is wiped".into(),
        Step::BackUp => "a backup is made".into(),
        Step::Restore => "all are stopped, the backup is restored, all are started on hold".into(),
        Step::Vanish => "the record is forced away".into(),
        Step::DeleteRecord => "an administrator deletes the record".into(),
        Step::Delete(p) => format!("the {} claim is deleted", claim(p)),
        Step::Create(p) => format!("the {} claim is created", claim(p)),
        Step::SetToken(p) => format!("the user sets a retry token on the {} claim", claim(p)),
        Step::Age => "a day passes".into(),
        Step::PassHour => "an hour passes".into(),
        Step::Edit(p) => format!("the user changes the {} claim", claim(p)),
        Step::Move(p) => format!("the user has the {} claim bought with the other account", claim(p)),
        Step::Hold(p, held) => format!("the user holds the {} claim back: {held:?}", claim(p)),
        Step::LetGo(p) => format!("the user lets the {} claim buy again", claim(p)),
        Step::Decide(p) => format!("the user answers the decision on the {} claim", claim(p)),
    }
}

fn treated(treatment: Treatment) -> &'static str {
    match treatment {
        Treatment::Served => "is served",
        Treatment::Unanswered => "is served, and the answer is lost",
        Treatment::FailBefore => "meets a 5xx, and does nothing",
        Treatment::FailAfter => "buys the number, and is answered with a 5xx",
        Treatment::DebitOnly => "is debited, buys nothing, and is answered with a 5xx",
        Treatment::Refuse => "is refused with a 402",
        Treatment::Unauthorized => "is refused with a 401",
    }
}

/// A path, one line for each step: what happens, and what the world is like then.
pub fn path(steps: &[(Step, World)]) -> String {
    let lines = steps.iter().enumerate().map(|(number, (step, world))| {
        format!("{:>4}. {:<56} {}\n", number + 1, format!("{step:?}"), summary(world))
    });
    lines.collect()
}

fn summary(world: &World) -> String {
    let record = |record: &Option<Record>| {
        record.map_or("none".to_owned(), |it| {
            let answer = it.answer.map_or(String::new(), |answer| format!(" {answer:?}"));
            format!("{}:{:?}{answer} of {}", it.attempt, it.state, it.claim)
        })
    };
    let cached = |operator: usize| match &world.operators[operator].record {
        Cached::Latest => String::new(),
        Cached::Old(old) => format!("(sees {})", record(old)),
    };
    let at = |operator: usize| match &world.operators[operator].worker {
        Worker::Idle => "-".to_owned(),
        Worker::Decided { .. } => "decided".to_owned(),
        Worker::Uncertain { spending, .. } => format!("uncertain {}", spending.draft().attempt),
        Worker::Opened { spending, .. } => format!("opened {}", spending.draft().attempt),
        Worker::Sent { spending } => format!("sent {}", spending.draft().attempt),
        Worker::Answered { spending, outcome } => {
            format!("has {outcome:?} for {}", spending.draft().attempt)
        }
    };
    let claims: Vec<_> = world.claims.iter().flatten().map(|Claim { uid, .. }| uid.to_string()).collect();
    format!(
        "record {} | claims {} | A {}{} | B {}{} | {:?} debits {} past {}/{}",
        record(&world.record),
        claims.join(","),
        at(0),
        cached(0),
        at(1),
        cached(1),
        world.vobiz.owner,
        world.vobiz.debits,
        world.time.past,
        world.time.opened,
    )
}

/// Says how far a mix is, every few seconds.
pub struct Progress {
    mix: &'static str,
    last: Instant,
}

const EVERY: Duration = Duration::from_secs(5);

impl Progress {
    pub fn new(mix: &'static str) -> Self {
        Self { mix, last: Instant::now() }
    }

    pub fn walked(&mut self, known: usize, seen: usize) {
        if self.last.elapsed() >= EVERY {
            self.last = Instant::now();
            println!("{}: liveness: {seen} of {known} worlds so far", self.mix);
        }
    }
}

impl<M: Model> Reporter<M> for Progress {
    fn report_checking(&mut self, data: ReportData) {
        if self.last.elapsed() >= EVERY {
            self.last = Instant::now();
            println!("{}: safety: {} worlds so far", self.mix, data.unique_states);
        }
    }

    // They are printed with the result.
    fn report_discoveries(&mut self, _: &M, _: BTreeMap<&'static str, ReportDiscovery<M>>)
    where
        M::Action: Debug + PartialEq,
        M::State: Debug + Hash + PartialEq,
    {
    }

    fn delay(&self) -> Duration {
        Duration::from_millis(500)
    }
}
