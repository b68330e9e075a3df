//! Master accounts and their sub-accounts, whose common ledger names no number: what was paid for when a reply is lost.

use serde_json::json;
use vobiz_sim::{
    Account, AccountOptions, ErrorBody, Fault, FaultRule, JournalFilter, NumberNaming, RowAccount, Target,
};

use super::{alone, without_flags};
use crate::{
    table::{NEEDS_DECISION, NOT_PURCHASED, PURCHASED},
    world::{World, token},
};

/// What becomes of the purchases of each account, and whether they are made.
fn fates() -> [(&'static str, Option<Fault>, bool); 6] {
    let page = |code| Fault::status(code, "<html>Oops</html>");
    [
        ("well", None, true),
        ("cut", Some(Fault::CommitThenDrop), true),
        ("broken", Some(Fault::CommitThen500 { body: ErrorBody::Html }), true),
        ("silent", Some(Fault::NeverReply { commit: true }), true),
        ("unheard", Some(Fault::NeverReply { commit: false }), false),
        ("refused", Some(page(503)), false),
    ]
}

/// A master account with two sub-accounts, whose objects are called like the family.
struct Family {
    name: &'static str,
    /// The master account is the first.
    members: [String; 3],
}

impl Family {
    async fn open(world: &World, name: &'static str, row_account: RowAccount) -> Self {
        let master = world.account_id(name);
        let sub = |index| format!("{}_{index}", master.replace("MA_", "SA_"));
        let options = AccountOptions {
            ledger_names_number: NumberNaming::Nowhere,
            row_account,
            ..AccountOptions::default()
        };
        let members = [master.clone(), sub(1), sub(2)];
        for (index, id) in members.iter().enumerate() {
            let account = Account::new(id, token(id));
            world.vobiz.put_account(match index {
                0 => account.with_balance("INR", 10_000).with_options(options),
                _ => account.with_parent(&master),
            });
            let object = format!("{name}-{index}");
            world.keep_token(&object, &token(id)).await;
            world.declare(&object, json!({ "authId": id })).await;
        }
        Self { name, members }
    }

    /// Claims a number in one of its accounts, whose purchase fares like that.
    async fn claim(
        &self,
        world: &World,
        member: usize,
        fate: &str,
        fault: Option<&Fault>,
    ) -> (String, String) {
        let (object, number) = (format!("{}-{member}", self.name), world.stocked());
        let name = format!("{object}-{fate}");
        if let Some(fault) = fault {
            world.vobiz.arm(FaultRule::new(Target::Purchase, fault.clone()).e164(&number));
        }
        world.claim_with(&name, &number, &object).await;
        (name, number)
    }

    /// How many numbers are owned, and how many debits there were.
    fn owned_and_paid(&self, world: &World) -> (usize, usize) {
        let owned = self.members.iter().map(|id| world.vobiz.owned(Some(id)).len()).sum();
        (owned, world.vobiz.journal(&JournalFilter::account(&self.members[0])).debits.len())
    }
}

async fn families(world: &World) -> [Family; 3] {
    [
        Family::open(world, "payer", RowAccount::Payer).await,
        Family::open(world, "buyer", RowAccount::Buyer).await,
        Family::open(world, "nobody", RowAccount::Nobody).await,
    ]
}

/// Replies that are lost in all accounts at once: what was charged is bound, and what was not is bought when asked for.
async fn lose_replies(world: &World, families: &[Family; 3]) {
    let (mut bought, mut failed) = (Vec::new(), Vec::new());
    for (fate, fault, is_charged) in fates() {
        for family in families {
            for member in 0..family.members.len() {
                let claim = family.claim(world, member, fate, fault.as_ref()).await;
                if is_charged { bought.push(claim) } else { failed.push(claim) }
            }
        }
    }
    for (name, number) in &bought {
        world.until(name, PURCHASED).await;
        assert_eq!(world.spent(number), (1, 1), "{name}");
    }
    for (name, number) in &failed {
        world.until(name, NOT_PURCHASED).await;
        assert_eq!(world.spent(number), (1, 0), "{name}");
        world.retry(name, "again").await;
    }
    for (name, number) in &failed {
        world.until(name, PURCHASED).await;
        assert_eq!(world.spent(number), (2, 1), "{name}");
    }
    for family in families {
        let purchases = fates().len() * family.members.len();
        assert_eq!(family.owned_and_paid(world), (purchases, purchases), "{}", family.name);
    }
}

#[test]
fn lost_replies_in_a_family_are_told_apart_though_no_row_names_a_number() {
    alone(async |world| {
        let families = families(world).await;
        let _operator =
            without_flags(world).env("VOBIZ_PURCHASE_TIMEOUT", "4s").env("VOBIZ_SETTLE_TIME", "4s").start();
        lose_replies(world, &families).await;
        let path = format!("/apis/events.k8s.io/v1/namespaces/{}/events", world.namespace);
        let events = world.cluster.get(&path).await.unwrap();
        let asked =
            events["items"].as_array().unwrap().iter().find(|event| event["reason"] == "NeedsDecision");
        assert_eq!(asked, None, "a decision was asked for without need");

        // A debit that no purchase explains: those of the other accounts, of the same sum, acquit it as little as those
        // before.
        let mut paid = Vec::new();
        for family in &families {
            let fault = Fault::DebitWithoutAssignment;
            paid.push((family.owned_and_paid(world).0, family.claim(world, 2, "paid", Some(&fault)).await));
            for member in [0, 1] {
                family.claim(world, member, "beside", None).await;
            }
        }
        for (family, (before, (paid, number))) in families.iter().zip(&paid) {
            world.until(paid, NEEDS_DECISION).await;
            for member in [0, 1] {
                world.until(&format!("{}-{member}-beside", family.name), PURCHASED).await;
            }
            assert_eq!(world.spent(number), (1, 1));
            assert_eq!(family.owned_and_paid(world), (before + 2, before + 3), "{}", family.name);
        }
    });
}
