//! The reader before a simulated Vobiz, without a cluster.

mod ledger;
mod prices;
mod shrunk;

use std::{
    collections::BTreeSet,
    num::{NonZeroU32, NonZeroUsize},
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{
    sync::{mpsc, watch},
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use vobiz_sim::{Config, Fault, FaultRule, JournalFilter, Operation, OwnedNumber, Sim, State, Target};

use super::{Account, Woken};
use crate::{
    api::ObjectKey,
    clock::Clock,
    domain::{Currency, E164, Rate},
    plan::{EvidenceRequest, Fresh, Gate, GateCause, QuoteRead, Source},
    vobiz::{Casing, Client, Connector, Credentials, ReadError, Settings, Spending},
};

const ACCOUNT: &str = "MA_TEST";
const NUMBER: &str = "+911234500000";
/// More than one page: a single number is searched for.
const OWNED: usize = 950;
const PATIENCE: Duration = Duration::from_mins(1);

/// A client of that account, with the token `token`.
pub fn client(url: String, account: &str) -> Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let settings =
        Settings { url, ca_file: None, rate: Rate { per_second: NonZeroU32::MAX, burst: NonZeroU32::MAX } };
    let credentials = Credentials::new(account.parse().unwrap(), "token").unwrap();
    let spending = Spending { timeout: Duration::from_secs(2), casing: Casing::Lower };
    let connector = Connector::new(&settings, spending, Arc::default(), Arc::default()).unwrap();
    connector.client(watch::channel(credentials).1)
}

/// A reader at work, with whom it wakes.
struct Reader {
    sim: Sim,
    account: Arc<Account>,
    woken: mpsc::UnboundedReceiver<Woken>,
    clock: Clock,
    stop: CancellationToken,
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Reader {
    async fn start(balances: &[&str], resync: Duration, in_use: &BTreeSet<Currency>) -> Self {
        let money = vobiz_sim::Account::new(ACCOUNT, "token");
        let money = balances.iter().fold(money, |money, currency| money.with_balance(*currency, 1000));
        let state = State { accounts: vec![money], ..State::default() };
        let sim = Sim::start(Config { state, ..Config::default() }).await.unwrap();
        let client = client(sim.url(), ACCOUNT);
        let (wake, woken) = mpsc::unbounded_channel();
        let (clock, stop) = (client.peers().clock(), CancellationToken::new());
        let account = Arc::new(Account::new(client, NonZeroUsize::MIN, Arc::default(), wake));
        for index in 0..OWNED {
            sim.admin().put_owned(OwnedNumber::new(format!("+4930{index:07}"), ACCOUNT)).unwrap();
        }
        let in_use = in_use.clone();
        tokio::spawn(account.clone().run(resync, Duration::ZERO, move || in_use.clone(), stop.clone()));
        let reader = Self { sim, account, woken, clock, stop };
        reader.until("the account is listed", || reader.account.lists("+49300000000".parse().unwrap())).await;
        reader
    }

    async fn until(&self, what: &str, holds: impl Fn() -> bool) {
        let begun = Instant::now();
        while !holds() {
            assert!(
                begun.elapsed() < PATIENCE,
                "{what}: {:?}",
                self.sim.admin().journal(&JournalFilter::default())
            );
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// Asks for presence until there is an answer to it, as a claim does. Nothing is held meanwhile.
    async fn look_up(&mut self) {
        let e164: E164 = NUMBER.parse().unwrap();
        let since = self.clock.now();
        let asked = async {
            loop {
                let evidence = self.account.evidence(e164);
                let readings = [&evidence.listing, &evidence.search];
                if readings.iter().any(|reading| matches!(reading.since(since), Fresh::Value(..))) {
                    return;
                }
                let request = EvidenceRequest::new(since, [Source::Search(e164)]);
                self.account.request(ObjectKey::record("1"), request);
                self.woken.recv().await;
                assert_eq!(self.account.gate(), Gate::Open);
            }
        };
        timeout(PATIENCE, asked).await.expect("nobody says whether the number is there");
    }

    /// Asks for the number's price until there is one, as a claim does.
    async fn quote(&mut self) -> QuoteRead {
        let (since, e164) = (self.clock.now(), NUMBER.parse().unwrap());
        let key = ObjectKey::claim("a", "b");
        self.account.request(key.clone(), EvidenceRequest::new(since, [Source::Quote(e164)]));
        let woken = async { while self.woken.recv().await != Some(Woken::Object(key.clone())) {} };
        timeout(PATIENCE, woken).await.expect("the claim is not woken");
        match self.account.evidence(e164).quote.since(since) {
            Fresh::Value(_, read) => read.clone(),
            Fresh::Stale | Fresh::NoSuchEndpoint => panic!("there is no price"),
        }
    }

    /// How many calls were made for that, with these words in their path or query.
    fn calls(&self, operation: Operation, words: &str) -> usize {
        let journal = self.sim.admin().journal(&JournalFilter::default());
        let of = journal.requests.iter().filter(|request| request.operation == operation);
        of.filter(|request| format!("{}?{:?}", request.path, request.query).contains(words)).count()
    }
}

#[tokio::test]
async fn a_search_that_fails_is_replaced_by_the_listing_and_holds_nothing() {
    let broken = || Fault::status(500, "LIKE");
    let missing = || Fault::status(404, r#"{"error":"no match"}"#);
    for fault in [broken(), missing(), Fault::MissingEndpoint, Fault::status(403, ""), Fault::DropBefore] {
        let mut reader = Reader::start(&[], Duration::from_hours(1), &BTreeSet::new()).await;
        reader.sim.admin().arm(FaultRule::new(Target::List, fault.clone()).e164(NUMBER).forever());
        reader.look_up().await;
        let searches = reader.calls(Operation::List, "search=");
        assert!((1..=2).contains(&searches), "{fault:?}: {searches}");
        reader.look_up().await;
        assert_eq!(reader.calls(Operation::List, "search="), searches, "{fault:?}: it was tried again");
    }
}

#[tokio::test]
async fn a_search_that_works_is_used() {
    let mut reader = Reader::start(&[], Duration::from_hours(1), &BTreeSet::new()).await;
    let pages = reader.calls(Operation::List, "page=2");
    reader.look_up().await;
    assert_eq!(
        (reader.calls(Operation::List, "search="), reader.calls(Operation::List, "page=2")),
        (1, pages)
    );
}

#[tokio::test]
async fn searches_that_find_too_much_become_one_listing_for_all() {
    let mut reader = Reader::start(&[], Duration::from_hours(1), &BTreeSet::new()).await;
    for index in 150..1000 {
        reader.sim.admin().put_owned(OwnedNumber::new(format!("+4930{index:07}"), ACCOUNT)).unwrap();
    }
    let ask = |key: &str, source| {
        let since = reader.clock.now();
        reader.account.request(ObjectKey::record(key), EvidenceRequest::new(since, [source]));
        since
    };
    ask("all", Source::Listing);
    while reader.woken.recv().await != Some(Woken::Object(ObjectKey::record("all"))) {}
    let before = reader.calls(Operation::List, "");
    let short = ["+49", "+493", "+4930", "+49300", "+493000"];
    let asked = short.map(|number| (number, ask(number, Source::Search(number.parse().unwrap()))));
    for (number, since) in asked {
        reader.woken.recv().await;
        let listing = reader.account.evidence(number.parse().unwrap()).listing;
        assert!(matches!(listing.since(since), Fresh::Value(..)), "{number}");
    }
    // Two pages of each search, and the ten of one listing.
    assert_eq!(reader.calls(Operation::List, "") - before, 5 * 2 + 10);
}

#[tokio::test]
async fn a_currency_without_a_balance_ends_for_itself_alone() {
    let in_use = ["AAA", "INR"].iter().map(|currency| currency.parse().unwrap()).collect();
    let reader = Reader::start(&["INR"], Duration::from_millis(1), &in_use).await;
    reader
        .until("the balance is read again and again", || reader.calls(Operation::Balance, "INR") >= 4)
        .await;
    // In both casings, once.
    assert_eq!(reader.calls(Operation::Balance, "AAA"), 2);
    assert_eq!(reader.account.health().balances.len(), 1);
}

#[tokio::test]
async fn however_many_currencies_there_are_a_few_balances_are_read() {
    let all: BTreeSet<Currency> =
        (b'A'..=b'Z').map(|last| format!("II{}", last as char).parse().unwrap()).collect();
    let reader = Reader::start(&["INR"], Duration::from_hours(1), &all).await;
    reader.until("they are read", || reader.calls(Operation::Balance, "IIH") > 0).await;
    sleep(Duration::from_millis(300)).await;
    assert!(reader.calls(Operation::Balance, "") <= 2 * 8);
}

#[tokio::test]
async fn many_that_wait_share_one_listing_and_all_share_the_ledger() {
    for (claims, pages, searches) in [(8, 0, 8), (300, 10, 0)] {
        let mut reader = Reader::start(&[], Duration::from_hours(1), &BTreeSet::new()).await;
        let listed = reader.calls(Operation::List, "");
        let since = reader.clock.now();
        let (account, from) = (reader.account.clone(), since.wall - Duration::from_hours(24));
        for index in 0..claims {
            let e164 = format!("+91{index:010}").replace("+910", "+911").parse().unwrap();
            let sources = [Source::Search(e164), Source::Ledger { from }];
            account.request(ObjectKey::record(&index.to_string()), EvidenceRequest::new(since, sources));
        }
        for _ in 0..claims {
            timeout(PATIENCE, reader.woken.recv()).await.unwrap();
        }
        let searched = reader.calls(Operation::List, "search=");
        assert_eq!((reader.calls(Operation::List, "") - listed - searched, searched), (pages, searches));
        assert_eq!(reader.calls(Operation::Ledger, ""), 1, "{claims}");
    }
}

#[tokio::test]
async fn an_account_that_is_left_alone_is_not_asked_for_its_credentials_either() {
    // Before it there is no server: a call would meet that, and not the limit.
    let client = client("http://127.0.0.1:1".into(), ACCOUNT);
    let account = Account::new(client, NonZeroUsize::MIN, Arc::default(), mpsc::unbounded_channel().0);
    let hour = Some(Duration::from_hours(1));
    account.state().gate.read_met(&ReadError::RateLimited { retry_after: hour }, account.clock.now().mono);
    let checked = timeout(Duration::from_millis(500), account.check_credentials()).await;
    assert!(checked.is_err());
    let gate = account.gate();
    assert!(matches!(gate, Gate::Closed(GateCause::RateLimited, _)), "{gate:?}");
}

#[test]
fn an_account_that_is_idle_is_small() {
    let account = Account::new(
        client("http://127.0.0.1:1".into(), ACCOUNT),
        NonZeroUsize::MIN,
        Arc::default(),
        mpsc::unbounded_channel().0,
    );
    let account = Arc::new(account);
    let known = size_of::<Account>();
    let runs = account.run(Duration::ZERO, Duration::ZERO, BTreeSet::new, CancellationToken::new());
    let runs = size_of_val(&runs);
    assert!(known < 4096 && runs < 8192, "bytes: {known} of what is known, {runs} of what runs");
}
