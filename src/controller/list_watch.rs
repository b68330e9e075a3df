//! Lists a kind, page by page, and watches it from where the list began: a claim that is created while a hundred thousand are
//! listed is seen at once, not after them; and so is one that was created before, while nobody watched.

use std::{collections::BTreeSet, fmt::Debug, time::Duration};

use futures::{Stream, StreamExt, TryStreamExt, future::ready, stream, stream::BoxStream};
use kube::{
    Api, Resource, ResourceExt,
    api::{ListParams, ObjectList, VersionMatch, WatchEvent, WatchParams},
};
use kube_runtime::{
    WatchStreamExt,
    utils::Backoff,
    watcher::{Error, Result},
};
use serde::de::DeserializeOwned;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::{
    interruption::is_routine,
    pauses::{STEADY, pauses},
};
use crate::api::ObjectKey;

/// Objects on a page of a list; where they are large, the client of the API server asks for fewer.
const A_PAGE: u32 = 500;

/// The API server ends a watch after so many seconds, also a quiet one. One that says nothing for longer has lost its connection.
const LONGEST: u32 = 290;
const SILENCE: Duration = Duration::from_secs(LONGEST as u64 + 5);

/// A watch begins at least so long after the one before it began: a server or proxy that ends each at once is not asked without a
/// pause.
const SHORTEST: Duration = Duration::from_secs(1);

/// What can be listed and watched.
pub trait Watched: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned + Send + 'static {}

impl<K: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned + Send + 'static> Watched for K {}

/// What is known of a kind, in the order in which it happened.
#[derive(Debug, Clone)]
pub enum Event<K> {
    /// A list of this version begins.
    Init(String),
    /// An object of it.
    InitApply(K),
    /// It was told whole: what it lacks is gone.
    InitDone,
    Apply(K),
    Delete(K),
}

/// All objects, and then what changes, without an end. Of an object that changes while the others are listed, the change is
/// told, and not what the list says of it, which is older. What fails is told, and tried again after a pause: one of so many
/// watches. Where a list has more than a page, those that wait, by a field selector, are told before and among the others, and
/// once more in their place.
pub fn list_watch<K: Watched>(
    api: Api<K>,
    waiting: Option<&'static str>,
    watches: usize,
) -> impl Stream<Item = Result<Event<K>>> + Send {
    let source = Source { api, waiting, watches };
    let new = ListWatch { source, pauses: Box::new(pauses(watches)), pause: None, session: None };
    stream::unfold(new, async |mut list_watch| Some((list_watch.next().await, list_watch)))
}

/// What is listed and watched.
#[derive(Clone)]
struct Source<K> {
    api: Api<K>,
    /// A field selector of what waits for this process.
    waiting: Option<&'static str>,
    watches: usize,
}

struct ListWatch<K> {
    source: Source<K>,
    pauses: Box<dyn Backoff>,
    /// Before the next list.
    pause: Option<Duration>,
    session: Option<Session<K>>,
}

/// A list, and what has changed since it began. One is of no use without the other; and a request that is under way is not left
/// where nothing asks how it goes, because others wait for its place.
struct Session<K> {
    begun: Instant,
    watch: BoxStream<'static, Result<Event<K>>>,
    listing: Option<Listing<K>>,
}

/// A list that has not ended yet.
struct Listing<K> {
    objects: BoxStream<'static, Result<K>>,
    /// What has changed since it began.
    overtaken: BTreeSet<ObjectKey>,
}

impl<K: Watched> ListWatch<K> {
    async fn next(&mut self) -> Result<Event<K>> {
        loop {
            let Some(session) = &mut self.session else {
                sleep(self.pause.take().unwrap_or_default()).await;
                let begun = begin(self.source.clone()).await;
                let (version, session) = begun.inspect_err(|_| self.pause = self.pauses.next())?;
                self.session = Some(session);
                return Ok(Event::Init(version));
            };
            if let Some(event) = session.next().await {
                return event;
            }
            // A list that failed, or whose version was known no more when it had just been made, would do so again.
            if session.begun.elapsed() < STEADY {
                self.pause = self.pauses.next();
            }
            self.session = None;
        }
    }
}

