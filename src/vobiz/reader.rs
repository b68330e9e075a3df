//! The reading client of Vobiz's REST API: one method for each read, within the rate limit. It has no way to spend.

use std::{pin::pin, sync::Arc, time::Instant};

use futures::{StreamExt, stream};
use jiff::civil::Date;
use reqwest::Url;
use tokio::sync::watch;

use super::{
    casing::Casings,
    connections::{Connections, Settings},
    credentials::Credentials,
    error::{ReadError, SetupError},
    masks::{InUse, Masks},
    notices::Notices,
    pace::Pace,
    page::{self, Page},
    paging::{Listed, Next, Pages},
    wire::Balance,
};
use crate::{
    clock::Peers,
    domain::{AccountId, Currency, E164, LedgerRow, ListedNumber, OwnedRow, Rate},
    metrics::{Metrics, Operation},
};

/// Pages of the owned list that are read side by side.
const PAGES_AT_ONCE: usize = 4;

/// Rows on a page of numbers: the documented maximum.
const NUMBERS_PER_PAGE: usize = 100;

/// A search that goes on after so many pages costs as much as a listing, and says less: its digits are too few.
const SEARCHED_PAGES: usize = 2;

/// How a page is read: its body, which one was asked for, and what is taken out of it.
type Parse<T> = fn(&[u8], usize, &Masks) -> Result<Page<T>, ReadError>;

/// The reads, each with the casing that last worked for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Read {
    Owned,
    Inventory,
    Balance,
    Ledger,
}

impl Read {
    pub fn operation(self, searches: bool) -> Operation {
        match self {
            Self::Owned if searches => Operation::Search,
            Self::Owned => Operation::List,
            Self::Inventory => Operation::Inventory,
            Self::Balance => Operation::Balance,
            Self::Ledger => Operation::Ledger,
        }
    }
}

/// A client for one account that makes no call but GETs.
pub struct Reader {
    pub(super) kept: reqwest::Client,
    /// Its like, without kept connections.
    pub(super) fresh: reqwest::Client,
    pub(super) base: Url,
    pub(super) credentials: watch::Receiver<Credentials>,
    pub(super) in_use: InUse,
    /// Reads take their slots themselves.
    pub pace: Pace,
    pub(super) metrics: Arc<Metrics>,
    pub(super) peers: Arc<Peers>,
    /// By [`Read`].
    pub(super) casings: Casings<4>,
    pub(super) notices: Notices,
}

impl Reader {
    /// A client that counts its calls in `metrics`, and holds the clock against its answers' in `peers`.
    ///
    /// # Errors
    /// If the URL, the CA file or the HTTP clients cannot be had.
    pub fn new(
        settings: &Settings,
        credentials: watch::Receiver<Credentials>,
        metrics: Arc<Metrics>,
        peers: Arc<Peers>,
    ) -> Result<Self, SetupError> {
        Ok(Self::over(&Connections::new(settings)?, settings.rate, credentials, metrics, peers))
    }

    /// The same, over connections that others use as well.
    pub(super) fn over(
        connections: &Connections,
        rate: Rate,
        credentials: watch::Receiver<Credentials>,
        metrics: Arc<Metrics>,
        peers: Arc<Peers>,
    ) -> Self {
        Self {
            kept: connections.kept.clone(),
            fresh: connections.fresh.clone(),
            base: connections.base.clone(),
            credentials,
            in_use: InUse::default(),
            pace: Pace::new(rate),
            metrics,
            peers,
            casings: Casings::default(),
            notices: Notices::default(),
        }
    }

    /// What is known of the clocks of others.
    pub fn peers(&self) -> &Arc<Peers> {
        &self.peers
    }

    /// The account that calls are made with.
    pub fn account(&self) -> AccountId {
        self.credentials.borrow().account.clone()
    }

    /// The numbers that the account owns, sub-accounts' included: goes on with `listing`, whose pages are read until then.
    /// Nothing, if there are more.
    ///
    /// # Errors
    /// If any page cannot be had or read: half a list proves nothing absent.
    pub async fn owned_numbers(
        &self,
        listing: &mut Pages<Box<ListedNumber>>,
        until: Instant,
    ) -> Result<Option<Vec<Box<ListedNumber>>>, ReadError> {
        self.list(listing, page::numbers_page, Some(until)).await
    }

    /// The same list, each row as people are shown it.
    ///
    /// # Errors
    /// If any page cannot be had or read.
    pub async fn owned_rows(&self) -> Result<Vec<OwnedRow>, ReadError> {
        Ok(self.list(&mut Pages::default(), page::owned_page, None).await?.unwrap_or_default())
    }

