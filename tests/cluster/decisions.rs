//! Who may answer `NeedsDecision`, where the policy in `examples/` is in force.

use serde_json::json;

use crate::harness::{eventually, run};

const POLICY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/policies/decisions.yaml");

#[test]
fn with_the_policy_only_who_may_delete_records_decides_about_money() {
    run(async |world| {
        let (namespace, kubectl) = (world.namespace.as_str(), async |line: &[&str]| {
            world.cluster.kubectl(&[&["-n", &world.namespace], line].concat()).await
        });
        kubectl(&["apply", "-f", POLICY]).await;
        kubectl(&["create", "role", "editor", "--verb=get,patch,update", "--resource=phonenumberclaims"])
            .await;
        kubectl(&["create", "rolebinding", "editor", "--role=editor", "--user=editor"]).await;
        world.claim("office", &world.number()).await;
        let id = "3f1c0000-0000-4000-8000-00000000000a";
        let set = |token: &str| {
            json!({ "metadata": { "annotations": { "telephony.vobiz.ai/retry": token } } }).to_string()
        };
        let (decision, wish) = (set(id), set("please"));
        let patch = ["patch", "pnc", "office", "--type=merge"];
        // It takes the API server a moment to know rights and policies.
        eventually("an editor may ask, and may not decide", async || {
            let as_editor = [&["-n", namespace, "--as=editor"], &patch[..]].concat();
            let plane = &world.cluster.plane;
            let asked = plane.run_kubectl(&[&as_editor[..], &["-p", &wish]].concat()).await;
            let decided = plane.run_kubectl(&[&as_editor[..], &["-p", &decision]].concat()).await;
            match (&asked, &decided) {
                (Ok(_), Err(error)) if error.to_string().contains("decides about money") => Ok(()),
                _ => Err(format!("{asked:?} {decided:?}")),
            }
        })
        .await;
        kubectl(&[&patch[..], &["-p", &decision]].concat()).await;
        let annotations = &world.get("office").await.unwrap()["metadata"]["annotations"];
        assert_eq!(annotations["telephony.vobiz.ai/retry"], id);
    });
}
