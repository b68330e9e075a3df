//! `why`: what stands between a claim and its number, check by check, as the operator itself asks them.

use std::sync::Arc;

use kube::ResourceExt;

use super::{
    accounts::{Accounts, connect},
    console::{note, print},
    error::CommandError,
    gather::Objects,
    world::World,
};
use crate::{
    api::{AttemptState, ConditionType, PhoneNumberClaim, Seen},
    cli::WhyArgs,
    domain::{AccountId, Time},
    plan::{Checked, ClaimObserved, ClaimStep, Decision, Moment, Relation, Wake, ask_each, decide_claim},
};

/// What a decision asks for leads to no more questions than this.
const ROUNDS: usize = 5;

pub async fn run(args: &WhyArgs) -> Result<(), CommandError> {
    let (objects, mut accounts) = connect(&args.account).await?;
    let claim = objects.claim(objects.namespace(args.claim.namespace.as_deref()), &args.claim.name).await?;
    let world = world(&objects, &claim).await?;
    accounts.serve(std::iter::once(&*claim), Some(&objects)).await?;
    let observe =
        |accounts: &Accounts<'_>| world.observed(&claim, &accounts.known.directory, &accounts.books);
    let served = observe(&accounts).served.account;
    is_asked(&claim, served.as_ref(), accounts.only.as_ref())?;
    let mut decision = decide_claim(&observe(&accounts), None, accounts.now());
    for _ in 0..ROUNDS {
        let (ClaimStep::Await(Wake::Evidence(request)), Some(account)) = (&decision.step, &served) else {
            break;
        };
        accounts.ask(account, &request.sources).await?;
        decision = decide_claim(&observe(&accounts), decision.wanted.as_ref(), accounts.now());
    }
    let (observed, now) = (observe(&accounts), accounts.now());
    let asked = decision.wanted.as_ref().map(|wanted| ask_each(&observed, wanted, now)).unwrap_or_default();
    print(&explanation(&observed, &decision, &asked, &args.watch.namespaces()))?;
    note(
        "The running operator alone knows of a hold after a restore, of its pauses, and of limits on purchases.",
    );
    Ok(())
}

/// Nothing is asked of an account that is not meant.
fn is_asked(
    claim: &PhoneNumberClaim,
    served: Option<&AccountId>,
    only: Option<&AccountId>,
) -> Result<(), CommandError> {
    let Some((served, only)) = served.zip(only).filter(|(served, only)| served != only) else {
        return Ok(());
    };
    let (namespace, name) = (claim.namespace().unwrap_or_default(), claim.name_any());
    Err(CommandError::Refused(format!(
        "the claim {namespace}/{name} is served by the account {served}, and not by {only}: type it without --account"
    )))
}

/// The claim, the record of its number, and the claim that this one names.
async fn world(objects: &Objects, claim: &Arc<PhoneNumberClaim>) -> Result<World, CommandError> {
    let record = objects.record(claim.number()).await?;
    let named = record.as_ref().and_then(Seen::read).and_then(|record| record.spec.claim_ref.clone());
    let holder = match named {
        Some(named) => objects.find_claim(&named.namespace, &named.name).await?,
        None => None,
    };
    Ok(World::of(holder.into_iter().chain([Seen::Read(claim.clone())]), record))
}

