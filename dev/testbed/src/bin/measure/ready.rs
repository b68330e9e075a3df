//! When claims became ready, as a watch saw it.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use futures::{StreamExt, TryStreamExt, stream::BoxStream};
use http::Request;
use kube::{Client, core::WatchEvent};
use serde_json::Value;
use testbed::{Error, eventually, objects::claims_path, table::condition};
use tokio::{
    sync::watch,
    task::JoinHandle,
    time::{sleep, timeout},
};

use crate::bench::{Bench, Created};

const AGAIN: Duration = Duration::from_millis(50);

type Events = BoxStream<'static, Result<WatchEvent<Value>, kube::Error>>;

/// The claims of a namespace that are ready, with the time at which they were seen to be.
pub struct Ready {
    seen: watch::Receiver<BTreeMap<String, Instant>>,
    task: JoinHandle<()>,
}

impl Ready {
    /// Watches from now on. An API server that has just started does not serve that at once.
    pub async fn watch(bench: &Bench, namespace: &str) -> Self {
        let client = bench.cluster.plain_client().await;
        let path = claims_path(namespace);
        let list = eventually("claims are listed", async || {
            let list = bench.cluster.try_get(&format!("{path}?limit=1")).await;
            list.map_err(|error| error.to_string())?.ok_or_else(|| "404".to_owned())
        });
        let mut from = version(&list.await);
        let mut events = follow(&client, &path, &from).await;
        let (sender, seen) = watch::channel(BTreeMap::new());
        let task = tokio::spawn(async move {
            loop {
                // One ends now and then; the next one begins there.
                let _ = note(events, &mut from, &sender).await;
                sleep(AGAIN).await;
                events = follow(&client, &path, &from).await;
            }
        });
        Self { seen, task }
    }

    /// Waits until so many have been seen. If none is seen for so long, something is wrong.
    pub async fn until(&mut self, count: usize, patience: Duration) -> Result<(), Error> {
        loop {
            let before = self.count();
            let waited = timeout(patience, self.seen.wait_for(|seen| seen.len() >= count));
            if waited.await.is_ok() {
                return Ok(());
            }
            if self.count() == before {
                return Err(Error::Slow { bought: before, claims: count, seconds: patience.as_secs() });
            }
        }
    }

    /// How many have been seen.
    pub fn count(&self) -> usize {
        self.seen.borrow().len()
    }

    /// How long each of these took, from its create on.
    pub fn latencies(&self, created: &[Created]) -> Vec<Duration> {
        let seen = self.seen.borrow();
        created.iter().filter_map(|claim| Some(seen.get(&claim.name)?.duration_since(claim.at))).collect()
    }
}

impl Drop for Ready {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn follow(client: &Client, path: &str, from: &str) -> Events {
    let path = format!("{path}?watch=1&resourceVersion={from}");
    loop {
        match client.request_events::<Value>(request(&path)).await {
            Ok(events) => return events.boxed(),
            Err(_) => sleep(AGAIN).await,
        }
    }
}

async fn note(
    mut events: Events,
    from: &mut String,
    seen: &watch::Sender<BTreeMap<String, Instant>>,
) -> Result<(), kube::Error> {
    while let Some(event) = events.try_next().await? {
        let (WatchEvent::Added(claim) | WatchEvent::Modified(claim)) = event else { continue };
        *from = version(&claim);
        if condition(&claim, "Ready").is_some_and(|ready| ready["status"] == "True") {
            let name = claim["metadata"]["name"].as_str().unwrap_or_default().to_owned();
            seen.send_modify(|seen| {
                seen.entry(name).or_insert_with(Instant::now);
            });
        }
    }
    Ok(())
}

fn version(object: &Value) -> String {
    object["metadata"]["resourceVersion"].as_str().unwrap_or_default().to_owned()
}

fn request(path: &str) -> Request<Vec<u8>> {
    let mut request = Request::new(Vec::new());
    *request.uri_mut() = path.parse().unwrap_or_default();
    request
}
