//! The sentences about what the cluster does not store, and about what is too long for it.

use super::message::{NEW_TOKEN, retry_with};
use crate::{
    api::{AttemptState, PhoneNumber, RETRY_ANNOTATION},
    plan::LONGEST_TOKEN,
};

/// What to look at when the API server does not take writes of records.
const WRITES_FAIL: &str = "The operator tries again by itself. Look at the API server's words, at the space of etcd, and at the \
                           webhooks for phonenumbers: kubectl get validatingwebhookconfigurations,mutatingwebhookconfigurations";

fn words_of_the_api_server(why: Option<&str>) -> &str {
    why.unwrap_or("the API server does not answer")
}

/// The intent is not taken.
pub fn not_recorded(why: &str) -> String {
    format!("The purchase cannot be recorded in the cluster, so it is not sent: {why}. {WRITES_FAIL}")
}

/// Nor that a claim stands behind what is recorded.
pub fn not_bound(why: &str) -> String {
    format!(
        "The claim cannot be bound to the record of its number in the cluster: {why}. Nothing is bought. {WRITES_FAIL}"
    )
}

/// The number is bought, and this process alone knows.
pub fn bought_and_not_stored(why: Option<&str>) -> String {
    format!(
        "The number is bought, but that cannot be recorded in the cluster: {}. It is not bought again. {WRITES_FAIL}",
        words_of_the_api_server(why)
    )
}

/// Another answer that this process alone knows.
pub fn not_stored(message: &str, why: Option<&str>) -> String {
    format!(
        "{message} This answer cannot be recorded in the cluster: {}. {WRITES_FAIL}",
        words_of_the_api_server(why)
    )
}

/// More than any sentence here needs: however long the words of other systems in it are, a status stays small.
const LONGEST: usize = 4096;

/// The message, and no more than can be stored.
pub fn bounded(message: &str) -> &str {
    &message[..message.floor_char_boundary(LONGEST)]
}

pub fn token_too_long(message: &str, record: &PhoneNumber) -> String {
    let attempt = &record.spec.attempt;
    let token = match attempt.state {
        AttemptState::NeedsDecision => attempt.id.to_string(),
        AttemptState::Open | AttemptState::Bound | AttemptState::Failed => NEW_TOKEN.to_owned(),
    };
    format!(
        "The value of {RETRY_ANNOTATION} is longer than {LONGEST_TOKEN} bytes and is ignored; type instead: {}. {message}",
        retry_with(&token, record)
    )
}
