//! Why a command was not performed: one sentence each, with what to do.

use std::{error::Error, fmt::Display};

use crate::{
    cluster::ClusterError,
    vobiz::{CredentialsError, ReadError, SetupError},
};

#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    #[error(transparent)]
    Setup(#[from] SetupError),
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    #[error("{}", of_vobiz(.0))]
    Vobiz(#[from] ReadError),
    /// Of an account that is declared in the cluster.
    #[error("{}", of_declared(name, secret, why))]
    Declared { name: String, secret: String, why: ReadError },
    #[error("{}", of_api_server(.0))]
    ApiServer(#[from] kube::Error),
    /// Of what was asked for.
    #[error("{0}")]
    Refused(String),
    #[error("the output cannot be written: {0}")]
    Output(#[from] std::io::Error),
    #[error("the output cannot be written as text: {0}")]
    Text(String),
}

impl CommandError {
    /// What cannot be rendered, and why.
    pub(super) fn text(why: impl Display) -> Self {
        Self::Text(why.to_string())
    }
}

fn of_vobiz(error: &ReadError) -> String {
    match error {
        ReadError::Unauthorized => {
            "Vobiz refuses the credentials (401): put VOBIZ_AUTH_ID and VOBIZ_AUTH_TOKEN right".into()
        }
        ReadError::Forbidden => {
            "Vobiz forbids this account the read (403): use an account that may read its own numbers".into()
        }
        ReadError::NoSuchEndpoint => "Vobiz has no such list (404): put VOBIZ_API_URL right".into(),
        ReadError::RateLimited { retry_after } => {
            let after = retry_after.map(|after| format!(" in {} s", after.as_secs())).unwrap_or_default();
            format!(
                "Vobiz limits the rate of calls (429): try again{after}, or with a lower VOBIZ_RATE_LIMIT"
            )
        }
        ReadError::Failed(why) => {
            format!(
                "Vobiz cannot be read: {why}; try again, and check VOBIZ_API_URL and the way to it if it stays so"
            )
        }
    }
}

fn of_declared(name: &str, secret: &str, why: &ReadError) -> String {
    match why {
        ReadError::Unauthorized => format!(
            "Vobiz refuses the token of VobizAccount {name} (401): put right what the Secret {secret} has"
        ),
        other => format!("of VobizAccount {name}: {}", of_vobiz(other)),
    }
}

fn of_api_server(error: &kube::Error) -> String {
    let kube::Error::Api(status) = error else {
        let mut cause: &dyn Error = error;
        while let Some(source) = cause.source() {
            cause = source;
        }
        return format!(
            "the API server cannot be reached: {cause}; check KUBECONFIG, as for kubectl version"
        );
    };
    let said = &status.message;
    match status.code {
        404 => "the API server does not know claims or records: install them with \
                vobiz-operator crd | kubectl apply -f -"
            .into(),
        401 => {
            "the API server refuses the credentials of the kubeconfig (401): see kubectl auth whoami".into()
        }
        403 => format!(
            "{said}: ask for a role that may get and list phonenumberclaims, phonenumbers and vobizaccounts, and, to \
             retry, pause or resume, patch phonenumberclaims"
        ),
        code => format!(
            "the API server answers {code}: {said}; try again, and ask it with kubectl get pnc if it stays so"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_is_one_sentence_with_what_to_do() {
        let api = |code, message: &str| {
            let status =
                kube::core::Status { code, message: message.into(), ..kube::core::Status::default() };
            CommandError::from(kube::Error::Api(Box::new(status)))
        };
        let declared = |why| CommandError::Declared { name: "red".into(), secret: "n/s".into(), why };
        for (error, mend) in [
            (ReadError::Unauthorized.into(), "VOBIZ_AUTH_TOKEN"),
            (ReadError::Forbidden.into(), "account"),
            (ReadError::NoSuchEndpoint.into(), "VOBIZ_API_URL"),
            (
                ReadError::RateLimited { retry_after: Some(std::time::Duration::from_secs(7)) }.into(),
                "in 7 s",
            ),
            (ReadError::Failed("no answer in time".into()).into(), "try again"),
            (declared(ReadError::Unauthorized), "VobizAccount red (401): put right what the Secret n/s has"),
            (declared(ReadError::NoSuchEndpoint), "of VobizAccount red: Vobiz has no such list (404)"),
            (api(404, ""), "vobiz-operator crd"),
            (api(401, ""), "kubectl auth whoami"),
            (api(403, "user x cannot list y"), "ask for a role"),
            (api(500, "etcd"), "etcd"),
            (kube::Error::Service("refused".into()).into(), "KUBECONFIG"),
        ] {
            let told = error.to_string();
            assert!(told.contains(mend) && !told.contains(['\n', '{']), "{told}");
        }
    }
}
