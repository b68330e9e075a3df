//! What a simulator starts with.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::Path,
};

use serde::{Deserialize, Serialize};

use crate::{Account, InventoryNumber, LedgerEntry, OwnedNumber, SimError};

/// How to start a simulator.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where to listen; by default a free port of 127.0.0.1.
    pub listen: SocketAddr,
    /// Whether to serve HTTPS, with a certificate authority of its own.
    pub tls: bool,
    /// Names for the certificate, besides `localhost` and the loopback addresses.
    pub tls_names: Vec<String>,
    /// The accounts and numbers.
    pub state: State,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            tls: false,
            tls_names: Vec::new(),
            state: State::default(),
        }
    }
}

/// The vendor's books at the start.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct State {
    /// The accounts.
    pub accounts: Vec<Account>,
    /// The numbers for sale, to every account.
    pub inventory: Vec<InventoryNumber>,
    /// The numbers that are owned already.
    pub owned: Vec<OwnedNumber>,
    /// Ledger rows from before.
    pub ledger: Vec<LedgerEntry>,
}

impl State {
    /// Reads a state from YAML.
    ///
    /// # Errors
    ///
    /// If the text is not a state.
    pub fn from_yaml(text: &str) -> Result<Self, SimError> {
        serde_yaml::from_str(text).map_err(|error| SimError::State(error.to_string()))
    }

    /// Reads a state from a YAML file.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, or is not a state.
    pub fn from_file(path: &Path) -> Result<Self, SimError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| SimError::File { path: path.display().to_string(), source })?;
        Self::from_yaml(&text)
    }
}

#[cfg(test)]
mod tests {
    use rust_decimal::Decimal;

    use super::*;
    use crate::{NumberStatus, Shape, ShortBalance};

    const STATE: &str = r#"
accounts:
  - auth_id: MA_DEMO
    token: secret
    balances: { INR: "1000", USD: 12.5 }
    options: { short_balance: status402 }
  - auth_id: SA_DEMO
    token: "123"
    parent: MA_DEMO
inventory:
  - { e164: +911234500000, country: IN, region: Goa, currency: INR, setup_fee: 50, monthly_fee: "2.50", shape: B }
owned:
  - { e164: "+911234500009", account: SA_DEMO, status: pending_release }
"#;

    #[test]
    fn a_state_file_is_read_with_exact_amounts_and_the_plus_of_its_numbers() {
        let state = State::from_yaml(STATE).unwrap();
        assert_eq!(state.accounts[0].balances["USD"], Decimal::new(125, 1));
        assert_eq!(state.accounts[0].options.short_balance, ShortBalance::Status402);
        assert_eq!(state.inventory[0].e164, "+911234500000");
        assert_eq!(state.inventory[0].monthly_fee.to_string(), "2.50");
        assert_eq!(state.inventory[0].shape, Shape::B);
        assert_eq!(state.owned[0].status, Some(NumberStatus::PendingRelease));
    }

    #[test]
    fn a_misspelt_field_of_a_state_file_is_refused() {
        assert!(matches!(State::from_yaml("acounts: []"), Err(SimError::State(_))));
    }
}
