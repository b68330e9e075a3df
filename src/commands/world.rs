//! What the cluster holds about claims and their numbers, as a decision is shown it.

use std::{collections::HashMap, sync::Arc};

use kube::ResourceExt;

use super::evidence::Books;
use crate::{
    api::{PhoneNumber, PhoneNumberClaim, Seen},
    domain::E164,
    plan::{ClaimLiveness, ClaimObserved, Clocks, Directory, Evidence, Gate, retry_token},
};

#[derive(Clone, Default)]
pub struct World {
    /// By uid.
    claims: HashMap<String, Seen<PhoneNumberClaim>>,
    /// The uid of each, by namespace and name.
    names: HashMap<(String, String), String>,
    records: HashMap<E164, Seen<PhoneNumber>>,
}

impl World {
    pub fn of(
        claims: impl IntoIterator<Item = Seen<PhoneNumberClaim>>,
        records: impl IntoIterator<Item = Seen<PhoneNumber>>,
    ) -> Self {
        let claims: HashMap<_, _> =
            claims.into_iter().filter_map(|claim| Some((claim.uid()?, claim))).collect();
        let name = |claim: &Seen<_>| Some((claim.namespace()?, claim.name_any()));
        Self {
            names: claims.iter().filter_map(|(uid, claim)| Some((name(claim)?, uid.clone()))).collect(),
            claims,
            records: records.into_iter().filter_map(|record| Some((record.e164()?, record))).collect(),
        }
    }

    pub fn claims(&self) -> impl Iterator<Item = &Seen<PhoneNumberClaim>> {
        self.claims.values()
    }

    pub fn claim(&self, namespace: &str, name: &str) -> Option<&Seen<PhoneNumberClaim>> {
        let uid = self.names.get(&(namespace.to_owned(), name.to_owned()))?;
        self.claims.get(uid)
    }

    /// The record of a number, if this version can read it.
    pub fn record(&self, e164: E164) -> Option<&PhoneNumber> {
        self.records.get(&e164).and_then(Seen::read).map(|record| &**record)
    }

    /// The claim has this record from now on.
    pub fn put(&mut self, claim: &Arc<PhoneNumberClaim>, record: PhoneNumber) {
        self.claims.insert(claim.uid().unwrap_or_default(), Seen::Read(claim.clone()));
        self.records.insert(record.spec.e164, record.into());
    }

    /// The claim, with what was read of the account that serves it.
    pub fn observed<'a>(
        &'a self,
        claim: &'a PhoneNumberClaim,
        directory: &Directory,
        books: &Books,
    ) -> ClaimObserved<'a> {
        let record = self.record(claim.number());
        let named = record.and_then(|record| record.spec.claim_ref.as_ref());
        let other = named.filter(|named| Some(&named.uid) != claim.metadata.uid.as_ref());
        let found = other.map(|named| self.claims.get(&named.uid));
        let liveness = if matches!(found, Some(None)) { ClaimLiveness::Gone } else { ClaimLiveness::Lives };
        let served = directory.serve(claim, record);
        let facts = served.account.as_ref().and_then(|account| books.get(account));
        ClaimObserved {
            claim,
            record,
            newer: self.records.get(&claim.number()).is_some_and(Seen::is_newer),
            liveness,
            holder: found.flatten().and_then(Seen::read).map(|claim| &**claim),
            served,
            gate: facts.map_or(Gate::Open, |facts| facts.gate.clone()),
            clocks: facts.map_or_else(Clocks::default, |facts| facts.clocks),
            evidence: facts.map_or_else(Evidence::default, |facts| facts.readings.about(claim.number())),
            retry_token: retry_token(claim).usable(),
            // The operator keeps them in its memory.
            not_before: None,
            hold_until: None,
            in_line: false,
        }
    }
}
