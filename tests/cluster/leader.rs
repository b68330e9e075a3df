//! Of several replicas one works, and the next takes over. What each did and when, its own log tells.

use std::time::Instant;

use control_plane::Options;
use http::Method;
use jiff::Timestamp;
use serde_json::{Value, json};
use vobiz_sim::Operation;

use crate::{
    harness::{Cluster, crds, eventually, run},
    operator::{Operator, Setup},
    outage::claim_in_default,
    table::PURCHASED,
    world::{World, claim_path, state},
};

const ELECTED: &str = "elected: this process leads";
const ENDED: [&str; 2] = ["leading no longer", "the lease is released"];

/// A replica with a log of its own, which votes in a namespace that this world's other tests do not.
pub fn replica(world: &World, name: &str) -> Setup {
    let mut setup = world.setup();
    setup.log = world.folder.path().join(name);
    setup.env("LEADER_ELECT", "true").env("LEADER_ELECTION_NAMESPACE", &world.namespace)
}

fn log(setup: &Setup) -> String {
    std::fs::read_to_string(&setup.log).unwrap_or_default()
}

async fn says(setup: &Setup, times: usize, words: &str) {
    eventually(&format!("it says {times} times: {words}"), async || {
        let log = log(setup);
        if log.matches(words).count() >= times { Ok(()) } else { Err(log) }
    })
    .await;
}

fn lease_path(namespace: &str) -> String {
    format!("/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases/vobiz-operator")
}

async fn holder(world: &World) -> Option<String> {
    let lease = world.cluster.get(&lease_path(&world.namespace)).await?;
    lease["spec"]["holderIdentity"].as_str().filter(|name| !name.is_empty()).map(str::to_owned)
}

/// The first replica leads and the second waits.
pub async fn two([first, second]: [Setup; 2]) -> [(Setup, Operator); 2] {
    let leads = first.start();
    says(&first, 1, ELECTED).await;
    let waits = second.start();
    says(&second, 1, "another process leads").await;
    [(first, leads), (second, waits)]
}

#[test]
fn one_of_two_leads_and_the_other_takes_over_after_kill_and_stop() {
    run(async |world| {
        let [(first, leads), (second, waits)] =
            two([replica(&world, "first.log"), replica(&world, "second.log")]).await;
        let numbers = [world.stocked(), world.stocked(), world.stocked()];
        world.claim("one", &numbers[0]).await;
        world.until("one", PURCHASED).await;

        let killed = Instant::now();
        leads.kill9().await;
        says(&second, 1, ELECTED).await;
        let after_kill = killed.elapsed();
        // Somebody who showed a sign of life within the deadline is respected for the rest of the lease.
        assert!(after_kill.as_secs() >= 5, "the lease was not respected: {after_kill:?}");
        world.claim("two", &numbers[1]).await;
        world.until("two", PURCHASED).await;

        let again = first.start();
        says(&first, 1, "another process leads").await;
        let before = holder(&world).await;
        let stopped = Instant::now();
        waits.stop().await;
        assert_ne!(holder(&world).await, before, "it was released, or taken already");
        says(&first, 2, ELECTED).await;
        let after_stop = stopped.elapsed();
        world.claim("three", &numbers[2]).await;
        world.until("three", PURCHASED).await;
        again.stop().await;
        assert_eq!(holder(&world).await, None);
        for number in &numbers {
            assert_eq!(world.spent(number), (1, 1));
        }
        eprintln!("taken over {after_kill:.1?} after a kill, {after_stop:.1?} after a stop");
    });
}

