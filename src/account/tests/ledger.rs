//! How the ledger is read: kept up with for looks, anew for what settles, and an old one beside the others.

use jiff::{SignedDuration, Timestamp};
use vobiz_sim::{AccountOptions, LedgerEntry, LedgerFilters, RowStatus, RowType};

use super::{
    super::{
        batch::{BatchRead, ReadBatch},
        filters::Filters,
        ledgers::Ledgers,
    },
    *,
};
use crate::{
    domain::{Moment, day_begins, utc_day},
    vobiz::{Known, Ledger},
};

/// Rows of a busy ledger that concern no number.
pub(super) const CALLS_A_DAY: u32 = 40_000;

pub(super) const RESYNC: Duration = Duration::from_hours(1);

impl Reader {
    /// Asks for the ledger of the last hours, kept up with or read anew, until it is there. Returns how many rows it has
    /// that matter, and how many calls that took. Nothing is held meanwhile.
    pub(super) async fn ledger(&mut self, hours: i64, anew: bool) -> (usize, usize) {
        let (since, before) = (self.clock.now(), self.calls(Operation::Ledger, ""));
        let from = since.wall - SignedDuration::from_hours(hours);
        let request = asks(anew, since, from);
        let asked = async {
            loop {
                if let Some(debits) = debits(&self.account, anew, since, from) {
                    return debits;
                }
                self.account.request(ObjectKey::record(&hours.to_string()), request.clone());
                self.woken.recv().await;
                assert_eq!(self.account.gate(), Gate::Open);
            }
        };
        let rows = timeout(PATIENCE, asked).await.expect("the ledger is not read");
        (rows, self.calls(Operation::Ledger, "") - before)
    }

    pub(super) fn options(&self, options: AccountOptions) {
        let account = self.sim.admin().account(ACCOUNT).unwrap().with_options(options);
        self.sim.admin().put_account(account);
    }

    /// How many pages a busy ledger has of the last 24 hours: it is asked by UTC days, so that this depends on the time of day.
    fn pages(&self) -> usize {
        let now = self.clock.now().wall;
        let begins = day_begins(utc_day(now - SignedDuration::from_hours(24)));
        let rows = now.duration_since(begins).as_secs() * i64::from(CALLS_A_DAY) / (24 * 3600);
        usize::try_from(rows / 1000 + 1).unwrap()
    }

    pub(super) fn debit(&self) {
        let row = LedgerEntry {
            account: ACCOUNT.into(),
            kind: RowType::Debit,
            amount: 52.into(),
            currency: "INR".into(),
            description: "DID".into(),
            reference: Some(NUMBER.into()),
            reference_type: Some("did_purchase".into()),
            status: RowStatus::Completed,
            at: None,
        };
        self.sim.admin().put_ledger(row).unwrap();
    }
}

/// Asks for the ledger, kept up with or read anew.
pub(super) fn asks(anew: bool, since: Moment, from: Timestamp) -> EvidenceRequest {
    let source = if anew { Source::Ledger { from } } else { Source::LedgerSoFar { from } };
    EvidenceRequest::new(since, [source])
}

/// How many rows that matter such a ledger has, once it is there.
pub(super) fn debits(account: &Account, anew: bool, since: Moment, from: Timestamp) -> Option<usize> {
    let evidence = account.evidence(NUMBER.parse().unwrap());
    let read = if anew { evidence.ledger_anew(since, from) } else { evidence.ledger_so_far(since, from) };
    match read {
        Fresh::Value(_, read) => Some(read.rows.debits().count()),
        Fresh::Stale | Fresh::NoSuchEndpoint => None,
    }
}

/// Reads until something has come of it.
pub(super) async fn ended<'a>(ledgers: &mut Ledgers<'a>, reader: &'a Reader, batch: &ReadBatch) -> BatchRead {
    ended_at(ledgers, reader, reader.clock, batch).await
}

/// The same by another clock.
pub(super) async fn ended_at<'a>(
    ledgers: &mut Ledgers<'a>,
    reader: &'a Reader,
    clock: Clock,
    batch: &ReadBatch,
) -> BatchRead {
    let ended = async {
        loop {
            let read = ledgers.read(&reader.account.client, clock, batch).await;
            if read.failure.is_some() || read.old_ledger_failed.is_some() || !read.readings.is_empty() {
                return read;
            }
        }
    };
    timeout(PATIENCE, ended).await.expect("the ledger is not read")
}

