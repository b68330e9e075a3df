//! What claims are told of accounts that cannot be seen: one that this version cannot read, or all, once the API server does
//! not let the operator list them any more.

use super::{Directory, Service};
use crate::{api::Reason, plan::told::Told};

impl Directory {
    /// The same accounts, once they may be out of date: one that is declared, closed or suspended meanwhile is not seen, so
    /// nothing new is bought with those that are known, nor with that of the flags.
    #[must_use]
    pub fn unlisted(self, unlisted: bool) -> Self {
        Self { unlisted, ..self }
    }
}

impl Service {
    pub(super) fn unreadable(name: &str, why: &str) -> Self {
        Self::by_none(
            Reason::AccountNotFound,
            format!(
                "VobizAccount {name} cannot be read by this version of the operator ({why}), so nothing is bought."
            ),
        )
    }

    /// What was sent or bought stays with its account.
    pub(super) fn unlisted(self) -> Self {
        let told = Told::new(
            Reason::AccountNotFound,
            "The API server does not let the operator list VobizAccounts any more, so it cannot tell which account serves the \
             claim by now, and nothing is bought. An administrator gives it the rights to get, list, watch and patch \
             vobizaccounts (the chart's role has them), and the claim goes on by itself.",
        );
        Self { held: Some(told), ..self }
    }
}