#[test]
fn a_standby_checks_credentials_and_nothing_else() {
    run(async |world| {
        let path = lease_path(&world.namespace);
        let spec = json!({
            "holderIdentity": "somebody", "leaseDurationSeconds": 3600, "leaseTransitions": 7,
            "acquireTime": "2020-01-01T00:00:00.000000Z", "renewTime": "2020-01-01T00:00:00.000000Z",
        });
        let lease = json!({
            "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
            "metadata": { "name": "vobiz-operator" }, "spec": spec,
        });
        world.cluster.create(path.strip_suffix("/vobiz-operator").unwrap(), &lease).await;
        let number = world.stocked();
        world.claim("office", &number).await;
        let setup = replica(&world, "waits.log");
        let operator = setup.start();
        says(&setup, 1, r#""holder":"somebody""#).await;
        let asked = world.journal().requests;
        assert!(asked.iter().all(|request| request.operation == Operation::List), "{asked:?}");
        assert!(asked.len() <= 1, "{asked:?}");
        assert_eq!(world.get("office").await.unwrap()["status"], json!({ "observedGeneration": -1 }));

        world.cluster.merge(&path, &json!({ "spec": { "holderIdentity": null } })).await;
        world.until("office", PURCHASED).await;
        let lease = world.cluster.get(&path).await.unwrap();
        assert_eq!(lease["spec"]["leaseTransitions"], 8);
        assert_ne!(lease["spec"]["acquireTime"], spec["acquireTime"]);
        operator.stop().await;
        assert_eq!(world.spent(&number), (1, 1));
    });
}

#[test]
fn a_stopped_leader_releases_the_lease_after_its_purchase_is_stored() {
    run(async |world| {
        let patient = replica(&world, "first.log").env("VOBIZ_PURCHASE_TIMEOUT", "5m");
        let setup = patient.env("VOBIZ_SETTLE_TIME", "5m");
        let mut operator = setup.start();
        let number = world.claim_held("office").await;
        let leader = holder(&world).await;
        assert!(leader.is_some());
        let renewed =
            async || world.cluster.get(&lease_path(&world.namespace)).await.unwrap()["spec"].clone();
        operator.terminate().await;
        says(&setup, 1, "stopping:").await;
        let before = renewed().await;
        let spec = eventually("the lease is renewed during the stop", async || {
            let spec = renewed().await;
            if spec["renewTime"] == before["renewTime"] { Err(spec.to_string()) } else { Ok(spec) }
        })
        .await;
        assert_eq!(spec["holderIdentity"].as_str(), leader.as_deref());
        world.release();
        assert!(operator.ended().await.success());
        assert_eq!(holder(&world).await, None);
        let record = world.record(&number).await.unwrap();
        assert_eq!((state(&record), world.spent(&number)), ("Bound", (1, 1)));
    });
}

#[test]
fn a_lease_that_is_taken_away_ends_the_work_and_the_loser_waits_again() {
    run(async |world| {
        let setup = replica(&world, "first.log").env("VOBIZ_PURCHASE_TIMEOUT", "5m");
        let setup = setup.env("VOBIZ_SETTLE_TIME", "5m");
        let operator = setup.start();
        let number = world.claim_held("office").await;
        let thief = json!({ "spec": { "holderIdentity": "somebody", "leaseDurationSeconds": 3600 } });
        world.cluster.merge(&lease_path(&world.namespace), &thief).await;
        says(&setup, 1, "leading no longer").await;
        let other = world.stocked();
        world.claim("other", &other).await;
        // What was under way finishes, and its outcome is stored; only then does it stand again.
        world.release();
        world.until_record(&number, |record| state(record) == "Bound").await;
        says(&setup, 1, r#""holder":"somebody""#).await;
        assert_eq!(world.spent(&other), (0, 0));

        let nobody = json!({ "spec": { "holderIdentity": "" } });
        world
            .cluster
            .request(Method::PATCH, &lease_path(&world.namespace), "application/merge-patch+json", &nobody)
            .await;
        says(&setup, 2, ELECTED).await;
        world.until("office", PURCHASED).await;
        world.until("other", PURCHASED).await;
        operator.stop().await;
        assert_eq!((world.spent(&number), world.spent(&other)), ((1, 1), (1, 1)));
    });
}

/// From when to when a process led, by its log.
fn terms(setup: &Setup) -> Vec<(Timestamp, Timestamp)> {
    let (mut terms, mut since) = (Vec::new(), None);
    for line in log(setup).lines() {
        let entry: Value = serde_json::from_str(line).unwrap();
        let (at, message) = (entry["timestamp"].as_str().unwrap(), entry["message"].as_str().unwrap());
        if message == ELECTED {
            since = Some(at.parse().unwrap());
        } else if ENDED.iter().any(|words| message.contains(words)) {
            terms.extend(since.take().map(|since| (since, at.parse().unwrap())));
        }
    }
    terms.extend(since.map(|since| (since, Timestamp::now())));
    terms
}

#[test]
fn an_outage_of_the_api_server_does_not_make_two_leaders() {
    run(async |world| {
        let mut own = Cluster::start(Options::default()).await;
        own.plane.apply_crds(&crds()).await.unwrap();
        let kubeconfig = own.plane.kubeconfig().display().to_string();
        let replica = |name: &str| {
            let setup = replica(&world, name).env("KUBECONFIG", &kubeconfig).without("WATCH_NAMESPACES");
            setup.env("LEADER_ELECTION_NAMESPACE", "default")
        };
        let (first, second) = (replica("first.log"), replica("second.log"));
        let leads = first.start();
        says(&first, 1, ELECTED).await;
        let waits = second.start();
        says(&second, 1, "another process leads").await;

        own.plane.stop_apiserver();
        says(&first, 1, "leading no longer").await;
        own.plane.start_apiserver().await.unwrap();
        let number = world.stocked();
        claim_in_default(&own, &number).await;
        own.kubectl(&["wait", "pnc/office", "--for=condition=Ready", "--timeout=120s"]).await;
        assert!(own.get(&claim_path("default", "office")).await.is_some());
        leads.stop().await;
        waits.stop().await;

        let (ours, others) = (terms(&first), terms(&second));
        assert!(ours.len() + others.len() >= 2, "somebody was elected anew: {ours:?} {others:?}");
        for (begin, end) in &ours {
            for (since, until) in &others {
                assert!(end <= since || until <= begin, "two led at once: {ours:?} {others:?}");
            }
        }
        assert_eq!(world.spent(&number), (1, 1));
        own.plane.stop().unwrap();
    });
}
