//! What may hold a purchase back: one table, in the order in which it is asked.
//!
//! A check is one function in one file: whether it passes, what the claim is told if it does not, and what then wakes the
//! claim. What is told and what is done can therefore not differ. A new check is a new file and a line in
//! [`BEFORE_PURCHASE`], with the name that `kubectl vobiz why` shows; a reason of its own is a row in
//! [`crate::api::Reason`].
//!
//! What the claim itself says against its purchase is asked twice: it may be changed until the purchase is sent. So such a
//! check has a second function, and a line in [`BEFORE_POST`].

mod account;
mod acquire;
mod asked;
mod back_off;
mod clocks;
mod elsewhere;
mod hold;
mod look;
mod paused;
mod price;
mod serving;

pub use account::credentials_refused;
pub use asked::{Asked, Check, Checked, LiveAsked, LiveCheck, Told, Wake};
pub(super) use price::purchase;
pub use price::quoted;

/// The checks, in the order in which they are asked, each with what it looks at. The first one that does not pass decides.
pub const BEFORE_PURCHASE: &[(&str, Check)] = &[
    // Nothing is asked of Vobiz for a claim that is paused.
    ("pause of the claim", paused::check),
    // Nor for one that no account serves.
    ("account of the claim", serving::check),
    // Before all waits: what a list has shown stays true while nothing can be read.
    ("other accounts of the family", elsewhere::check),
    ("access to the account", account::may_be_read),
    ("hold after a restore", hold::check),
    ("clocks", clocks::check),
    ("pause after an earlier attempt", back_off::check),
    ("whether it only adopts", acquire::check),
    ("owned or debited already", look::check),
    // What is owned, or paid for, is adopted at any price.
    ("price and ceiling", price::check),
    ("limit of purchases", account::may_be_sent_to),
];

/// What is asked once the intent is written: of the claim as it stands then, and of the attempt as it is stored. The first
/// that has an answer withholds the purchase.
pub const BEFORE_POST: &[LiveCheck] =
    &[paused::check_live, serving::check_live, acquire::check_live, price::check_live];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_that_nothing_holds_back_is_looked_up_first() {
        let mut answers = BEFORE_PURCHASE.iter().map(|(_, check)| Asked::about("+911234500000", *check));
        let first = answers.find(|answer| *answer != Checked::Pass);
        let Some(Checked::Pause(pause)) = first else { panic!("{first:?}") };
        assert!(matches!(pause.until, Wake::Evidence(_)), "{pause:?}");
    }
}
