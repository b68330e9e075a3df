//! A number as one of the account's lists shows it.

use super::{AccountId, E164, Money, Number};

/// A number as listed: under our account, under another account, or under none.
#[derive(Debug, Clone, PartialEq)]
pub struct ListedNumber {
    pub e164: E164,
    /// `account_id`, in older answers `auth_id`.
    pub owner: Option<AccountId>,
    pub number: Number,
}

impl ListedNumber {
    /// What is debited when it is bought, in the number's currency.
    #[must_use]
    pub fn price(&self) -> Option<Money> {
        self.number.setup_fee.zip(self.number.monthly_fee).and_then(|(setup, monthly)| setup + monthly)
    }
}
