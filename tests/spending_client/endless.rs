//! No answer is read beyond its limit.

use std::time::Instant;

use jiff::civil::date;
use vobiz_operator::vobiz::{
    Ledger, ReadError,
    readers::{PAGE_BODY_LIMIT, PURCHASE_BODY_LIMIT, Pages},
};

use super::{
    client::{LONG, NUMBER, client, meaning, purchase},
    server::{
        Act::{self, Endless, Hold, Read},
        Server, send,
    },
};

/// What can be on its way in the sockets' buffers when the client stops reading: far more than Linux gives them.
const ON_ITS_WAY: usize = 32 << 20;

const CHUNKED: &str = "Transfer-Encoding: chunked";

/// A chunk of 64 KiB of white space, which JSON may begin with.
fn chunk() -> Vec<u8> {
    format!("10000\r\n{}\r\n", " ".repeat(0x10000)).into_bytes()
}

fn head(status: u16, length: &str) -> Act {
    send(&format!("HTTP/1.1 {status} X\r\n{length}\r\n\r\n"))
}

#[tokio::test]
async fn an_answer_without_an_end_is_an_unknown_outcome_and_is_not_read_on() {
    for status in [200, 400, 401, 402, 404, 409, 429, 500, 503] {
        for (length, bytes) in [
            (CHUNKED, chunk()),
            ("Content-Length: 9223372036854775807", vec![b' '; 0x10000]),
            ("A: b", vec![b'['; 0x10000]),
        ] {
            let server = Server::plain(vec![Read, head(status, length), Endless(bytes)]).await;
            let outcome = purchase(&format!("http://127.0.0.1:{}", server.port), None, LONG).await;
            let seen = server.finish().await;
            assert_eq!(meaning(&outcome), "unknown", "{status}, {length}: {outcome:?}");
            assert_eq!((seen.connections, seen.purchases), (1, 1), "{status}, {length}");
            assert!(seen.endless > PURCHASE_BODY_LIMIT / 2, "{status}, {length}: {}", seen.endless);
            assert!(seen.endless < PURCHASE_BODY_LIMIT + ON_ITS_WAY, "{status}, {length}: {}", seen.endless);
            assert_eq!(outcome.answer.http_status, Some(i32::from(status)));
            let message = outcome.answer.message.unwrap_or_default();
            assert!(message.contains("longer than"), "{message}");
        }
    }
}

#[tokio::test]
async fn an_announced_length_is_not_allocated() {
    let server =
        Server::plain(vec![Read, head(200, "Content-Length: 9223372036854775807"), send("{"), Act::Close])
            .await;
    let outcome = purchase(&format!("http://127.0.0.1:{}", server.port), None, LONG).await;
    assert_eq!(meaning(&outcome), "unknown", "{outcome:?}");
    assert_eq!(server.finish().await.purchases, 1);
}

#[tokio::test]
async fn a_list_without_an_end_is_unreadable_and_is_not_read_on() {
    let server = Server::plain(vec![Read, head(200, CHUNKED), Endless(chunk())]).await;
    let client = client(&format!("http://127.0.0.1:{}", server.port), None, LONG);
    let number = NUMBER.parse().unwrap();
    let errors: [ReadError; 4] = [
        client.owned_numbers(&mut Pages::default(), Instant::now()).await.unwrap_err(),
        client.search_inventory(number).await.unwrap_err(),
        client.balance("INR".parse().unwrap()).await.unwrap_err(),
        client.ledger(&mut Ledger::kept_since(date(2026, 1, 2)), None).await.unwrap_err(),
    ];
    for error in errors {
        assert!(matches!(&error, ReadError::Failed(why) if why.contains("longer than")), "{error:?}");
    }
    drop(client);
    let seen = server.finish().await;
    assert_eq!(seen.connections, 4);
    assert!(seen.endless < 4 * (PAGE_BODY_LIMIT + ON_ITS_WAY), "{}", seen.endless);
}

#[tokio::test]
async fn an_answer_of_exactly_the_limit_is_read() {
    let ours = format!(r#"{{"number":{{"e164":"{NUMBER}"}}}}"#);
    for (surplus, expected) in [(0, "purchased"), (1, "unknown")] {
        let body = format!("{}{ours}", " ".repeat(PURCHASE_BODY_LIMIT - ours.len() + surplus));
        let head = head(200, &format!("Content-Length: {}", body.len()));
        let server = Server::plain(vec![Read, head, send(&body), Hold]).await;
        let outcome = purchase(&format!("http://127.0.0.1:{}", server.port), None, LONG).await;
        assert_eq!(meaning(&outcome), expected, "{outcome:?}");
        server.finish().await;
    }
}
