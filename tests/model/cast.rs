//! From the world's small numbers to what the plan functions take, and back.

use std::time::Duration;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time as KubeTime};
use kube::core::ObjectMeta;

use super::{
    accounts::{self, ACCOUNTS},
    bounds::{Mix, Twist},
    claims::{KINDS, bits, claim},
    world::{Account, Claim, NOBODY, Record, Token, Tokens, bit_of},
};
use crate::{
    api::{
        Answer, Attempt, AttemptState, ClaimRef, ConditionType, Debit, Funds, Outcome, PhoneNumber,
        PhoneNumberClaim, PhoneNumberSpec, PhoneNumberStatus,
    },
    domain::{AccountId, AttemptId, Currency, E164, LedgerRow, ListedNumber, Time},
    plan::{Directory, LedgerRead, NewAttempt, RecordBrief, Rows, Service},
};

/// Everybody and everything that the plan functions may see, made once.
pub struct Cast {
    pub e164: E164,
    /// Ours, and the other one.
    pub accounts: [AccountId; 2],
    /// Which of them serve claims.
    pub directory: Directory,
    claims: Vec<[PhoneNumberClaim; KINDS]>,
    attempts: Vec<AttemptId>,
    tokens: Vec<(Token, String)>,
    pub absent: Rows,
    /// Under each account.
    pub listed: [Rows; 2],
    pub listed_elsewhere: Rows,
    /// The record of another number, in the other account.
    pub neighbour: Option<RecordBrief>,
    /// By the debits that are shown, and by those from before the day that has passed.
    ledgers: Vec<Vec<LedgerRead>>,
    epoch: jiff::Timestamp,
}

/// Claims that can ever be: two names, as many incarnations as there are bits for their uids.
const UIDS: u8 = 8;

impl Cast {
    pub fn new(mix: &Mix) -> Self {
        let two_namespaces = mix.has(Twist::TwoNamespaces);
        let named = !mix.has(Twist::Neighbour);
        let epoch: jiff::Timestamp = "2026-01-02T03:04:05Z".parse().unwrap();
        let e164: E164 = "+911234500000".parse().unwrap();
        let attempts: Vec<_> = (1..=4).map(|id| AttemptId::from_random([id; 16])).collect();
        let words = Token::ALL.map(|token| match token {
            Token::First => "first".to_owned(),
            Token::Second => "second".to_owned(),
            Token::Attempt(id) => attempts[usize::from(id)].to_string(),
        });
        let row = |owner: &str| ListedNumber {
            e164,
            owner: owner.parse().ok(),
            number: crate::api::Number { status: "active".parse().ok(), ..Default::default() },
        };
        Self {
            e164,
            accounts: ACCOUNTS.map(|id| id.parse().unwrap()),
            directory: accounts::directory(mix),
            claims: (0..=UIDS)
                .map(|uid| std::array::from_fn(|bits| claim(uid, bits, two_namespaces, epoch)))
                .collect(),
            attempts,
            tokens: Token::ALL.into_iter().zip(words).collect(),
            absent: Rows::default(),
            listed: ACCOUNTS.map(|owner| vec![Box::new(row(owner))].into()),
            listed_elsewhere: vec![Box::new(row(ACCOUNTS[1]))].into(),
            neighbour: accounts::neighbour(mix, epoch),
            ledgers: (0..16)
                .map(|debits| (0..16).map(|aged| ledger(debits, aged, named, epoch)).collect())
                .collect(),
            epoch,
        }
    }

    /// The present, by a clock that is right.
    pub fn now(&self) -> jiff::Timestamp {
        self.epoch
    }

    /// The account that serves a claim.
    pub fn account_of(&self, served: &Service) -> usize {
        self.accounts.iter().position(|account| served.account.as_ref() == Some(account)).unwrap()
    }

    /// A moment from before the day that has passed.
    pub fn before_the_day(&self) -> jiff::Timestamp {
        before_the_day(self.epoch)
    }

    pub fn claim(&self, claim: Claim) -> &PhoneNumberClaim {
        &self.claims[usize::from(claim.uid)][bits(claim)]
    }

