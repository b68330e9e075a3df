//! An API server that is not ready, not there, or comes and goes.

use control_plane::Options;
use serde_json::json;
use tokio::{io::AsyncReadExt, net::TcpListener};
use vobiz_sim::{Fault, FaultRule, HoldAt, Target};

use crate::{
    harness::{Cluster, crds, eventually, run},
    health,
    table::{PURCHASED, condition},
    world::{claim_path, record_path, state},
};

/// Claims a number in the namespace `default` of a cluster of the test's own.
pub async fn claim_in_default(cluster: &Cluster, number: &str) {
    let claim = json!({
        "apiVersion": "telephony.vobiz.ai/v1alpha1", "kind": "PhoneNumberClaim",
        "metadata": { "name": "office" }, "spec": { "e164": number },
    });
    let path = claim_path("default", "office");
    cluster.create(path.strip_suffix("/office").unwrap(), &claim).await;
}

#[test]
fn without_its_kinds_it_says_what_to_type_and_goes_on_once_they_are_there() {
    run(async |world| {
        let bare = Cluster::start(Options::default()).await;
        let kubeconfig = bare.plane.kubeconfig().display().to_string();
        let setup = health::served(world.setup()).env("KUBECONFIG", kubeconfig).without("WATCH_NAMESPACES");
        let mut operator = setup.start();
        let address = health::address(&setup).await;
        health::readiness(&address, 503, "[-] kinds: the API server does not know phonenumberclaims").await;
        eventually("it says what is missing", async || {
            let log = world.log();
            let told =
                log.contains("phonenumberclaims.telephony.vobiz.ai") && log.contains("kubectl apply -f -");
            if told { Ok(()) } else { Err(log) }
        })
        .await;
        assert!(operator.is_running());
        bare.plane.apply_crds(&crds()).await.unwrap();
        claim_in_default(&bare, &world.stocked()).await;
        bare.kubectl(&["wait", "pnc/office", "--for=condition=Ready", "--timeout=80s"]).await;
        health::readiness(&address, 200, "[+] kinds: ok").await;
        operator.stop().await;
        bare.plane.stop().unwrap();
    });
}

#[test]
fn an_api_server_that_cannot_be_reached_is_named_and_asked_again() {
    run(async |world| {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let kubeconfig = std::fs::read_to_string(world.cluster.plane.kubeconfig()).unwrap();
        let kubeconfig = kubeconfig.replace(&world.cluster.plane.url(), &format!("https://{address}"));
        let file = world.folder.path().join("kubeconfig");
        std::fs::write(&file, kubeconfig).unwrap();
        let mut operator = world.setup().env("KUBECONFIG", file.display().to_string()).start();
        // Whoever connects is turned away; it comes again and again.
        for _ in 0..5 {
            let (mut connection, _) = listener.accept().await.unwrap();
            let _ = connection.read_u8().await;
        }
        eventually("it says so", async || {
            let log = world.log();
            if log.contains("the API server cannot be reached") { Ok(()) } else { Err(log) }
        })
        .await;
        assert!(operator.is_running());
        drop(listener);
        operator.stop().await;
        assert_eq!(world.journal().requests, [], "Vobiz is left alone until the claims are known");
    });
}

#[test]
fn an_outcome_is_stored_though_the_api_server_was_away_when_it_arrived() {
    run(async |world| {
        let mut own = Cluster::start(Options::default()).await;
        own.plane.apply_crds(&crds()).await.unwrap();
        let number = world.stocked();
        world.arm(FaultRule::new(Target::Purchase, Fault::Hold { at: HoldAt::Before }));
        let kubeconfig = own.plane.kubeconfig().display().to_string();
        let _operator = world.patient().env("KUBECONFIG", kubeconfig).without("WATCH_NAMESPACES").start();
        claim_in_default(&own, &number).await;
        world.held(&number).await;
        own.plane.stop_apiserver();
        world.release();
        eventually("it has met the outage", async || {
            let log = world.log();
            if log.contains("the outcome of a purchase cannot be stored yet") { Ok(()) } else { Err(log) }
        })
        .await;
        own.plane.start_apiserver().await.unwrap();
        own.kubectl(&["wait", "pnc/office", "--for=condition=Ready", "--timeout=120s"]).await;
        let claim = own.get(&claim_path("default", "office")).await.unwrap();
        assert_eq!(condition(&claim, "Ready").unwrap()["reason"], PURCHASED.reason);
        let record = own.get(&record_path(&number)).await.unwrap();
        assert_eq!(
            (state(&record), &record["spec"]["attempt"]["answer"]["outcome"]),
            ("Bound", &json!("Purchased"))
        );
        assert_eq!(world.spent(&number), (1, 1));
        own.plane.stop().unwrap();
    });
}
