//! What a later version of the operator has written is left alone, told, and stands in nobody's way.

use control_plane::Options;
use serde_json::{Value, json};
use tokio::sync::OnceCell;
use vobiz_sim::{Fault, FaultRule, HoldAt, JournalFilter, Target};

use crate::{
    harness::{Cluster, PATIENCE, crds, eventually},
    health::{address, samples, served},
    table::{NEWER_VERSION, NUMBER_NOT_FOUND, PURCHASED, message},
    world::{World, claimed, record_path, state},
};

/// A cluster whose definitions are a later version's: they know words that this version does not.
static LATER: OnceCell<Cluster> = OnceCell::const_new();

pub async fn later() -> &'static Cluster {
    LATER
        .get_or_init(|| async {
            let cluster = Cluster::start(Options { controller_manager: true }).await;
            let folder = tempfile::TempDir::new().unwrap();
            let text = std::fs::read_to_string(crds().join("telephony.vobiz.ai.yaml")).unwrap();
            let mut definitions: Vec<Value> = serde_yaml::from_multiple(&text).unwrap();
            for definition in &mut definitions {
                open_words(&mut definition["spec"]["versions"][0]["schema"]);
            }
            let text: Vec<_> = definitions.iter().map(|definition| format!("---\n{definition}\n")).collect();
            std::fs::write(folder.path().join("later.yaml"), text.concat()).unwrap();
            cluster.plane.apply_crds(folder.path()).await.unwrap();
            cluster
        })
        .await
}

/// Every word and every time may be another one.
fn open_words(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            fields.remove("enum");
            fields.remove("format");
            fields.values_mut().for_each(open_words);
        }
        Value::Array(items) => items.iter_mut().for_each(open_words),
        _ => {}
    }
}

/// Has a later version write into an object.
async fn written(world: &World, path: &str, change: Value) -> Value {
    world.cluster.merge(path, &change).await
}

/// Fields of a later version at every level that a record has.
fn later_fields() -> Value {
    json!({
        "spec": { "later": 1, "claimRef": { "later": "x" }, "attempt": { "later": [1], "answer": { "later": true } } },
        "status": { "later": { "deep": {} } },
    })
}

fn assert_kept(record: &Value) {
    for (pointer, kept) in [
        ("/spec/later", json!(1)),
        ("/spec/claimRef/later", json!("x")),
        ("/spec/attempt/later", json!([1])),
        ("/spec/attempt/answer/later", json!(true)),
        ("/status/later", json!({ "deep": {} })),
    ] {
        assert_eq!(record.pointer(pointer), Some(&kept), "{pointer}: {record:#}");
    }
}

/// Claims for numbers that were bought, by name: what a later version gets to work on.
async fn bought(world: &World, names: &[&str]) -> Vec<String> {
    let operator = world.operator();
    let mut numbers = Vec::new();
    for name in names {
        let number = world.stocked();
        world.claim(name, &number).await;
        numbers.push(number);
    }
    for name in names {
        world.until(name, PURCHASED).await;
    }
    operator.stop().await;
    numbers
}

async fn assert_left_alone(world: &World, records: &[Value]) {
    for before in records {
        let path = record_path(before["spec"]["e164"].as_str().unwrap());
        assert_eq!(world.cluster.get(&path).await.as_ref(), Some(before), "it was written");
    }
}

fn assert_warned(world: &World, records: &[Value]) {
    for record in records {
        let (log, uid) = (world.log(), record["metadata"]["uid"].as_str().unwrap());
        let warned = log.lines().filter(|line| line.contains("leaves it alone") && line.contains(uid));
        assert!((2..=3).contains(&warned.count()), "once for each start: {log}");
    }
}