async fn begin<K: Watched>(source: Source<K>) -> Result<(String, Session<K>)> {
    let (version, objects) = list(&source).await?;
    // Its pauses are its own: meanwhile, the list goes on.
    let watch = watch(source.api, version.clone()).backoff(pauses(source.watches)).boxed();
    let listing = Some(Listing { objects, overtaken: BTreeSet::new() });
    Ok((version, Session { begun: Instant::now(), watch, listing }))
}

impl<K: Watched> Session<K> {
    /// What comes next; nothing where all is to be listed anew.
    async fn next(&mut self) -> Option<Result<Event<K>>> {
        while let Some(Listing { objects, overtaken }) = &mut self.listing {
            tokio::select! {
                biased;
                event = self.watch.next() => {
                    if let Some(Ok(Event::Apply(object) | Event::Delete(object))) = &event {
                        overtaken.insert(ObjectKey::of(object));
                    }
                    return event;
                }
                object = objects.next() => match object {
                    Some(Ok(object)) if overtaken.contains(&ObjectKey::of(&object)) => {}
                    Some(Ok(object)) => return Some(Ok(Event::InitApply(object))),
                    Some(Err(error)) => {
                        // Without its list, it would leave out what has not changed.
                        self.watch = stream::empty().boxed();
                        return Some(Err(error));
                    }
                    None => {
                        self.listing = None;
                        return Some(Ok(Event::InitDone));
                    }
                }
            }
        }
        self.watch.next().await
    }
}

/// The version that a list is of, and its objects. All pages are of the version that the first one was. Of objects so large that
/// a page has fewer than it might, those that wait are not told apart: the API server may go through all of them for it at once.
async fn list<K: Watched>(
    Source { api, waiting, .. }: &Source<K>,
) -> Result<(String, BoxStream<'static, Result<K>>)> {
    let first = page(api, &ListParams::default()).await?;
    let version = known(first.metadata.resource_version.unwrap_or_default())?;
    let token = first.metadata.continue_;
    let is_worth_while = token.is_some() && first.items.len() >= A_PAGE as usize;
    let waiting = waiting.filter(|_| is_worth_while).map(|selector| {
        stream::once(waiting_at(api.clone(), version.clone(), selector)).flat_map(stream::iter).map(Ok)
    });
    let more = stream::try_unfold((api.clone(), token), async |(api, token)| {
        let Some(token) = token else { return Ok(None) };
        let page = page(&api, &ListParams::default().continue_token(&token)).await?;
        Ok(Some((page.items, (api, page.metadata.continue_))))
    });
    let pages = stream::once(ready(Ok(first.items))).chain(more);
    let objects = pages.map_ok(|items| stream::iter(items.into_iter().map(Ok))).try_flatten();
    // The list is at its end with its pages: whatever is asked for beside them stands there too.
    let all = objects.map(Some).chain(stream::once(ready(None)));
    let beside = stream::iter(waiting).flatten().map(Some);
    let objects = stream::select(beside, all).take_while(|object| ready(object.is_some())).filter_map(ready);
    Ok((version, objects.boxed()))
}

/// The first page of those that a selector means, in that version: in the list, they stand as late as their names do. An API server
/// that cannot tell them apart shows them there alone.
async fn waiting_at<K: Watched>(api: Api<K>, version: String, selector: &'static str) -> Vec<K> {
    let asked = ListParams::default().fields(selector).at(&version).matching(VersionMatch::Exact);
    let told = page(&api, &asked).await.map(|page| page.items);
    told.inspect_err(
        |error| tracing::debug!(%error, kind = %K::kind(&()), selector, "not told apart from others"),
    )
    .unwrap_or_default()
}

/// A page of a list; none follows an empty token.
async fn page<K: Watched>(api: &Api<K>, asked: &ListParams) -> Result<ObjectList<K>> {
    let mut page = api.list(&asked.clone().limit(A_PAGE)).await.map_err(Error::InitialListFailed)?;
    page.metadata.continue_.take_if(|token| token.is_empty());
    Ok(page)
}

