//! A ledger that shows less than it did: an older state of it, which may lack a debit.

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};
use vobiz_sim::AccountOptions;

use super::{
    super::{doubt::SHRUNK, ledgers::Ledgers},
    ledger::{CALLS_A_DAY, RESYNC, asks, debits, ended, ended_at},
    *,
};
use crate::plan::{Contents, Reading};

#[tokio::test]
async fn a_ledger_that_shows_fewer_rows_than_before_is_not_believed() {
    let (empty, uncounted) = (r#"{"transactions":[],"total":0}"#, r#"{"transactions":[]}"#);
    for (known, asked, anew, older) in [
        (24, 24, false, empty),
        (24, 24, false, uncounted),
        (24, 24, true, empty),
        (24, 24, true, uncounted),
        // Its rows are held against what is known, where their number cannot be.
        (48, 30, true, empty),
        (48, 30, true, uncounted),
        (24, 48, true, empty),
    ] {
        let mut reader = Reader::start(&[], RESYNC, &BTreeSet::new()).await;
        reader.debit();
        assert_eq!(reader.ledger(known, false).await.0, 1);
        // To a look at what is new, and to the readings of all that follow.
        for _ in 0..3 {
            reader.sim.admin().arm(FaultRule::new(Target::Ledger, Fault::status(200, older)));
        }
        let (since, before) = (reader.clock.now(), reader.calls(Operation::Ledger, ""));
        let from = since.wall - SignedDuration::from_hours(asked);
        reader.account.request(ObjectKey::record("x"), asks(anew, since, from));
        let debits = || debits(&reader.account, anew, since, from);
        reader.until("the ledger is read", || debits().is_some()).await;
        assert_eq!(debits(), Some(1), "{known} {asked} {anew} {older}");
        assert!(reader.calls(Operation::Ledger, "") >= before + 4);
    }
}

#[tokio::test]
async fn a_first_reading_of_which_some_pages_are_older_is_not_believed() {
    let reader = Reader::start(&[], RESYNC, &BTreeSet::new()).await;
    let now = reader.clock.now().wall;
    reader.debit();
    // A row of a call, that those after it do not know.
    let row = format!(
        r#"{{"id":"later","type":"debit","amount":"52","reference_type":"call","created_at":"{now}"}}"#
    );
    let newer = format!(r#"{{"transactions":[{row}],"total":2}}"#);
    reader.sim.admin().arm(FaultRule::new(Target::Ledger, Fault::status(200, newer)));
    let from = now - SignedDuration::from_hours(24);
    let (mut ledgers, batch) = (Ledgers::default(), [Source::Ledger { from }].into_iter().collect());
    for _ in 0..2 {
        assert!(
            ended(&mut ledgers, &reader, &batch)
                .await
                .failure
                .is_some_and(|it| it.error.to_string().contains(SHRUNK))
        );
    }
    reader.debit();
    let read = ended(&mut ledgers, &reader, &batch).await;
    assert!(read.failure.is_none() && read.readings.len() == 1);
}

#[tokio::test]
async fn an_old_ledger_that_lacks_a_debit_that_is_known_is_not_believed() {
    let reader = Reader::start(&[], RESYNC, &BTreeSet::new()).await;
    reader.debit();
    let from = |days: i64| reader.clock.now().wall - SignedDuration::from_hours(24 * days);
    let look = [Source::LedgerSoFar { from: from(1) }].into_iter().collect();
    let old = [Source::OldLedger { from: from(60) }].into_iter().collect();
    let mut ledgers = Ledgers::default();
    assert_eq!(ended(&mut ledgers, &reader, &look).await.readings.len(), 1);
    let older = Fault::status(200, r#"{"transactions":[],"total":0}"#);
    reader.sim.admin().arm(FaultRule::new(Target::Ledger, older));
    let (_, error) = ended(&mut ledgers, &reader, &old).await.old_ledger_failed.unwrap();
    assert!(error.to_string().contains(SHRUNK), "{error}");
    assert_eq!(ended(&mut ledgers, &reader, &old).await.readings.len(), 1);
}

/// After so many minutes, a reading of the ledger of what Vobiz answers to each call, and to all that follow the last: so many debits,
/// or why there is none.
type Step<'a> = (u64, Source, Vec<&'a (u16, String)>, Result<usize, &'a str>);

/// How many debits a reading shows that is made of those answers, or why there is none.
async fn read_from<'a>(
    (ledgers, reader): (&mut Ledgers<'a>, &'a Reader),
    (clock, source): (Clock, Source),
    answers: &[&(u16, String)],
) -> Result<usize, String> {
    let admin = reader.sim.admin();
    admin.disarm(None);
    let faults =
        answers.iter().map(|(code, body)| FaultRule::new(Target::Ledger, Fault::status(*code, body)));
    let mut faults: VecDeque<_> = faults.collect();
    let last = faults.pop_back().map(FaultRule::forever);
    for rule in faults.into_iter().chain(last) {
        admin.arm(rule);
    }
    let read = ended_at(ledgers, reader, clock, &[source].into_iter().collect()).await;
    let failed = read.old_ledger_failed.map(|(_, error)| error);
    if let Some(error) = failed.or(read.failure.map(|failure| failure.error)) {
        return Err(error.to_string());
    }
    match &read.readings[..] {
        [(_, Reading::Read { value: Contents::Ledger(read), .. })] => Ok(read.rows.debits().count()),
        _ => Err("something else was read".to_owned()),
    }
}

/// Rows without ids have all of a ledger read each time.
const UNNAMED: &str = r#"{"type":"credit","amount":"5"}"#;

fn page(rows: &[&str], total: usize) -> (u16, String) {
    (200, format!(r#"{{"transactions":[{}],"total":{total}}}"#, rows.join(",")))
}

/// A look, a reading anew, and one of an old ledger.
fn sources(reader: &Reader) -> [Source; 3] {
    let from = |hours: i64| reader.clock.now().wall - SignedDuration::from_hours(hours);
    let old = Source::OldLedger { from: from(24 * 60) };
    [Source::LedgerSoFar { from: from(24) }, Source::Ledger { from: from(24) }, old]
}

async fn follow(reader: &Reader, steps: &[Step<'_>]) {
    let mut ledgers = Ledgers::default();
    for (minute, source, answers, expected) in steps {
        let clock = reader.clock.later(Duration::from_mins(*minute));
        let read = read_from((&mut ledgers, reader), (clock, *source), answers).await;
        let is_as_expected = match (&read, expected) {
            (Ok(read), Ok(expected)) => read == expected,
            (Err(error), Err(expected)) => error.contains(expected),
            _ => false,
        };
        assert!(is_as_expected, "{read:?} for {expected:?} of {answers:?} after {minute} min, in {steps:?}");
    }
}

fn debit(id: &str, status: &str, at: Timestamp) -> String {
    let fields = r#""type":"debit","amount":"52","reference_type":"did_purchase""#;
    format!(r#"{{"id":"{id}",{fields},"status":"{status}","created_at":"{at}"}}"#)
}

#[tokio::test]
async fn a_debit_that_any_page_has_shown_is_shown_by_each_reading_since() {
    let reader = Reader::start(&[], RESYNC, &BTreeSet::new()).await;
    let (now, [look, anew, old]) = (reader.clock.now().wall, sources(&reader));
    let debit = |status| debit("one", status, now);
    let [paid, pending, cancelled] = ["completed", "pending", "cancelled"].map(debit);
    let two = page(&[&paid, &self::debit("two", "completed", now)], 2);
    let [whole, whole_cancelled] = [&paid, &cancelled].map(|row| page(&[row.as_str(), UNNAMED], 2));
    let (whole_gone, gone, hidden) = (page(&[UNNAMED], 1), page(&[], 0), page(&[], 1));
    let [announced, paid, pending] =
        [(&paid, 2), (&paid, 1), (&pending, 1)].map(|(row, total)| page(&[row.as_str()], total));
    let (failed, less) = ((502, String::new()), || Err(SHRUNK));
    for steps in [
        vec![
            (0, look, vec![&whole], Ok(1)),
            (0, anew, vec![&gone], less()),
            (0, anew, vec![&whole_gone], less()),
        ],
        vec![
            (0, look, vec![&whole], Ok(1)),
            (0, anew, vec![&whole], Ok(1)),
            (0, anew, vec![&whole_gone], less()),
        ],
        // By the first page of a reading that had to begin anew, or failed.
        vec![(0, look, vec![&whole, &whole_gone], less()), (0, look, vec![&whole], Ok(1))],
        vec![(0, look, vec![&whole, &failed], Err("502")), (0, anew, vec![&gone], less())],
        // To a look, of an old ledger, and the other way round.
        vec![(0, look, vec![&paid], Ok(1)), (0, old, vec![&gone], less()), (0, old, vec![&whole], Ok(1))],
        vec![(0, old, vec![&paid], Ok(1)), (0, anew, vec![&gone], less()), (0, old, vec![&paid], Ok(1))],
        vec![(0, look, vec![&pending], Ok(1)), (0, anew, vec![&gone], less()), (0, anew, vec![&paid], Ok(1))],
        // To a look at what is new, beside another reading that has shown it.
        vec![
            (0, look, vec![&paid], Ok(1)),
            (0, old, vec![&two], Ok(2)),
            (0, look, vec![&paid], less()),
            (0, look, vec![&two], Ok(2)),
        ],
        // A total that no reading came up to was a mistake.
        vec![(0, look, vec![&hidden], Err("shorter than its total")), (0, look, vec![&gone], Ok(0))],
        // But not that of a reading that broke off, nor one that other pages of a look did not announce.
        vec![(0, look, vec![&hidden, &hidden, &failed], Err("502")), (0, look, vec![&gone], less())],
        vec![
            (0, look, vec![&paid], Ok(1)),
            (0, look, vec![&announced, &paid, &announced], Err("shorter than its total")),
            (0, anew, vec![&paid], less()),
        ],
        // One that took nothing at last is there all the same.
        vec![
            (0, look, vec![&paid], Ok(1)),
            (0, anew, vec![&whole_cancelled], Ok(0)),
            (0, anew, vec![&gone], less()),
        ],
    ] {
        follow(&reader, &steps).await;
    }
}

#[tokio::test]
async fn what_readings_lack_is_gone_an_hour_after_it_was_shown_last() {
    let reader = Reader::start(&[], RESYNC, &BTreeSet::new()).await;
    let [look, anew, _] = sources(&reader);
    let paid = debit("one", "completed", reader.clock.now().wall);
    let (whole, paid) = (page(&[&paid, UNNAMED], 2), page(&[&paid], 1));
    let [announced, gone] = [2, 0].map(|total| page(&[], total));
    let (failed, less) = ((502, String::new()), || Err(SHRUNK));
    for steps in [
        vec![
            (0, look, vec![&paid], Ok(1)),
            (1, anew, vec![&gone], less()),
            (60, anew, vec![&gone], less()),
            (61, anew, vec![&gone], Ok(0)),
        ],
        // By a reading that breaks off.
        vec![
            (0, look, vec![&paid], Ok(1)),
            (1, anew, vec![&gone], less()),
            (2, look, vec![&whole, &failed], Err("502")),
            (3, anew, vec![&gone], less()),
            (61, anew, vec![&gone], less()),
            (62, anew, vec![&gone], Ok(0)),
        ],
        // By its total alone, which no page came up to.
        vec![
            (0, look, vec![&paid], Ok(1)),
            (1, anew, vec![&gone], less()),
            (30, anew, vec![&announced, &announced, &failed], Err("502")),
            (61, anew, vec![&gone], less()),
            (89, anew, vec![&gone], less()),
            (91, anew, vec![&gone], Ok(0)),
        ],
    ] {
        follow(&reader, &steps).await;
    }
}

#[tokio::test]
async fn what_an_old_ledger_lacks_is_gone_an_hour_after_looks_showed_it() {
    let reader = Reader::start(&[], RESYNC, &BTreeSet::new()).await;
    let [look, anew, old] = sources(&reader);
    let paid = debit("one", "completed", reader.clock.now().wall);
    let (paid, gone, less) = (page(&[&paid], 1), page(&[], 0), || Err(SHRUNK));
    for steps in [
        vec![
            (0, look, vec![&paid], Ok(1)),
            (1, old, vec![&gone], less()),
            (61, old, vec![&gone], less()),
            (62, anew, vec![&gone], less()),
            (121, old, vec![&gone], less()),
            (123, old, vec![&gone], Ok(0)),
        ],
        // To all, and so to an old ledger too.
        vec![
            (0, look, vec![&paid], Ok(1)),
            (1, old, vec![&gone], less()),
            (61, old, vec![&gone], less()),
            (62, anew, vec![&gone], less()),
            (121, anew, vec![&gone], less()),
            (121, old, vec![&gone], less()),
            (122, anew, vec![&gone], Ok(0)),
            (123, old, vec![&gone], Ok(0)),
        ],
    ] {
        follow(&reader, &steps).await;
    }
}

#[tokio::test]
async fn a_reading_that_is_under_way_when_the_ledger_shrinks_begins_anew() {
    let reader = Reader::start(&[], RESYNC, &BTreeSet::new()).await;
    reader.options(AccountOptions { calls_a_day: CALLS_A_DAY, ..AccountOptions::default() });
    let (client, clock) = (&reader.account.client, reader.clock);
    let from = clock.now().wall - SignedDuration::from_hours(24);
    let [look, anew] =
        [Source::LedgerSoFar { from }, Source::Ledger { from }].map(|kind| [kind].into_iter().collect());
    let mut ledgers = Ledgers::default();
    assert!(!ended(&mut ledgers, &reader, &look).await.readings.is_empty());
    let admin = reader.sim.admin();
    admin.arm(FaultRule::new(Target::Ledger, Fault::Delay { ms: 100 }).forever());
    assert!(ledgers.read(client, clock, &anew).await.readings.is_empty(), "it takes more than a piece");
    let begun = || reader.calls(Operation::Ledger, "page=1&per_page=1000");
    let before = begun();
    admin.arm(FaultRule::new(Target::Ledger, Fault::status(200, r#"{"transactions":[],"total":0}"#)));
    assert!(ledgers.read(client, clock, &look).await.readings.is_empty());
    assert_eq!(begun() - before, 1);
}
