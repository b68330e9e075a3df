//! What tells the rows of a list apart.

use std::hash::{DefaultHasher, Hash, Hasher};

/// A hash, because a list may have millions of rows.
pub fn key(of: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    of.hash(&mut hasher);
    hasher.finish()
}
