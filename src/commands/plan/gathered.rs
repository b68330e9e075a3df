//! Reads what a plan depends on, asks until nothing is lacking, and decides.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

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
    api::{Newer, PhoneNumberClaim, Reason, Seen},
    commands::{
        accounts::Accounts,
        console::note,
        error::CommandError,
        gather::{Objects, few, tell_newer},
        world::World,
    },
    conditions,
    domain::AccountId,
    plan::{ClaimStep, Moment, Source, Timeouts, Wake, decide_claim},
};

/// What decisions ask for leads to no more questions than this.
const ROUNDS: usize = 5;

/// More numbers are not searched for one by one: the whole list is read.
const SEARCHED: usize = 8;

pub async fn plan(
    manifests: &[Manifest],
    objects: Option<&Objects>,
    accounts: &mut Accounts<'_>,
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
    accounts.serve(manifests.iter().map(|manifest| &manifest.claim), objects).await?;
    leave_out_others(&mut wishes, accounts, &world);
    let now = accounts.now();
    ask(accounts, &world, &mut wishes, now).await?;
    let decided = |accounts: &Accounts<'_>, funds| {
        let (directory, books) = (&accounts.known.directory, &accounts.books);
        decide(Planning { directory, books, world: world.clone(), funds, timeouts, now }, &wishes)
    };
    let (claims, _) = decided(accounts, Funds::default());
    let funds = balances(accounts, claims).await?;
    let (claims, funds) = decided(accounts, funds);
    let absent = absent(&world, &claims);
    Ok(Plan::new(claims, &funds, absent))
}

/// A claim of the manifests; one that a newer version has written in the cluster is left alone.
enum Wished {
    Wish(Wish),
    Newer(Arc<PhoneNumberClaim>, Arc<Newer>),
}

impl Wished {
    fn claim(&self) -> &PhoneNumberClaim {
        match self {
            Self::Wish(wish) => &wish.claim,
            Self::Newer(claim, _) => claim,
        }
    }
}

fn wishes(manifests: &[Manifest], world: &World, rules: &Rules) -> Result<Vec<Wished>, CommandError> {
    manifests
        .iter()
        .map(|manifest| {
            let claim = &manifest.claim;
            let live = world.claim(&claim.namespace().unwrap_or_default(), &claim.name_any());
            Ok(match live {
                Some(Seen::Newer(newer)) => Wished::Newer(Arc::new(claim.clone()), newer.clone()),
                Some(Seen::Read(live)) => {
                    manifest.check(rules, Some(live))?;
                    Wished::Wish(Wish { claim: Arc::new(applied(claim, Some(live))), wanted: None })
                }
                None => Wished::Wish(Wish { claim: Arc::new(applied(claim, None)), wanted: None }),
            })
        })
        .collect()
}

/// Where one account alone is asked, the claims that others serve are not planned. What no account serves is said.
fn leave_out_others(wishes: &mut Vec<Wished>, accounts: &Accounts<'_>, world: &World) {
    let Some(only) = &accounts.only else { return };
    let is_others = |wished: &mut Wished| {
        let claim = wished.claim();
        let served = accounts.known.directory.serve(claim, world.record(claim.number()));
        served.account.is_some_and(|account| account != *only)
    };
    let left_out: Vec<_> = wishes.extract_if(.., is_others).collect();
    if !left_out.is_empty() {
        let name = |wished: &Wished| {
            let claim = wished.claim();
            format!("{}/{}", claim.namespace().unwrap_or_default(), claim.name_any())
        };
        let names = few(left_out.iter().map(name));
        note(format_args!("Served by other accounts, so not planned: {names}"));
    }
}

/// Asks Vobiz for what decisions lack: the owned list and the ledger once for all claims of an account, and the price of each
/// number that would be bought.
async fn ask(
    accounts: &mut Accounts<'_>,
    world: &World,
    wishes: &mut [Wished],
    now: Moment,
) -> Result<(), CommandError> {
    for _ in 0..ROUNDS {
        let mut lacking = BTreeMap::<String, (AccountId, BTreeSet<Source>)>::new();
        for wished in &mut *wishes {
            let Wished::Wish(wish) = wished else { continue };
            let observed = world.observed(&wish.claim, &accounts.known.directory, &accounts.books);
            let Some(account) = observed.served.account.clone() else { continue };
            let decision = decide_claim(&observed, wish.wanted.as_ref(), now);
            let priced = Source::Quote(wish.claim.number());
            let is_priced = accounts.books.get(&account).is_some_and(|facts| facts.readings.has(priced, now));
            let sources = match decision.step {
                ClaimStep::Await(Wake::Evidence(request)) => request.sources,
                ClaimStep::Purchase(_) if !is_priced => vec![priced],
                _ => Vec::new(),
            };
            wish.wanted = decision.wanted;
            if !sources.is_empty() {
                let of = lacking.entry(account.to_string()).or_insert_with(|| (account, BTreeSet::new()));
                of.1.extend(sources);
            }
        }
        if lacking.is_empty() {
            break;
        }
        for (account, sources) in lacking.into_values() {
            accounts.fetch(&account, &for_all(sources)).await?;
        }
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
    let planned = wishes.iter().map(|wished| match wished {
        Wished::Wish(wish) => planning.decide(wish),
        Wished::Newer(claim, newer) => left_alone(claim, newer, &planning),
    });
    (planned.collect(), planning.funds)
}

/// A claim that a newer version has written.
fn left_alone(claim: &PhoneNumberClaim, newer: &Newer, planning: &Planning<'_>) -> Planned {
    let message = conditions::newer(newer, planning.now.wall)
        .iter()
        .find(|condition| condition["type"] == "Ready")
        .and_then(|condition| condition["message"].as_str().map(str::to_owned));
    Planned {
        namespace: newer.metadata.namespace.clone().unwrap_or_default(),
        name: newer.metadata.name.clone().unwrap_or_default(),
        e164: claim.number(),
        action: Action::Wait,
        reason: Reason::NewerVersion.into_str(),
        message: message.unwrap_or_default(),
        price: super::price::Price::default(),
        account: planning.directory.serve(claim, planning.world.record(claim.number())).account,
    }
}

/// The balances in the currencies of what would be bought if there were money for all of it.
async fn balances(accounts: &mut Accounts<'_>, planned: Vec<Planned>) -> Result<Funds, CommandError> {
    let bought = planned.into_iter().filter(|claim| claim.action == Action::Buy);
    let needed = bought.filter_map(|claim| Some((claim.account?, claim.price.due()?.0)));
    let needed: BTreeMap<_, _> =
        needed.map(|(account, currency)| ((account.to_string(), currency), account)).collect();
    let mut funds = Funds::default();
    for ((_, currency), account) in needed {
        let (payer, balance) = accounts.balance(&account, currency).await?;
        if balance.is_none() {
            note(format_args!(
                "Vobiz tells no balance of {payer} in {currency}: whether it suffices is not known."
            ));
        }
        funds.put(account, currency, payer, balance);
    }
    Ok(funds)
}
