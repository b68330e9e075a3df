//! One purchase is one request, over plain TCP.

use std::ops::RangeInclusive;

use vobiz_operator::vobiz::PurchaseAnswer;

use super::{
    client::{LONG, NUMBER, SHORT, meaning, purchase},
    server::{
        Act::{self, Close, Endless, Hold, Read, ReadSome, Reset, Shut},
        Seen, Server, answer, answer_with, send,
    },
};

const ENVELOPE: &str = r#"{"error":{"code":"x","message":"no"}}"#;

fn ours() -> String {
    format!(r#"{{"number":{{"e164":"{NUMBER}"}}}}"#)
}

struct Case {
    name: &'static str,
    script: Vec<Act>,
    /// How many purchases the server reads: never more than one, and none is certain where it speaks first, because
    /// then it depends on the client's turn whether anything is sent at all.
    arrive: RangeInclusive<usize>,
    expected: &'static str,
}

fn case(name: &'static str, script: Vec<Act>, arrive: usize, expected: &'static str) -> Case {
    Case { name, script, arrive: arrive..=arrive, expected }
}

/// The server speaks before it has read anything.
fn speaks_first(name: &'static str, script: Vec<Act>) -> Case {
    Case { name, script, arrive: 0..=1, expected: "unknown" }
}

/// Reads the request, answers so, and keeps the connection for whatever else may come.
fn answers(name: &'static str, given: Act, expected: &'static str) -> Case {
    case(name, vec![Read, given, Hold], 1, expected)
}

async fn run(case: &Case, timeout: std::time::Duration) -> (PurchaseAnswer, Seen) {
    let server = Server::plain(case.script.clone()).await;
    let outcome = purchase(&format!("http://127.0.0.1:{}", server.port), None, timeout).await;
    (outcome, server.finish().await)
}

fn check(case: &Case, (outcome, seen): &(PurchaseAnswer, Seen)) {
    assert_eq!(meaning(outcome), case.expected, "{}: {outcome:?}", case.name);
    assert_eq!(seen.connections, 1, "connections, {}: {outcome:?}", case.name);
    assert!(case.arrive.contains(&seen.purchases), "{seen:?}, {}: {outcome:?}", case.name);
}

async fn check_all(cases: Vec<Case>) {
    for case in cases {
        check(&case, &run(&case, LONG).await);
    }
}

/// In parallel, for each waits until the time limit.
async fn check_all_that_stall(cases: Vec<Case>) {
    let running: Vec<_> = cases
        .into_iter()
        .map(|case| {
            tokio::spawn(async move {
                let result = run(&case, SHORT).await;
                (case, result)
            })
        })
        .collect();
    for running in running {
        let (case, result) = running.await.unwrap();
        check(&case, &result);
    }
}

#[tokio::test]
async fn a_connection_that_ends_anywhere_is_one_request_of_unknown_outcome() {
    let length = "HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{\"number\":";
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n400\r\n{\"number\":";
    check_all(vec![
        case("closed unread", vec![Close], 0, "unknown"),
        case("reset unread", vec![Reset], 0, "unknown"),
        speaks_first("half closed unread", vec![Shut, Hold]),
        case("closed in the request line", vec![ReadSome(20), Close], 1, "unknown"),
        case("reset in the request line", vec![ReadSome(20), Reset], 1, "unknown"),
        case("closed in the headers", vec![ReadSome(120), Close], 1, "unknown"),
        case("reset in the headers", vec![ReadSome(120), Reset], 1, "unknown"),
        case("closed after the request", vec![Read, Close], 1, "unknown"),
        case("reset after the request", vec![Read, Reset], 1, "unknown"),
        case("half closed after the request", vec![Read, Shut, Hold], 1, "unknown"),
        case("closed in the status line", vec![Read, send("HTTP/1.1 20"), Close], 1, "unknown"),
        case(
            "closed in the answer's headers",
            vec![Read, send("HTTP/1.1 200 OK\r\nA: b"), Close],
            1,
            "unknown",
        ),
        case("closed in the body", vec![Read, send(length), Close], 1, "unknown"),
        case("reset in the body", vec![Read, send(length), Reset], 1, "unknown"),
        case("closed in a chunk", vec![Read, send(chunked), Close], 1, "unknown"),
        case("reset in a chunk", vec![Read, send(chunked), Reset], 1, "unknown"),
        case(
            "closed in a body without a length",
            vec![Read, send("HTTP/1.1 200 OK\r\n\r\n{\"number\":{\"e164\":\"+911234500000\""), Close],
            1,
            "unknown",
        ),
        case("closed after 100", vec![Read, send("HTTP/1.1 100 Continue\r\n\r\n"), Close], 1, "unknown"),
    ])
    .await;
}

#[tokio::test]
async fn a_server_that_falls_silent_anywhere_gets_one_request() {
    let hint = "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n";
    check_all_that_stall(vec![
        case("nothing is read", vec![Hold], 1, "unknown"),
        case("no answer", vec![Read, Hold], 1, "unknown"),
        answers("in the status line", send("HTTP/1.1 2"), "unknown"),
        answers("in the headers", send("HTTP/1.1 200 OK\r\nContent-Le"), "unknown"),
        answers("before the body", send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"), "unknown"),
        answers("in the body", send("HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{\"number\":"), "unknown"),
        answers("in a chunk", send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n{"), "unknown"),
        answers("in the body of a 404", send("HTTP/1.1 404 X\r\nContent-Length: 900\r\n\r\n{"), "unknown"),
        answers("in the body of a 409", send("HTTP/1.1 409 X\r\nContent-Length: 900\r\n\r\n{"), "rejected"),
        answers("after 100", send("HTTP/1.1 100 Continue\r\n\r\n"), "unknown"),
        answers("after 103", send(hint), "unknown"),
        answers("after an empty line", send("\r\n"), "unknown"),
        case("interim answers without an end", vec![Read, Endless(hint.into())], 1, "unknown"),
    ])
    .await;
}

#[tokio::test]
async fn an_invitation_to_send_again_is_not_followed() {
    for status in [300, 301, 302, 303, 305, 307, 308] {
        for place in ["/again", "", "//127.0.0.1/again"] {
            let headers = format!("Location: {place}\r\n");
            check_all(vec![answers("redirect", answer_with(status, &headers, ""), "unknown")]).await;
        }
    }
    let soon = "Retry-After: 0\r\n";
    check_all(vec![
        answers("408", answer_with(408, "Connection: close\r\n", ""), "unknown"),
        answers("408 in words", answer_with(408, soon, ENVELOPE), "unknown"),
        answers("425", answer_with(425, soon, ENVELOPE), "unknown"),
        answers("502", answer_with(502, soon, ""), "unknown"),
        answers("503", answer_with(503, soon, ""), "unknown"),
        answers("503 in words", answer_with(503, soon, ENVELOPE), "unknown"),
        answers("504", answer_with(504, soon, ENVELOPE), "unknown"),
        answers("429", answer_with(429, soon, ""), "rate limited"),
        answers("401", answer_with(401, "WWW-Authenticate: Basic realm=x\r\n", ""), "unauthorized"),
        answers("407", answer_with(407, "Proxy-Authenticate: Basic realm=x\r\n", ""), "unknown"),
        answers("421", answer_with(421, "", ""), "unknown"),
        answers("417", answer_with(417, "", ""), "unknown"),
        answers("426", answer_with(426, "Upgrade: h2c\r\nConnection: Upgrade\r\n", ""), "unknown"),
        answers("Refresh", answer_with(503, "Refresh: 0; url=/again\r\n", ""), "unknown"),
        answers("Alt-Svc", answer_with(503, "Alt-Svc: h3=\":443\"; ma=60\r\n", ""), "unknown"),
        speaks_first("408 before the request", vec![answer_with(408, "Connection: close\r\n", ""), Hold]),
    ])
    .await;
}

#[tokio::test]
async fn interim_and_surplus_answers_change_nothing_about_the_one_request() {
    let ours = ours();
    let good = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{ours}", ours.len());
    let not_found = format!("HTTP/1.1 404 X\r\nContent-Length: {}\r\n\r\n{ENVELOPE}", ENVELOPE.len());
    let after = |interim: &str| send(&format!("{interim}\r\n\r\n{good}"));
    check_all(vec![
        answers("100", after("HTTP/1.1 100 Continue"), "purchased"),
        answers("102", after("HTTP/1.1 102 Processing"), "purchased"),
        answers("103", after("HTTP/1.1 103 Early Hints\r\nLink: </x>"), "purchased"),
        answers("101", after("HTTP/1.1 101 X\r\nUpgrade: h2c\r\nConnection: Upgrade"), "unknown"),
        answers("a second answer behind the first", send(&format!("{good}{not_found}")), "purchased"),
        answers("a second answer behind a refusal", send(&format!("{not_found}{good}")), "not found"),
        answers(
            "a second answer behind an error",
            send(&format!("HTTP/1.1 503 X\r\nContent-Length: 0\r\n\r\n{good}")),
            "unknown",
        ),
    ])
    .await;
}

#[tokio::test]
async fn what_is_no_http_answer_is_one_request_and_an_unknown_outcome() {
    // SETTINGS, then GOAWAY with "refused, nothing was processed": what makes an HTTP/2 client send again.
    let goaway =
        [&[0, 0, 0, 4, 0, 0, 0, 0, 0][..], &[0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7]].concat();
    let ours = ours();
    check_all(vec![
        answers("HTTP/2 frames", Act::Send(goaway.clone()), "unknown"),
        speaks_first("HTTP/2 frames before the request", vec![Act::Send(goaway), Hold]),
        case("HTTP/2 preface", vec![Read, send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), Close], 1, "unknown"),
        case("a TLS alert", vec![Read, Act::Send(vec![21, 3, 1, 0, 2, 2, 40]), Close], 1, "unknown"),
        case("another protocol", vec![Read, send("SSH-2.0-OpenSSH_9.6\r\n"), Close], 1, "unknown"),
        case("NUL bytes", vec![Read, Act::Send(vec![0; 4096]), Close], 1, "unknown"),
        case("HTTP/0.9", vec![Read, send(&ours), Close], 1, "unknown"),
        answers("a status that is none", send("HTTP/1.1 99 X\r\nContent-Length: 0\r\n\r\n"), "unknown"),
        answers(
            "two lengths",
            send(&format!("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n{ours}")),
            "unknown",
        ),
        answers(
            "a chunk that is none",
            send(&format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{ours}")),
            "unknown",
        ),
        answers(
            "a length too short",
            send(&format!("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{ours}")),
            "unknown",
        ),
        case(
            "headers without an end",
            vec![Read, send("HTTP/1.1 200 OK\r\n"), Endless(b"X-A: b\r\n".to_vec())],
            1,
            "unknown",
        ),
        case(
            "a header without an end",
            vec![Read, send("HTTP/1.1 200 OK\r\nX: "), Endless(vec![b'a'; 4096])],
            1,
            "unknown",
        ),
    ])
    .await;
}

#[tokio::test]
async fn each_answer_means_what_the_table_says_and_arrives_once() {
    let ours = ours();
    let other = r#"{"number":{"e164":"+911234500001"}}"#;
    check_all(vec![
        answers("ours", answer(200, &ours), "purchased"),
        answers("another number", answer(200, other), "unknown"),
        answers("an empty 200", answer(200, ""), "unknown"),
        answers("an error in a 200", answer(200, ENVELOPE), "unknown"),
        answers("201", answer(201, &ours), "unknown"),
        answers("202", answer(202, &ours), "unknown"),
        answers("204", send("HTTP/1.1 204 X\r\n\r\n"), "unknown"),
        answers("304", send("HTTP/1.1 304 X\r\n\r\n"), "unknown"),
        answers("404 in words", answer(404, ENVELOPE), "not found"),
        answers("404 as a page", answer(404, "<html>"), "unknown"),
        answers("500 in words", answer(500, ENVELOPE), "payment failed"),
        answers("500 as a page", answer(500, "<html>"), "unknown"),
        answers("402", answer(402, "<html>"), "payment failed"),
        answers("400", answer(400, "<html>"), "rejected"),
        answers("403", answer(403, "<html>"), "rejected"),
        answers("409", answer(409, "no"), "rejected"),
        answers("422", answer(422, ""), "rejected"),
        case("HTTP/1.0", vec![Read, send(&format!("HTTP/1.0 200 OK\r\n\r\n{ours}")), Close], 1, "purchased"),
    ])
    .await;
}

#[tokio::test]
async fn a_connection_that_was_never_made_is_a_purchase_that_was_not_sent() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let refused = purchase(&format!("http://127.0.0.1:{port}"), None, LONG).await;
    assert_eq!(meaning(&refused), "not sent", "{refused:?}");
    // A name that is reserved for not existing.
    let nameless = purchase("https://vobiz.invalid", None, LONG).await;
    assert_eq!(meaning(&nameless), "not sent", "{nameless:?}");
}
