//! What arrives at Vobiz, byte by byte: reads alone, whatever is planned.

use std::sync::{Arc, Mutex};

use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy},
    net::{TcpListener, TcpStream},
};
use vobiz_sim::OwnedNumber;

use super::stream;
use crate::{harness::run, world::World};

/// The methods of all requests that have arrived.
type Methods = Arc<Mutex<Vec<String>>>;

/// A server before Vobiz, which notes each request and passes it on, over a connection of its own. Returns its URL.
async fn before_vobiz(world: &World, methods: Methods) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (port, vobiz) = (listener.local_addr().unwrap().port(), world.url().replace("http://", ""));
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            tokio::spawn(pass_on(client, vobiz.clone(), methods.clone()));
        }
    });
    format!("http://127.0.0.1:{port}")
}

async fn pass_on(mut client: TcpStream, vobiz: String, methods: Methods) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match client.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return,
        }
    }
    let head = String::from_utf8(head).unwrap();
    methods.lock().unwrap().push(head.split(' ').next().unwrap().to_owned());
    // A connection that ends with its answer brings no second request.
    let head = head.replacen("\r\n", "\r\nconnection: close\r\n", 1);
    let mut server = TcpStream::connect(vobiz).await.unwrap();
    server.write_all(head.as_bytes()).await.unwrap();
    let _ = copy(&mut server, &mut client).await;
}

#[test]
fn every_request_that_arrives_at_vobiz_is_a_get() {
    run(async |world| {
        let (stocked, dear, missing, owned) =
            (world.stocked(), world.stocked(), world.number(), world.number());
        world.vobiz.put_owned(OwnedNumber::new(&owned, &world.account)).unwrap();
        let ceiling = json!({ "currency": "INR", "monthlyFee": "1" });
        let claims = stream(
            &world.namespace,
            &[
                ("buys", json!({ "e164": stocked })),
                ("dear", json!({ "e164": dear, "maxPrice": ceiling })),
                ("missing", json!({ "e164": missing })),
                ("owned", json!({ "e164": owned })),
                ("adopts", json!({ "e164": world.stocked(), "acquire": "AdoptOnly" })),
            ],
        );
        let methods = Methods::default();
        let url = before_vobiz(&world, methods.clone()).await;
        for format in ["table", "json", "markdown"] {
            let setup = world.setup().env("VOBIZ_API_URL", &url);
            let (code, _, said) = setup.run_with(&claims, &["plan", "-f", "-", "-o", format]).await;
            assert_eq!(code, 3, "{said}");
        }
        let methods = methods.lock().unwrap();
        assert!(methods.len() > 10 && methods.iter().all(|method| method == "GET"), "{methods:?}");
    });
}
