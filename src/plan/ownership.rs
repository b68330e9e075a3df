//! Which account has a number, by the rows of a list (R4).

use crate::{
    api::NumberStatus,
    domain::{AccountId, E164, ListedNumber},
};

/// What rows say about the account that has the number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Verdict<'a> {
    /// Exactly our number, under our account, in a status that means ownership.
    Owned(&'a ListedNumber),
    /// Under our account, in a status that Vobiz has not documented, or in none: it proves neither.
    InDoubt(&'a ListedNumber),
    /// Listed without an owner: it proves neither.
    Undecided,
    /// Not under our account, but under that one, which is of the same family: our own lists show no others.
    Elsewhere(&'a AccountId),
    Absent,
}

impl<'a> Verdict<'a> {
    /// What one row says.
    fn of(row: &'a ListedNumber, account: &AccountId, named_owner: Option<&AccountId>) -> Self {
        match (&row.owner, &row.number.status) {
            (_, Some(NumberStatus::Released)) => Self::Absent,
            (None, _) => Self::Undecided,
            (Some(owner), _) if owner != account && Some(owner) != named_owner => Self::Elsewhere(owner),
            (
                Some(_),
                Some(
                    NumberStatus::Active
                    | NumberStatus::Blocked
                    | NumberStatus::PendingPurchase
                    | NumberStatus::PendingRelease,
                ),
            ) => Self::Owned(row),
            (Some(_), Some(NumberStatus::Other(_)) | None) => Self::InDoubt(row),
        }
    }

    /// Which of several rows speaks for the number: what proves more, and between equals always the same one, or what
    /// is stored would change with the order of the rows.
    fn weight(&self) -> (u8, Option<&'a str>) {
        match self {
            Self::Owned(row) if row.number.status == Some(NumberStatus::Active) => {
                (5, row.number.id.as_deref())
            }
            Self::Owned(row) => (4, row.number.id.as_deref()),
            Self::InDoubt(row) => (3, row.number.id.as_deref()),
            Self::Undecided => (2, None),
            Self::Elsewhere(owner) => (1, Some(owner.as_str())),
            Self::Absent => (0, None),
        }
    }
}

/// Judges rows. `named_owner` is the owner that our own successful purchase named: an account can buy for another.
pub fn verdict<'a>(
    rows: impl IntoIterator<Item = &'a ListedNumber>,
    e164: E164,
    account: &AccountId,
    named_owner: Option<&AccountId>,
) -> Verdict<'a> {
    let about_it = rows.into_iter().filter(|row| row.e164 == e164);
    let said = about_it.map(|row| Verdict::of(row, account, named_owner));
    said.max_by_key(Verdict::weight).unwrap_or(Verdict::Absent)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(owner: Option<&str>, status: &str) -> ListedNumber {
        ListedNumber {
            e164: "+911234500000".parse().unwrap(),
            owner: owner.map(|owner| owner.parse().unwrap()),
            number: crate::api::Number { status: status.parse().ok(), ..Default::default() },
        }
    }

    fn without_status(owner: &str) -> ListedNumber {
        ListedNumber { number: crate::api::Number::default(), ..listed(Some(owner), "active") }
    }

    fn judge(rows: &[ListedNumber]) -> &'static str {
        let (e164, account, named) =
            ("+911234500000".parse().unwrap(), "MA_1".parse().unwrap(), "SA_2".parse().unwrap());
        match verdict(rows, e164, &account, Some(&named)) {
            Verdict::Owned(_) => "owned",
            Verdict::InDoubt(_) => "in doubt",
            Verdict::Undecided => "undecided",
            Verdict::Elsewhere(owner) => Box::leak(format!("elsewhere: {owner}").into_boxed_str()),
            Verdict::Absent => "absent",
        }
    }

    #[test]
    fn presence_needs_the_number_our_account_and_an_owning_status() {
        let longer =
            ListedNumber { e164: "+9112345000001".parse().unwrap(), ..listed(Some("MA_1"), "active") };
        for (rows, expected) in [
            (vec![], "absent"),
            (vec![longer], "absent"),
            (vec![listed(Some("MA_1"), "active")], "owned"),
            (vec![listed(Some("SA_2"), "active")], "owned"),
            (vec![listed(Some("MA_1"), "blocked")], "owned"),
            (vec![listed(Some("MA_1"), "pending_purchase")], "owned"),
            (vec![listed(Some("MA_1"), "pending_release")], "owned"),
            (vec![listed(Some("MA_1"), "released")], "absent"),
            (vec![listed(Some("ma_1"), "active")], "owned"),
            (vec![listed(Some("SA_9"), "active")], "elsewhere: SA_9"),
            (vec![listed(Some("SA_9"), "quarantined")], "elsewhere: SA_9"),
            (vec![listed(Some("SA_9"), "released")], "absent"),
            (vec![listed(None, "active")], "undecided"),
            (vec![listed(None, "released")], "absent"),
            (vec![listed(Some("MA_1"), "quarantined")], "in doubt"),
            (vec![without_status("MA_1")], "in doubt"),
            (vec![without_status("SA_9")], "elsewhere: SA_9"),
            (vec![listed(Some("MA_1"), "released"), listed(Some("MA_1"), "active")], "owned"),
            (vec![listed(Some("MA_1"), "released"), listed(Some("SA_9"), "active")], "elsewhere: SA_9"),
            (vec![listed(Some("SA_9"), "active"), listed(Some("MA_1"), "active")], "owned"),
            (vec![listed(Some("SA_9"), "active"), listed(None, "active")], "undecided"),
            (vec![listed(Some("SA_8"), "active"), listed(Some("SA_9"), "active")], "elsewhere: SA_9"),
            (vec![listed(Some("SA_9"), "active"), listed(Some("SA_8"), "active")], "elsewhere: SA_9"),
        ] {
            assert_eq!(judge(&rows), expected, "{rows:?}");
        }
    }
}
