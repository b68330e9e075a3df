//! The figures of an account, for its status.

use std::collections::HashMap;

use crate::{
    account::Account,
    api::{AttemptState, AvailableBalance, MonthlyCost, NumberCounts, ObjectKey, VobizAccountStatus},
    domain::AccountId,
    reconcile::Records,
};

/// What the records say of the accounts, in one walk over them.
#[derive(Default)]
pub struct Recorded(HashMap<AccountId, Counted>);

#[derive(Default)]
struct Counted {
    open: bool,
    unclaimed: usize,
}

impl Recorded {
    pub fn of(records: &Records) -> Self {
        let mut recorded = Self::default();
        records.briefs(|briefs| {
            for brief in briefs.filter_map(|(_, brief)| brief.as_ref()) {
                let bound = brief.state == AttemptState::Bound;
                let (open, unclaimed) =
                    (brief.state == AttemptState::Open, bound && brief.claimed == Some(false));
                if open || unclaimed {
                    let counted = recorded.0.entry(brief.account.clone()).or_default();
                    counted.open |= open;
                    counted.unclaimed += usize::from(unclaimed);
                }
            }
        });
        recorded
    }

    /// Whether an attempt with that account is open.
    pub fn has_open(&self, account: &AccountId) -> bool {
        self.0.get(account).is_some_and(|counted| counted.open)
    }

    fn unclaimed(&self, account: &AccountId) -> usize {
        self.0.get(account).map_or(0, |counted| counted.unclaimed)
    }
}

/// What was read of the account, if it was listed.
pub fn figures(account: &Account, records: &Records, recorded: &Recorded) -> Option<VobizAccountStatus> {
    let holdings = account.holdings(|e164| records.contains(&ObjectKey::number(e164)))?;
    let count = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    let balances = account.health().balances.into_iter();
    Some(VobizAccountStatus {
        balances: balances.map(|(currency, available)| AvailableBalance { currency, available }).collect(),
        numbers: Some(NumberCounts {
            owned: count(holdings.owned),
            recorded: count(holdings.owned - holdings.unrecorded),
            unrecorded: count(holdings.unrecorded),
            unclaimed: count(recorded.unclaimed(&account.id())),
        }),
        monthly_cost: holdings
            .monthly
            .into_iter()
            .map(|(currency, amount)| MonthlyCost { currency, amount })
            .collect(),
        billing_account: account.billing(),
        ..VobizAccountStatus::default()
    })
}
