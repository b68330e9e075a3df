//! The accounts that the claims of a measurement buy in: that of the flags, or as many as are declared.

use serde_json::{Value, json};
use testbed::{
    Cluster,
    objects::{ACCOUNTS, account, secret, secrets_path},
};
use vobiz_sim::Account;

use crate::bench::PROBES;

const TOKEN: &str = "token";

/// The accounts of one measurement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accounts {
    /// So many are declared, each with a Secret of its own. Of none, the flags have one.
    pub declared: u64,
    /// So many more are declared whose token Vobiz refuses.
    pub refused: u64,
}

impl Accounts {
    pub const OF_THE_FLAGS: Self = Self { declared: 0, refused: 0 };

    pub fn named(self) -> String {
        match (self.declared, self.refused) {
            (0, _) => String::new(),
            (1, 0) => ", 1 account".to_owned(),
            (declared, 0) => format!(", {declared} accounts"),
            (declared, refused) => format!(", {declared} accounts, {refused} refused"),
        }
    }

    /// The variables of the flags.
    pub fn flags(self) -> Vec<(&'static str, String)> {
        let flags = [("VOBIZ_AUTH_ID", id(0)), ("VOBIZ_AUTH_TOKEN", TOKEN.to_owned())];
        flags.into_iter().filter(|_| self.declared == 0).collect()
    }

    pub fn at_vobiz(self) -> Vec<Account> {
        let all = 0..self.declared.max(1) + self.refused;
        all.map(|index| Account::new(id(index), TOKEN).with_balance("INR", 1_000_000_000_u64)).collect()
    }

    /// Whose the number of that index is, or is to be: one after the other.
    pub fn owner(self, index: u64) -> String {
        id(index % self.declared.max(1))
    }

    /// What a claim for the number of that index names.
    pub fn spec_of(self, number: &str, index: u64) -> Value {
        match self.declared {
            0 => json!({ "e164": number }),
            declared => json!({ "e164": number, "accountRef": { "name": name(index % declared) } }),
        }
    }

    /// What a claim names that is served by one of those whose token is refused.
    pub fn refused_spec(self, number: &str, index: u64) -> Value {
        json!({ "e164": number, "accountRef": { "name": name(self.declared + index % self.refused) } })
    }

    pub async fn declare(self, cluster: &Cluster) {
        for index in 0..self.declared + self.refused {
            let token = if index < self.declared { TOKEN } else { "another" };
            cluster.create(&secrets_path(PROBES), &secret(&name(index), token)).await;
            cluster.create(ACCOUNTS, &account(&name(index), &id(index), PROBES)).await;
        }
    }
}

fn id(index: u64) -> String {
    format!("MA_MEASURE{index}")
}

fn name(index: u64) -> String {
    format!("account-{index}")
}
