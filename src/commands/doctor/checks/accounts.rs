//! Whether the accounts that are declared can be read, and serve.

use std::collections::HashMap;

use kube::ResourceExt;

use super::super::{
    facts::{Facts, Listed},
    finding::{Verdict, some},
};

pub fn accounts(facts: &Facts) -> Option<Verdict> {
    let declared = match &facts.declared {
        Listed::Read(declared) => declared,
        Listed::Failed(why) => {
            return Some(Verdict::error(
                format!("VobizAccounts cannot be read, so at most the account of the flags is asked: {why}"),
                "kubectl auth can-i list vobizaccounts",
            ));
        }
        Listed::NotServed => return None,
    };
    let newer = declared.iter().filter(|account| account.is_newer()).map(ResourceExt::name_any);
    if let Some(names) = some(newer) {
        return Some(Verdict::error(
            format!("This version cannot read some VobizAccounts, so nothing is bought with them: {names}."),
            "kubectl explain vobizaccount.spec; or use the version that has written them",
        ));
    }
    let mut defaults = facts.declared.readable()?.filter(|account| account.spec.default);
    if let (Some(one), Some(two)) = (defaults.next(), defaults.next()) {
        let two = two.name_any();
        return Some(Verdict::error(
            format!(
                "Two VobizAccounts, {} and {two}, say that they are the default: claims that name none wait.",
                one.name_any()
            ),
            format!("kubectl patch vobizaccount {two} --type=merge -p='{{\"spec\":{{\"default\":false}}}}'"),
        ));
    }
    let mut counts = HashMap::new();
    facts.declared.readable()?.for_each(|account| *counts.entry(&account.spec.auth_id).or_insert(0) += 1);
    let twice = facts.declared.readable()?.filter(|account| counts.get(&account.spec.auth_id) > Some(&1));
    Some(match some(twice.map(|account| account.name_any())) {
        Some(names) => Verdict::warning(
            format!("Of VobizAccounts with one auth id, the oldest serves alone: {names}."),
            "kubectl get vobizaccounts; delete those that are DuplicateAuthId",
        ),
        None => Verdict::ok(format!("{} VobizAccounts can be read.", declared.len())),
    })
}
