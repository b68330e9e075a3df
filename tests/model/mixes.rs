//! The mixes: which faults, how many of each, and together with what.

use super::{
    bounds::{Fault, Fault::*, Mix, Twist, Twist::*},
    world::{Owner, Token},
};
use crate::api::Outcome;

const fn mix(name: &'static str, faults: &'static [(Fault, u8)]) -> Mix {
    Mix { name, faults, ..Mix::PLAIN }
}

impl Mix {
    const fn with(self, twists: &'static [Twist]) -> Self {
        Self { twists, ..self }
    }

    const fn tokens(self, tokens: &'static [Token]) -> Self {
        Self { tokens, ..self }
    }

    const fn attempts(self, attempts: u8) -> Self {
        Self { attempts, ..self }
    }

    const fn two_claims(self) -> Self {
        Self { claims: 2, ..self }
    }

    const fn failed(self, answer: Outcome) -> Self {
        Self { failed: Some(answer), ..self }
    }

    const fn owned(self) -> Self {
        Self { owner: Owner::UsAlready, ..self }
    }
}

const ONE: &[Token] = &[Token::First];
const TWICE: &[Token] = &[Token::First, Token::First];

/// Small ones, for every run of the tests.
pub const FAST: &[Mix] = &[
    mix("older record", &[(Backup, 1), (Restore, 1)]),
    mix("refusal, token", &[(Refuse, 1), (Token, 1)]).tokens(ONE),
    mix("stale, deleted", &[(Delete, 1)]).with(&[Stale]).attempts(1),
    mix("two claims", &[(Delete, 1)]).two_claims().attempts(1),
    mix("two namespaces, deleted", &[(Delete, 1)]).two_claims().with(&[TwoNamespaces]).attempts(1),
    mix("an hour passes", &[(Hour, 1)]).two_claims().with(&[TwoNamespaces]).failed(Outcome::PaymentFailed),
    mix("an hour passes after a 401", &[(Hour, 1)])
        .two_claims()
        .with(&[TwoNamespaces])
        .failed(Outcome::Unauthorized),
    mix("hours pass", &[(Hour, 2), (Refuse, 1)])
        .two_claims()
        .with(&[TwoNamespaces])
        .failed(Outcome::PaymentFailed)
        .attempts(3),
    mix("record forced away", &[(Vanish, 1), (DebitOnly, 1)]),
    mix("debit only, decision", &[(DebitOnly, 1), (Decide, 1)]),
    mix("record lost", &[(DebitOnly, 1), (Restore, 1)]),
    mix("record lost, a day passes", &[(DebitOnly, 1), (Restore, 1), (Age, 1)]),
    mix("claim changed", &[(Edit, 1)]),
    mix("moved to another account", &[(Move, 1), (FailAfter, 1)]).with(&[TwoAccounts]),
    mix("debit beside another account's", &[(DebitOnly, 1), (FailBefore, 1)]).with(&[Neighbour]),
    mix("debit beside the family's", &[(DebitOnly, 1), (FailBefore, 1)]).with(&[Neighbour, OneFamily]),
    mix("paused, let go", &[(Pause, 1), (LetGo, 1)]),
    mix("adopts only, let go", &[(AdoptOnly, 1), (LetGo, 1)]),
    mix("another account buys", &[(OurOther, 1)]),
    mix("deleted slowly", &[(Delete, 1)]).with(&[SlowDeletion]),
    mix("proxy, lag", &[(Resend, 1)]).with(&[Lag]),
    mix("5xx", &[(FailBefore, 1), (FailAfter, 1)]),
    mix("clocks", &[(SetClock, 1), (NoAnswer, 1)]).attempts(1),
    mix("crash", &[(Crash, 1)]),
    mix("stale", &[(NoAnswer, 1)]).with(&[Stale]).attempts(1),
    mix("deleted, re-created, wiped", &[(Delete, 1), (Create, 1), (Wipe, 1)]).attempts(1),
    mix("lost reply", &[(LostReply, 1)]),
    mix("401", &[(Unauthorized, 1)]),
    mix("rival", &[(Rival, 1)]),
    mix("token at first", &[(Refuse, 1)]).tokens(ONE).with(&[TokenAtFirst]),
    mix("lag, missing search", &[(NoAnswer, 1), (Miss, 1)]).with(&[Lag]).attempts(1),
    mix("record forced away, claim deleted", &[(Vanish, 1), (Delete, 1)]).attempts(1),
    mix("suspended", &[(Suspend, 1), (NoAnswer, 1)]).attempts(1),
    mix("proxy, refusal", &[(Resend, 1), (Refuse, 1)]).attempts(1),
    mix("lag, listings", &[(NoAnswer, 1)]).with(&[Lag, Listings]).attempts(1),
    mix("owned already", &[(Delete, 1), (Create, 1)]).owned(),
    mix("record of another account", &[(Delete, 1), (Create, 1)]).with(&[ForeignRecord]),
];

