//! What is exported adopts all that the account owns, and buys nothing, wherever it is applied.

use testbed::objects::claims_path;
use vobiz_sim::{Operation, OwnedNumber};

use crate::{
    harness::{eventually, run},
    table::{ADOPTED, NOT_OWNED},
    world::World,
};

const NUMBERS: usize = 500;

/// The claims, as they are written.
async fn exported(world: &World) -> String {
    let (success, manifests, said) = world.setup().run_to_end(&["export", "-n", &world.namespace]).await;
    assert!(success, "{said}");
    manifests
}

#[test]
fn what_is_exported_adopts_every_number_and_buys_none() {
    run(async |world| {
        let numbers: Vec<_> = (0..NUMBERS).map(|_| world.number()).collect();
        let sold = world.stocked();
        for number in numbers.iter().chain([&sold]) {
            world.vobiz.put_owned(OwnedNumber::new(number, &world.account)).unwrap();
        }
        let manifests = exported(&world).await;
        let file = world.folder.path().join("numbers.yaml");
        std::fs::write(&file, &manifests).unwrap();
        // It is for sale again, before the claims are applied.
        world.vobiz.remove_number(&sold, true).unwrap();
        world.cluster.kubectl(&["apply", "-f", &file.display().to_string()]).await;

        let _operator = world.operator();
        eventually("every number is adopted", async || {
            let claims = world.cluster.get(&claims_path(&world.namespace)).await.unwrap();
            let claims = claims["items"].as_array().unwrap();
            let adopted = claims.iter().filter(|claim| ADOPTED.describes(claim)).count();
            if adopted == NUMBERS { Ok(()) } else { Err(format!("{adopted} are")) }
        })
        .await;
        world.until(&format!("pn-{}", &sold[1..]), NOT_OWNED).await;
        let purchases = |world: &World| {
            world.journal().requests.iter().filter(|request| request.operation == Operation::Purchase).count()
        };
        assert_eq!((purchases(&world), world.vobiz.debits(&sold)), (0, 0));

        let without = |documents: &str| {
            let kept =
                documents.split_inclusive("deletionPolicy: Retain\n").filter(|one| !one.contains(&sold));
            kept.collect::<String>()
        };
        assert_eq!(exported(&world).await, without(&manifests));
        assert_eq!(exported(&world).await, without(&manifests));
    });
}