    pub fn word(&self, token: Token) -> &str {
        &self.tokens.iter().find(|(known, _)| *known == token).unwrap().1
    }

    pub fn token(&self, word: &str) -> Token {
        self.tokens.iter().find(|(_, known)| known == word).unwrap().0
    }

    pub fn attempt(&self, id: u8) -> AttemptId {
        self.attempts[usize::from(id)]
    }

    pub fn id_of(&self, attempt: AttemptId) -> u8 {
        (0..).zip(&self.attempts).find(|(_, known)| **known == attempt).unwrap().0
    }

    pub fn ledger(&self, debits: u8, aged: u8) -> &LedgerRead {
        &self.ledgers[usize::from(debits)][usize::from(aged)]
    }

    fn reference(&self, uid: u8) -> ClaimRef {
        let metadata = &self.claims[usize::from(uid)][0].metadata;
        let word = |word: &Option<String>| word.clone().unwrap();
        ClaimRef {
            namespace: word(&metadata.namespace),
            name: word(&metadata.name),
            uid: word(&metadata.uid),
        }
    }

    /// The record as a `PhoneNumber` that was opened at that time.
    pub fn record(&self, record: &Record, opened: jiff::Timestamp) -> PhoneNumber {
        let attempt = Attempt {
            state: record.state,
            answer: record.answer.map(|outcome| self.answer(outcome, record.account)),
            settled_at: settled_at(record, self.epoch),
            unexplained_debits: debits(record.unexplained).map(debit).collect(),
            debits_from: Some(Time::micros(if record.reaches {
                looked_from(self.before_the_day())
            } else {
                looked_from(self.epoch)
            })),
            ..self.intent(record).open(self.attempt(record.attempt), opened)
        };
        let unclaimed = Condition {
            type_: ConditionType::Claimed.into_str().into(),
            status: "False".into(),
            reason: "Unclaimed".into(),
            message: String::new(),
            last_transition_time: KubeTime(self.epoch),
            observed_generation: None,
        };
        let conditions = record.unclaimed.then_some(unclaimed).into_iter().collect();
        PhoneNumber {
            metadata: ObjectMeta::default(),
            spec: PhoneNumberSpec {
                e164: self.e164,
                account: self.accounts[usize::from(record.account)].clone(),
                claim_ref: (record.claim != NOBODY).then(|| self.reference(record.claim)),
                attempt,
                later: crate::api::Later::default(),
            },
            status: Some(PhoneNumberStatus { conditions, ..PhoneNumberStatus::default() }),
        }
    }

    fn intent(&self, record: &Record) -> NewAttempt {
        let spent = Token::ALL.into_iter().filter(|token| record.spent.has(*token));
        NewAttempt {
            origin: record.origin,
            currency: currency(record.changed),
            quote: None,
            spent_tokens: spent.map(|token| self.word(token).to_owned()).collect(),
            older_spent_tokens: (Vec::new(), 0),
            automatic_retry_used: record.automatic_used,
            answered_debits: debits(record.answered).map(|id| id.to_string()).collect(),
            earlier_claims: claims(record.gave_way),
            debits_from: None,
            found_debits: Vec::new(),
            looked_up: true,
        }
    }

    /// What a changed `PhoneNumber` is in the world; `before` tells what no plan function touches.
    pub fn read_back(&self, changed: &PhoneNumber, before: &Record, claimed: Option<bool>) -> Record {
        let uid = changed.spec.claim_ref.as_ref().map_or(NOBODY, |claim| claim.uid.parse().unwrap());
        Record {
            claim: uid,
            unclaimed: claimed.map_or(before.unclaimed, |claimed| !claimed),
            ..self.read_attempt(&changed.spec.attempt, before)
        }
    }