/// What changes from a version on, until the API server knows that version no more.
fn watch<K: Watched>(api: Api<K>, version: String) -> BoxStream<'static, Result<Event<K>>> {
    let watch = Watch { api, version, events: None, begun: None };
    stream::unfold(Some(watch), async |watch| {
        let mut watch = watch?;
        match watch.next().await {
            Err(Error::NoResourceVersion) => Some((Err(Error::NoResourceVersion), None)),
            Err(error) if is_routine(&error) => {
                tracing::debug!(%error, kind = %K::kind(&()), "all are listed anew");
                None
            }
            event => Some((event, Some(watch))),
        }
    })
    .boxed()
}

struct Watch<K> {
    api: Api<K>,
    /// The last one that is known to have been told.
    version: String,
    events: Option<BoxStream<'static, kube::Result<WatchEvent<K>>>>,
    begun: Option<Instant>,
}

impl<K: Watched> Watch<K> {
    async fn next(&mut self) -> Result<Event<K>> {
        loop {
            let Some(events) = &mut self.events else {
                self.begin().await?;
                continue;
            };
            let Ok(Some(event)) = timeout(SILENCE, events.next()).await else {
                self.events = None;
                continue;
            };
            match event.map_err(Error::WatchFailed)? {
                WatchEvent::Added(object) | WatchEvent::Modified(object) => {
                    self.version = known(object.resource_version().unwrap_or_default())?;
                    return Ok(Event::Apply(object));
                }
                WatchEvent::Deleted(object) => {
                    self.version = known(object.resource_version().unwrap_or_default())?;
                    return Ok(Event::Delete(object));
                }
                WatchEvent::Bookmark(mark) => self.version = known(mark.metadata.resource_version)?,
                WatchEvent::Error(status) => return Err(Error::WatchError(status.boxed())),
            }
        }
    }

    async fn begin(&mut self) -> Result<()> {
        if let Some(begun) = self.begun {
            sleep_until(begun + SHORTEST).await;
        }
        self.begun = Some(Instant::now());
        let events = self.api.watch(&WatchParams::default().timeout(LONGEST), &self.version).await;
        self.events = Some(events.map_err(Error::WatchStartFailed)?.boxed());
        Ok(())
    }
}

/// Without a version, nothing can be watched from there.
fn known(version: String) -> Result<String> {
    if version.is_empty() { Err(Error::NoResourceVersion) } else { Ok(version) }
}

#[cfg(test)]
mod tests {
    use std::{
        collections::VecDeque,
        sync::{Arc, Mutex},
    };

    use kube::{Client, client::Body};
    use serde_json::{Value, json};

    use super::*;
    use crate::api::{PhoneNumber, Unread};

    fn object(name: &str, version: u32) -> Value {
        json!({ "metadata": { "name": name, "resourceVersion": version.to_string() }, "spec": {} })
    }

    fn page(version: &str, token: Option<&str>, names: &[&str]) -> String {
        let items: Vec<_> = names.iter().map(|name| object(name, 1)).collect();
        let list = json!({ "metadata": { "resourceVersion": version, "continue": token }, "items": items });
        list.to_string()
    }

    fn events(events: &[(&str, Value)]) -> String {
        let lines =
            events.iter().map(|(kind, object)| format!("{{\"type\":\"{kind}\",\"object\":{object}}}\n"));
        lines.collect()
    }

    fn gone() -> Value {
        json!({ "kind": "Status", "status": "Failure", "reason": "Expired", "message": "too old", "code": 410 })
    }

