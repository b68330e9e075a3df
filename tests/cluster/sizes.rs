//! What others write or watch in great sizes: the operator's memory follows what it keeps of it.

use futures::{StreamExt, stream};
use serde_json::json;

use crate::{
    harness::run,
    health::{self, address, samples},
    operator::Operator,
};

/// Requests of a test at the same time.
const AT_A_TIME: usize = 8;

/// A line of the process's status, kilobytes.
fn kilobytes(operator: &Operator, line: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", operator.id().unwrap())).unwrap();
    let line = status.lines().find_map(|found| found.strip_prefix(line)).unwrap();
    line.trim_start_matches(':').split_whitespace().next().unwrap().parse().unwrap()
}

/// The memory that a process has needed at most since it started, megabytes.
fn peak(operator: &Operator) -> u64 {
    kilobytes(operator, "VmHWM") / 1024
}

fn resident(operator: &Operator) -> u64 {
    kilobytes(operator, "VmRSS") / 1024
}

#[test]
fn the_size_of_what_users_write_into_claims_is_not_kept_or_piled_up() {
    run(async |world| {
        const CLAIMS: usize = 250;
        let setup = health::served(world.setup());
        let operator = setup.start();
        world.served().await;
        let idle = resident(&operator);
        let number = world.number();
        // As much as annotations may hold: 64 MB in all.
        let (fat, spec) = (json!({ "note": "x".repeat(256 * 1024 - 1000) }), json!({ "e164": number }));
        let names: Vec<_> = (0..CLAIMS).map(|index| format!("fat-{index}")).collect();
        let created = stream::iter(&names).map(|name| world.claim_in(&world.namespace, name, &spec, &fat));
        created.buffer_unordered(AT_A_TIME).collect::<Vec<_>>().await;
        // One of them has the number. The operator is asked: a list of them is 64 MB, which keeps the API server
        // from all other tests.
        let told = format!("claims{{reason=\"Conflict\"}} {}.0", CLAIMS - 1);
        samples(&address(&setup).await, &[&told]).await;
        let arrived = peak(&operator);
        let operator = operator.restart().await;
        world.served().await;
        let restarted = peak(&operator);
        println!("idle {idle} MB, peak {arrived} MB, after a restart {restarted} MB");
        assert!(arrived < idle + 40 && restarted < idle + 40, "{idle} {arrived} {restarted}");
    });
}

/// Connections, listeners and the like that a process has open.
fn sockets(operator: &Operator) -> usize {
    let files = std::fs::read_dir(format!("/proc/{}/fd", operator.id().unwrap())).unwrap();
    let links = files.filter_map(|file| std::fs::read_link(file.ok()?.path()).ok());
    links.filter(|link| link.to_string_lossy().starts_with("socket:")).count()
}

#[test]
fn a_thousand_watched_namespaces_share_connections() {
    run(async |world| {
        const NAMESPACES: usize = 1000;
        let operator = world.operator();
        world.served().await;
        let idle = resident(&operator);
        operator.stop().await;
        let mut watched: Vec<_> =
            (1..NAMESPACES).map(|index| format!("{}-{index}", world.namespace)).collect();
        let created = stream::iter(&watched).map(|name| world.create_namespace(name));
        created.buffer_unordered(AT_A_TIME).collect::<Vec<_>>().await;
        watched.push(world.namespace.clone());
        let watched = watched.join(",");
        let setup = health::served(world.setup().env("WATCH_NAMESPACES", watched));
        let operator = setup.start();
        samples(&address(&setup).await, &["unlisted_namespaces 0.0"]).await;
        world.served().await;
        let (highest, sockets) = (peak(&operator), sockets(&operator));
        println!("idle {idle} MB; with {NAMESPACES} namespaces {highest} MB, {sockets} sockets");
        assert!(highest < idle + 48 && sockets < 60, "{idle} {highest} {sockets}");
    });
}
