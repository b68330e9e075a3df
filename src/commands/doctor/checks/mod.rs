//! The checks: from what was read to what is found. Pure.

mod accounts;
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
    facts::{Asked, Facts},
    finding::{Finding, Id, Verdict},
};

/// A check: from what was read to what it comes to. Nothing, where another one says why it cannot be made.
enum Check {
    /// Of the cluster, and the way to Vobiz.
    Once(fn(&Facts) -> Option<Verdict>),
    /// Of each account that is asked.
    Each(fn(&Facts, &Asked) -> Option<Verdict>),
}

fn check(id: Id) -> Check {
    use Check::{Each, Once};
    match id {
        Id::DefinitionsServed => Once(|facts| Some(definitions::served(facts))),
        Id::DefinitionsVersion => Once(definitions::version),
        Id::Rights => Once(|facts| Some(rights::rights(facts))),
        Id::Lease => Once(|facts| Some(replicas::lease(facts))),
        Id::Objects => Once(objects::objects),
        Id::Accounts => Once(accounts::accounts),
        Id::Credentials => Each(|_, asked| reads::credentials(asked)),
        Id::Connection => Each(reads::connection),
        Id::Listing => Each(|_, asked| reads::listing(asked)),
        Id::Inventory => Each(|_, asked| reads::inventory(asked)),
        Id::Balance => Each(|_, asked| reads::balance(asked)),
        Id::Ledger => Each(|_, asked| reads::ledger(asked)),
        Id::NewestDebit => Each(ledger::newest_debit),
        Id::SettleTime => Once(|facts| Some(ledger::settle_time(facts))),
        Id::PurchasePath => Each(way::purchase_path),
        Id::Deprecation => Each(|_, asked| way::deprecation(asked)),
        Id::Clocks => Once(|facts| Some(way::clocks(facts))),
        Id::OpenAttempts => Once(attempts::open),
        Id::Decisions => Once(attempts::decisions),
        Id::Finalizers => Once(objects::finalizers),
        Id::Proxies => Once(|facts| Some(way::proxies(facts))),
    }
}

/// What all checks find, in their order.
pub fn findings(facts: &Facts) -> Vec<Finding> {
    let mut findings = Vec::new();
    for id in Id::VARIANTS.iter().copied() {
        let mut find = |account, verdict: Option<Verdict>| {
            findings.extend(verdict.map(|verdict| Finding { id, account, verdict }));
        };
        match check(id) {
            Check::Once(check) => find(None, check(facts)),
            Check::Each(check) => {
                facts.asked.iter().for_each(|asked| find(asked.name.clone(), check(facts, asked)));
            }
        }
    }
    findings
}
