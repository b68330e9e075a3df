//! Reads one token from the Secret that an account names. Secrets are never listed.

use std::time::Duration;

use k8s_openapi::api::core::v1::Secret;
use kube::{Api, Client};

use crate::{
    api::{TokenSecretRef, VobizAccountSpec},
    vobiz::Credentials,
};

/// How long the API server may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why there is no token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoToken {
    NoSecret,
    Forbidden,
    NoKey,
    /// What is there is none.
    Unusable,
    /// The API server did not say. Not in its own words: they might quote what was read.
    NoAnswer,
}

impl NoToken {
    /// For people.
    #[must_use]
    pub fn told(self, from: &TokenSecretRef) -> String {
        let TokenSecretRef { namespace, name, key } = from;
        match self {
            Self::NoSecret => format!("There is no Secret {namespace}/{name}"),
            Self::Forbidden => {
                format!("The operator has no right to get the Secret {namespace}/{name} (403)")
            }
            Self::NoKey => format!("The Secret {namespace}/{name} has no key {key}"),
            Self::Unusable => format!(
                "What the Secret {namespace}/{name} has under {key} is empty, or no token that a header can carry"
            ),
            Self::NoAnswer => format!("The API server does not give the Secret {namespace}/{name}"),
        }
    }
}

/// The credentials of an account, as its Secret has them.
///
/// # Errors
/// If there is no token, or the API server does not say.
pub async fn credentials(kube: &Client, of: &VobizAccountSpec) -> Result<Credentials, NoToken> {
    let TokenSecretRef { namespace, name, key } = &of.token_secret_ref;
    let secrets = Api::<Secret>::namespaced(kube.clone(), namespace);
    let secret = match tokio::time::timeout(PATIENCE, secrets.get(name)).await {
        Ok(Ok(secret)) => secret,
        Ok(Err(kube::Error::Api(status))) if status.code == 404 => return Err(NoToken::NoSecret),
        Ok(Err(kube::Error::Api(status))) if status.code == 403 => return Err(NoToken::Forbidden),
        Ok(Err(_)) | Err(_) => return Err(NoToken::NoAnswer),
    };
    let value = secret.data.as_ref().and_then(|data| data.get(key)).ok_or(NoToken::NoKey)?;
    let token = std::str::from_utf8(&value.0).ok().map(str::trim).ok_or(NoToken::Unusable)?;
    Credentials::new(of.auth_id.clone(), token).map_err(|_| NoToken::Unusable)
}
