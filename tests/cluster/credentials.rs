//! A Vobiz that refuses the credentials: everywhere, for a purchase, or for the list.

use vobiz_sim::{Answer, Fault, FaultRule, Journal, Operation, Target};

use crate::{
    harness::run,
    table::{INVALID_CREDENTIALS, PURCHASED, REJECTED, message},
    unwell::{all_bought, claim_many},
    world::token,
};

/// How many calls were refused.
fn refused(journal: &Journal) -> usize {
    journal.requests.iter().filter(|request| request.answer == Answer::Status(401)).count()
}

#[test]
fn a_wrong_token_stops_all_calls_but_a_slow_probe_until_put_right() {
    run(async |world| {
        world.vobiz.set_token(&world.account, "another").unwrap();
        let claims = claim_many(&world, 30).await;
        let _operator = world.operator();
        for (name, _) in &claims {
            world.until(name, INVALID_CREDENTIALS).await;
        }
        let claim = world.get("office-0").await.unwrap();
        assert!(message(&claim).contains("VOBIZ_AUTH_TOKEN"), "{}", message(&claim));
        world.event(&claim, "InvalidCredentials").await;

        let journal = world.asked(|journal| refused(journal) >= 8).await;
        let (first, last) = (journal.requests.first().unwrap(), journal.requests.last().unwrap());
        let seconds = last.received_at.duration_since(first.received_at).as_secs_f64();
        #[expect(clippy::cast_precision_loss, reason = "a handful")]
        let rate = (journal.requests.len() - 1) as f64 / seconds;
        assert!(rate < 1.0, "{rate} calls a second");
        assert!(journal.requests.iter().all(|request| request.operation != Operation::Purchase));

        world.vobiz.set_token(&world.account, token(&world.account)).unwrap();
        all_bought(&world, &claims, 1).await;
    });
}

#[test]
fn a_token_file_that_is_put_right_is_read_again() {
    run(async |world| {
        let file = world.folder.path().join("token");
        std::fs::write(&file, "wrong\n").unwrap();
        let setup = world.setup().without("VOBIZ_AUTH_TOKEN");
        let _operator = setup.env("VOBIZ_AUTH_TOKEN_FILE", file.display().to_string()).start();
        let claims = claim_many(&world, 3).await;
        for (name, _) in &claims {
            world.until(name, INVALID_CREDENTIALS).await;
        }
        std::fs::write(&file, token(&world.account) + "\n").unwrap();
        all_bought(&world, &claims, 1).await;

        // And a rotation while all is well.
        world.vobiz.set_token(&world.account, "rotated").unwrap();
        std::fs::write(&file, "rotated").unwrap();
        let number = world.stocked();
        world.claim("after-rotation", &number).await;
        world.until("after-rotation", PURCHASED).await;
        assert_eq!(world.vobiz.debits(&number), 1);
    });
}

#[test]
fn a_refusal_of_the_credentials_for_a_purchase_is_tried_again_by_itself() {
    run(async |world| {
        let refusal = Fault::status(401, r#"{"error":{"code":401,"message":"who are you"}}"#);
        world.arm(FaultRule::new(Target::Purchase, refusal));
        let _operator = world.operator();
        let claims = claim_many(&world, 1).await;
        world.until("office-0", INVALID_CREDENTIALS).await;
        assert_eq!(world.spent(&claims[0].1), (1, 0));
        all_bought(&world, &claims, 2).await;
    });
}

#[test]
fn a_403_stops_the_account_only_if_the_list_says_so_too() {
    run(async |world| {
        let forbidden = || Fault::status(403, r#"{"error":"forbidden","message":"not yours"}"#);
        let (alone, stocked) = (world.stocked(), world.stocked());
        world.arm(FaultRule::new(Target::Purchase, forbidden()).e164(&alone));
        let _operator = world.operator();
        world.claim("alone", &alone).await;
        world.until("alone", REJECTED).await;
        world.arm(FaultRule::new(Target::List, forbidden()).forever());
        world.claim("office", &stocked).await;
        world.until("office", INVALID_CREDENTIALS).await;
        assert_eq!(world.spent(&stocked), (0, 0));
        world.vobiz.disarm(None);
        world.until("office", PURCHASED).await;
        world.until("alone", REJECTED.settled()).await;
        assert_eq!((world.spent(&alone), world.spent(&stocked)), ((1, 0), (1, 1)));
    });
}

#[test]
fn a_bound_claim_keeps_its_conditions_while_vobiz_is_unwell() {
    run(async |world| {
        let number = world.stocked();
        let _operator = world.setup().env("VOBIZ_RESYNC_INTERVAL", "2s").start();
        world.claim("office", &number).await;
        let before = world.until("office", PURCHASED).await;
        world.vobiz.set_token(&world.account, "another").unwrap();
        world.asked(|journal| refused(journal) >= 2).await;
        world.claim("late", &world.stocked()).await;
        world.until("late", INVALID_CREDENTIALS).await;
        assert_eq!(world.get("office").await.unwrap(), before);
    });
}
