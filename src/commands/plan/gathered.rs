//! Reads what a plan depends on, asks until nothing is lacking, and decides.

use std::{collections::BTreeSet, sync::Arc};

use kube::ResourceExt;

use super::{
    applied::applied,
    funds::Funds,
    manifest::Manifest,
    rules::Rules,
    summary::{Plan, absent},
    verdict::{Action, Planned, Planning, Wish},
};
use crate::{
    api::{Newer, Reason, Seen},
    commands::{
        console::{note, reading},
        error::CommandError,
        evidence::{Account, Facts},
        gather::{Objects, tell_newer},
        patience::Patience,
        world::World,
    },
    conditions,
    domain::{Currency, E164},
    plan::{ClaimStep, Moment, Source, Timeouts, Wake, decide_claim},
    vobiz::{ReadError, Reader},
};

/// What decisions ask for leads to no more questions than this.
const ROUNDS: usize = 5;

/// More numbers are not searched for one by one: the whole list is read.
const SEARCHED: usize = 8;

pub async fn plan(
    manifests: &[Manifest],
    objects: Option<&Objects>,
    reader: &Reader,
    rules: &Rules,
    timeouts: Timeouts,
) -> Result<Plan, CommandError> {
    let (claims, records) = match objects {
        // Records first: a claim that is bound meanwhile is not taken for one that is gone.
        Some(objects) => {
            let records = objects.records().await?;
            (objects.claims().await?, records)
        }
        None => Default::default(),
    };
    tell_newer(&claims, "not planned");
    tell_newer(&records, "nothing is planned for their numbers");
    let world = World::of(claims, records);
    let mut wishes = wishes(manifests, &world, rules)?;
    let mut account = Account::new(reader);
    let now = reader.peers().now();
    ask(&mut account, &world, &mut wishes, now).await?;
    let facts = &account.facts;
    let planning = |funds| Planning { facts, world: world.clone(), funds, timeouts, now };
    let funds = balances(reader, decide(planning(Funds::default()), &wishes).0).await?;
    let (claims, funds) = decide(planning(funds), &wishes);
    let absent = absent(&world, &claims);
    Ok(Plan::new(claims, &funds, absent))
}

/// A claim of the manifests; one that a newer version has written in the cluster is left alone.
enum Wished {
    Wish(Wish),
    Newer(E164, Arc<Newer>),
}

fn wishes(manifests: &[Manifest], world: &World, rules: &Rules) -> Result<Vec<Wished>, CommandError> {
    manifests
        .iter()
        .map(|manifest| {
            let claim = &manifest.claim;
            let live = world.claim(&claim.namespace().unwrap_or_default(), &claim.name_any());
            Ok(match live {
                Some(Seen::Newer(newer)) => Wished::Newer(claim.number(), newer.clone()),
                Some(Seen::Read(live)) => {
                    manifest.check(rules, Some(live))?;
                    Wished::Wish(Wish { claim: Arc::new(applied(claim, Some(live))), wanted: None })
                }
                None => Wished::Wish(Wish { claim: Arc::new(applied(claim, None)), wanted: None }),
            })
        })
        .collect()
}

/// Asks Vobiz for what decisions lack: the owned list and the ledger once for all claims, and the price of each number that
/// would be bought.
async fn ask(
    account: &mut Account<'_>,
    world: &World,
    wishes: &mut [Wished],
    now: Moment,
) -> Result<(), CommandError> {
    for _ in 0..ROUNDS {
        let mut lacking = BTreeSet::new();
        for wished in &mut *wishes {
            let Wished::Wish(wish) = wished else { continue };
            let decision =
                decide_claim(&world.observed(&wish.claim, &account.facts), wish.wanted.as_ref(), now);
            let priced = Source::Quote(wish.claim.number());
            match decision.step {
                ClaimStep::Await(Wake::Evidence(request)) => lacking.extend(request.sources),
                ClaimStep::Purchase(_) if !account.facts.readings.has(priced, now) => {
                    lacking.insert(priced);
                }
                _ => {}
            }
            wish.wanted = decision.wanted;
        }
        if lacking.is_empty() {
            break;
        }
        account.fetch(&for_all(lacking)).await?;
    }
    Ok(())
}

/// Few questions that answer many.
fn for_all(sources: BTreeSet<Source>) -> Vec<Source> {
    let is_search = |source: &Source| matches!(source, Source::Search(_));
    let many = sources.iter().filter(|source| is_search(source)).count() > SEARCHED;
    let ledger = sources.iter().filter_map(|source| source.ledger_from()).min();
    let listed = many.then_some(Source::Listing);
    let whole = listed.into_iter().chain(ledger.map(|from| Source::LedgerSoFar { from }));
    let is_left = |source: &Source| source.ledger_from().is_none() && (!many || !is_search(source));
    let others: Vec<_> = sources.into_iter().filter(is_left).collect();
    whole.chain(others).collect()
}

fn decide(mut planning: Planning<'_>, wishes: &[Wished]) -> (Vec<Planned>, Funds) {
    let (facts, now) = (planning.facts, planning.now);
    let planned = wishes.iter().map(|wished| match wished {
        Wished::Wish(wish) => planning.decide(wish),
        Wished::Newer(e164, newer) => left_alone(*e164, newer, facts, now),
    });
    (planned.collect(), planning.funds)
}

/// A claim that a newer version has written.
fn left_alone(e164: E164, newer: &Newer, facts: &Facts, now: Moment) -> Planned {
    let message = conditions::newer(newer, now.wall)
        .iter()
        .find(|condition| condition["type"] == "Ready")
        .and_then(|condition| condition["message"].as_str().map(str::to_owned));
    Planned {
        namespace: newer.metadata.namespace.clone().unwrap_or_default(),
        name: newer.metadata.name.clone().unwrap_or_default(),
        e164,
        action: Action::Wait,
        reason: Reason::NewerVersion.into_str(),
        message: message.unwrap_or_default(),
        price: super::price::Price::default(),
        account: facts.account.clone(),
    }
}

/// The balances in the currencies of what would be bought if there were money for all of it.
async fn balances(reader: &Reader, planned: Vec<Planned>) -> Result<Funds, CommandError> {
    let bought = planned.iter().filter(|claim| claim.action == Action::Buy);
    let currencies: BTreeSet<Currency> =
        bought.filter_map(|claim| claim.price.due()).map(|(currency, _)| currency).collect();
    let mut funds = Funds::default();
    let mut patience = Patience::default();
    for currency in currencies {
        let balance = loop {
            match reading("the balance", reader.balance(currency)).await {
                Ok(balance) => break balance.available_balance,
                Err(ReadError::NoSuchEndpoint | ReadError::Forbidden) => break None,
                Err(error) if patience.waits_after(&error).await => {}
                Err(error) => return Err(error.into()),
            }
        };
        if balance.is_none() {
            note(format_args!("Vobiz tells no balance in {currency}: whether it suffices is not known."));
        }
        funds.put(currency, balance);
    }
    Ok(funds)
}