/// Large ones.
pub const FULL: &[Mix] = &[
    mix("moved, record deleted, 5xx", &[(Move, 1), (DeleteRecord, 1), (FailAfter, 1)]).with(&[TwoAccounts]),
    mix("moved, no answer", &[(Move, 1), (NoAnswer, 1)]).with(&[TwoAccounts]),
    mix("two claims, stale, deleted", &[(Delete, 1)]).two_claims().with(&[Stale]).attempts(1),
    mix("stale, crash, no answer", &[(Crash, 1), (NoAnswer, 1)]).with(&[Stale]),
    mix("stale, deleted, re-created", &[(Delete, 1), (Create, 1)]).with(&[Stale]),
    mix("refusals, token", &[(Refuse, 2), (Token, 2)]).tokens(TWICE).attempts(3),
    mix("crashes, lost reply", &[(Crash, 2), (LostReply, 1)]).attempts(3),
    mix("lost replies, 5xx", &[(LostReply, 2), (FailAfter, 1), (FailBefore, 1)]).attempts(3),
    mix("proxy, lag, crash", &[(Resend, 1), (Crash, 1)]).with(&[Lag]).attempts(3),
    mix("proxy, lag, no answer, token", &[(Resend, 1), (NoAnswer, 1), (Token, 1)])
        .tokens(ONE)
        .with(&[Lag])
        .attempts(3),
    mix("lag, missing search, 5xx", &[(Miss, 1), (FailAfter, 1), (FailBefore, 1)]).with(&[Lag]),
    mix("debit only, decision, token", &[(DebitOnly, 1), (Decide, 1), (Token, 1)]).tokens(ONE),
    mix("debit only, decision, crash", &[(DebitOnly, 1), (Decide, 1), (Crash, 1)]).attempts(3),
    mix("rivals, no answer, wiped", &[(Rival, 1), (OurOther, 1), (NoAnswer, 1), (Wipe, 1)]).attempts(3),
    mix("deleted slowly, re-created, 5xx, wiped", &[(Delete, 1), (Create, 1), (FailAfter, 1), (Wipe, 1)])
        .with(&[SlowDeletion]),
    mix("two claims, deleted", &[(Delete, 1)]).two_claims(),
    mix("two claims, crash", &[(Crash, 1)]).two_claims(),
    mix("two claims, re-created", &[(Delete, 1), (Create, 1)]).two_claims().attempts(1),
    mix("two namespaces, 5xx, deleted", &[(FailAfter, 1), (Delete, 1)])
        .two_claims()
        .with(&[TwoNamespaces])
        .attempts(1),
    mix("an hour passes, crash, no answer", &[(Hour, 1), (Crash, 1), (NoAnswer, 1)])
        .two_claims()
        .with(&[TwoNamespaces])
        .failed(Outcome::PaymentFailed),
    mix("an hour passes, debit only, decision", &[(Hour, 1), (DebitOnly, 1), (Decide, 1)])
        .two_claims()
        .with(&[TwoNamespaces])
        .failed(Outcome::PaymentFailed)
        .attempts(3),
    mix("two namespaces, refused, an hour passes", &[(Refuse, 1), (Hour, 1)])
        .two_claims()
        .with(&[TwoNamespaces]),
    mix("record lost, read for others", &[(DebitOnly, 1), (Restore, 1), (Others, 1)]),
    mix("record lost, lag, crash", &[(NoAnswer, 1), (Restore, 1), (Crash, 1)]).with(&[Lag]),
    mix("record lost, re-created, debit only", &[(Restore, 1), (Delete, 1), (Create, 1), (DebitOnly, 1)]),
    mix("older record, crash, no answer", &[(Backup, 1), (Restore, 1), (Crash, 1), (NoAnswer, 1)]),
    mix("record forced away, claim deleted, no answer", &[(NoAnswer, 1), (Vanish, 1), (Delete, 1)]),
    mix("died, 401", &[(Crash, 2), (Unauthorized, 1)]).attempts(3),
    mix("clocks, no answers, crash", &[(SetClock, 1), (NoAnswer, 2), (Crash, 1)]),
    mix("suspended, no answers, crash", &[(Suspend, 1), (NoAnswer, 2), (Crash, 1)]),
    mix("token at first, refusals", &[(Refuse, 2), (Token, 1)])
        .tokens(TWICE)
        .with(&[TokenAtFirst])
        .attempts(3),
    mix("paused, let go, crash, 5xx", &[(Pause, 1), (LetGo, 1), (Crash, 1), (FailAfter, 1)]),
    mix("paused, stale, no answer", &[(Pause, 1), (NoAnswer, 1)]).with(&[Stale]),
    mix("adopts only, let go, owned already", &[(AdoptOnly, 1), (LetGo, 1), (Crash, 1)]).owned(),
    mix("owned already, crash, re-created", &[(Crash, 1), (Delete, 1), (Create, 1)]).owned(),
    mix("record of another account, crash", &[(Crash, 1), (Delete, 1), (Create, 1)]).with(&[ForeignRecord]),
];

/// More than the protocol can stand: each of its two clocks is there for the failure of the other.
pub const BEYOND: Mix = mix("clocks, suspended", &[(SetClock, 1), (Suspend, 1)]);

pub fn named(name: &str) -> &'static Mix {
    FAST.iter().chain(FULL).find(|mix| mix.name == name).unwrap()
}