#[tokio::test]
async fn a_look_at_a_busy_ledger_costs_a_few_calls_once_it_is_known() {
    for (filters, is_read_whole) in [(LedgerFilters::Honoured, false), (LedgerFilters::Ignored, true)] {
        let mut reader = Reader::start(&[], RESYNC, &BTreeSet::new()).await;
        reader.options(AccountOptions {
            calls_a_day: CALLS_A_DAY,
            ledger_filters: filters,
            ..AccountOptions::default()
        });
        reader.debit();
        let (rows, calls) = reader.ledger(24, false).await;
        assert!(rows == 1 && (40..90).contains(&calls), "{rows} {calls}");
        for known in 2..5 {
            reader.debit();
            let (rows, calls) = reader.ledger(24, false).await;
            assert!(rows == known && calls <= 9, "{filters:?} {rows} {calls}");
        }
        // Whether filters are honoured is seen though nothing waits for it.
        let (account, clock) = (&reader.account, reader.clock);
        let is_seen = || {
            let now = clock.now();
            account.state().next_round(now, RESYNC) > now.mono + Duration::from_mins(1)
        };
        reader.until("whether filters are honoured is seen", is_seen).await;
        // What settles an attempt is read anew.
        reader.debit();
        let pages = reader.pages();
        let expected = if is_read_whole { pages..=pages + 4 } else { 6..=12 };
        let (rows, calls) = reader.ledger(24, true).await;
        assert!(rows == 5 && expected.contains(&calls), "{filters:?} {rows} {calls} {expected:?}");
        // What filters show lacks the rows that have come since what is new was looked for.
        let (account, since) = (&reader.account, reader.clock.now());
        let from = since.wall - SignedDuration::from_hours(24);
        let sources = [Source::LedgerSoFar { from }, Source::Ledger { from }];
        account.request(ObjectKey::record("both"), EvidenceRequest::new(since, sources));
        let begun = || {
            let evidence = account.evidence(NUMBER.parse().unwrap());
            [evidence.ledger_so_far.begun(), evidence.ledger.begun()].map(|at| at.map(|at| at.mono))
        };
        let are_read = || begun().iter().all(|at| at.is_some_and(|at| at >= since.mono));
        reader.until("both are read", are_read).await;
        let [so_far, anew] = begun();
        assert!(anew <= so_far, "{filters:?} {anew:?} {so_far:?}");
    }
}

#[tokio::test]
async fn after_any_limit_no_proof_is_read_for_a_minute() {
    let reader = Reader::start(&[], RESYNC, &BTreeSet::new()).await;
    reader.options(AccountOptions { calls_a_day: CALLS_A_DAY, ..AccountOptions::default() });
    let from = reader.clock.now().wall - SignedDuration::from_hours(24);
    for source in [Source::LedgerSoFar { from }, Source::Ledger { from }, Source::OldLedger { from }] {
        let mut ledgers = Ledgers::default();
        let proof_at = |read: BatchRead| read.ledger.map(|known| known.proof_at.unwrap());
        let all = [Source::LedgerSoFar { from }].into_iter().collect();
        assert!(proof_at(ended(&mut ledgers, &reader, &all).await).is_some());
        reader.sim.admin().arm(FaultRule::new(Target::Ledger, Fault::status(429, "")));
        let now = reader.clock.now().mono;
        let read = ended(&mut ledgers, &reader, &[source].into_iter().collect()).await;
        assert!(read.failure.is_some());
        assert!(proof_at(read) >= Some(now + Duration::from_mins(1)), "{source:?}");
    }
}

#[tokio::test]
async fn whether_filters_are_honoured_is_read_a_little_at_a_time() {
    let reader = Reader::start(&[], RESYNC, &BTreeSet::new()).await;
    reader.options(AccountOptions { calls_a_day: CALLS_A_DAY, ..AccountOptions::default() });
    (0..2500).for_each(|_| reader.debit());
    let (client, whole) = (&reader.account.client, reader.clock.now());
    let mut now = whole.mono;
    let (mut ledger, mut filters) =
        (Ledger::kept_since(utc_day(whole.wall - SignedDuration::from_hours(24))), Filters::default());
    assert!(matches!(client.ledger(&mut ledger, None).await, Ok(Known::Wholly { .. })));
    let asked = |query: &str| reader.calls(Operation::Ledger, query);
    let all = asked("");
    reader.sim.admin().arm(FaultRule::new(Target::Ledger, Fault::Delay { ms: 60 }).forever());
    for _ in 0..2 {
        assert_eq!(filters.read(client, &mut ledger, whole, whole, now, false).await, Ok(None));
        assert_eq!(asked("") - all, 2, "a tenth of a second, once");
    }
    now += Duration::from_secs(2);
    reader.sim.admin().arm(FaultRule::new(Target::Ledger, Fault::status(429, "")));
    let limited = filters.read(client, &mut ledger, whole, whole, now, false).await;
    let Err(error @ ReadError::RateLimited { .. }) = limited else { panic!("{limited:?}") };
    filters.failed(&error, now);
    let again = filters.proof_at(&ledger, whole, now);
    assert!(again.is_some_and(|at| at >= now + Duration::from_mins(1)), "{again:?}");
    while let Some(at) = filters.proof_at(&ledger, whole, now) {
        now = at;
        let shown = filters.read(client, &mut ledger, whole, whole, now, false).await;
        assert!(matches!(shown, Ok(since) if since.is_some() == filters.serve(&ledger)), "{shown:?}");
    }
    assert!(filters.serve(&ledger));
    assert_eq!(["type=debit", "type=credit"].map(asked), [1, 2], "it went on with the page that was refused");
}

