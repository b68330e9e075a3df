//! Another cluster, filled from a backup that keeps specs and drops statuses.

use control_plane::Options;
use serde_json::{Value, json};

use crate::{
    harness::{Cluster, crds, eventually, run},
    table::{PURCHASED, PURCHASING, condition, message},
    world::claimed,
};

const API: &str = "/apis/telephony.vobiz.ai/v1alpha1";

/// An object as a backup brings it back: with its name, annotations, finalizers and spec, and nothing that a cluster made.
fn restored(object: &Value) -> Value {
    let mut metadata = json!({ "name": object["metadata"]["name"] });
    for kept in ["namespace", "annotations", "finalizers", "labels"] {
        if !object["metadata"][kept].is_null() {
            metadata[kept] = object["metadata"][kept].clone();
        }
    }
    json!({ "apiVersion": object["apiVersion"], "kind": object["kind"], "metadata": metadata, "spec": object["spec"] })
}

#[test]
fn a_restored_cluster_knows_its_numbers_and_buys_none_during_the_hold() {
    run(async |world| {
        let (kept, unclaimed, later) = (world.stocked(), world.stocked(), world.stocked());
        let operator = world.operator();
        world.claim("office", &kept).await;
        world.claim("shop", &unclaimed).await;
        let bought = world.until("office", PURCHASED).await;
        world.until("shop", PURCHASED).await;
        world.delete("shop").await;
        world.until_record(&unclaimed, |record| claimed(record) == Some("False")).await;
        operator.stop().await;
        let records = [world.record(&kept).await.unwrap(), world.record(&unclaimed).await.unwrap()];

        let other = Cluster::start(Options::default()).await;
        other.plane.apply_crds(&crds()).await.unwrap();
        let namespace =
            json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": world.namespace } });
        other.create("/api/v1/namespaces", &namespace).await;
        for record in &records {
            other.create(&format!("{API}/phonenumbers"), &restored(record)).await;
        }
        let claims = format!("{API}/namespaces/{}/phonenumberclaims", world.namespace);
        other.create(&claims, &restored(&bought)).await;
        let new = json!({ "apiVersion": "telephony.vobiz.ai/v1alpha1", "kind": "PhoneNumberClaim",
            "metadata": { "name": "new" }, "spec": { "e164": later } });
        other.create(&claims, &new).await;

        let setup = world.unhurried().env("HOLD_PURCHASES", "true");
        let _operator = setup.env("KUBECONFIG", other.plane.kubeconfig().display().to_string()).start();
        let until = async |name: &str, row: crate::table::Row| {
            eventually(&format!("{name} is {}", row.reason), async || {
                let claim = other.get(&format!("{claims}/{name}")).await.unwrap();
                if row.describes(&claim) { Ok(claim) } else { Err(claim["status"].to_string()) }
            })
            .await
        };
        until("office", PURCHASED).await;
        eventually("id, fees and time are read again", async || {
            let again = other.get(&format!("{claims}/office")).await.unwrap();
            let number = &again["status"]["number"];
            if *number == bought["status"]["number"] { Ok(()) } else { Err(number.to_string()) }
        })
        .await;
        assert!(message(&until("new", PURCHASING).await).contains("--hold-purchases"));
        assert_eq!(world.spent(&later), (0, 0));
        until("new", PURCHASED).await;
        assert_eq!(
            (world.spent(&kept), world.spent(&unclaimed), world.spent(&later)),
            ((1, 1), (1, 1), (1, 1))
        );
        let record = other.get(&format!("{API}/phonenumbers/{}", &unclaimed[1..])).await.unwrap();
        assert_eq!(condition(&record, "Claimed").unwrap()["status"], "False");
    });
}
