//! Reads, which may be made again: what a connection that has died means, and what Vobiz echoes.

use std::{collections::HashMap, time::Instant};

use jiff::civil::date;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
};
use vobiz_operator::vobiz::{Client, Filtered, Ledger, ReadError, readers::Pages};

use super::{
    client::{LONG, NUMBER, client, meaning, reader},
    server::{
        Act::{Close, Hold, Read},
        Server, answer,
    },
};

/// Answers so many requests on each connection, reads the next one, and closes: as a server, or a balancer before it, that
/// ends connections without saying so. Says for each request on which connection it came.
async fn closing(answers: usize) -> (Client, UnboundedReceiver<usize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (seen, asked) = unbounded_channel();
    tokio::spawn(async move {
        for connection in 0.. {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(serve(stream, connection, answers, seen.clone()));
        }
    });
    (client(&url, None, LONG), asked)
}

async fn serve(mut stream: TcpStream, connection: usize, answers: usize, seen: UnboundedSender<usize>) {
    for turn in 0..=answers {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            match stream.read_u8().await {
                Ok(byte) => head.push(byte),
                Err(_) => return,
            }
        }
        let _ = seen.send(connection);
        if turn < answers {
            let page = r#"{"items":[],"total":0}"#;
            let page = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{page}", page.len());
            stream.write_all(page.as_bytes()).await.unwrap();
        }
    }
}

fn arrived(asked: &mut UnboundedReceiver<usize>) -> Vec<usize> {
    std::iter::from_fn(|| asked.try_recv().ok()).collect()
}

#[tokio::test]
async fn a_read_that_meets_a_dead_connection_is_made_again_on_a_fresh_one() {
    let (client, mut asked) = closing(1).await;
    for _ in 0..4 {
        assert_eq!(client.search_owned(NUMBER.parse().unwrap()).await, Ok(Some(Vec::new())));
    }
    // Every second one meets what the one before has left, and has a fresh one then, which nobody keeps.
    assert_eq!(arrived(&mut asked), [0, 0, 1, 2, 2, 3]);
}

#[tokio::test]
async fn a_read_that_a_fresh_connection_does_not_answer_has_failed() {
    let (client, mut asked) = closing(0).await;
    assert!(matches!(client.search_owned(NUMBER.parse().unwrap()).await, Err(ReadError::Failed(_))));
    assert_eq!(arrived(&mut asked), [0, 1]);
}

#[tokio::test]
async fn a_purchase_never_meets_what_a_read_has_left_and_is_never_made_again() {
    let (client, mut asked) = closing(1).await;
    client.search_owned(NUMBER.parse().unwrap()).await.unwrap();
    assert_ne!(meaning(&client.purchase(NUMBER.parse().unwrap(), None).await), "purchased");
    assert_eq!(arrived(&mut asked), [0, 1]);
    let (client, mut asked) = closing(0).await;
    assert_ne!(meaning(&client.purchase(NUMBER.parse().unwrap(), None).await), "purchased");
    assert_eq!(arrived(&mut asked), [0]);
}

#[tokio::test]
async fn a_token_that_vobiz_echoes_is_in_nothing_that_the_client_returns() {
    let said =
        r#"{"error":"token","message":"the token t%6Fken of MA_TEST is bad, or TUFfVEVTVDp0b2tlbg=="}"#;
    for status in [200, 400, 401, 403, 404, 429, 500, 502] {
        let server = Server::plain(vec![Read, answer(status, said), Hold]).await;
        let client = client(&format!("http://127.0.0.1:{}", server.port), None, LONG);
        let purchase = client.purchase(NUMBER.parse().unwrap(), None).await;
        assert_ne!(meaning(&purchase), "purchased", "{status}");
        let read = client.search_owned(NUMBER.parse().unwrap()).await.unwrap_err();
        drop(client);
        server.finish().await;
        let words = format!("{purchase:?} {read} {read:?}").replace("credentials", "");
        for spelling in ["token", "t%6Fken", "b2tlb"] {
            assert!(!words.contains(spelling), "{status}: {words}");
        }
        assert!(
            words.contains("of MA_TEST is bad, or ***") || matches!(status, 200 | 429),
            "{status}: {words}"
        );
    }
    let row = format!(
        r#"{{"items":[{{"e164":"{NUMBER}","id":"token","region":"token","status":"token"}}],"total":1}}"#
    );
    let server = Server::plain(vec![Read, answer(200, &row), Hold]).await;
    let client = client(&format!("http://127.0.0.1:{}", server.port), None, LONG);
    let listed = format!("{:?}", client.search_owned(NUMBER.parse().unwrap()).await.unwrap());
    assert!(listed.contains("***") && !listed.contains("token"), "{listed}");
    drop(client);
    server.finish().await;
}

#[tokio::test]
async fn all_that_the_reader_can_do_is_get() {
    // Whatever it is told, each in a connection of its own.
    for told in
        [answer(200, r#"{"items":[],"transactions":[],"total":0}"#), answer(404, "{}"), answer(307, "{}")]
    {
        let server = Server::plain(vec![Read, told, Close]).await;
        let reader = reader(&format!("http://127.0.0.1:{}", server.port));
        let (number, day) = (NUMBER.parse().unwrap(), date(2026, 1, 2));
        let _ = reader.probe().await;
        let _ = reader.owned_numbers(&mut Pages::default(), Instant::now()).await;
        let _ = reader.owned_rows().await;
        let _ = reader.search_owned(number).await;
        let _ = reader.search_inventory(number).await;
        let _ = reader.balance("INR".parse().unwrap()).await;
        let _ = reader.ledger(&mut Ledger::kept_since(day), None).await;
        let _ = reader.filtered(&mut Filtered::since(day, HashMap::default()), Instant::now()).await;
        drop(reader);
        let seen = server.finish().await;
        assert!(seen.methods.len() >= 8 && seen.methods.iter().all(|method| method == "GET"), "{seen:?}");
    }
}
