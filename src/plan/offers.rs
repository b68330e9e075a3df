//! What the inventory said of one number, as decisions see it.

use std::sync::Arc;

use crate::domain::{ListedNumber, Quote, Time};

/// What the inventory said of one number.
#[derive(Debug, Clone, PartialEq)]
pub enum QuoteRead {
    /// One for each currency in which it is offered; none, if it is not in stock.
    Offers(Arc<[Quote]>),
    /// Why the inventory cannot be read, for people.
    Unreadable(Arc<str>),
}

impl QuoteRead {
    /// The prices in the rows of one number, which were asked for at that time.
    pub fn offers(rows: &[ListedNumber], at: Time) -> Self {
        Self::Offers(rows.iter().map(|row| Quote::of(&row.number, at)).collect())
    }
}
