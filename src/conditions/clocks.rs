//! What people are told about clocks that do not agree.

use crate::domain::Clocks;

/// What an open attempt says while nothing proves that it did not buy.
pub fn undated(message: &str, clocks: Clocks) -> String {
    format!("{message} It cannot be settled while the clocks disagree: {}.", clocks.apart())
}
