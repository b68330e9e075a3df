//! The examples in `examples/ci/`: a workflow that gives no token away, and a job that the API server takes.

use std::{fs, process::Command};

use serde_json::Value;

use super::stream;
use crate::{harness::run, world::World};

fn example(name: &str) -> String {
    fs::read_to_string(format!("{}/examples/ci/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// Runs the words of an example that begin with `plan`, on a claim that buys.
async fn type_plan(world: &World, arguments: &str) -> i32 {
    let number = world.stocked();
    let claims = stream(&world.namespace, &[("a", serde_json::json!({ "e164": number }))]);
    let words = arguments.replace("/claims", "-").replace('\'', "");
    let (code, output, said) = world.setup().run_with(&claims, &words.split(' ').collect::<Vec<_>>()).await;
    assert!(output.starts_with("<!-- vobiz-plan -->") && output.contains(&number), "{said}");
    code
}

/// Every step of every job of a workflow.
fn steps(workflow: &Value) -> Vec<&Value> {
    let jobs = workflow["jobs"].as_object().unwrap().values();
    jobs.flat_map(|job| job["steps"].as_array().unwrap()).collect()
}

#[test]
fn the_workflow_shows_its_token_to_one_step_and_to_no_fork() {
    run(async |world| {
        let text = example("github-actions.yaml");
        let workflow: Value = serde_yaml::from_str(&text).unwrap();
        let on: Vec<_> = workflow["on"].as_object().unwrap().keys().collect();
        assert_eq!(on, ["pull_request"], "pull_request_target would run what a fork brings");
        assert_eq!(workflow["permissions"], serde_json::json!({}));
        let job = &workflow["jobs"]["plan"];
        assert!(job["if"].as_str().unwrap().contains("head.repo.full_name == github.repository"), "{job}");
        assert!(job["environment"].is_string() && job["timeout-minutes"].is_number(), "{job}");
        let mut holders = 0;
        for step in steps(&workflow) {
            holders += usize::from(step["env"].to_string().contains("secrets.VOBIZ_AUTH_TOKEN"));
            if let Some(action) = step["uses"].as_str() {
                let pin = action.split_once('@').unwrap().1;
                assert!(pin.len() == 40 && pin.bytes().all(|digit| digit.is_ascii_hexdigit()), "{action}");
            }
            let Some(script) = step["run"].as_str() else { continue };
            // What is written into a script may end its command: values come by variables.
            assert!(!script.contains("${{"), "{script}");
            let checked = Command::new("sh").args(["-n", "-c", script]).output().unwrap();
            assert!(checked.status.success(), "{script}: {checked:?}");
        }
        assert_eq!(holders, 1);
        let typed = text.lines().find(|line| line.trim().starts_with("plan -f")).unwrap();
        assert_eq!(type_plan(&world, typed.split(" >").next().unwrap().trim()).await, 0, "{typed}");
        let comment = text.contains("startswith(\"<!-- vobiz-plan -->\")");
        assert!(comment, "the comment is found by the marker");
    });
}

#[test]
fn the_job_is_one_that_the_api_server_takes_and_may_only_read() {
    run(async |world| {
        let text = example("plan-in-cluster.yaml");
        let own = text.replace("namespace: telephony", &format!("namespace: {}", world.namespace));
        let file = world.folder.path().join("job.yaml");
        fs::write(&file, own).unwrap();
        let apply = ["apply", "--dry-run=server", "--validate=strict", "-f", file.to_str().unwrap()];
        world.cluster.kubectl(&apply).await;
        let objects: Vec<Value> = serde_yaml::from_multiple(&text).unwrap();
        let role = objects.iter().find(|object| object["kind"] == "ClusterRole").unwrap();
        assert_eq!(role["rules"][0]["verbs"], serde_json::json!(["get", "list"]));
        assert_eq!(role["rules"].as_array().unwrap().len(), 1);
        let job = objects.iter().find(|object| object["kind"] == "Job").unwrap();
        let arguments = job["spec"]["template"]["spec"]["containers"][0]["args"].as_array().unwrap();
        let arguments: Vec<_> = arguments.iter().map(|word| word.as_str().unwrap()).collect();
        assert_eq!(type_plan(&world, &arguments.join(" ")).await, 0);
    });
}
