//! `retry`, `pause` and `resume`: each sets or removes one annotation of a claim. Only `retry` can cost money, so it says
//! what it permits, and asks.

use std::sync::Arc;

use kube::ResourceExt;

use super::{
    console::{confirm, note},
    error::CommandError,
    gather::{Objects, changed},
};
use crate::{
    api::{
        AttemptState, ConditionType, PAUSED_ANNOTATION, PhoneNumber, PhoneNumberClaim, RETRY_ANNOTATION, Seen,
    },
    cli::{ClaimArgs, RetryArgs},
    plan::{RetryToken, permits, retry_token},
};

async fn connect(args: &ClaimArgs) -> Result<(Objects, Arc<PhoneNumberClaim>), CommandError> {
    let objects = Objects::connect(Arc::default()).await?;
    let claim = find(&objects, args).await?;
    Ok((objects, claim))
}

async fn find(objects: &Objects, args: &ClaimArgs) -> Result<Arc<PhoneNumberClaim>, CommandError> {
    objects.claim(objects.namespace(args.namespace.as_deref()), &args.name).await
}

pub async fn pause(args: &ClaimArgs) -> Result<(), CommandError> {
    let (objects, claim) = connect(args).await?;
    objects.annotate(&claim, PAUSED_ANNOTATION, Some("true"), None).await?;
    note(format_args!(
        "Paused: no new attempt is made for {}. What was sent before is still verified. Take it back with kubectl vobiz \
         resume {}",
        shown(&claim),
        words(&claim)
    ));
    Ok(())
}

pub async fn resume(args: &ClaimArgs) -> Result<(), CommandError> {
    let (objects, claim) = connect(args).await?;
    objects.annotate(&claim, PAUSED_ANNOTATION, None, None).await?;
    note(format_args!("Resumed: {} is not paused.", shown(&claim)));
    Ok(())
}

pub async fn retry(args: &RetryArgs) -> Result<(), CommandError> {
    let (objects, mut claim) = connect(&args.claim).await?;
    let judged = judge(&claim, objects.record(claim.number()).await?.as_ref());
    let (token, permission) = match &judged {
        Retry::Refused(why) => return Err(CommandError::Refused(why.clone())),
        Retry::Asked(already) => {
            note(already);
            return Ok(());
        }
        Retry::Permits { token, permission } => (token, permission),
    };
    note(permission);
    if !args.yes {
        if !confirm()? {
            return Err(CommandError::Refused("nothing was done, because the answer was not yes".into()));
        }
        // An answer takes its time: it is for what was shown, and for nothing that has become of it since.
        claim = find(&objects, &args.claim).await?;
        if judge(&claim, objects.record(claim.number()).await?.as_ref()) != judged {
            return Err(changed(&claim));
        }
    }
    let version = claim.metadata.resource_version.as_deref();
    objects.annotate(&claim, RETRY_ANNOTATION, Some(token), version).await?;
    note(format_args!(
        "Asked. The operator goes on by itself; see kubectl get pnc -n {} {}",
        claim.namespace().unwrap_or_default(),
        claim.name_any()
    ));
    Ok(())
}

/// What asking for another attempt comes to.
#[derive(Debug, PartialEq, Eq)]
enum Retry {
    /// It would permit nothing.
    Refused(String),
    /// It was asked for before, and the operator has not taken it up yet.
    Asked(String),
    Permits {
        token: String,
        permission: String,
    },
}

/// The token names the attempt that it follows, so that asking twice permits one attempt. The bare id is for decisions
/// alone, where no other token does: `examples/policies/` keeps it for those who may decide about money.
fn judge(claim: &PhoneNumberClaim, record: Option<&Seen<PhoneNumber>>) -> Retry {
    let (name, number) = (shown(claim), claim.number());
    let record = match record {
        Some(Seen::Read(record)) => record,
        Some(Seen::Newer(_)) => {
            return Retry::Refused(format!(
                "a newer version has written the record of {number}: use the program of that version"
            ));
        }
        None => {
            return Retry::Refused(format!(
                "no attempt has been made for {name} yet, so there is none to repeat: see kubectl vobiz why {}",
                words(claim)
            ));
        }
    };
    let named = record.spec.claim_ref.as_ref();
    if named.map(|named| &named.uid) != claim.metadata.uid.as_ref() {
        return Retry::Refused(format!(
            "the record of {number} is another claim's: see kubectl vobiz why {}, or kubectl get pn {}",
            words(claim),
            number.digits()
        ));
    }
    let attempt = &record.spec.attempt;
    let tokens = [format!("after-{}", attempt.id), attempt.id.to_string()];
    let Some(token) = tokens.into_iter().find(|token| permits(attempt, token)) else {
        return Retry::Refused(match attempt.state {
            AttemptState::Bound => format!("{name} has its number: there is nothing to retry"),
            AttemptState::Open => format!(
                "the last attempt of {name} is being verified, and nothing else is sent meanwhile: wait until it is settled"
            ),
            AttemptState::Failed | AttemptState::NeedsDecision => format!(
                "attempt {} of {name} was asked to be repeated before: choose a token with kubectl annotate --overwrite pnc {} \
                 {RETRY_ANNOTATION}=TOKEN",
                attempt.id,
                words(claim)
            ),
        });
    };
    if let RetryToken::Usable(asked) = retry_token(claim)
        && permits(attempt, asked)
    {
        return Retry::Asked(format!("{name} asks for another attempt already: nothing was done."));
    }
    Retry::Permits { token, permission: permission(claim, attempt.state) }
}