    async fn list<T>(
        &self,
        listing: &mut Pages<T>,
        parse: Parse<T>,
        until: Option<Instant>,
    ) -> Result<Option<Vec<T>>, ReadError> {
        let page =
            |page| async move { parse(&self.numbers(Read::Owned, page, None).await?, page, &self.masks()) };
        loop {
            let ahead = stream::iter(listing.ahead(PAGES_AT_ONCE));
            let mut pages = pin!(ahead.map(&page).buffered(PAGES_AT_ONCE));
            while let Some(page) = pages.next().await {
                match listing.feed(page)? {
                    // Another pass begins: what was read ahead belongs to this one.
                    Next::Page(1) => break,
                    Next::Page(_) => {}
                    Next::End(listed) => return listed.whole().map(Some),
                }
            }
            if until.is_some_and(|until| Instant::now() >= until) {
                return Ok(None);
            }
        }
    }

    /// The owned numbers that contain this number's digits, if they are few: proves presence, never absence.
    ///
    /// # Errors
    /// If a page cannot be had or read.
    pub async fn search_owned(&self, e164: E164) -> Result<Option<Vec<Box<ListedNumber>>>, ReadError> {
        self.search(Read::Owned, e164).await
    }

    pub(super) async fn search(
        &self,
        list: Read,
        e164: E164,
    ) -> Result<Option<Vec<Box<ListedNumber>>>, ReadError> {
        let listed = first_pages(SEARCHED_PAGES, |page| self.numbers_page(list, page, Some(e164))).await?;
        Ok(listed.map(Listed::rows))
    }

    /// The balance in one currency.
    ///
    /// # Errors
    /// If it cannot be had or read.
    pub async fn balance(&self, currency: Currency) -> Result<Balance, ReadError> {
        let body = self.get(Read::Balance, &format!("balance/{currency}"), &[]).await?;
        Balance::parse(&body)
    }

    /// A page of the ledger since that UTC day.
    pub(super) async fn ledger_page(
        &self,
        from: Option<Date>,
        filter: Option<(&str, &str)>,
        page: usize,
        size: usize,
    ) -> Result<Page<Arc<LedgerRow>>, ReadError> {
        let (page_text, size) = (page.to_string(), size.to_string());
        let from = from.map(|from| from.to_string());
        let mut query = vec![("page", page_text.as_str()), ("per_page", &size)];
        query.extend(from.as_deref().map(|from| ("from_date", from)));
        query.extend(filter);
        let body = self.get(Read::Ledger, "transactions", &query).await?;
        page::ledger_page(&body, page, &self.masks())
    }

    /// One page of the owned list: the cheapest question that tells whether it can be asked at all.
    ///
    /// # Errors
    /// If they are not, or nothing can be learnt.
    pub async fn probe(&self) -> Result<(), ReadError> {
        self.numbers_page(Read::Owned, 1, None).await.map(drop)
    }

    pub(super) async fn numbers_page(
        &self,
        read: Read,
        page: usize,
        search: Option<E164>,
    ) -> Result<Page<Box<ListedNumber>>, ReadError> {
        page::numbers_page(&self.numbers(read, page, search).await?, page, &self.masks())
    }

    async fn numbers(&self, read: Read, page: usize, search: Option<E164>) -> Result<Vec<u8>, ReadError> {
        let path = if read == Read::Inventory { "inventory/numbers" } else { "numbers" };
        let (page_text, size) = (page.to_string(), NUMBERS_PER_PAGE.to_string());
        let mut query = vec![("page", page_text.as_str()), ("per_page", size.as_str())];
        let digits = search.map(E164::digits);
        query.extend(digits.as_deref().map(|digits| ("search", digits)));
        self.get(read, path, &query).await
    }

    async fn get(&self, read: Read, path: &str, query: &[(&str, &str)]) -> Result<Vec<u8>, ReadError> {
        let operation = read.operation(query.iter().any(|(name, _)| *name == "search"));
        let asked = self.casings.first(read as usize);
        let first = self.counted_get(operation, asked.casing, path, query).await;
        if !self.casings.doubts(asked, &first) {
            return first;
        }
        let second = self.counted_get(operation, asked.casing.other(), path, query).await;
        self.casings.decide(asked, first, second)
    }
}

/// Reads every page, if there are not more than that.
pub(super) async fn first_pages<T, F>(
    most: usize,
    mut page: impl FnMut(usize) -> F,
) -> Result<Option<Listed<T>>, ReadError>
where
    F: Future<Output = Result<Page<T>, ReadError>>,
{
    let (mut pages, mut number) = (Pages::default(), 1);
    loop {
        match pages.feed(page(number).await)? {
            Next::Page(next) if next > most => return Ok(None),
            Next::Page(next) => number = next,
            Next::End(listed) => return Ok(Some(listed)),
        }
    }
}
