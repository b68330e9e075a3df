//! What is known of the accounts, and which of them are worked with: all that changes comes together here.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    num::NonZeroUsize,
    sync::Arc,
    time::Duration,
};

use kube::{Resource, ResourceExt, core::ObjectMeta};
use parking_lot::{Mutex, MutexGuard};
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use super::held::Held;
use crate::{
    account::{Account, Accounts, Known},
    api::{ObjectKey, PhoneNumberClaim, Seen, TokenSecretRef, VobizAccount},
    cache::Cache,
    domain::{AccountId, Rate},
    metrics::Metrics,
    plan::{ClaimBrief, Declared, Directory, Labels, Token},
    reconcile::Records,
    vobiz::{Connector, Credentials},
};

/// Changes that come together are worked off together: a hundred accounts are no hundred looks at all claims.
const TOGETHER: Duration = Duration::from_millis(20);

/// What the keeper works with.
pub struct Parts {
    pub accounts: Arc<Accounts>,
    pub claims: Cache<PhoneNumberClaim, ClaimBrief>,
    pub records: Records,
    pub connector: Connector,
    pub concurrency: NonZeroUsize,
    pub metrics: Arc<Metrics>,
}

pub struct Keeper {
    parts: Parts,
    inner: Mutex<Inner>,
    changed: Notify,
    /// The accounts are known as they stand, or it is known that none can be declared.
    known: CancellationToken,
}

#[derive(Default)]
struct Inner {
    /// By name.
    objects: BTreeMap<String, Arc<Seen<VobizAccount>>>,
    /// They may be out of date: the API server refuses to list them.
    unlisted: bool,
    /// By the uid of the object.
    tokens: HashMap<String, Held>,
    labels: Labels,
    /// Those of the flags.
    flags: Option<Credentials>,
    working: HashMap<AccountId, Working>,
}

struct Working {
    account: Arc<Account>,
    credentials: watch::Sender<Credentials>,
}

/// An object.
pub struct Kept {
    pub object: Arc<VobizAccount>,
    /// Asks for its Secret to be read now.
    pub asked: Arc<Notify>,
}

impl Keeper {
    pub fn new(parts: Parts, flags: Option<Credentials>) -> Self {
        let inner = Mutex::new(Inner { flags, ..Inner::default() });
        let keeper = Self { parts, inner, changed: Notify::new(), known: CancellationToken::new() };
        keeper.rebuild(keeper.inner.lock());
        keeper
    }

    /// Returns once the accounts are known.
    pub async fn known(&self) {
        self.known.cancelled().await;
    }

    pub fn accounts(&self) -> &Arc<Accounts> {
        &self.parts.accounts
    }

    /// These are all the objects that there are.
    pub fn declare(&self, objects: BTreeMap<String, Arc<Seen<VobizAccount>>>) {
        let mut inner = self.inner.lock();
        let uids: HashSet<_> = objects.values().filter_map(|seen| seen.meta().uid.as_deref()).collect();
        inner.tokens.retain(|uid, _| uids.contains(uid.as_str()));
        for seen in objects.values() {
            let Some(uid) = seen.meta().uid.clone() else { continue };
            let held = inner.tokens.entry(uid).or_default();
            // Where this version cannot read it any more, the last credentials still verify what is open.
            if let Some(object) = seen.read() {
                held.read_from(&object.spec.token_secret_ref);
            }
        }
        for (name, now) in &objects {
            let deleting = |one: &Arc<Seen<VobizAccount>>| one.meta().deletion_timestamp.is_some();
            if deleting(now) && inner.objects.get(name).is_some_and(|before| !deleting(before)) {
                tracing::info!(
                    name,
                    "an account is being deleted: it takes no new claim, and goes once nothing of it is open"
                );
            }
        }
        (inner.objects, inner.unlisted) = (objects, false);
        // At once: an account that was closed, or deleted, buys nothing from now on.
        self.rebuild(inner);
        self.known.cancel();
    }

    /// The API server refuses to list the objects from now on.
    pub fn unlisted(&self) {
        let mut inner = self.inner.lock();
        inner.unlisted = true;
        // At once, as what follows is not seen.
        self.rebuild(inner);
    }

    /// The Secret of an object was read there.
    pub fn token_read(&self, uid: &str, from: &TokenSecretRef, read: Result<Credentials, Token>) {
        let mut inner = self.inner.lock();
        // The object may name another one by now.
        let held = inner.tokens.get_mut(uid).filter(|held| held.is_read_from(from));
        // A hundred Secrets are read three times a second, and are the same as ever.
        if held.is_some_and(|held| held.read(read)) {
            self.changed.notify_one();
        }
    }

    /// The credentials of the flags have been read again.
    pub fn flags_read(&self, credentials: Credentials) {
        self.inner.lock().flags = Some(credentials);
        self.changed.notify_one();
    }

    /// What is known of the labels of the namespaces.
    pub fn label(&self, labels: Labels) {
        self.inner.lock().labels = labels;
        self.changed.notify_one();
    }

    /// The objects that can be read.
    pub fn objects(&self) -> Vec<Kept> {
        let inner = self.inner.lock();
        let kept = |seen: &Arc<Seen<VobizAccount>>| {
            let object = seen.read()?.clone();
            let held = inner.tokens.get(object.metadata.uid.as_deref()?)?;
            Some(Kept { asked: held.asked.clone(), object })
        };
        inner.objects.values().filter_map(kept).collect()
    }

