//! Vobiz over HTTPS, and connections to it that are never made.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use serde_json::json;
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
};
use vobiz_sim::{
    Account, Config, Fault, FaultRule, HoldAt, InventoryNumber, JournalFilter, Sim, State, Target,
};

use crate::{
    harness::{PATIENCE, run},
    operator::Setup,
    table::{INVALID_CREDENTIALS, OUTCOME_UNKNOWN, PURCHASED, REJECTED, VOBIZ_UNAVAILABLE},
    world::{World, token},
};

/// A Vobiz with a certificate of an authority that nobody knows, for this world's account, with one number.
pub async fn start(world: &World, number: &str) -> Sim {
    let account = Account::new(&world.account, token(&world.account)).with_balance("INR", 1000);
    let inventory = vec![InventoryNumber::new(number, "INR", 50, 2)];
    let state = State { accounts: vec![account], inventory, ..State::default() };
    Sim::start(Config { state, tls: true, ..Config::default() }).await.unwrap()
}

pub fn setup(world: &World, sim: &Sim, address: SocketAddr) -> Setup {
    let file = world.folder.path().join("ca.pem");
    std::fs::write(&file, sim.ca_pem().unwrap()).unwrap();
    let setup = world.setup().env("VOBIZ_API_URL", format!("https://{address}"));
    setup.env("VOBIZ_CA_FILE", file.display().to_string())
}

fn spent(sim: &Sim, number: &str) -> (u64, u64) {
    (sim.admin().purchase_calls(number), sim.admin().debits(number))
}

#[test]
fn a_token_that_vobiz_echoes_stands_nowhere() {
    run(async |world| {
        let secret = token(&world.account);
        let percent = secret.bytes().fold(String::new(), |text, byte| text + &format!("%{byte:02X}"));
        let said = json!({
            "error": format!("not {secret}"),
            "message": format!("{} may not, with {secret} or {percent}", world.account),
        });
        let (unauthorized, forbidden, failed) = (world.stocked(), world.stocked(), world.stocked());
        for (number, code) in [(&unauthorized, 401), (&forbidden, 403), (&failed, 503)] {
            world.arm(FaultRule::new(Target::Purchase, Fault::status(code, said.to_string())).e164(number));
        }
        let _operator = world.unhurried().env("RUST_LOG", "debug").start();
        for (name, number, row) in [
            ("forbidden", &forbidden, REJECTED),
            ("failed", &failed, OUTCOME_UNKNOWN),
            ("unauthorized", &unauthorized, INVALID_CREDENTIALS),
        ] {
            world.claim(name, number).await;
            let claim = world.until(name, row).await;
            let event = world.event(&claim, row.reason).await;
            let record = world.record(number).await.unwrap();
            for text in [claim.to_string(), event.to_string(), record.to_string()] {
                assert!(!text.contains(&secret) && !text.contains(&percent), "{text}");
            }
            let words = record["spec"]["attempt"]["answer"]["message"].as_str().unwrap();
            assert!(words.contains(&format!("{} may not, with *** or ***", world.account)), "{words}");
        }
        assert!(!world.log().contains(&secret) && !world.log().contains(&percent));
    });
}

/// Forwards to the simulator, and, while the switch is on, hangs up on whoever connects anew.
async fn gateway(to: SocketAddr, closed: Arc<AtomicBool>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            if closed.load(Ordering::SeqCst) {
                continue;
            }
            tokio::spawn(async move {
                let mut server = TcpStream::connect(to).await.unwrap();
                // It ends as connections end.
                let _ = copy_bidirectional(&mut client, &mut server).await;
            });
        }
    });
    address
}

#[test]
fn https_with_a_private_authority_buys_and_without_it_does_not() {
    run(async |world| {
        let number = world.number();
        let sim = start(&world, &number).await;
        world.claim("office", &number).await;
        let stranger = setup(&world, &sim, sim.address()).without("VOBIZ_CA_FILE").start();
        world.until("office", VOBIZ_UNAVAILABLE).await;
        stranger.stop().await;
        assert_eq!(sim.admin().journal(&JournalFilter::default()).requests, []);

        let _operator = setup(&world, &sim, sim.address()).start();
        world.until("office", PURCHASED).await;
        assert_eq!(spent(&sim, &number), (1, 1));
    });
}

#[test]
fn a_purchase_that_never_connected_is_unsent_and_tried_again() {
    run(async |world| {
        let number = world.number();
        let sim = start(&world, &number).await;
        let closed = Arc::new(AtomicBool::new(false));
        let address = gateway(sim.address(), closed.clone()).await;
        // Everything has been read but the ledger; that connection stays when the gateway closes.
        sim.admin().arm(FaultRule::new(Target::Ledger, Fault::Hold { at: HoldAt::Before }));
        let _operator = setup(&world, &sim, address).start();
        world.claim("office", &number).await;
        sim.admin().wait_for_held(&JournalFilter::default(), PATIENCE).await.unwrap();
        closed.store(true, Ordering::SeqCst);
        assert_eq!(sim.admin().release_all(None), 1);
        world.until("office", VOBIZ_UNAVAILABLE).await;
        world
            .until_record(&number, |record| record["spec"]["attempt"]["answer"]["outcome"] == "NotSent")
            .await;
        assert_eq!(spent(&sim, &number), (0, 0));

        closed.store(false, Ordering::SeqCst);
        world.until("office", PURCHASED).await;
        assert_eq!(spent(&sim, &number), (1, 1));
    });
}
