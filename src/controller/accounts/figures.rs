//! The figures of an account, for its status.

use std::collections::HashMap;

use crate::{
    account::Account,
    api::{AttemptState, AvailableBalance, MonthlyCost, NumberCounts, ObjectKey, VobizAccountStatus},
    conditions::Unsettled,
    domain::AccountId,
    reconcile::Records,
};

/// What the records say of the accounts, in one walk over them.
#[derive(Default)]
pub struct Recorded {
    by_account: HashMap<AccountId, Counted>,
    /// One of a newer version. It may be open, and of any account.
    newer: Option<ObjectKey>,
}

#[derive(Default)]
struct Counted {
    /// One of those whose attempts are open.
    open: Option<ObjectKey>,
    unclaimed: usize,
}

impl Recorded {
    pub fn of(records: &Records) -> Self {
        let mut recorded = Self::default();
        records.briefs(|briefs| {
            for (key, brief) in briefs {
                let Some(brief) = brief else {
                    recorded.newer.get_or_insert_with(|| key.clone());
                    continue;
                };
                let bound = brief.state == AttemptState::Bound;
                let (open, unclaimed) =
                    (brief.state == AttemptState::Open, bound && brief.claimed == Some(false));
                if open || unclaimed {
                    let counted = recorded.by_account.entry(brief.account.clone()).or_default();
                    counted.unclaimed += usize::from(unclaimed);
                    if open {
                        counted.open.get_or_insert_with(|| key.clone());
                    }
                }
            }
        });
        recorded
    }

    /// A record with that account whose attempt is open, or may be.
    pub fn open(&self, account: &AccountId) -> Option<Unsettled<'_>> {
        let open = self.by_account.get(account).and_then(|counted| counted.open.as_ref());
        let open = open.map(|key| Unsettled::Open(key.as_str()));
        open.or_else(|| Some(Unsettled::Newer(self.newer.as_ref()?.as_str())))
    }

    fn unclaimed(&self, account: &AccountId) -> usize {
        self.by_account.get(account).map_or(0, |counted| counted.unclaimed)
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
