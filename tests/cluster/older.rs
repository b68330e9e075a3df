//! What an earlier version's definitions let in is served, although today's would not.

use std::fs;

use control_plane::Options;
use serde_json::{Value, json};
use tempfile::TempDir;
use vobiz_sim::OwnedNumber;

use crate::{
    harness::{Cluster, crds, eventually},
    prices::impatient,
    table::{PURCHASED, REJECTED},
    world::{World, state},
};

const DEFINITIONS: &str = "telephony.vobiz.ai.yaml";

/// A cluster with today's definitions, in which other words stand for those.
async fn before(words: &str, others: &str) -> World {
    let cluster = Cluster::start(Options { controller_manager: true }).await;
    let (folder, today) = (TempDir::new().unwrap(), fs::read_to_string(crds().join(DEFINITIONS)).unwrap());
    assert!(today.contains(words));
    fs::write(folder.path().join(DEFINITIONS), today.replace(words, others)).unwrap();
    cluster.plane.apply_crds(folder.path()).await.unwrap();
    World::within(Box::leak(Box::new(cluster))).await
}

/// What the API server has noted to be the operator's in an object's block: fields, and what is in them.
fn owned(object: &Value, block: &str) -> Value {
    let managed = object["metadata"]["managedFields"].as_array().unwrap();
    let ours = managed.iter().rfind(|entry| entry["manager"] == "vobiz-operator").unwrap();
    ours["fieldsV1"][block].clone()
}

#[test]
fn numbers_of_few_digits_from_before_are_served_and_new_ones_refused() {
    testbed::run(async {
        let world = before("{6,14}", "{1,14}").await;
        let number = "+9180";
        world.claim("old", number).await;

        world.cluster.plane.apply_crds(&crds()).await.unwrap();
        eventually("a number of few digits is refused", async || {
            let claim = json!({ "e164": "+918012" });
            let arguments = ["create", "--dry-run=server", "-n", &world.namespace, "-f"];
            let path = world.folder.path().join("claim.json");
            let claim = testbed::objects::claim(&world.namespace, "new", &claim, &json!({}));
            fs::write(&path, claim.to_string()).unwrap();
            let file = path.display().to_string();
            match world.cluster.plane.run_kubectl(&[arguments.as_slice(), &[&file]].concat()).await {
                Err(refused) if refused.to_string().contains("7 to 15 digits") => Ok(()),
                answer => Err(format!("{answer:?}")),
            }
        })
        .await;
        // Its record is created and written, its claim told of it, asked with again, and deleted.
        let _operator = world.operator();
        world.until("old", REJECTED).await;
        world.retry("old", "again").await;
        world.asked(|_| world.spent(number).0 == 2).await;
        world.until("old", REJECTED).await;
        world.until_record(number, |record| state(record) == "Failed").await;
        world.delete("old").await;
        world.until_no_record(number).await;
    });
}

#[test]
fn what_was_noted_in_parts_is_noted_whole_once_it_is_written_again() {
    testbed::run(async {
        let world = before("map-type: atomic", "map-type: granular").await;
        let number = world.stocked();
        let _operator = impatient(&world).start();
        world.claim("office", &number).await;
        let claim = world.until("office", PURCHASED).await;
        assert!(owned(&claim, "f:status")["f:number"].get("f:id").is_some());

        world.cluster.plane.apply_crds(&crds()).await.unwrap();
        // Its fee rises, until the definitions are in effect by which that is written.
        let mut fee = 60;
        eventually("the claim and its record are noted whole", async || {
            fee += 1;
            let owned_number = OwnedNumber::new(&number, &world.account);
            world.vobiz.put_owned(OwnedNumber { monthly_fee: Some(fee.into()), ..owned_number }).unwrap();
            let told = |claim: &Value| claim["status"]["number"]["monthlyFee"] == fee.to_string().as_str();
            let claim = eventually("the fee is told", async || {
                let claim = world.get("office").await.unwrap();
                if told(&claim) { Ok(claim) } else { Err(claim.to_string()) }
            })
            .await;
            let record = world.record(&number).await.unwrap();
            let noted = [
                &owned(&claim, "f:status")["f:number"],
                &owned(&claim, "f:status")["f:conditions"][r#"k:{"type":"Ready"}"#],
                &owned(&record, "f:spec")["f:attempt"],
                &owned(&record, "f:spec")["f:claimRef"],
                &owned(&record, "f:status")["f:number"],
            ];
            if noted.iter().all(|noted| **noted == json!({})) { Ok(()) } else { Err(format!("{noted:?}")) }
        })
        .await;
        assert_eq!(world.spent(&number), (1, 1));
    });
}
