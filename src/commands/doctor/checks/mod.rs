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

/// Nothing, where another check says why this one cannot be made.
type Check = fn(&Facts) -> Option<Verdict>;

fn check(id: Id) -> Check {
    match id {
        Id::DefinitionsServed => definitions::served,
        Id::DefinitionsVersion => definitions::version,
        Id::Rights => rights::rights,
        Id::Lease => replicas::lease,
        Id::Objects => objects::objects,
        Id::Credentials => reads::credentials,
        Id::Connection => reads::connection,
        Id::Listing => reads::listing,
        Id::Inventory => reads::inventory,
        Id::Balance => reads::balance,
        Id::Ledger => reads::ledger,
        Id::NewestDebit => ledger::newest_debit,
        Id::PurchasePath => way::purchase_path,
        Id::Deprecation => way::deprecation,
        Id::Clocks => way::clocks,
        Id::OpenAttempts => attempts::open,
        Id::Decisions => attempts::decisions,
        Id::Finalizers => objects::finalizers,
        Id::Proxies => way::proxies,
    }
}

/// What all checks find, in their order.
pub fn findings(facts: &Facts) -> Vec<Finding> {
    let found = |id: &Id| check(*id)(facts).map(|verdict| Finding { id: *id, verdict });
    Id::VARIANTS.iter().filter_map(found).collect()
}

/// So many are named.
const NAMED: usize = 5;

/// The names, if there are any: how many, and the first of them.
fn some(names: impl IntoIterator<Item = String>) -> Option<String> {
    let names: Vec<_> = names.into_iter().collect();
    let more = names.len().saturating_sub(NAMED);
    let shown = names.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
    match (names.len(), more) {
        (0, _) => None,
        (_, 0) => Some(shown),
        _ => Some(format!("{shown}, and {more} more")),
    }
}