#[tokio::test]
async fn a_page_that_is_lost_in_a_long_reading_is_read_again_alone() {
    let mut reader = Reader::start(&[], RESYNC, &BTreeSet::new()).await;
    reader.options(AccountOptions { calls_a_day: CALLS_A_DAY, ..AccountOptions::default() });
    reader.debit();
    let admin = reader.sim.admin();
    admin.arm(FaultRule::new(Target::Ledger, Fault::Delay { ms: 20 }).forever());
    let since = reader.clock.now();
    let source = Source::LedgerSoFar { from: since.wall - SignedDuration::from_hours(24) };
    reader.account.request(ObjectKey::record("x"), EvidenceRequest::new(since, [source]));
    reader.until("the reading is under way", || reader.calls(Operation::Ledger, "") > 10).await;
    admin.arm(FaultRule::new(Target::Ledger, Fault::status(502, "")).times(2));
    let (rows, _) = reader.ledger(24, false).await;
    assert_eq!((rows, admin.faults().len()), (1, 1), "a page was lost");
    // The first page is looked at once more at the end. How many there are depends on the time of day.
    let asked = (2..100).map(|page| reader.calls(Operation::Ledger, &format!("page={page}&per_page=1000")));
    assert_eq!(asked.filter(|times| *times > 1).collect::<Vec<_>>(), [3]);
}

#[tokio::test]
async fn a_look_at_a_quiet_ledger_is_a_call_and_reads_all_of_it() {
    let mut reader = Reader::start(&[], RESYNC, &BTreeSet::new()).await;
    for known in 1..4 {
        reader.debit();
        assert_eq!(reader.ledger(24, false).await, (known, 1));
    }
    let account = &reader.account;
    let evidence = account.evidence(NUMBER.parse().unwrap());
    assert_eq!(evidence.ledger.begun(), evidence.ledger_so_far.begun());
}

#[tokio::test]
async fn a_page_of_an_old_ledger_that_hangs_keeps_no_look_waiting() {
    let mut reader = Reader::start(&[], RESYNC, &BTreeSet::new()).await;
    assert_eq!(reader.ledger(24, false).await.0, 0);
    reader.sim.admin().arm(FaultRule::new(Target::Ledger, Fault::NeverReply { commit: false }));
    let since = reader.clock.now();
    let sources = [Source::Ledger { from: since.wall - SignedDuration::from_hours(24 * 60) }];
    let begun = reader.calls(Operation::Ledger, "");
    reader.account.request(ObjectKey::record("old"), EvidenceRequest::new(since, sources));
    reader.until("the old one is asked for", || reader.calls(Operation::Ledger, "") > begun).await;
    // It is given up after 15 seconds.
    let looks = async {
        for _ in 0..5 {
            assert_eq!(reader.ledger(24, false).await, (0, 1));
        }
    };
    timeout(Duration::from_secs(10), looks).await.expect("the looks wait for it");
}

#[tokio::test]
async fn an_old_ledger_is_read_beside_the_others_and_fails_for_itself_alone() {
    let mut reader = Reader::start(&[], RESYNC, &BTreeSet::new()).await;
    reader.options(AccountOptions { calls_a_day: 2000, ..AccountOptions::default() });
    reader.debit();
    assert_eq!(reader.ledger(24, false).await.0, 1);
    let (since, account) = (reader.clock.now(), reader.account.clone());
    let from = |days: i64| since.wall - SignedDuration::from_hours(24 * days);
    for days in [50_000, 60] {
        let sources = [Source::Ledger { from: from(days) }];
        account.request(ObjectKey::record(&days.to_string()), EvidenceRequest::new(since, sources));
    }
    let begun = reader.calls(Operation::Ledger, "");
    let is_read =
        || matches!(account.evidence(NUMBER.parse().unwrap()).ledger_anew(since, from(60)), Fresh::Value(..));
    let mut looks = 0;
    while !is_read() {
        assert_eq!(reader.ledger(24, false).await.0, 1);
        looks += 1;
    }
    // And then the other one fails, and holds nothing.
    assert!(looks > 1, "the looks waited for it");
    reader.until("all is read", || reader.calls(Operation::Ledger, "from_date=18") > 0).await;
    assert_eq!(reader.ledger(24, false).await.0, 1);
    assert!(reader.calls(Operation::Ledger, "") - begun < 140 + 3 * looks);
}
