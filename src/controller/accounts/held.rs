//! What is known of the token of one object.

use std::sync::Arc;

use tokio::sync::Notify;

use crate::{api::TokenSecretRef, plan::Token, vobiz::Credentials};

pub struct Held {
    /// Where it is read from; nothing, if this version has never been able to read that.
    from: Option<TokenSecretRef>,
    token: Token,
    /// The last that could be used: with it, what is open is verified though the Secret has gone.
    credentials: Option<Credentials>,
    /// Asks for its Secret to be read now.
    pub asked: Arc<Notify>,
}

impl Default for Held {
    fn default() -> Self {
        Self { from: None, token: Token::Awaited, credentials: None, asked: Arc::default() }
    }
}

impl Held {
    pub fn token(&self) -> &Token {
        &self.token
    }

    pub fn credentials(&self) -> Option<&Credentials> {
        self.credentials.as_ref()
    }

    pub fn is_read_from(&self, from: &TokenSecretRef) -> bool {
        self.from.as_ref() == Some(from)
    }

    /// What was read elsewhere says nothing of this Secret, but it verifies what is open until this one is read.
    pub fn read_from(&mut self, from: &TokenSecretRef) {
        if !self.is_read_from(from) {
            (self.from, self.token) = (Some(from.clone()), Token::Awaited);
            self.asked.notify_one();
        }
    }

    /// The Secret was read. Returns whether it says anything new.
    pub fn read(&mut self, read: Result<Credentials, Token>) -> bool {
        let (token, is_new) = match read {
            Ok(credentials) => {
                let before = self.credentials.replace(credentials.clone());
                (Token::Known, !before.is_some_and(|before| before.same_as(&credentials)))
            }
            Err(token) => (token, false),
        };
        if self.token == token {
            return is_new;
        }
        if let Token::Missing(why) | Token::Unusable(why) = &token {
            tracing::warn!(why, "an account has no token");
        }
        self.token = token;
        true
    }
}
