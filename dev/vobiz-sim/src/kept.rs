//! A number as the vendor keeps it, for sale or owned.

use jiff::Timestamp;
use uuid::Uuid;

use crate::{InventoryNumber, NumberStatus, NumberStyle, OwnedNumber, Price, Shape};

/// A number as the vendor keeps it.
#[derive(Debug, Clone)]
pub(crate) struct Number {
    pub(crate) listed: InventoryNumber,
    pub(crate) id: String,
    pub(crate) owner: Option<String>,
    /// When this server sold it, which is what a lagging list goes by. Other owned numbers have none.
    pub(crate) sold_at: Option<Timestamp>,
    pub(crate) is_blocked: bool,
    pub(crate) application_id: Option<String>,
    pub(crate) trunk_group_id: Option<String>,
    pub(crate) minimum_commitment_months: u32,
    pub(crate) purchased_at: Option<Timestamp>,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
    pub(crate) released_at: Option<Timestamp>,
    pub(crate) last_billing_date: Option<Timestamp>,
    pub(crate) next_billing_date: Option<Timestamp>,
}

impl Number {
    pub(crate) fn for_sale(listed: InventoryNumber) -> Self {
        let now = Timestamp::now();
        Self {
            listed,
            id: Uuid::new_v4().to_string(),
            owner: None,
            sold_at: None,
            is_blocked: false,
            application_id: None,
            trunk_group_id: None,
            minimum_commitment_months: 0,
            purchased_at: None,
            created_at: now,
            updated_at: now,
            released_at: None,
            last_billing_date: None,
            next_billing_date: None,
        }
    }

    pub(crate) fn is_for_sale(&self) -> bool {
        self.owner.is_none() && self.listed.status == NumberStatus::Active
    }

    pub(crate) fn fee_style(&self) -> NumberStyle {
        self.listed.fees.unwrap_or(match self.listed.shape {
            Shape::A => NumberStyle::Integer,
            Shape::B => NumberStyle::Float,
        })
    }

    /// Every price at which the number is listed, its own first.
    pub(crate) fn prices(&self) -> impl Iterator<Item = Price> + '_ {
        let own = Price {
            currency: self.listed.currency.clone(),
            setup_fee: self.listed.setup_fee,
            monthly_fee: self.listed.monthly_fee,
        };
        std::iter::once(own).chain(self.listed.also_listed.iter().cloned())
    }

    pub(crate) fn set_price(&mut self, price: &Price) {
        self.listed.currency.clone_from(&price.currency);
        self.listed.setup_fee = price.setup_fee;
        self.listed.monthly_fee = price.monthly_fee;
    }

    pub(crate) fn apply(&mut self, change: OwnedNumber) {
        fn set<T>(field: &mut T, value: Option<T>) {
            if let Some(value) = value {
                *field = value;
            }
        }
        fn set_some<T>(field: &mut Option<T>, value: Option<T>) {
            if value.is_some() {
                *field = value;
            }
        }
        set_some(&mut self.owner, change.account);
        set(&mut self.id, change.id);
        set(&mut self.listed.status, change.status);
        set(&mut self.is_blocked, change.is_blocked);
        set(&mut self.listed.country, change.country);
        set_some(&mut self.listed.region, change.region);
        set(&mut self.listed.currency, change.currency);
        set(&mut self.listed.setup_fee, change.setup_fee);
        set(&mut self.listed.monthly_fee, change.monthly_fee);
        set_some(&mut self.listed.fees, change.fees);
        set_some(&mut self.application_id, change.application_id);
        set_some(&mut self.trunk_group_id, change.trunk_group_id);
        set(&mut self.minimum_commitment_months, change.minimum_commitment_months);
        set_some(&mut self.purchased_at, change.purchased_at);
        set(&mut self.created_at, change.created_at);
        set_some(&mut self.released_at, change.released_at);
        set_some(&mut self.last_billing_date, change.last_billing_date);
        set_some(&mut self.next_billing_date, change.next_billing_date);
        self.updated_at = Timestamp::now();
    }

    /// The number as an administrator sees it.
    pub(crate) fn describe(&self) -> OwnedNumber {
        OwnedNumber {
            e164: self.listed.e164.clone(),
            account: self.owner.clone(),
            id: Some(self.id.clone()),
            status: Some(self.listed.status),
            is_blocked: Some(self.is_blocked),
            country: Some(self.listed.country.clone()),
            region: self.listed.region.clone(),
            currency: Some(self.listed.currency.clone()),
            setup_fee: Some(self.listed.setup_fee),
            monthly_fee: Some(self.listed.monthly_fee),
            fees: self.listed.fees,
            application_id: self.application_id.clone(),
            trunk_group_id: self.trunk_group_id.clone(),
            minimum_commitment_months: Some(self.minimum_commitment_months),
            purchased_at: self.purchased_at,
            created_at: Some(self.created_at),
            released_at: self.released_at,
            last_billing_date: self.last_billing_date,
            next_billing_date: self.next_billing_date,
        }
    }
}
