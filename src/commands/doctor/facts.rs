//! What the checks decide on: all that was read, and nothing that is still to be asked.

use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::LeaseSpec;

use super::rights::Review;
use crate::{
    api::{PhoneNumber, PhoneNumberClaim, Seen, VobizAccount},
    cluster::definitions::Served,
    domain::{AccountId, Clocks},
    plan::Timeouts,
    vobiz::{Casing, Survey},
};

#[derive(Debug)]
pub struct Facts {
    pub now: Timestamp,
    pub served: Served,
    pub reviews: Vec<Review>,
    pub lease: LeaseSeen,
    pub records: Listed<PhoneNumber>,
    pub claims: Listed<PhoneNumberClaim>,
    pub declared: Listed<VobizAccount>,
    /// The accounts that are asked. Records of others are for the doctor of those.
    pub asked: Vec<Asked>,
    pub clocks: Clocks,
    /// Where Vobiz is, by scheme and host.
    pub address: String,
    /// The proxy before it.
    pub proxy: Option<String>,
    pub purchase_path: Casing,
    /// How long purchases take, by what is configured.
    pub timeouts: Timeouts,
}

/// What a list of objects was answered with.
#[derive(Debug)]
pub enum Listed<K> {
    Read(Vec<Seen<K>>),
    /// The API server does not know the kind.
    NotServed,
    /// Why there is no list.
    Failed(String),
}

impl<K> Listed<K> {
    /// All that there is to see.
    pub fn all(&self) -> &[Seen<K>] {
        if let Self::Read(objects) = self { objects } else { &[] }
    }

    /// Those of them that this version reads, if there is a list: nothing is said to be well that was not seen.
    pub fn readable(&self) -> Option<impl Iterator<Item = &Arc<K>>> {
        let Self::Read(objects) = self else { return None };
        Some(objects.iter().filter_map(|object| match object {
            Seen::Read(object) => Some(object),
            Seen::Newer(_) => None,
        }))
    }
}

impl Facts {
    /// The records that [`Self::own_records`] leaves out, in a sentence that follows what is said of the others.
    pub fn left_out(&self) -> String {
        let Listed::Read(all) = &self.records else { return String::new() };
        let newer = all.iter().filter(|record| record.is_newer()).count();
        let others = all.len() - newer - self.own_records().map_or(0, Iterator::count);
        let told = [(others, "of other accounts"), (newer, "of a newer version")];
        let told: Vec<_> = told.iter().filter(|(count, _)| *count > 0).collect();
        if told.is_empty() {
            return String::new();
        }
        let told =
            told.iter().map(|(count, whose)| format!("{count} {whose}")).collect::<Vec<_>>().join(", ");
        format!(" Records left out: {told}.")
    }

    /// The records of these accounts; all, where it is not known which they are.
    pub fn own_records(&self) -> Option<impl Iterator<Item = &Arc<PhoneNumber>>> {
        let is_known = self.asked.iter().any(|asked| asked.account.is_some());
        let is_own =
            move |record: &&Arc<PhoneNumber>| !is_known || self.asked.iter().any(|asked| asked.has(record));
        Some(self.records.readable()?.filter(is_own))
    }
}

/// An account, and what Vobiz says to its credentials.
#[derive(Debug)]
pub struct Asked {
    /// As `--account` takes it, if it is known.
    pub name: Option<String>,
    pub account: Option<AccountId>,
    /// The Secret of an account that is declared.
    pub secret: Option<String>,
    pub vobiz: Vobiz,
}

impl Asked {
    pub fn has(&self, record: &PhoneNumber) -> bool {
        self.account.as_ref() == Some(&record.spec.account)
    }

    /// What Vobiz answered, if it could be asked.
    pub fn survey(&self) -> Option<&Survey> {
        match &self.vobiz {
            Vobiz::Asked(survey) => Some(survey),
            Vobiz::NoCredentials(_) | Vobiz::NoClient(_) => None,
        }
    }
}

#[derive(Debug)]
pub struct LeaseSeen {
    pub namespace: String,
    pub name: String,
    /// Whether it is said that leaders are elected.
    pub expected: bool,
    /// The Lease, if there is one, or why it cannot be read.
    pub found: Result<Option<LeaseSpec>, String>,
}

#[derive(Debug)]
pub enum Vobiz {
    /// Why the credentials cannot be used.
    NoCredentials(String),
    /// Why Vobiz cannot be called at all.
    NoClient(String),
    Asked(Box<Survey>),
}
