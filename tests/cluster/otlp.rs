//! Traces: with the feature, a local receiver gets the spans; without it, asking for them is an error.

use crate::{harness::run, world::World};

#[cfg(not(feature = "otlp"))]
#[test]
fn traces_that_were_not_built_are_refused_at_the_start() {
    run(async |world: World| {
        let setup = world.setup().env("OTLP_ENDPOINT", "http://127.0.0.1:4318");
        let (success, _, complaint) = setup.run_to_end(&["run"]).await;
        assert!(!success && complaint.contains("--features otlp"), "{complaint}");
    });
}

#[cfg(feature = "otlp")]
mod receiver {
    use std::sync::{Arc, Mutex};

    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::{TcpListener, TcpStream},
    };

    use super::*;
    use crate::{harness::eventually, table::PURCHASED};

    /// The length-delimited fields of a protobuf message, by number: all that is needed of OTLP.
    fn fields(mut message: &[u8]) -> Vec<(u64, &[u8])> {
        fn varint(bytes: &mut &[u8]) -> u64 {
            let mut value = 0;
            for shift in (0..).step_by(7) {
                let byte = bytes[0];
                *bytes = &bytes[1..];
                value |= u64::from(byte & 0x7f) << shift;
                if byte < 0x80 {
                    break;
                }
            }
            value
        }
        let mut found = Vec::new();
        while !message.is_empty() {
            let key = varint(&mut message);
            let length = match key & 7 {
                0 => {
                    varint(&mut message);
                    continue;
                }
                1 => 8,
                5 => 4,
                2 => usize::try_from(varint(&mut message)).unwrap(),
                other => panic!("no such wire type: {other}"),
            };
            let (value, rest) = message.split_at(length);
            message = rest;
            if key & 7 == 2 {
                found.push((key >> 3, value));
            }
        }
        found
    }

    fn all<'a>(messages: impl IntoIterator<Item = &'a [u8]>, number: u64) -> Vec<&'a [u8]> {
        messages
            .into_iter()
            .flat_map(fields)
            .filter(|(found, _)| *found == number)
            .map(|(_, value)| value)
            .collect()
    }

    #[derive(Debug, Clone)]
    struct Span {
        trace: Vec<u8>,
        id: Vec<u8>,
        parent: Vec<u8>,
        name: String,
        /// Keys and values, as they stand in the message.
        attributes: String,
    }

    fn spans(request: &[u8]) -> Vec<Span> {
        let scopes = all(all([request], 1), 2);
        let span = |message: &[u8]| {
            let one = |number| all([message], number).first().map(|value| value.to_vec()).unwrap_or_default();
            Span {
                trace: one(1),
                id: one(2),
                parent: one(4),
                name: String::from_utf8(one(5)).unwrap(),
                attributes: String::from_utf8_lossy(&all([message], 9).concat()).into_owned(),
            }
        };
        all(scopes, 2).into_iter().map(span).collect()
    }

    /// One request: its head and its body.
    async fn request(stream: &mut TcpStream) -> Option<(String, Vec<u8>)> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.ok()?);
        }
        let head = String::from_utf8(head).unwrap().to_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
        let mut body = vec![0; length.trim().parse().unwrap()];
        stream.read_exact(&mut body).await.ok()?;
        Some((head, body))
    }

    async fn receive(listener: TcpListener, into: Arc<Mutex<Vec<Vec<u8>>>>) {
        while let Ok((mut stream, _)) = listener.accept().await {
            let into = into.clone();
            tokio::spawn(async move {
                while let Some((head, body)) = request(&mut stream).await {
                    assert!(head.starts_with("post /v1/traces "), "{head}");
                    into.lock().unwrap().push(body);
                    let answer = b"HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n";
                    stream.write_all(answer).await.unwrap();
                }
            });
        }
    }

    #[test]
    fn each_reconcile_is_one_span_with_the_call_to_vobiz_inside() {
        run(async |world: World| {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let endpoint = format!("http://{}", listener.local_addr().unwrap());
            let bodies = Arc::new(Mutex::new(Vec::new()));
            tokio::spawn(receive(listener, bodies.clone()));
            let operator = world.setup().env("OTLP_ENDPOINT", endpoint).start();
            let number = world.stocked();
            world.claim("office", &number).await;
            world.until("office", PURCHASED).await;
            operator.stop().await;
            let found = eventually("the purchase was traced", async || {
                let bodies = bodies.lock().unwrap();
                let spans: Vec<Span> = bodies.iter().flat_map(|body| spans(body)).collect();
                let bought = |span: &&Span| span.name == "vobiz" && span.attributes.contains("purchase");
                let seen = format!("{spans:?}");
                spans.iter().find(bought).cloned().map(|bought| (bought, spans)).ok_or(seen)
            })
            .await;
            let (purchase, spans) = found;
            let around = spans.iter().find(|span| span.id == purchase.parent).unwrap();
            assert_eq!((&*around.name, &around.trace), ("reconcile", &purchase.trace));
            assert!(around.parent.is_empty() && around.attributes.contains("claim"), "{around:?}");
            assert!(spans.iter().any(|span| span.name == "reconcile" && span.attributes.contains("record")));
            assert!(spans.iter().any(|span| span.name == "vobiz" && span.attributes.contains("list")));
            let bodies = bodies.lock().unwrap();
            for secret in [&number[1..], &crate::world::token(&world.account)] {
                let named = |body: &Vec<u8>| body.windows(secret.len()).any(|part| part == secret.as_bytes());
                assert!(!bodies.iter().any(named), "{secret} is traced");
            }
            assert!(bodies.iter().any(|body| String::from_utf8_lossy(body).contains("vobiz-operator")));
        });
    }
}
