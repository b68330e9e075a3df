//! The checks: from what was read to what is found. Pure.

mod attempts;
mod definitions;
mod ledger;
mod objects;
mod reads;
mod replicas;
mod rights;
mod way;

use strum::VariantArray;

use super::{
    facts::Facts,
    finding::{Finding, Id, Verdict},
};

/// What a check comes to. Nothing, where another one says why it cannot be made.
fn check(id: Id, facts: &Facts) -> Option<Verdict> {
    match id {
        Id::DefinitionsServed => Some(definitions::served(facts)),
        Id::DefinitionsVersion => definitions::version(facts),
        Id::Rights => Some(rights::rights(facts)),
        Id::Lease => Some(replicas::lease(facts)),
        Id::Objects => objects::objects(facts),
        Id::Credentials => reads::credentials(facts),
        Id::Connection => reads::connection(facts),
        Id::Listing => reads::listing(facts),
        Id::Inventory => reads::inventory(facts),
        Id::Balance => reads::balance(facts),
        Id::Ledger => reads::ledger(facts),
        Id::NewestDebit => ledger::newest_debit(facts),
        Id::SettleTime => Some(ledger::settle_time(facts)),
        Id::PurchasePath => way::purchase_path(facts),
        Id::Deprecation => way::deprecation(facts),
        Id::Clocks => Some(way::clocks(facts)),
        Id::OpenAttempts => attempts::open(facts),
        Id::Decisions => attempts::decisions(facts),
        Id::Finalizers => objects::finalizers(facts),
        Id::Proxies => Some(way::proxies(facts)),
    }
}

/// What all checks find, in their order.
pub fn findings(facts: &Facts) -> Vec<Finding> {
    let found = |id: &Id| check(*id, facts).map(|verdict| Finding { id: *id, verdict });
    Id::VARIANTS.iter().filter_map(found).collect()
}
