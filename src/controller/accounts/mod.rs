//! The accounts that are declared in the cluster, and that of the flags: followed, given their tokens, taken into service and
//! out of it, and told how they stand.

mod declarable;
mod each;
mod figures;
mod follow;
mod held;
mod keeper;
mod namespaces;
mod report;
#[cfg(test)]
mod tests;
mod tokens;
mod watch;

pub use each::each;
pub use keeper::{Keeper, Parts};
pub use namespaces::follow as follow_namespaces;
pub use report::Reporter;
pub use tokens::follow as follow_tokens;
pub use watch::follow as follow_accounts;
