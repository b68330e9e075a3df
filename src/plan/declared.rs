//! An account as an administrator has declared it, as far as it matters to which claims it serves.

use std::collections::BTreeSet;

use jiff::Timestamp;
use kube::core::Selector;

use super::told::Told;
use crate::{
    api::{AccountReason, AllowedFrom, Reason, VobizAccount},
    domain::AccountId,
};

/// One account.
#[derive(Debug, Clone, PartialEq)]
pub struct Declared {
    pub account: AccountId,
    pub(super) default: bool,
    suspended: bool,
    pub(super) deleting: bool,
    pub(super) created: Timestamp,
    pub(super) allowed: Allowed,
    pub(super) token: Token,
}

/// Which namespaces may buy.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Allowed {
    All,
    Names(BTreeSet<String>),
    Labels(Selector),
}

/// How far the token of an account is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Token {
    /// Its Secret has not been read yet.
    Awaited,
    Known,
    /// There is no Secret that may be read, or no such key in it: why.
    Missing(String),
    /// What is there is no token, and why.
    Unusable(String),
}

impl Token {
    /// Why it cannot be had: the reason that the account gives, and the words.
    pub fn lacks(&self) -> Option<(AccountReason, &str)> {
        match self {
            Self::Awaited | Self::Known => None,
            Self::Missing(why) => Some((AccountReason::SecretNotFound, why)),
            Self::Unusable(why) => Some((AccountReason::InvalidCredentials, why)),
        }
    }
}

impl Declared {
    pub fn of(account: &VobizAccount, token: Token) -> Self {
        let (spec, meta) = (&account.spec, &account.metadata);
        let deleting = meta.deletion_timestamp.is_some();
        // Until its deletion can be held back, an attempt of it could be left behind.
        let is_held = deleting || account.is_held();
        Self {
            account: spec.auth_id.clone(),
            default: spec.default,
            suspended: spec.suspend,
            deleting,
            created: meta.creation_timestamp.as_ref().map(|created| created.0).unwrap_or_default(),
            allowed: Allowed::of(account),
            token: if token == Token::Known && !is_held { Token::Awaited } else { token },
        }
    }

    pub(super) fn chooses_by_labels(&self) -> bool {
        matches!(self.allowed, Allowed::Labels(_))
    }

    /// Why it has no token, if it has none.
    pub(super) fn lacks_token(&self) -> Option<&str> {
        match &self.token {
            Token::Known => None,
            Token::Awaited => Some("it is being taken into service"),
            Token::Missing(why) | Token::Unusable(why) => Some(why),
        }
    }

    /// What keeps a new attempt with it back.
    pub(super) fn holds_back(&self, name: &str) -> Option<Told> {
        if self.suspended {
            return Some(Told::new(
                Reason::Paused,
                format!(
                    "VobizAccount {name} is suspended, so nothing is bought or adopted. To go on: kubectl patch vobizaccount \
                     {name} --type=merge -p='{{\"spec\":{{\"suspend\":false}}}}'"
                ),
            ));
        }
        match &self.token {
            Token::Known => None,
            Token::Awaited => Some(Told::new(
                Reason::Purchasing,
                format!(
                    "VobizAccount {name} is being taken into service: its Secret is read, and its deletion held back."
                ),
            )),
            Token::Missing(why) | Token::Unusable(why) => Some(Told::new(
                Reason::InvalidCredentials,
                format!(
                    "VobizAccount {name} has no token: {why}. Nothing is bought before it has one; the operator looks again by \
                     itself."
                ),
            )),
        }
    }
}

impl Allowed {
    /// Nothing named, no selector, or one that cannot be understood: nobody.
    fn of(account: &VobizAccount) -> Self {
        let allowed = &account.spec.allowed_namespaces;
        let selector = allowed.selector.clone().and_then(|selector| Selector::try_from(selector).ok());
        match (allowed.from, selector) {
            (AllowedFrom::All, _) => Self::All,
            (AllowedFrom::Names, _) => Self::Names(allowed.names.iter().cloned().collect()),
            (AllowedFrom::Selector, Some(selector)) => Self::Labels(selector),
            (AllowedFrom::Selector, None) => Self::Names(BTreeSet::new()),
        }
    }
}
