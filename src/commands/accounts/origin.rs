//! Where the credentials of an account come from, and what is said of it where it cannot be asked.

use std::sync::Arc;

use kube::ResourceExt;

use crate::{
    api::{TokenSecretRef, VobizAccount},
    commands::error::CommandError,
    domain::{AccountId, Rate},
    vobiz::{Credentials, ReadError},
};

#[derive(Debug, Clone)]
pub enum Origin {
    Flags(Credentials),
    Declared(Arc<VobizAccount>),
}

impl Origin {
    pub fn account(&self) -> &AccountId {
        match self {
            Self::Flags(credentials) => &credentials.account,
            Self::Declared(object) => &object.spec.auth_id,
        }
    }

    /// As `--account` takes it.
    pub fn name(&self) -> String {
        match self {
            Self::Flags(credentials) => credentials.account.to_string(),
            Self::Declared(object) => object.name_any(),
        }
    }

    /// The Secret that its token is read from, as people write it.
    pub fn secret(&self) -> Option<String> {
        let Self::Declared(object) = self else { return None };
        let TokenSecretRef { namespace, name, .. } = &object.spec.token_secret_ref;
        Some(format!("{namespace}/{name}"))
    }

    /// Its own rate of calls.
    pub fn rate(&self) -> Option<Rate> {
        match self {
            Self::Flags(_) => None,
            Self::Declared(object) => object.spec.rate_limit,
        }
    }

    /// Why it was not read.
    pub fn unread(&self, why: ReadError) -> CommandError {
        match self.secret() {
            None => CommandError::Vobiz(why),
            Some(secret) => CommandError::Declared { name: self.name(), secret, why },
        }
    }
}
