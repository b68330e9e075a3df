//! A ledger that shows less than it did: an older state of it, which may lack a debit.

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};
use vobiz_sim::AccountOptions;

use super::{
    super::{doubt::SHRUNK, ledgers::Ledgers},
    ledger::{CALLS_A_DAY, RESYNC, asks, debits, ended},
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

/// What Vobiz answers to each call, and to all that follow the last.
type Answers = Vec<(u16, String)>;

/// How many debits a reading shows that is made of those answers, or why there is none.
async fn read_from<'a>(
    (ledgers, reader): (&mut Ledgers<'a>, &'a Reader),
    source: Source,
    answers: &Answers,
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
    let read = ended(ledgers, reader, &[source].into_iter().collect()).await;
    let failed = read.old_ledger_failed.map(|(_, error)| error);
    if let Some(error) = failed.or(read.failure.map(|failure| failure.error)) {
        return Err(error.to_string());
    }
    match &read.readings[..] {
        [(_, Reading::Read { value: Contents::Ledger(read), .. })] => Ok(read.rows.debits().count()),
        _ => Err("something else was read".to_owned()),
    }
}

fn debit(id: &str, status: &str, at: Timestamp) -> String {
    let fields = r#""type":"debit","amount":"52","reference_type":"did_purchase""#;
    format!(r#"{{"id":"{id}",{fields},"status":"{status}","created_at":"{at}"}}"#)
}

#[tokio::test]
async fn a_debit_that_any_page_has_shown_is_shown_by_each_reading_since() {
    let reader = Reader::start(&[], RESYNC, &BTreeSet::new()).await;
    let now = reader.clock.now().wall;
    let from = |hours: i64| now - SignedDuration::from_hours(hours);
    let [look, anew, old] = [
        Source::LedgerSoFar { from: from(24) },
        Source::Ledger { from: from(24) },
        Source::OldLedger { from: from(24 * 60) },
    ];
    let page = |rows: &[&str], total: usize| {
        (200, format!(r#"{{"transactions":[{}],"total":{total}}}"#, rows.join(",")))
    };
    let debit = |status| debit("one", status, now);
    let [paid, pending, cancelled] = ["completed", "pending", "cancelled"].map(debit);
    let two = page(&[&paid, &self::debit("two", "completed", now)], 2);
    // Rows without ids have all of a ledger read each time.
    let unnamed = r#"{"type":"credit","amount":"5"}"#;
    let [whole, whole_cancelled] = [&paid, &cancelled].map(|row| page(&[row.as_str(), unnamed], 2));
    let (whole_gone, gone, hidden) = (page(&[unnamed], 1), page(&[], 0), page(&[], 1));
    let [paid, pending] = [paid, pending].map(|row| page(&[row.as_str()], 1));
    let (failed, less) = ((502, String::new()), || Err(SHRUNK));
    for steps in [
        vec![(look, vec![&whole], Ok(1)), (anew, vec![&gone], less()), (anew, vec![&whole_gone], less())],
        vec![(look, vec![&whole], Ok(1)), (anew, vec![&whole], Ok(1)), (anew, vec![&whole_gone], less())],
        // By the first page of a reading that had to begin anew, or failed.
        vec![(look, vec![&whole, &whole_gone], less()), (look, vec![&whole], Ok(1))],
        vec![(look, vec![&whole, &failed], Err("502")), (anew, vec![&gone], less())],
        // To a look, of an old ledger, and the other way round.
        vec![(look, vec![&paid], Ok(1)), (old, vec![&gone], less()), (old, vec![&whole], Ok(1))],
        vec![(old, vec![&paid], Ok(1)), (anew, vec![&gone], less()), (old, vec![&paid], Ok(1))],
        vec![(look, vec![&pending], Ok(1)), (anew, vec![&gone], less()), (anew, vec![&paid], Ok(1))],
        // To a look at what is new, beside another reading that has shown it.
        vec![
            (look, vec![&paid], Ok(1)),
            (old, vec![&two], Ok(2)),
            (look, vec![&paid], less()),
            (look, vec![&two], Ok(2)),
        ],
        // A total that no reading came up to was a mistake.
        vec![(look, vec![&hidden], Err("shorter than its total")), (look, vec![&gone], Ok(0))],
        // One that took nothing at last is there all the same.
        vec![(look, vec![&paid], Ok(1)), (anew, vec![&whole_cancelled], Ok(0)), (anew, vec![&gone], less())],
    ] {
        let mut ledgers = Ledgers::default();
        for (source, answers, expected) in &steps {
            let answers = answers.iter().copied().cloned().collect();
            let read = read_from((&mut ledgers, &reader), *source, &answers).await;
            let is_as_expected = match (&read, expected) {
                (Ok(read), Ok(expected)) => read == expected,
                (Err(error), Err(expected)) => error.contains(expected),
                _ => false,
            };
            assert!(is_as_expected, "{read:?} for {expected:?} of {answers:?}, in {steps:?}");
        }
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
