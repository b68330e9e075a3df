//! What stands between the operator and those whom it calls: proxies, connections that die, a peer that never answers.

use std::sync::{Arc, Mutex};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream},
};

use crate::{
    harness::{eventually, run},
    secure,
    table::PURCHASED,
};

/// A proxy that tunnels, and writes down where to.
#[derive(Clone, Default)]
struct Proxy(Arc<Mutex<Vec<String>>>);

impl Proxy {
    async fn start() -> (Self, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let proxy = Self::default();
        let serving = proxy.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serving.clone().tunnel(stream));
            }
        });
        (proxy, url)
    }

    async fn tunnel(self, mut client: TcpStream) {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let Ok(byte) = client.read_u8().await else { return };
            head.push(byte);
        }
        let line = String::from_utf8_lossy(&head).lines().next().unwrap().to_owned();
        self.0.lock().unwrap().push(line.clone());
        let target = line.strip_prefix("CONNECT ").and_then(|rest| rest.strip_suffix(" HTTP/1.1"));
        let Some(target) = target else { return };
        let mut server = TcpStream::connect(target).await.unwrap();
        client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await.unwrap();
        let _ = copy_bidirectional(&mut client, &mut server).await;
    }

    /// How often it was asked for a way there.
    fn tunnels_to(&self, address: &str) -> usize {
        let asked = self.0.lock().unwrap();
        asked.iter().filter(|line| **line == format!("CONNECT {address} HTTP/1.1")).count()
    }
}

#[test]
fn both_apis_are_called_through_a_proxy_unless_they_are_excepted() {
    for (name, except, through) in [
        ("HTTPS_PROXY", None, true),
        ("HTTPS_PROXY", Some("localhost,127.0.0.0/8,.svc,"), false),
        ("all_proxy", None, true),
    ] {
        run(async |world| {
            let (proxy, url) = Proxy::start().await;
            let number = world.number();
            let sim = secure::start(&world, &number).await;
            let setup = secure::setup(&world, &sim, sim.address()).env(name, format!(" {url} "));
            // A plain one is no way to either, and one for everything stands behind one for https.
            let setup = setup.env("HTTP_PROXY", "http://127.0.0.1:1");
            let setup =
                if name == "HTTPS_PROXY" { setup.env("ALL_PROXY", "http://127.0.0.1:1") } else { setup };
            let setup = match except {
                Some(except) => setup.env("no_proxy", except),
                None => setup,
            };
            let _operator = setup.start();
            world.claim("office", &number).await;
            world.until("office", PURCHASED).await;
            let (calls, debits) = (sim.admin().purchase_calls(&number), sim.admin().debits(&number));
            assert_eq!((calls, debits), (1, 1));
            let cluster = world.cluster.plane.url();
            for address in [sim.address().to_string(), cluster.trim_start_matches("https://").to_owned()] {
                assert_eq!(proxy.tunnels_to(&address) > 0, through, "{name} {except:?}: {address}");
            }
            assert!(proxy.0.lock().unwrap().iter().all(|line| line.starts_with("CONNECT ")));
        });
    }
}

#[test]
fn a_proxy_is_no_way_to_this_machine_by_plain_http() {
    run(async |world| {
        let (proxy, url) = Proxy::start().await;
        let number = world.stocked();
        let mut setup = world.setup().env("NO_PROXY", "127.0.0.1:1");
        for name in ["HTTPS_PROXY", "http_proxy", "HTTP_PROXY", "all_proxy"] {
            setup = setup.env(name, &url);
        }
        let _operator = setup.start();
        world.claim("office", &number).await;
        world.until("office", PURCHASED).await;
        assert_eq!(proxy.tunnels_to(world.url().trim_start_matches("http://")), 0);
        assert_eq!(world.spent(&number), (1, 1));
    });
}

#[test]
fn a_vobiz_that_closes_after_each_answer_sells_all_the_same() {
    run(async |world| {
        world.vobiz.close_after_each_answer(true);
        let _operator = world.setup().env("VOBIZ_RESYNC_INTERVAL", "2s").start();
        for name in ["one", "two", "three"] {
            let number = world.stocked();
            world.claim(name, &number).await;
            world.until(name, PURCHASED).await;
            assert_eq!(world.spent(&number), (1, 1));
        }
        assert!(!world.log().contains("Vobiz cannot be asked"), "{}", world.log());
    });
}

#[test]
fn an_api_server_that_never_answers_is_named_and_asked_again() {
    run(async |world| {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::<Mutex<Vec<String>>>::default();
        let noted = asked.clone();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let noted = noted.clone();
                tokio::spawn(async move {
                    let mut bytes = [0; 4096];
                    while let Ok(count @ 1..) = stream.read(&mut bytes).await {
                        let text = String::from_utf8_lossy(&bytes[..count]).into_owned();
                        noted.lock().unwrap().extend(text.lines().next().map(str::to_owned));
                    }
                });
            }
        });
        let kubeconfig = serde_json::json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "silent",
            "clusters": [{ "name": "silent", "cluster": { "server": format!("http://{address}") } }],
            "users": [{ "name": "silent", "user": {} }],
            "contexts": [{ "name": "silent", "context": { "cluster": "silent", "user": "silent" } }],
        });
        let file = world.folder.path().join("kubeconfig");
        std::fs::write(&file, kubeconfig.to_string()).unwrap();
        let _operator = world.setup().env("KUBECONFIG", file.display().to_string()).start();
        eventually("each list is asked for twice, and that is said", async || {
            let asked = asked.lock().unwrap().clone();
            let lists = |kind: &str, how: &str| {
                asked.iter().filter(|line| line.contains(kind) && line.contains(how)).count()
            };
            let log = world.log();
            let said = log.contains("the watch of claims in namespace")
                && log.contains("gave no answer within 20 s");
            let twice =
                lists("/phonenumbers?", "limit=500") >= 2 && lists("/phonenumberclaims?", "limit=500") >= 2;
            if said && twice { Ok(()) } else { Err(format!("{asked:?} {log}")) }
        })
        .await;
    });
}
