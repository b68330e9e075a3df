//! Reads one token from the Secret that an account names. Secrets are never listed.

use std::time::Duration;

use k8s_openapi::api::core::v1::Secret;
use kube::{Api, Client};

use crate::{api::TokenSecretRef, domain::AccountId, plan::Token, vobiz::Credentials};

/// How long the API server may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a read of the Secret says of the token; nothing, if the API server did not say.
pub async fn read(
    kube: &Client,
    account: &AccountId,
    from: &TokenSecretRef,
) -> Option<Result<Credentials, Token>> {
    let TokenSecretRef { namespace, name, key } = from;
    let secrets = Api::<Secret>::namespaced(kube.clone(), namespace);
    let missing = |why: String| Some(Err(Token::Missing(why)));
    let secret = match tokio::time::timeout(PATIENCE, secrets.get(name)).await {
        Ok(Ok(secret)) => secret,
        Ok(Err(kube::Error::Api(status))) if status.code == 404 => {
            return missing(format!("There is no Secret {namespace}/{name}"));
        }
        Ok(Err(kube::Error::Api(status))) if status.code == 403 => {
            return missing(format!(
                "The operator has no right to get the Secret {namespace}/{name} (403): add it to accounts.secrets of the chart"
            ));
        }
        // Not in its own words: they might quote what was read.
        Ok(Err(_)) | Err(_) => return None,
    };
    let Some(value) = secret.data.as_ref().and_then(|data| data.get(key)) else {
        return missing(format!("The Secret {namespace}/{name} has no key {key}"));
    };
    let token = std::str::from_utf8(&value.0).ok().map(str::trim);
    let credentials = token.and_then(|token| Credentials::new(account.clone(), token).ok());
    Some(credentials.ok_or_else(|| {
        let why = format!(
            "What the Secret {namespace}/{name} has under {key} is empty, or no token that a header can carry"
        );
        Token::Unusable(why)
    }))
}
