//! A real Prometheus (the Debian package) against the rules, the dashboard, and a running operator. The package is not
//! everywhere, so these tests run where they are asked for: `make e2e-prometheus`.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    process::{Output, Stdio},
    time::Duration,
};

use serde_json::{Value, json};
use tokio::{
    net::TcpListener,
    process::{Child, Command},
};
use vobiz_sim::{Fault, FaultRule, Target};

use crate::{
    harness::{cluster, eventually, run},
    health,
    table::{INVALID_CREDENTIALS, NEEDS_DECISION, NUMBER_NOT_FOUND, PURCHASED},
    world::{World, token},
};

fn file(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

const RULES: &str = "charts/vobiz-operator/files/alerts.yaml";
const RULES_TEST: &str = "tests/prometheus/alerts_test.yaml";
const DASHBOARD: &str = "charts/vobiz-operator/files/dashboard.json";

async fn promtool(arguments: &[&str]) -> String {
    let output = Command::new("promtool").args(arguments).current_dir(file("")).output().await;
    let Output { status, stdout, stderr } = output.expect("promtool is missing: apt-get install prometheus");
    let told = format!("{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    assert!(status.success(), "promtool {arguments:?}: {told}");
    told
}

fn yaml(path: &str) -> Value {
    serde_yaml::from_str(&std::fs::read_to_string(file(path)).unwrap()).unwrap()
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

#[test]
#[ignore = "needs the Debian package prometheus: make e2e-prometheus"]
fn the_rules_are_sound_and_each_alert_is_seen_to_fire_and_not_to_fire() {
    run(async |_world| {
        assert!(promtool(&["check", "rules", RULES]).await.contains("11 rules found"));
        assert!(promtool(&["test", "rules", RULES_TEST]).await.contains("SUCCESS"));
        let (rules, tests) = (yaml(RULES), yaml(RULES_TEST));
        let mut alerts = BTreeSet::new();
        for rule in list(&rules["groups"]).flat_map(|group| list(&group["rules"])) {
            let name = rule["alert"].as_str().unwrap();
            for text in ["summary", "description"] {
                assert!(rule["annotations"][text].is_string(), "{name} has no {text}");
            }
            let runbook = format!("docs/operations.md#{}", name.to_lowercase());
            assert_eq!(rule["annotations"]["runbook_url"], runbook.as_str());
            assert!(rule["labels"]["severity"].is_string(), "{name} has no severity");
            alerts.insert(name);
        }
        let mut seen: BTreeMap<bool, BTreeSet<&str>> = BTreeMap::new();
        for case in list(&tests["tests"]).flat_map(|test| list(&test["alert_rule_test"])) {
            let fires = list(&case["exp_alerts"]).next().is_some();
            seen.entry(fires).or_default().insert(case["alertname"].as_str().unwrap());
        }
        assert_eq!((&seen[&true], &seen[&false]), (&alerts, &alerts));
    });
}

/// A Prometheus that scrapes one address every second.
struct Prometheus {
    address: String,
    child: Child,
}

impl Prometheus {
    async fn start(world: &World, target: &str) -> Self {
        let config = json!({
            "global": { "scrape_interval": "1s", "evaluation_interval": "1s" },
            "rule_files": [file(RULES)],
            "scrape_configs": [{
                "job_name": "vobiz-operator",
                "static_configs": [{ "targets": [target], "labels": { "namespace": "vobiz" } }],
            }],
        });
        let path = world.folder.path().join("prometheus.yml");
        std::fs::write(&path, config.to_string()).unwrap();
        // Free a moment ago; should somebody else be faster, it does not come up and another is taken.
        for _ in 0..5 {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap().to_string();
            drop(listener);
            let log = std::fs::File::create(world.folder.path().join("prometheus.log")).unwrap();
            let mut command = Command::new("prometheus");
            command.arg(format!("--config.file={}", path.display()));
            command.arg(format!("--storage.tsdb.path={}", world.folder.path().join("tsdb").display()));
            command.arg(format!("--web.listen-address={address}"));
            command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log).kill_on_drop(true);
            cluster().await.plane.adopt(&mut command);
            let child = command.spawn().expect("prometheus is missing: apt-get install prometheus");
            let mut started = Self { address, child };
            if started.is_up().await {
                return started;
            }
        }
        let log = std::fs::read_to_string(world.folder.path().join("prometheus.log"));
        panic!("prometheus does not start: {log:?}");
    }

    async fn is_up(&mut self) -> bool {
        eventually("prometheus starts or ends", async || {
            if self.child.try_wait().unwrap().is_some() {
                return Ok(false);
            }
            let url = format!("http://{}/-/ready", self.address);
            let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
            match client.get(url).send().await {
                Ok(answer) if answer.status().is_success() => Ok(true),
                other => Err(format!("{other:?}")),
            }
        })
        .await
    }

    /// The result of a query over the last `span`, and nothing if there is no data.
    async fn range(&self, query: &str, span: Duration) -> Vec<Value> {
        let end = jiff::Timestamp::now().as_second();
        let start = end - i64::try_from(span.as_secs()).unwrap();
        let mut url = reqwest::Url::parse(&format!("http://{}/api/v1/query_range", self.address)).unwrap();
        url.query_pairs_mut()
            .append_pair("query", query)
            .append_pair("start", &start.to_string())
            .append_pair("end", &end.to_string())
            .append_pair("step", "1");
        let (status, body) =
            health::get(&self.address, &format!("{}?{}", url.path(), url.query().unwrap_or_default())).await;
        assert_eq!(status, 200, "{query}: {body}");
        let answer: Value = serde_json::from_str(&body).unwrap();
        answer["data"]["result"].as_array().unwrap().clone()
    }
}

/// The dashboard's panels with the queries of each, its variables filled in.
fn panels() -> Vec<(String, Vec<String>)> {
    let dashboard: Value = serde_json::from_str(&std::fs::read_to_string(file(DASHBOARD)).unwrap()).unwrap();
    let query = |target: &Value| {
        let query = target["expr"].as_str().unwrap();
        let query =
            query.replace("$__rate_interval", "15s").replace("$namespace", ".*").replace("$job", ".*");
        // A zero that is shown where there is nothing would hide a name that nobody serves.
        query.replace(" or vector(0)", "")
    };
    let panel = |panel: &Value| {
        (panel["title"].as_str().unwrap().to_owned(), list(&panel["targets"]).map(query).collect())
    };
    list(&dashboard["panels"]).map(panel).collect()
}

/// Lets scrapes happen: what Prometheus sees takes time, and the picture shows one thing after the other.
async fn meanwhile(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

/// A day in two minutes: purchases, one that is paid and not got, a number that does not exist, a purchase of unknown
/// outcome, a claim that goes, a wrong token.
async fn live_a_day(world: &World) {
    let lost = world.stocked();
    world.arm(FaultRule::new(Target::Purchase, Fault::DebitWithoutAssignment).e164(&lost));
    world.claim("lost", &lost).await;
    for index in 0..12 {
        world.claim(&format!("office-{index}"), &world.stocked()).await;
        meanwhile(2).await;
    }
    world.until("office-11", PURCHASED).await;
    world.claim("missing", &world.number()).await;
    world.until("missing", NUMBER_NOT_FOUND.settled()).await;
    world.claim_held("held").await;
    world.delete("office-0").await;
    world.delete("office-1").await;
    meanwhile(15).await;
    world.release();
    world.until("held", PURCHASED).await;
    world.vobiz.set_token(&world.account, "another").unwrap();
    world.claim("refused", &world.stocked()).await;
    world.until("refused", INVALID_CREDENTIALS).await;
    meanwhile(10).await;
    world.vobiz.set_token(&world.account, token(&world.account)).unwrap();
    world.until("refused", PURCHASED).await;
    world.until("lost", NEEDS_DECISION).await;
    meanwhile(10).await;
}

#[test]
#[ignore = "needs the Debian package prometheus: make e2e-prometheus"]
fn every_query_of_the_dashboard_returns_data_from_a_running_operator() {
    run(async |world| {
        let setup = health::served(world.setup().env("VOBIZ_PURCHASE_TIMEOUT", "20s"))
            .env("VOBIZ_SETTLE_TIME", "20s")
            .env("VOBIZ_RESYNC_INTERVAL", "10s");
        let _operator = setup.start();
        let prometheus = Prometheus::start(&world, &health::address(&setup).await).await;
        let begun = std::time::Instant::now();
        live_a_day(&world).await;

        let mut data = serde_json::Map::new();
        for (title, queries) in panels() {
            let mut results = Vec::new();
            for query in queries {
                let result = eventually(&format!("{title} has data: {query}"), async || {
                    let found = prometheus.range(&query, begun.elapsed()).await;
                    if found.is_empty() { Err("none".to_owned()) } else { Ok(found) }
                })
                .await;
                results.push(Value::from(result));
            }
            data.insert(title, results.into());
        }
        assert_eq!(data.len(), panels().len(), "two panels have the same title");
        let up = prometheus.range("ALERTS", begun.elapsed()).await;
        let pending: BTreeSet<&str> =
            up.iter().filter_map(|series| series["metric"]["alertname"].as_str()).collect();
        assert!(pending.contains("VobizInvalidCredentials"), "{pending:?}");
        if let Some(path) = std::env::var_os("DASHBOARD_DATA") {
            std::fs::write(path, Value::from(data).to_string()).unwrap();
        }
    });
}