#[test]
fn what_a_later_version_wrote_is_left_alone_and_the_others_are_served() {
    testbed::run(async {
        let world = World::within(later().await).await;
        let names = ["plain", "state", "time", "wish", "status"];
        let numbers = bought(&world, &names).await;
        let records: Vec<_> = numbers.iter().map(|number| record_path(number)).collect();
        let [plain, state, time, wish, status] = [0, 1, 2, 3, 4].map(|index| records[index].as_str());
        let releasing = json!({ "spec": { "attempt": { "state": "Releasing", "release": { "id": "r" } } } });
        let left = [
            written(&world, state, releasing).await,
            written(&world, time, json!({ "spec": { "attempt": { "openedAt": "2026-W01-5T03Z" } } })).await,
        ];
        let hibernate = json!({ "spec": { "deletionPolicy": "Hibernate" } });
        written(&world, &world.claim_path("wish"), hibernate).await;
        let odd = json!({ "status": { "number": { "purchasedAt": "2026-01-02T03:04:05+99:99" } } });
        written(&world, &format!("{}/status", world.claim_path("status")), odd).await;

        let setup = served(world.setup());
        let mut operator = setup.start();
        for start in 1..=2 {
            for name in ["state", "time", "wish", "status"] {
                let claim = world.until(name, NEWER_VERSION.still("True")).await;
                assert!(message(&claim).contains("newer version") && message(&claim).contains("kubectl get"));
                assert!(claim["status"]["number"]["id"].is_string(), "{claim:#}");
            }
            // Another claim for such a number buys nothing.
            let late = format!("late-{start}");
            world.claim(&late, &numbers[1]).await;
            world.until(&late, NEWER_VERSION).await;
            world.served().await;
            world.until("plain", PURCHASED).await;
            let metrics = samples(&address(&setup).await, &[r#"unreadable_objects{kind="claim"} 2.0"#]).await;
            // Records of other tests are seen as well.
            assert!(!metrics.contains(r#"unreadable_objects{kind="record"} 0.0"#), "{metrics}");
            operator = operator.restart().await;
        }
        assert_left_alone(&world, &left).await;
        for record in [wish, status] {
            let record = world.cluster.get(record).await.unwrap();
            assert_eq!(claimed(&record), Some("True"), "its claim cannot be read, but it is there");
        }
        // In the words of this version again, each goes on where it was.
        let back = json!({ "spec": { "attempt": { "state": "Bound" } } });
        written(&world, state, back).await;
        written(&world, &world.claim_path("wish"), json!({ "spec": { "deletionPolicy": "Retain" } })).await;
        world.until("state", PURCHASED).await;
        world.until("wish", PURCHASED).await;
        for number in &numbers {
            assert_eq!(world.spent(number), (1, 1));
        }
        assert!(!world.log().contains("the definitions in the cluster are older"), "{}", world.log());
        assert_warned(&world, &left);
        assert!(world.cluster.get(plain).await.is_some());
    });
}

#[test]
fn fields_of_a_later_version_stay_whatever_is_written() {
    testbed::run(async {
        let world = World::within(later().await).await;
        let operator = world.operator();
        let (number, missing) = (world.stocked(), world.number());
        world.claim("office", &number).await;
        world.claim("missing", &missing).await;
        world.until("office", PURCHASED).await;
        world.until("missing", NUMBER_NOT_FOUND.settled()).await;
        let operator = operator.stop().await;
        for number in [&number, &missing] {
            written(&world, &record_path(number), later_fields()).await;
        }
        let status = format!("{}/status", world.claim_path("office"));
        written(&world, &status, json!({ "status": { "later": 7, "number": { "later": 8 } } })).await;

        let operator = operator.start();
        // Unclaimed, and claimed again.
        world.delete("office").await;
        let record = world.until_record(&number, |record| claimed(record) == Some("False")).await;
        assert_kept(&record);
        world.claim("office", &number).await;
        world.until("office", PURCHASED).await;
        let record = world.until_record(&number, |record| claimed(record) == Some("True")).await;
        assert_eq!(
            (&record["spec"]["later"], &record["status"]["later"]),
            (&json!(1), &json!({ "deep": {} }))
        );
        // A new attempt: what stood in the one before went with it.
        world.stock(&missing);
        world.retry("missing", "again").await;
        world.until("missing", PURCHASED).await;
        let record = world.record(&missing).await.unwrap();
        assert_eq!(
            (&record["spec"]["later"], &record["spec"]["attempt"]["later"]),
            (&json!(1), &Value::Null)
        );
        assert_eq!((world.spent(&number), world.spent(&missing)), ((1, 1), (2, 1)));
        operator.stop().await;
    });
}

#[test]
fn an_outcome_finds_its_record_rewritten_by_a_later_version() {
    testbed::run(async {
        let world = World::within(later().await).await;
        let operator = world.patient().start();
        for (name, attempt) in
            [("partly", json!({ "openedAt": "2026-W01-5T03Z" })), ("wholly", json!({ "state": "Releasing" }))]
        {
            let number = world.claim_held(name).await;
            let left =
                written(&world, &record_path(&number), json!({ "spec": { "attempt": attempt } })).await;
            world.until(name, NEWER_VERSION).await;
            world.release();
            if name == "partly" {
                // Its attempt is still the one that was sent, and open.
                let record = world.until_record(&number, |record| state(record) == "Bound").await;
                let stored = &record["spec"]["attempt"];
                assert_eq!(stored["answer"]["outcome"], "Purchased");
                assert_eq!(stored["openedAt"], left["spec"]["attempt"]["openedAt"]);
            } else {
                eventually("it is said where the outcome went", async || {
                    if world.log().contains("rewritten the record") { Ok(()) } else { Err(world.log()) }
                })
                .await;
                assert_eq!(world.record(&number).await, Some(left));
            }
            world.until(name, NEWER_VERSION).await;
            assert_eq!(world.spent(&number), (1, 1));
        }
        // No worker waits for ever.
        operator.stop().await;
    });
}

#[test]
fn a_claim_that_a_later_version_has_changed_is_not_bought_for() {
    testbed::run(async {
        let world = World::within(later().await).await;
        world.arm(FaultRule::new(Target::Ledger, Fault::Hold { at: HoldAt::Before }));
        let operator = world.operator();
        let number = world.stocked();
        world.claim("office", &number).await;
        // The operator looks, and cannot send before it has seen.
        world.vobiz.wait_for_held(&JournalFilter::default(), PATIENCE).await.unwrap();
        let hibernate = json!({ "spec": { "deletionPolicy": "Hibernate" } });
        written(&world, &world.claim_path("office"), hibernate).await;
        world.until("office", NEWER_VERSION).await;
        world.release();
        world.served().await;
        assert_eq!(world.spent(&number), (0, 0));
        operator.stop().await;
    });
}
