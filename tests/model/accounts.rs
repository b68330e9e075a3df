//! The two accounts: which of them serves a claim, and what a purchase of another number in the other one explains of a
//! ledger.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use super::{
    Operators,
    bounds::{Mix, Twist},
    bypass::Bypass,
    cast::Cast,
    claims::OTHER_ACCOUNT,
    clock,
    world::{Operator, Record, Time, World},
};
use crate::{
    api::{ACCOUNT_FINALIZER, AttemptState, Origin},
    domain::Money,
    plan::{
        Declared, Directory, FundsRead, Labels, LedgerRows, Moment, Names, Neighbours, RecordBrief,
        Relatives, Served, Token,
    },
};

/// What a number costs.
fn price() -> Option<Money> {
    "52".parse().ok()
}

/// The account of the flags, which serves whatever names none, and perhaps another one.
pub fn directory(mix: &Mix) -> Directory {
    let other = serde_json::json!({
        "metadata": { "name": OTHER_ACCOUNT, "finalizers": [ACCOUNT_FINALIZER] },
        "spec": {
            "authId": ACCOUNTS[1], "allowedNamespaces": { "from": "All" },
            "tokenSecretRef": { "namespace": "x", "name": "x" },
        },
    });
    let other = Declared::of(&serde_json::from_value(other).unwrap(), Token::Known);
    let declared = mix.has(Twist::TwoAccounts).then(|| (OTHER_ACCOUNT.to_owned(), other));
    Directory::new(
        declared.into_iter().collect(),
        BTreeMap::new(),
        ACCOUNTS[0].parse().ok(),
        Labels::default(),
    )
}

/// A sub-account says by its id alone neither whose it is, nor that it is nobody's.
pub const ACCOUNTS: [&str; 2] = ["MA_1", "SA_2"];

/// The record of the number that is bought with the other account: so long ago that its debit must show.
pub fn neighbour(mix: &Mix, epoch: jiff::Timestamp) -> Option<RecordBrief> {
    let opened = epoch.saturating_sub(Duration::from_mins(5)).unwrap();
    mix.has(Twist::Neighbour).then(|| RecordBrief {
        e164: "+911234500001".parse().unwrap(),
        account: ACCOUNTS[1].parse().unwrap(),
        state: AttemptState::Bound,
        origin: Origin::Purchase,
        opened,
        settled: opened,
        claimed: Some(true),
        monthly_fee: None,
        price: price(),
        currency: None,
        billed: None,
    })
}

/// The inventory, which is read where a debit names no number. It does not change here.
pub fn funds() -> FundsRead {
    FundsRead { inventory_read: true, required: price(), ..FundsRead::default() }
}

impl Operators {
    /// The account that a record is of, where it is served. Another one's record is seen with what we read.
    pub fn account_of(&self, record: &Record) -> usize {
        if self.mix.has(Twist::TwoAccounts) { usize::from(record.account) } else { 0 }
    }

    /// The account that an attempt is verified with.
    pub fn verifier_of(&self, world: &World, record: &Record) -> usize {
        let claim = world.live(record.claim).filter(|_| self.off.has(Bypass::VerifiedWhereSent));
        claim.map_or_else(|| self.account_of(record), |claim| usize::from(claim.account))
    }
}

/// What the other number's purchase explains of a ledger, as far as the operator knows whose that is.
pub fn neighbours(
    cast: &Cast,
    operator: &Operator,
    time: Time,
    begun: Moment,
    rows: &Arc<LedgerRows>,
) -> Arc<Neighbours> {
    let Some(other) = &cast.neighbour else { return Arc::default() };
    let served = [0, 1].map(|account| Served {
        account: cast.accounts[account].clone(),
        names: Names::default(),
        ledger: clock::ledger_read(cast, operator, account, time),
    });
    let families = Relatives::default().families(served.into());
    let neighbours = Neighbours::of(
        rows.clone(),
        begun.wall,
        clock::TIMEOUTS,
        |look| look(other),
        |account| families.kinship(&cast.accounts[0], account),
        |e164| *e164 == other.e164,
    );
    Arc::new(neighbours)
}
