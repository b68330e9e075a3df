//! Lists a kind, page by page, and watches it from where the list began: a claim that is created while a hundred thousand are
//! listed is seen at once, not after them.

use std::{collections::BTreeSet, fmt::Debug, time::Duration};

use futures::{Stream, StreamExt, TryStreamExt, future::ready, stream, stream::BoxStream};
use kube::{
    Api, Resource, ResourceExt,
    api::{ListParams, ObjectList, WatchEvent, WatchParams},
};
use kube_runtime::watcher::{Error, Event, Result};
use serde::de::DeserializeOwned;
use tokio::time::{Instant, sleep_until, timeout};

use super::interruption::is_routine;
use crate::api::ObjectKey;

/// Objects on a page of a list; where they are large, the client of the API server asks for fewer.
const A_PAGE: u32 = 500;

/// The API server ends a watch earlier, also a quiet one: after so long, the connection is lost.
const SILENCE: Duration = Duration::from_secs(295);

/// A watch that has ended begins anew no sooner after it began: whichever server or proxy ends all of them is not asked without a
/// pause.
const SHORTEST: Duration = Duration::from_secs(1);

/// What can be listed and watched.
pub trait Watched: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned + Send + 'static {}

impl<K: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned + Send + 'static> Watched for K {}

/// All objects, and then what changes, without an end. Of an object that changes while the others are listed, the change is
/// told, and not what the list says of it, which is older. After an error it goes on as soon as it is asked again.
pub fn list_watch<K: Watched>(api: Api<K>) -> impl Stream<Item = Result<Event<K>>> + Send {
    let ended = ListWatch { api, watch: None, listing: None };
    stream::unfold(ended, async |mut list_watch| Some((list_watch.next().await, list_watch)))
}

struct ListWatch<K> {
    api: Api<K>,
    /// What changes since the list began, until the API server knows no more where that was.
    watch: Option<BoxStream<'static, Result<Event<K>>>>,
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
            let Some(watch) = &mut self.watch else {
                let (version, objects) = list(self.api.clone()).await?;
                self.watch = Some(watch(self.api.clone(), version));
                self.listing = Some(Listing { objects, overtaken: BTreeSet::new() });
                return Ok(Event::Init);
            };
            let Some(Listing { objects, overtaken }) = &mut self.listing else {
                let Some(event) = watch.next().await else {
                    self.watch = None;
                    continue;
                };
                return event;
            };
            tokio::select! {
                biased;
                event = watch.next() => {
                    let Some(event) = event else {
                        self.watch = None;
                        continue;
                    };
                    if let Ok(Event::Apply(object) | Event::Delete(object)) = &event {
                        overtaken.insert(ObjectKey::of(object));
                    }
                    return event;
                }
                object = objects.next() => match object {
                    Some(Ok(object)) if overtaken.contains(&ObjectKey::of(&object)) => {}
                    Some(Ok(object)) => return Ok(Event::InitApply(object)),
                    Some(Err(error)) => {
                        self.watch = None;
                        return Err(error);
                    }
                    None => {
                        self.listing = None;
                        return Ok(Event::InitDone);
                    }
                }
            }
        }
    }
}

/// The version that a list is of, and its objects. All pages are of the version that the first one was.
async fn list<K: Watched>(api: Api<K>) -> Result<(String, BoxStream<'static, Result<K>>)> {
    let first = page(&api, None).await?;
    let version = first.metadata.resource_version.unwrap_or_default();
    let more = stream::try_unfold((api, first.metadata.continue_), async |(api, token)| {
        let Some(token) = token.filter(|token| !token.is_empty()) else { return Ok(None) };
        let page = page(&api, Some(&token)).await?;
        Ok(Some((page.items, (api, page.metadata.continue_))))
    });
    let pages = stream::once(ready(Ok(first.items))).chain(more);
    let objects = pages.map_ok(|items| stream::iter(items.into_iter().map(Ok))).try_flatten();
    Ok((known(version)?, objects.boxed()))
}

async fn page<K: Watched>(api: &Api<K>, token: Option<&str>) -> Result<ObjectList<K>> {
    let mut asked = ListParams::default().limit(A_PAGE);
    asked.continue_token = token.map(str::to_owned);
    api.list(&asked).await.map_err(Error::InitialListFailed)
}

