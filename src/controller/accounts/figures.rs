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

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::{
        api::{PhoneNumber, Seen},
        cache::{Cache, Shown},
        plan::RecordBrief,
    };

    #[test]
    fn a_record_that_is_open_or_of_a_newer_version_holds_a_deletion() {
        let record = |name: &str, account: Value, state: &str| {
            json!({
                "metadata": { "name": name },
                "spec": {
                    "e164": format!("+{name}"), "account": account,
                    "attempt": {
                        "id": "00000000-0000-4000-8000-000000000000", "openedAt": "2026-01-02T03:04:05Z",
                        "state": state, "origin": "Purchase",
                    },
                },
            })
        };
        let open = record("911234500001", json!("MA_1"), "Open");
        let newer = record("911234500002", json!(7), "Bound");
        let settled = record("911234500003", json!("MA_1"), "Bound");
        let other = record("911234500004", json!("MA_2"), "Open");
        for (records, held) in [
            (vec![], None),
            (vec![&settled, &other], None),
            (vec![&settled, &open], Some(("open", "911234500001"))),
            // It may be open, and of this account.
            (vec![&settled, &newer], Some(("newer", "911234500002"))),
            (vec![&newer, &open], Some(("open", "911234500001"))),
        ] {
            let cache = Cache::new(RecordBrief::of);
            for record in &records {
                let record: Seen<PhoneNumber> = serde_json::from_value((*record).clone()).unwrap();
                cache.put(ObjectKey::of(&record), record, Shown::default());
            }
            let recorded = Recorded::of(&cache);
            let found = recorded.open(&"MA_1".parse().unwrap()).map(|unsettled| match unsettled {
                Unsettled::Open(name) => ("open", name),
                Unsettled::Newer(name) => ("newer", name),
            });
            assert_eq!(found, held, "{records:?}");
        }
    }
}
