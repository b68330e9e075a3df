//! What an earlier version's definitions let in is served, although today's would not.

use std::fs;

use control_plane::Options;
use serde_json::json;

use crate::{
    harness::{Cluster, crds, eventually},
    table::REJECTED,
    world::{World, state},
};

const DEFINITIONS: &str = "telephony.vobiz.ai.yaml";

#[test]
fn numbers_of_few_digits_from_before_are_served_and_new_ones_refused() {
    testbed::run(async {
        let cluster = Cluster::start(Options { controller_manager: true }).await;
        let (folder, today) = (tempfile::TempDir::new().unwrap(), crds().join(DEFINITIONS));
        let before = fs::read_to_string(today).unwrap().replace("{6,14}", "{1,14}");
        fs::write(folder.path().join(DEFINITIONS), before).unwrap();
        cluster.plane.apply_crds(folder.path()).await.unwrap();
        let world = World::within(Box::leak(Box::new(cluster))).await;
        let number = "+9180";
        world.claim("old", number).await;

        world.cluster.plane.apply_crds(&crds()).await.unwrap();
        eventually("a number of few digits is refused", async || {
            let claim = json!({ "e164": "+918012" });
            let arguments = ["create", "--dry-run=server", "-n", &world.namespace, "-f"];
            let path = folder.path().join("claim.json");
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