/// In lines, for people.
fn explanation(
    observed: &ClaimObserved<'_>,
    decision: &Decision,
    checks: &[(&'static str, Checked)],
    watched: &[String],
) -> String {
    let claim = observed.claim;
    let namespace = claim.namespace().unwrap_or_default();
    let mut lines = vec![format!("Claim {namespace}/{} for {}", claim.name_any(), claim.number())];
    let ready = claim.status.as_ref().and_then(|status| status.condition(ConditionType::Ready));
    lines.push(ready.map_or_else(
        || "The operator has said nothing about it yet: does one run, and watch the namespace?".into(),
        |ready| format!("The operator says: {}: {}", ready.reason, ready.message),
    ));
    let mut reached = true;
    for (name, checked) in checks {
        let told = match checked {
            _ if !reached => "not reached".into(),
            Checked::Pass => "passed".into(),
            Checked::Adopt(_) => "found: it is taken over, and nothing is sent".into(),
            Checked::Pause(pause) => {
                format!("blocked: {}: {}", pause.told.reason.into_str(), pause.told.message)
            }
        };
        reached &= *checked == Checked::Pass;
        lines.push(format!("  {name}: {told}"));
    }
    lines.push(if watched.is_empty() || watched.contains(&namespace) {
        next(observed, decision)
    } else {
        format!(
            "Nothing comes of it: WATCH_NAMESPACES names {}, so that an operator leaves the claims of {namespace} alone. Add it \
             there (chart: watchNamespaces).",
            watched.join(", ")
        )
    });
    lines.join("\n") + "\n"
}

/// What comes next, or what is waited for.
fn next(observed: &ClaimObserved<'_>, decision: &Decision) -> String {
    let retry = || {
        let claim = observed.claim;
        format!("kubectl vobiz retry {} -n {}", claim.name_any(), claim.namespace().unwrap_or_default())
    };
    match &decision.step {
        ClaimStep::Purchase(_) => "Next: the purchase, in its turn.".into(),
        ClaimStep::OpenUnsent(_) => "Next: the number is adopted once this is verified.".into(),
        ClaimStep::Bind => "Next: the claim takes over what is recorded.".into(),
        ClaimStep::Await(wake) => format!("Waits {}.", waits(wake)),
        // The record is another's, and so is what it waits for.
        ClaimStep::Rest if matches!(decision.relation, Relation::Conflict(_)) => format!(
            "Nothing is attempted for it while the number is another's: kubectl get pn {}",
            observed.claim.number().digits()
        ),
        ClaimStep::Rest => match observed.record.map(|record| record.spec.attempt.state) {
            Some(AttemptState::Open) => "Waits until the open attempt is verified.".into(),
            Some(AttemptState::Bound) => "Nothing is to be bought: the number is recorded as owned.".into(),
            Some(AttemptState::Failed) => format!("Waits for its user: {}", retry()),
            Some(AttemptState::NeedsDecision) => format!("Waits for a decision: {}", retry()),
            None => "Nothing is attempted until something changes.".into(),
        },
    }
}

fn waits(wake: &Wake) -> String {
    let until = |moment: &Moment| Time::seconds(moment.wall);
    match wake {
        Wake::At(moment) => format!("until {}", until(moment)),
        Wake::GateOpens => "until the account may be called again".into(),
        Wake::GateOpensOr(moment) => format!("until the account may be called again, or {}", until(moment)),
        Wake::ClocksAgree => "until the clocks agree".into(),
        Wake::Evidence(_) => "for Vobiz's answer".into(),
        Wake::ClaimChanges => "until the claim is changed".into(),
        Wake::AccountsChange => "until what is known of the accounts changes".into(),
        Wake::NextListing => "for the next listing of the account (VOBIZ_RESYNC_INTERVAL)".into(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::Timestamp;
    use serde_json::json;

    use super::{
        super::standing::for_tests::{claim, record},
        *,
    };
    use crate::{
        api::PhoneNumber,
        plan::{Gate, GateCause},
    };

    fn explained(change: impl FnOnce(&mut ClaimObserved<'_>)) -> String {
        explained_of(&[], change)
    }

    fn explained_of(watched: &[&str], change: impl FnOnce(&mut ClaimObserved<'_>)) -> String {
        let claim = claim("office");
        let mut observed = ClaimObserved::for_tests(claim.read().unwrap());
        change(&mut observed);
        let now = Moment { wall: Timestamp::UNIX_EPOCH, mono: Duration::from_mins(1) };
        let decision = decide_claim(&observed, None, now);
        let asked =
            decision.wanted.as_ref().map(|wanted| ask_each(&observed, wanted, now)).unwrap_or_default();
        let watched: Vec<_> = watched.iter().map(|name| (*name).to_owned()).collect();
        explanation(&observed, &decision, &asked, &watched)
    }

    #[test]
    fn a_claim_that_no_operator_watches_is_told_so_in_the_end() {
        for (watched, watches) in [(&[][..], true), (&["team-b", "team-a"], true), (&["team-b"], false)] {
            let text = explained_of(watched, |_| ());
            assert_eq!(text.ends_with("Waits for Vobiz's answer.\n"), watches, "{text}");
            let told = "Nothing comes of it: WATCH_NAMESPACES names team-b, so that an operator leaves the claims of team-a";
            assert_eq!(text.contains(told), !watches, "{text}");
        }
    }

    #[test]
    fn the_first_check_that_does_not_pass_says_what_is_waited_for() {
        let text = explained(|observed| observed.gate = Gate::Closed(GateCause::RateLimited, String::new()));
        let (passed, rest) = text.split_once("  access to the account: blocked: RateLimited: ").unwrap();
        assert!(passed.ends_with("  other accounts of the family: passed\n"), "{text}");
        assert!(rest.contains("  clocks: not reached\n") && !rest.contains("passed"), "{text}");
        assert!(
            text.starts_with("Claim team-a/office for +911234500000\nThe operator has said nothing"),
            "{text}"
        );
        assert!(text.ends_with("Waits until the account may be called again.\n"), "{text}");
        let text = explained(|_| ());
        assert!(text.contains("owned or debited already: blocked: Purchasing"), "{text}");
        assert!(text.ends_with("Waits for Vobiz's answer.\n"), "{text}");
    }

    #[test]
    fn a_claim_that_wants_nothing_is_told_by_its_record() {
        let others = "Nothing is attempted for it while the number is another's: kubectl get pn 911234500000";
        for (whose, state, words) in [
            ("office", "Open", "until the open attempt is verified"),
            ("office", "Bound", "recorded as owned"),
            ("office", "NeedsDecision", "Waits for a decision: kubectl vobiz retry office -n team-a"),
            ("shop", "Bound", others),
            ("shop", "Failed", others),
            ("shop", "NeedsDecision", others),
        ] {
            let mut record = record("911234500000", whose);
            record["spec"]["attempt"]["state"] = json!(state);
            let record: PhoneNumber = serde_json::from_value(record).unwrap();
            let text = explained(|observed| observed.record = Some(Box::leak(Box::new(record))));
            assert!(text.contains(words) && !text.contains("passed"), "{text}");
        }
    }
}