fn permission(claim: &PhoneNumberClaim, state: AttemptState) -> String {
    let (name, number) = (shown(claim), claim.number());
    let ready = claim.status.as_ref().and_then(|status| status.condition(ConditionType::Ready));
    let said = ready.map(|ready| format!("{}: {}\n", ready.reason, ready.message)).unwrap_or_default();
    let risk = match state {
        AttemptState::NeedsDecision => {
            " It is not known whether the last attempt was paid for: if it was, this pays a second time."
        }
        _ => "",
    };
    let paused = if claim.is_paused() {
        format!(" The claim is paused, so nothing comes of it before kubectl vobiz resume {}.", words(claim))
    } else {
        String::new()
    };
    format!(
        "{said}This permits one more purchase of {number} for {name}: its setup fee and first month may be \
         debited.{risk}{paused}"
    )
}

/// The claim, for sentences.
fn shown(claim: &PhoneNumberClaim) -> String {
    format!("{}/{}", claim.namespace().unwrap_or_default(), claim.name_any())
}

/// The claim, as it is typed.
fn words(claim: &PhoneNumberClaim) -> String {
    format!("{} -n {}", claim.name_any(), claim.namespace().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{
        super::standing::for_tests::{claim, record},
        *,
    };

    const ID: &str = "00000000-0000-4000-8000-000000000000";

    fn judged(annotations: &[(&str, &str)], change: impl FnOnce(&mut Value)) -> Retry {
        let Seen::Read(mut claim) = claim("office") else { panic!("it was not read") };
        let annotations = annotations.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Arc::make_mut(&mut claim).metadata.annotations = Some(annotations.collect());
        let mut record = record("911234500000", "office");
        change(&mut record);
        judge(&claim, Some(&serde_json::from_value(record).unwrap()))
    }

    fn stated(state: &'static str) -> impl FnOnce(&mut Value) {
        move |record| record["spec"]["attempt"]["state"] = json!(state)
    }

    #[test]
    fn another_attempt_is_asked_for_by_the_id_of_the_last_one() {
        for (state, expected, twice) in
            [("Failed", &*format!("after-{ID}"), false), ("NeedsDecision", ID, true)]
        {
            let Retry::Permits { token, permission } = judged(&[], stated(state)) else { panic!("{state}") };
            assert_eq!(token, expected);
            assert!(
                permission.contains("one more purchase of +911234500000 for team-a/office"),
                "{permission}"
            );
            assert_eq!(permission.contains("pays a second time"), twice, "{permission}");
            assert!(!permission.contains("paused"), "{permission}");
        }
    }

    #[test]
    fn a_retry_of_a_paused_claim_says_that_nothing_comes_of_it_yet() {
        let verdict = judged(&[(PAUSED_ANNOTATION, "true")], stated("Failed"));
        let Retry::Permits { permission, .. } = verdict else { panic!("{verdict:?}") };
        assert!(permission.contains("kubectl vobiz resume office -n team-a"), "{permission}");
    }

    #[test]
    fn what_permits_nothing_is_refused_and_says_why() {
        let refused = |verdict: Retry| match verdict {
            Retry::Refused(why) => why,
            verdict => panic!("{verdict:?}"),
        };
        for (state, words) in
            [("Bound", "has its number"), ("Open", "being verified"), ("Later", "newer version")]
        {
            let why = refused(judged(&[], stated(state)));
            assert!(why.contains(words), "{state}: {why}");
        }
        let spent = refused(judged(&[], |record| {
            stated("Failed")(record);
            record["spec"]["attempt"]["spentTokens"] = json!([ID, format!("after-{ID}")]);
        }));
        assert!(spent.contains("choose a token"), "{spent}");
        let other = refused(judged(&[], |record| record["spec"]["claimRef"]["uid"] = json!("other")));
        assert!(other.contains("another claim's"), "{other}");
        let Seen::Read(claim) = claim("office") else { panic!("it was not read") };
        assert!(refused(judge(&claim, None)).contains("kubectl vobiz why office -n team-a"));
    }

    #[test]
    fn what_was_asked_already_is_not_asked_again() {
        assert!(matches!(judged(&[(RETRY_ANNOTATION, "other")], stated("Failed")), Retry::Asked(_)));
        assert!(matches!(judged(&[(RETRY_ANNOTATION, ID)], stated("NeedsDecision")), Retry::Asked(_)));
        // Only the id answers a decision.
        assert!(matches!(
            judged(&[(RETRY_ANNOTATION, "other")], stated("NeedsDecision")),
            Retry::Permits { .. }
        ));
    }
}