    /// Works off what has changed.
    pub async fn run(self: Arc<Self>) {
        loop {
            self.changed.notified().await;
            tokio::time::sleep(TOGETHER).await;
            self.rebuild(self.inner.lock());
        }
    }

    fn rebuild(&self, mut inner: MutexGuard<'_, Inner>) {
        let directory = inner.directory();
        let wanted = inner.wanted(&directory);
        inner.working.retain(|id, _| wanted.iter().any(|(credentials, _)| credentials.account == *id));
        for (credentials, rate) in wanted {
            let working = inner.working.entry(credentials.account.clone());
            let working = working.or_insert_with(|| self.begin(credentials.clone()));
            working.renew(credentials);
            working.account.client.pace.change(rate.unwrap_or_else(|| self.parts.connector.rate()));
        }
        let working = inner.working.iter().map(|(id, working)| (id.clone(), working.account.clone()));
        let now = Known { directory, working: working.collect() };
        let before = self.parts.accounts.known();
        // A status that was written changes nothing here.
        if now.is_like(&before) {
            return;
        }
        self.parts.accounts.update(now);
        drop(inner);
        self.wake(&before, &self.parts.accounts.known());
    }

    fn begin(&self, credentials: Credentials) -> Working {
        tracing::info!(account = %credentials.account, "an account is worked with from now on");
        let (credentials, current) = watch::channel(credentials);
        let (client, places) = (self.parts.connector.client(current), self.parts.concurrency);
        let account = Account::new(client, places, self.parts.metrics.clone(), self.parts.accounts.waker());
        Working { account: Arc::new(account), credentials }
    }

    /// Wakes the claims that are served otherwise than before, and what waits for an account that has come or gone.
    fn wake(&self, before: &Known, now: &Known) {
        let differs = |id: &AccountId| {
            before.working.contains_key(id) != now.working.contains_key(id)
                || before.directory.knows(id) != now.directory.knows(id)
        };
        let numbers: HashSet<_> = self.parts.records.briefs(|briefs| {
            let records = briefs.filter_map(|(_, brief)| brief.as_ref());
            records.filter(|brief| differs(&brief.account)).map(|brief| brief.e164).collect()
        });
        let claims: Vec<ObjectKey> = self.parts.claims.briefs(|briefs| {
            let mut asked = HashMap::new();
            let mut is_served_otherwise = |named: Option<&str>, namespace: &str| {
                *asked.entry((named.map(str::to_owned), namespace.to_owned())).or_insert_with(|| {
                    before.directory.resolve(named, namespace) != now.directory.resolve(named, namespace)
                })
            };
            let concerned = briefs.filter(|(key, brief)| {
                let namespace = key.namespace().unwrap_or_default();
                brief.e164.is_some_and(|e164| numbers.contains(&e164))
                    // What is bought stays with its account.
                    || !brief.is_bought() && is_served_otherwise(brief.account.as_deref(), namespace)
            });
            concerned.map(|(key, _)| key.clone()).collect()
        });
        for key in numbers.into_iter().map(ObjectKey::number).chain(claims) {
            self.parts.accounts.wake(key);
        }
    }
}

impl Inner {
    fn directory(&self) -> Directory {
        let (mut declared, mut unreadable, mut kept) = (BTreeMap::new(), BTreeMap::new(), HashSet::new());
        for (name, seen) in &self.objects {
            match &**seen {
                Seen::Read(object) => {
                    let held = object.uid().and_then(|uid| self.tokens.get(&uid));
                    let token = held.map_or(Token::Awaited, |held| held.token().clone());
                    declared.insert(name.clone(), Declared::of(object, token));
                }
                Seen::Newer(newer) => {
                    unreadable.insert(name.clone(), newer.why.clone());
                    kept.extend(newer.account());
                }
            }
        }
        let flags = self.flags.as_ref().map(|flags| flags.account.clone());
        let directory = Directory::new(declared, unreadable, flags, self.labels.clone());
        directory.keeping(kept).unlisted(self.unlisted)
    }

    /// The credentials of each account that can be worked with, and its own rate: of several objects, those of the oldest that
    /// has any. Where the one that serves has none, what is open is still verified, and neither keeps the other from going.
    fn wanted(&self, directory: &Directory) -> Vec<(Credentials, Option<Rate>)> {
        let mut objects: Vec<_> = self.objects.values().map(|seen| seen.meta()).collect();
        objects.sort_by_key(|meta| meta.creation_timestamp.as_ref().map(|created| created.0));
        let held = |meta: &ObjectMeta| self.tokens.get(meta.uid.as_deref()?)?.credentials().cloned();
        let rate = |account: &AccountId| self.objects.get(directory.first(account)?)?.read()?.spec.rate_limit;
        let mut wanted: Vec<(Credentials, Option<Rate>)> = Vec::new();
        for credentials in objects.into_iter().filter_map(held) {
            if !wanted.iter().any(|(one, _)| one.account == credentials.account) {
                let rate = rate(&credentials.account);
                wanted.push((credentials, rate));
            }
        }
        // Until the object that takes over from them has a token.
        let flags = self.flags.iter();
        let flags = flags.filter(|flags| !wanted.iter().any(|(one, _)| one.account == flags.account));
        let flags: Vec<_> = flags.map(|flags| (flags.clone(), None)).collect();
        wanted.extend(flags);
        wanted
    }
}

impl Working {
    fn renew(&self, credentials: Credentials) {
        if credentials.same_as(&self.credentials.borrow()) {
            return;
        }
        tracing::info!(account = %credentials.account, "the auth token has changed");
        self.credentials.send_replace(credentials);
        self.account.credentials_changed();
    }
}
