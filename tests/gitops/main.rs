//! What Argo CD and Flux make of claims as they really were, by the engines that these two use themselves.
//!
//! The claims in `statuses/` were kept by the tests of the whole (`KEEP_STATUSES=tests/gitops/statuses cargo test --test
//! cluster`), one for each case of the conditions table.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use control_plane::Component;
use serde_json::Value;
use vobiz_operator::api::{Progress, Reason};

fn place(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn program(component: Component) -> PathBuf {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime
        .block_on(control_plane::program(component, control_plane::in_lines(|line| println!("{line}"))))
        .unwrap()
}

fn progress(reason: Reason, settled: bool) -> &'static str {
    match reason.row(settled).progress {
        Progress::Done => "",
        Progress::Reconciling => "Reconciling",
        Progress::Stalled => "Stalled",
    }
}

/// Every case of the table, by the name of its file, and the claim in it.
fn claims() -> Vec<(String, Value)> {
    let cases = Reason::ALL.iter().copied().flat_map(|reason| {
        [false, true].map(|settled| format!("{}{}", reason.into_str(), progress(reason, settled)))
    });
    let names: BTreeSet<_> = cases.collect();
    let read = |name: String| {
        let file = place("tests/gitops/statuses").join(format!("{name}.json"));
        let text = fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        (name, serde_json::from_str(&text).unwrap())
    };
    names.into_iter().map(read).collect()
}

/// A claim that the operator has not looked at yet, as the schema's default makes it, and one that has been changed since.
fn unseen() -> [(String, Value); 2] {
    let (_, bought) = claims().into_iter().find(|(name, _)| name == "Purchased").unwrap();
    let (mut fresh, mut changed) = (bought.clone(), bought);
    fresh["status"] = serde_json::json!({ "observedGeneration": -1 });
    changed["metadata"]["generation"] = 2.into();
    [("fresh".into(), fresh), ("changed".into(), changed)]
}

/// `name` as one of three words: bought, failed, or neither yet.
fn expected<'a>(name: &str, [bought, failed, neither]: [&'a str; 3]) -> &'a str {
    match name {
        "Purchased" | "Adopted" => bought,
        name if name.ends_with("Stalled") => failed,
        _ => neither,
    }
}

fn ready_message(claim: &Value) -> Option<&str> {
    let conditions = claim["status"]["conditions"].as_array()?;
    conditions.iter().find(|condition| condition["type"] == "Ready")?["message"].as_str()
}

#[test]
#[ignore = "builds Flux's library: make e2e"]
fn flux_waits_for_a_purchase_and_fails_when_somebody_has_to_act() {
    let cases: Vec<_> = claims().into_iter().chain(unseen()).collect();
    let mut kstatus = Command::new(program(Component::Kstatus))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = kstatus.stdin.take().unwrap();
    for (_, claim) in &cases {
        input.write_all(claim.to_string().as_bytes()).unwrap();
    }
    drop(input);
    let output = kstatus.wait_with_output().unwrap();
    assert!(output.status.success());
    let output = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<_> = output.lines().collect();
    assert_eq!(lines.len(), cases.len());
    for ((name, claim), line) in cases.iter().zip(lines) {
        let (status, message) = line.split_once('\t').unwrap();
        assert_eq!(status, expected(name, ["Current", "Failed", "InProgress"]), "{name}: {message}");
        if status == "Failed" {
            assert_eq!(Some(message), ready_message(claim), "{name}");
        }
    }
}

/// JSON as Lua writes it.
fn lua(value: &Value, out: &mut String) {
    match value {
        Value::Null => out.push_str("nil"),
        Value::Array(items) => {
            out.push('{');
            for item in items {
                lua(item, out);
                out.push(',');
            }
            out.push('}');
        }
        Value::Object(fields) => {
            out.push('{');
            for (name, field) in fields {
                let _ = write!(out, "[{name:?}]=");
                lua(field, out);
                out.push(',');
            }
            out.push('}');
        }
        // Long brackets: nothing in between is an escape.
        Value::String(text) => {
            let _ = write!(out, "[==[{text}]==]");
        }
        other => {
            let _ = write!(out, "{other}");
        }
    }
}

#[test]
#[ignore = "builds Argo CD's Lua: make e2e"]
fn argo_cd_calls_a_claim_healthy_only_when_it_is_bought() {
    let script = fs::read_to_string(place("examples/gitops/argocd/health.lua")).unwrap();
    let cases: Vec<_> = claims().into_iter().chain(unseen()).collect();
    let mut program_text = format!("local function health(obj)\n{script}\nend\n");
    for (_, claim) in &cases {
        program_text.push_str("local hs = health(");
        lua(claim, &mut program_text);
        program_text.push_str(")\nprint(hs.status .. \"\\t\" .. hs.message)\n");
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("health.lua");
    fs::write(&file, program_text).unwrap();
    let output = Command::new(program(Component::Glua)).arg(&file).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    let output = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<_> = output.lines().collect();
    assert_eq!(lines.len(), cases.len());
    for ((name, claim), line) in cases.iter().zip(lines) {
        let (status, message) = line.split_once('\t').unwrap();
        let suspended = (name == "Paused").then_some("Suspended");
        let expected = suspended.unwrap_or(expected(name, ["Healthy", "Degraded", "Progressing"]));
        assert_eq!(status, expected, "{name}");
        if name != "fresh" && name != "changed" {
            assert!(message.ends_with(ready_message(claim).unwrap()), "{name}: {message}");
        }
    }
}

#[test]
fn the_script_in_argocd_cm_is_the_one_that_is_tested() {
    let script = fs::read_to_string(place("examples/gitops/argocd/health.lua")).unwrap();
    let config = fs::read_to_string(place("examples/gitops/argocd/argocd-cm.yaml")).unwrap();
    let config: Value = serde_yaml::from_str(&config).unwrap();
    let key = "resource.customizations.health.telephony.vobiz.ai_PhoneNumberClaim";
    assert_eq!(config["data"][key].as_str(), Some(script.as_str()));
}

#[test]
fn every_case_of_the_table_is_held_against_its_row() {
    for (name, claim) in claims() {
        let conditions = claim["status"]["conditions"].as_array().unwrap();
        let reason = conditions[0]["reason"].as_str().unwrap();
        let also = ["Reconciling", "Stalled"]
            .into_iter()
            .find(|type_| conditions.iter().any(|condition| condition["type"] == **type_));
        assert_eq!(name, format!("{reason}{}", also.unwrap_or_default()));
    }
}