    pub fn read_attempt(&self, attempt: &Attempt, before: &Record) -> Record {
        let mut spent = Tokens::default();
        attempt.spent_tokens.iter().for_each(|word| spent.add(self.token(word)));
        let set = |ids: &mut dyn Iterator<Item = &str>| {
            ids.fold(0, |bits, id| bits | 1 << id.parse::<u8>().unwrap())
        };
        Record {
            state: attempt.state,
            origin: attempt.origin,
            answer: attempt.answer.as_ref().map(|answer| answer.outcome),
            spent,
            automatic_used: attempt.automatic_retry_used,
            reaches: attempt.debits_from.is_some_and(|from| from.at() < day(self.epoch)),
            changed: attempt.currency.is_some(),
            unexplained: set(&mut attempt.unexplained_debits.iter().map(|debit| debit.id.as_str())),
            answered: set(&mut attempt.answered_debits.iter().map(String::as_str)),
            gave_way: attempt.earlier_claims.iter().fold(0, |bits, uid| bits | bit_of(uid.parse().unwrap())),
            hour: before.hour && attempt.state == AttemptState::Failed,
            ..*before
        }
    }

    /// What Vobiz said, in its own words where it has some.
    pub fn answer(&self, outcome: Outcome, account: Account) -> Answer {
        let refused = !matches!(outcome, Outcome::Purchased | Outcome::NotSent | Outcome::Unknown);
        Answer {
            outcome,
            http_status: None,
            code: refused.then(|| "refused".to_owned()),
            message: None,
            // Sums serve messages only; read or not, they settle nothing.
            funds: (outcome == Outcome::PaymentFailed).then_some(Funds::Unknown),
            required: None,
            available: None,
            currency: None,
            owner: (outcome == Outcome::Purchased).then(|| self.accounts[usize::from(account)].clone()),
            at: Time::micros(self.epoch),
        }
    }
}

/// How long ago the day had passed that [`super::bounds::Fault::Age`] speaks of: less than a look goes back.
const DAY: Duration = Duration::from_hours(1);

pub fn before_the_day(epoch: jiff::Timestamp) -> jiff::Timestamp {
    epoch.saturating_sub(2 * DAY).unwrap()
}

/// From when on a look that goes back from then looks for debits.
fn looked_from(at: jiff::Timestamp) -> jiff::Timestamp {
    at.saturating_sub(Duration::from_hours(24)).unwrap()
}

/// Debits from before the day: seen from before it, and not from now.
fn day(epoch: jiff::Timestamp) -> jiff::Timestamp {
    looked_from(epoch.saturating_sub(DAY).unwrap())
}

/// Of a failure. When anything else settled, no decision that is modelled asks.
fn settled_at(record: &Record, epoch: jiff::Timestamp) -> Option<Time> {
    let ago = if record.hour { Duration::from_hours(2) } else { Duration::ZERO };
    let at = epoch.saturating_sub(ago).unwrap();
    (record.state == AttemptState::Failed).then(|| Time::micros(at))
}

/// The uids of a set of claims.
fn claims(set: u8) -> Vec<String> {
    (1..=UIDS).filter(|uid| set & bit_of(*uid) != 0).map(|uid| uid.to_string()).collect()
}

pub fn currency(changed: bool) -> Option<Currency> {
    changed.then(|| "USD".parse().unwrap())
}

fn debits(set: u8) -> impl Iterator<Item = u8> {
    (0..8).filter(move |id| set & (1 << id) != 0)
}

fn debit(id: u8) -> Debit {
    Debit { id: id.to_string(), amount: None, currency: None, at: None }
}

fn ledger(set: u8, aged: u8, named: bool, epoch: jiff::Timestamp) -> LedgerRead {
    let row = |id: u8| {
        let at = if aged & (1 << id) == 0 {
            epoch.saturating_sub(Duration::from_mins(1)).unwrap()
        } else {
            day(epoch)
        };
        let reference = if named { "+911234500000" } else { "" };
        LedgerRow::for_tests(&format!(
            r#"{{"id":"{id}","type":"debit","amount":52,"reference_type":"did_purchase",
            "reference":"{reference}","created_at":"{at}"}}"#
        ))
    };
    let from = epoch.saturating_sub(Duration::from_hours(48)).unwrap();
    LedgerRead { from, rows: std::sync::Arc::new(debits(set).map(row).collect()) }
}
