//! A plan: what would become of each claim, what that costs, and what stays as it is. It is also the JSON document, whose
//! fields are added to, and neither changed nor taken away within a version of the schema.

use std::collections::{BTreeMap, BTreeSet};

use kube::ResourceExt;
use serde::Serialize;

use super::{
    funds::{Funds, Purse},
    price::Price,
    verdict::{Action, Planned},
};
use crate::{
    api::{AttemptState, PhoneNumberClaim, Seen},
    cli::FailOn,
    commands::world::World,
    domain::{AccountId, Currency, E164, Money},
};

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    schema_version: u8,
    pub claims: Vec<Planned>,
    pub totals: Vec<Total>,
    pub balances: Vec<Balance>,
    pub absent: Vec<Absent>,
}

/// What would be due. What is bought, or adopted, at a price that is not known, has a sum of its own, without any.
#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Total {
    pub currency: Option<Currency>,
    pub due_now: Option<Money>,
    pub monthly: Option<Money>,
}

#[derive(Debug, PartialEq, Serialize)]
pub struct Balance {
    /// The account that pays.
    pub account: AccountId,
    pub currency: Currency,
    pub before: Option<Money>,
    pub after: Option<Money>,
}

/// A claim with a number that no manifest has: both are kept, and the number is paid for.
#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Absent {
    pub namespace: String,
    pub name: String,
    pub e164: E164,
    pub monthly_fee: Option<Money>,
    pub currency: Option<Currency>,
}

impl Plan {
    pub fn new(claims: Vec<Planned>, funds: &Funds, absent: Vec<Absent>) -> Self {
        let balance = |purse: &Purse| Balance {
            account: purse.payer.clone(),
            currency: purse.currency,
            before: purse.balance.map(|(before, _)| before),
            after: purse.balance.map(|(_, after)| after),
        };
        let balances = funds.all().into_iter().map(balance).collect();
        Self { schema_version: 1, totals: totals(&claims), balances, absent, claims }
    }

    pub fn count(&self, action: Action) -> usize {
        self.claims.iter().filter(|claim| claim.action == action).count()
    }

    /// Which of these conditions it meets, for people.
    pub fn meets(&self, conditions: &[FailOn]) -> Vec<String> {
        conditions.iter().filter_map(|condition| self.meets_one(*condition)).collect()
    }

    fn meets_one(&self, condition: FailOn) -> Option<String> {
        let any = |action, what| {
            let count = self.count(action);
            (count > 0).then(|| format!("{count} {what}"))
        };
        match condition {
            FailOn::Buy => any(Action::Buy, "to buy"),
            FailOn::Blocked => any(Action::Blocked, "blocked"),
            FailOn::Monthly(currency, limit) => {
                let total = self.totals.iter().find(|total| total.currency == Some(currency));
                let mut bought = self.claims.iter().filter(|claim| claim.is_bought_or_adopted());
                // What is not known may be more; a sum too great for one is not known, either.
                if bought.any(|claim| claim.price.monthly().is_none())
                    || total.is_some_and(|total| total.monthly.is_none())
                {
                    let unknown = "a monthly fee that is not known";
                    return Some(format!("{unknown}, and at most {limit} {currency} are allowed"));
                }
                let monthly = total?.monthly.filter(|monthly| *monthly > limit)?;
                Some(format!("{monthly} {currency} a month, and at most {limit} are allowed"))
            }
        }
    }
}

fn totals(claims: &[Planned]) -> Vec<Total> {
    let mut sums = BTreeMap::<Option<Currency>, [Option<Money>; 2]>::new();
    let mut add = |at: usize, sum: Option<(Currency, Money)>| {
        let currency = sum.map(|(currency, _)| currency);
        let zero = || ["0", "0"].map(|zero| zero.parse().ok().filter(|_| currency.is_some()));
        let sums = sums.entry(currency).or_insert_with(zero);
        sums[at] = sum.and_then(|(_, sum)| sums[at]? + sum);
    };
    for claim in claims {
        if claim.action == Action::Buy {
            add(0, claim.price.due());
        }
        if claim.is_bought_or_adopted() {
            add(1, claim.price.monthly());
        }
    }
    sums.into_iter().map(|(currency, [due_now, monthly])| Total { currency, due_now, monthly }).collect()
}

/// The claims with a number, of the namespaces that the manifests name, that no manifest is about.
pub fn absent(world: &World, planned: &[Planned]) -> Vec<Absent> {
    let namespaces: BTreeSet<_> = planned.iter().map(|claim| claim.namespace.as_str()).collect();
    let named: BTreeSet<_> =
        planned.iter().map(|claim| (claim.namespace.as_str(), claim.name.as_str())).collect();
    let absent = world.claims().filter_map(Seen::read).filter_map(|claim| {
        let (namespace, name) = (claim.namespace()?, claim.name_any());
        let is_absent =
            namespaces.contains(namespace.as_str()) && !named.contains(&(namespace.as_str(), name.as_str()));
        let price = is_absent.then(|| paid_for(world, claim)).flatten()?;
        let Price { monthly_fee, currency, .. } = price;
        Some(Absent { namespace, name, e164: claim.number(), monthly_fee, currency })
    });
    let mut absent: Vec<_> = absent.collect();
    absent.sort_by(|a, b| (&a.namespace, &a.name).cmp(&(&b.namespace, &b.name)));
    absent
}

/// What the number of a claim costs, if it has one.
fn paid_for(world: &World, claim: &PhoneNumberClaim) -> Option<Price> {
    let record = world.record(claim.number())?;
    let is_its = record.spec.claim_ref.as_ref().map(|named| &named.uid) == claim.metadata.uid.as_ref();
    let is_bound = record.spec.attempt.state == AttemptState::Bound;
    (is_its && is_bound).then(|| record.described().map(Price::of).unwrap_or_default())
}