    /// An API server that expects these requests, each by parts of its query, and is silent where it has no answer, and
    /// afterwards: that is told, in this order. Nothing that is given up is still under way when the next list begins.
    /// Returns how long that took.
    async fn check(
        waiting: Option<&'static str>,
        requests: impl IntoIterator<Item = (&'static str, u16, String)>,
        expected: &[&str],
    ) -> Duration {
        let begun = Instant::now();
        let left: Arc<Mutex<VecDeque<_>>> = Arc::new(Mutex::new(requests.into_iter().collect()));
        let (requests, under_way) = (left.clone(), Arc::new(()));
        let serve = move |request: http::Request<Body>| {
            let answer = requests.lock().unwrap().pop_front();
            let query = request.uri().query().unwrap_or_default().to_owned();
            let begins = query.ends_with("limit=500");
            assert!(!begins || Arc::strong_count(&under_way) == 1, "{query}");
            let held = under_way.clone();
            async move {
                let Some((asked, code, body)) = answer else { return std::future::pending().await };
                let is_asked = asked.split('&').all(|part| query.split('&').any(|one| one == part));
                assert!(is_asked, "{query} is not {asked}");
                if code == 0 {
                    std::future::pending::<()>().await;
                }
                drop(held);
                let body = Body::from(body.into_bytes());
                Ok::<_, tower::BoxError>(http::Response::builder().status(code).body(body)?)
            }
        };
        let api: Api<Unread<PhoneNumber>> = Api::all(Client::new(tower::service_fn(serve), "default"));
        let told = list_watch(api, waiting, 1).take(expected.len()).map(|event| match event {
            Ok(Event::Init(_)) => "begin".to_owned(),
            Ok(Event::InitApply(object)) => format!("listed {}", object.name_any()),
            Ok(Event::InitDone) => "end".to_owned(),
            Ok(Event::Apply(object)) => object.name_any(),
            Ok(Event::Delete(object)) => format!("no {}", object.name_any()),
            Err(error) => error.to_string().split(':').next().unwrap_or_default().to_owned(),
        });
        assert_eq!(told.collect::<Vec<_>>().await, expected);
        assert!(left.lock().unwrap().is_empty());
        begun.elapsed()
    }

    const UNLISTED: &str = "failed to perform initial object list";
    const NO_VERSION: &str = "no metadata.resourceVersion in watch result (does resource support watch?)";
    const UNWATCHED: &str = "failed to start watching object";

    #[tokio::test(start_paused = true)]
    async fn what_changes_while_the_others_are_listed_is_told_at_once_and_once() {
        let changes = [
            ("ADDED", object("new", 11)),
            ("MODIFIED", object("c", 12)),
            ("DELETED", object("d", 13)),
            ("DELETED", object("e", 14)),
            ("ADDED", object("e", 15)),
        ];
        let requests = [
            ("limit=500", 200, page("10", Some("t"), &["a", "b"])),
            (
                "watch=true&allowWatchBookmarks=true&timeoutSeconds=290&resourceVersion=10",
                200,
                events(&changes),
            ),
            ("limit=500&continue=t", 200, page("10", None, &["c", "d", "e", "f"])),
            // The watch goes on where it ended.
            ("resourceVersion=15", 200, events(&[("ADDED", object("d", 16))])),
        ];
        let expected =
            ["begin", "listed a", "listed b", "new", "c", "no d", "no e", "e", "listed f", "end", "d"];
        check(None, requests, &expected).await;
    }

    #[tokio::test(start_paused = true)]
    async fn what_waits_is_told_before_the_pages_in_which_it_stands() {
        const ASKED: &str =
            "limit=500&fieldSelector=spec.e164%3D&resourceVersion=10&resourceVersionMatch=Exact";
        let names: Vec<_> = (0..A_PAGE).map(|index| index.to_string()).collect();
        let names: Vec<_> = names.iter().map(String::as_str).collect();
        let first = page("10", Some("t"), &names);
        let listed: Vec<_> = names.iter().map(|name| format!("listed {name}")).collect();
        let listed: Vec<_> = [&["begin".to_owned()], listed.as_slice()].concat();
        let listed: Vec<_> = listed.iter().map(String::as_str).collect();
        let watched = events(&[("MODIFIED", object("y", 11))]);
        for (waiting, last, expected) in [
            // What has changed since is told as it is now.
            ((200, page("10", Some("more"), &["y", "z"])), (0, String::new()), vec!["y", "listed z"]),
            // An API server whose definitions do not know the field.
            (
                (400, "field label not supported".to_owned()),
                (200, page("10", None, &["b", "y", "z"])),
                vec!["y", "listed b", "listed z", "end"],
            ),
        ] {
            let requests = [
                ("limit=500", 200, first.clone()),
                ("resourceVersion=10", 200, watched.clone()),
                (ASKED, waiting.0, waiting.1),
                ("limit=500&continue=t", last.0, last.1),
            ];
            check(Some("spec.e164="), requests, &[listed.as_slice(), expected.as_slice()].concat()).await;
        }
        // The list does not wait for them.
        let requests = [
            ("limit=500", 200, first),
            ("resourceVersion=10", 0, String::new()),
            (ASKED, 0, String::new()),
            ("limit=500&continue=t", 200, page("10", None, &["b"])),
        ];
        check(Some("spec.e164="), requests, &[listed.as_slice(), &["listed b", "end"]].concat()).await;
        // Of large objects, a page has fewer.
        let requests = [
            ("limit=500", 200, page("10", Some("t"), &["a"])),
            ("resourceVersion=10", 0, String::new()),
            ("limit=500&continue=t", 200, page("10", None, &["b"])),
        ];
        check(Some("spec.e164="), requests, &["begin", "listed a", "listed b", "end"]).await;
        // A list of one page has them all.
        let requests = [("limit=500", 200, page("10", None, &["a"])), ("resourceVersion=10", 200, watched)];
        check(Some("spec.e164="), requests, &["begin", "listed a", "end", "y"]).await;
    }

    #[tokio::test(start_paused = true)]
    async fn all_is_listed_anew_once_the_version_is_known_no_more() {
        let mark = |version: &str| json!({ "apiVersion": "a/v1", "kind": "PhoneNumber", "metadata": { "resourceVersion": version } });
        let requests = [
            ("limit=500", 200, page("10", None, &["a"])),
            ("resourceVersion=10", 200, events(&[("BOOKMARK", mark("20")), ("MODIFIED", object("a", 21))])),
            ("resourceVersion=21", 200, events(&[("ERROR", gone())])),
            ("limit=500", 200, page("30", None, &["a"])),
            ("resourceVersion=30", 410, gone().to_string()),
            ("limit=500", 200, page("40", None, &["b"])),
            (
                "resourceVersion=40",
                200,
                events(&[("ADDED", json!({ "metadata": { "name": "c" }, "spec": {} }))]),
            ),
            ("limit=500", 200, page("50", None, &["c"])),
        ];
        let expected = [
            "begin", "listed a", "end", "a", "begin", "listed a", "end", "begin", "listed b", "end",
            NO_VERSION, "begin", "listed c", "end",
        ];
        let took = check(None, requests, &expected).await;
        // A watch that begins anew, and three lists, each after a pause.
        assert!(took > SHORTEST + 3 * Duration::from_millis(800), "{took:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_list_whose_version_is_known_no_more_is_given_up_at_once() {
        let requests = [
            ("limit=500", 200, page("10", Some("t"), &["a"])),
            ("resourceVersion=10", 200, events(&[("ERROR", gone())])),
            ("continue=t", 0, String::new()),
            ("limit=500", 200, page("20", None, &["a", "b"])),
        ];
        check(None, requests, &["begin", "listed a", "begin", "listed a", "listed b", "end"]).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_list_that_fails_begins_anew() {
        let requests = [
            ("limit=500", 500, "no".to_owned()),
            ("limit=500", 200, page("", None, &["a"])),
            ("limit=500", 200, page("10", Some("t"), &["a"])),
            ("resourceVersion=10", 0, String::new()),
            ("continue=t", 410, gone().to_string()),
            ("limit=500", 200, page("20", None, &["a", "b"])),
        ];
        let expected =
            [UNLISTED, NO_VERSION, "begin", "listed a", UNLISTED, "begin", "listed a", "listed b", "end"];
        check(None, requests, &expected).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_list_goes_on_while_its_watch_cannot_be_begun() {
        let requests = [
            ("limit=500", 200, page("10", Some("t"), &["a"])),
            ("resourceVersion=10", 403, "no".to_owned()),
            ("continue=t", 200, page("10", Some("u"), &["b"])),
            ("continue=u", 200, page("10", None, &["c"])),
            ("resourceVersion=10", 500, "no".to_owned()),
            ("resourceVersion=10", 200, events(&[("ADDED", object("d", 11))])),
        ];
        let expected = ["begin", "listed a", UNWATCHED, "listed b", "listed c", "end", UNWATCHED, "d"];
        check(None, requests, &expected).await;
    }
}
