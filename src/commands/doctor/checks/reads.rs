//! Whether Vobiz can be reached, takes the credentials, and answers each read.

use super::super::{
    facts::{Asked, Facts, Vobiz},
    finding::{Level, Verdict},
};
use crate::vobiz::{Casing, ReadError, Survey, Tried};

/// What each read was answered with.
fn answers(survey: &Survey) -> [Result<(), &ReadError>; 4] {
    let Survey { listing, inventory, balance, ledger, .. } = survey;
    let [listing, inventory, balance] =
        [listing, inventory, balance].map(|tried| tried.answer.as_ref().copied());
    [listing, inventory, balance, ledger.answer.as_ref().map(|_| ())]
}

/// Why no read was answered, if none was.
fn unreachable(survey: &Survey) -> Option<&str> {
    let failed = answers(survey).map(|answer| match answer {
        Err(ReadError::Failed(why)) => Some(why.as_str()),
        _ => None,
    });
    failed.iter().all(Option::is_some).then(|| failed[0]).flatten()
}

fn is_refused(survey: &Survey) -> bool {
    survey.listing.answer == Err(ReadError::Unauthorized)
}

pub fn credentials(asked: &Asked) -> Option<Verdict> {
    let survey = match &asked.vobiz {
        Vobiz::NoCredentials(why) => {
            let mend = match &asked.secret {
                Some(secret) => format!("Put the token into the Secret {secret}, or let it be read"),
                None => "Set VOBIZ_AUTH_ID and VOBIZ_AUTH_TOKEN, or name files that hold them with VOBIZ_AUTH_ID_FILE and \
                         VOBIZ_AUTH_TOKEN_FILE; or declare a VobizAccount"
                    .into(),
            };
            let told = format!("There are no credentials of Vobiz, so it was not asked: {why}");
            return Some(Verdict::error(told, mend));
        }
        Vobiz::NoClient(_) => return None,
        Vobiz::Asked(survey) => survey,
    };
    if is_refused(survey) {
        let mend = match &asked.secret {
            Some(secret) => {
                format!("Put right what the Secret {secret} has: the token stands in Vobiz's console")
            }
            None => "Put VOBIZ_AUTH_ID and VOBIZ_AUTH_TOKEN right: both stand in Vobiz's console".into(),
        };
        return Some(Verdict::error(
            "Vobiz refuses the credentials (401): nothing is bought, and nothing that was sent is verified.",
            mend,
        ));
    }
    let account = asked.account.as_ref().map(ToString::to_string).unwrap_or_default();
    let accepted = answers(survey).contains(&Ok(()));
    accepted.then(|| Verdict::ok(format!("Vobiz accepts the credentials of {account}.")))
}

pub fn connection(facts: &Facts, asked: &Asked) -> Option<Verdict> {
    let address = &facts.address;
    let survey = match &asked.vobiz {
        Vobiz::NoCredentials(_) => return None,
        Vobiz::NoClient(why) => {
            return Some(Verdict::error(
                format!("Vobiz cannot be called: {why}"),
                "Put VOBIZ_API_URL and VOBIZ_CA_FILE right",
            ));
        }
        Vobiz::Asked(survey) => survey,
    };
    Some(match unreachable(survey) {
        Some(why) => Verdict::error(
            format!(
                "Vobiz gives no answer that can be read at {address}: {why}. Nothing is bought or verified."
            ),
            format!("Check VOBIZ_API_URL and the way there: curl -sSI {address}"),
        ),
        None => Verdict::ok(format!("Vobiz answers at {address}.")),
    })
}

pub fn listing(asked: &Asked) -> Option<Verdict> {
    read(
        asked,
        |survey| &survey.listing,
        "list of owned numbers",
        Level::Error,
        "nothing is bought or verified",
    )
}

pub fn inventory(asked: &Asked) -> Option<Verdict> {
    read(asked, |survey| &survey.inventory, "inventory", Level::Warning, "claims with a maxPrice wait")
}

pub fn balance(asked: &Asked) -> Option<Verdict> {
    read(asked, |survey| &survey.balance, "balance", Level::Warning, "messages do not say what is lacking")
}

pub fn ledger(asked: &Asked) -> Option<Verdict> {
    read(
        asked,
        |survey| &survey.ledger,
        "ledger",
        Level::Error,
        "each failure asks for a decision, or stays open",
    )
}

fn read<T>(
    asked: &Asked,
    of: impl Fn(&Survey) -> &Tried<T>,
    what: &str,
    level: Level,
    consequence: &str,
) -> Option<Verdict> {
    let survey = asked.survey().filter(|survey| !is_refused(survey) && unreachable(survey).is_none())?;
    let Tried { casings, answer } = of(survey);
    let (why, mend) = match answer {
        Ok(_) => return Some(Verdict::ok(format!("The {what} is answered under {}.", paths(casings)))),
        Err(ReadError::NoSuchEndpoint) => {
            ("there is none (404)".into(), "Check VOBIZ_API_URL, or ask Vobiz for it")
        }
        Err(ReadError::Unauthorized) => {
            ("the credentials are refused (401)".into(), "Ask Vobiz why it refuses this read")
        }
        Err(ReadError::Forbidden) => {
            ("it is forbidden (403)".into(), "Ask Vobiz to let this account read it")
        }
        Err(ReadError::RateLimited { .. }) => {
            ("too many calls are made (429)".into(), "Try again later, or set VOBIZ_RATE_LIMIT lower")
        }
        Err(ReadError::Failed(why)) => (why.clone(), "Try again, and ask Vobiz if it stays so"),
    };
    // It passes by itself.
    let level = if matches!(answer, Err(ReadError::RateLimited { .. })) { Level::Warning } else { level };
    let message = format!("The {what} cannot be read: {why}. As long as that is so, {consequence}.");
    Some(Verdict { level, ..Verdict::warning(message, mend) })
}

/// The casings, as they stand in paths.
pub fn paths(casings: &[Casing]) -> String {
    casings.iter().map(|casing| format!("/{}/", casing.segment())).collect::<Vec<_>>().join(" and ")
}
