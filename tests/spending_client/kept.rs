//! Connections are never used twice.

use super::{
    client::{LONG, NUMBER, client, meaning},
    server::{
        Act::{Hold, Read},
        Server, answer, send,
    },
};

#[tokio::test]
async fn each_purchase_has_its_own_connection_even_if_the_last_one_is_kept() {
    let ours = format!(r#"{{"number":{{"e164":"{NUMBER}"}}}}"#);
    for kept in [answer(200, &ours), answer(404, r#"{"error":"x"}"#)] {
        let server = Server::plain(vec![Read, kept, Hold]).await;
        let client = client(&format!("http://127.0.0.1:{}", server.port), None, LONG);
        for _ in 0..5 {
            let outcome = client.purchase(NUMBER.parse().unwrap(), None).await;
            assert!(matches!(meaning(&outcome), "purchased" | "not found"), "{outcome:?}");
        }
        drop(client);
        let seen = server.finish().await;
        assert_eq!((seen.connections, seen.purchases), (5, 5));
    }
}

#[tokio::test]
async fn an_answer_sent_ahead_of_a_second_purchase_is_never_taken_for_its_own() {
    let ours = format!(r#"{{"number":{{"e164":"{NUMBER}"}}}}"#);
    let good = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{ours}", ours.len());
    let script = vec![Read, send(&format!("HTTP/1.1 503 X\r\nContent-Length: 0\r\n\r\n{good}")), Hold];
    let server = Server::plain(script).await;
    let client = client(&format!("http://127.0.0.1:{}", server.port), None, LONG);
    for _ in 0..2 {
        let outcome = client.purchase(NUMBER.parse().unwrap(), None).await;
        assert_eq!(meaning(&outcome), "unknown", "{outcome:?}");
    }
    drop(client);
    assert_eq!(server.finish().await.connections, 2);
}