/// What changes from a version on, until the API server knows that version no more.
fn watch<K: Watched>(api: Api<K>, version: String) -> BoxStream<'static, Result<Event<K>>> {
    let watch = Watch { api, version, events: None, begun: None };
    stream::unfold(Some(watch), async |watch| {
        let mut watch = watch?;
        let event = watch.next().await;
        let is_over =
            event.as_ref().is_err_and(|error| is_routine(error) || matches!(error, Error::NoResourceVersion));
        Some((event, (!is_over).then_some(watch)))
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
        let events = self.api.watch(&WatchParams::default(), &self.version).await;
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

    /// An API server that expects these requests, each by a part of its query, and is silent afterwards: that is told, in this
    /// order.
    async fn check(requests: impl IntoIterator<Item = (&'static str, u16, String)>, expected: &[&str]) {
        let left: Arc<Mutex<VecDeque<_>>> = Arc::new(Mutex::new(requests.into_iter().collect()));
        let requests = left.clone();
        let serve = move |request: http::Request<Body>| {
            let answer = requests.lock().unwrap().pop_front();
            async move {
                let Some((asked, code, body)) = answer else { return std::future::pending().await };
                let query = request.uri().query().unwrap_or_default();
                assert!(query.split('&').any(|part| part == asked), "{query} is not {asked}");
                let body = Body::from(body.into_bytes());
                Ok::<_, tower::BoxError>(http::Response::builder().status(code).body(body)?)
            }
        };
        let api: Api<Unread<PhoneNumber>> = Api::all(Client::new(tower::service_fn(serve), "default"));
        let told = list_watch(api).take(expected.len()).map(|event| match event {
            Ok(Event::Init) => "begin".to_owned(),
            Ok(Event::InitApply(object)) => format!("listed {}", object.name_any()),
            Ok(Event::InitDone) => "end".to_owned(),
            Ok(Event::Apply(object)) => object.name_any(),
            Ok(Event::Delete(object)) => format!("no {}", object.name_any()),
            Err(error) => error.to_string().split(':').next().unwrap_or_default().to_owned(),
        });
        assert_eq!(told.collect::<Vec<_>>().await, expected);
        assert!(left.lock().unwrap().is_empty());
    }

    #[tokio::test]
    async fn what_changes_while_the_others_are_listed_is_told_at_once_and_once() {
        let changes =
            [("ADDED", object("new", 11)), ("MODIFIED", object("c", 12)), ("DELETED", object("d", 13))];
        let requests = [
            ("limit=500", 200, page("10", Some("t"), &["a", "b"])),
            ("resourceVersion=10", 200, events(&changes)),
            ("continue=t", 200, page("10", None, &["c", "d", "e"])),
            // The watch has ended where it stood.
            ("resourceVersion=13", 200, events(&[("ADDED", object("d", 14))])),
        ];
        let expected = ["begin", "listed a", "listed b", "new", "c", "no d", "listed e", "end", "d"];
        check(requests, &expected).await;
    }

    #[tokio::test]
    async fn all_is_listed_anew_once_the_version_is_known_no_more() {
        let mark = |version: &str| json!({ "apiVersion": "a/v1", "kind": "PhoneNumber", "metadata": { "resourceVersion": version } });
        let requests = [
            ("limit=500", 200, page("10", None, &["a"])),
            ("resourceVersion=10", 200, events(&[("BOOKMARK", mark("20"))])),
            ("resourceVersion=20", 200, events(&[("ERROR", gone())])),
            ("limit=500", 200, page("30", None, &["b"])),
            ("resourceVersion=30", 410, gone().to_string()),
            ("limit=500", 200, page("40", None, &["c"])),
        ];
        let ended = ["error returned by apiserver during watch", "failed to start watching object"];
        let expected = [
            "begin", "listed a", "end", ended[0], "begin", "listed b", "end", ended[1], "begin", "listed c",
            "end",
        ];
        check(requests, &expected).await;
    }

    #[tokio::test]
    async fn a_list_that_fails_begins_anew() {
        let requests = [
            ("limit=500", 500, "no".to_owned()),
            ("limit=500", 200, page("", None, &["a"])),
            ("limit=500", 200, page("10", Some("t"), &["a"])),
            ("resourceVersion=10", 500, "no".to_owned()),
            ("continue=t", 410, gone().to_string()),
            ("limit=500", 200, page("20", None, &["a", "b"])),
            ("resourceVersion=20", 200, events(&[("ADDED", object("c", 21))])),
            ("resourceVersion=21", 500, "no".to_owned()),
            ("resourceVersion=21", 200, events(&[("ADDED", object("d", 22))])),
        ];
        let (lost, unwatched) = ("failed to perform initial object list", "failed to start watching object");
        let no_version = "no metadata.resourceVersion in watch result (does resource support watch?)";
        let expected = [
            lost, no_version, "begin", "listed a", unwatched, lost, "begin", "listed a", "listed b", "end",
            "c", unwatched, "d",
        ];
        check(requests, &expected).await;
    }
}
