//! How the Vobiz of a run misbehaves, and how that may end.

use std::collections::BTreeMap;

use vobiz_sim::{ErrorBody, Fault, FaultRule, NumberNaming, Shape, ShortBalance, Target};

/// What becomes of a purchase, or of the reads around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, strum::VariantArray)]
pub enum Behaviour {
    SuccessA,
    SuccessB,
    CommitThenDrop,
    DropBefore,
    NeverReplyCommitted,
    NeverReply,
    CommitThen500Json,
    CommitThen500Html,
    CommitThen500Empty,
    TruncatedBody,
    NotFound,
    NotFoundButBought,
    HtmlNotFound,
    ShortBalance500,
    ShortBalance402,
    BadRequest,
    Unauthorized,
    Forbidden,
    Conflict,
    Unprocessable,
    RateLimited,
    Redirect,
    RedirectCommitted,
    BadGateway,
    DebitWithoutAssignment,
    DebitWithoutAssignmentLedgerLags,
    DebitWithoutAssignmentLedgerShort,
    DebitWithoutAssignmentUnnamed,
    DebitWithoutAssignmentUnnamedUnpriced,
    DebitWithoutAssignmentUnnamedFractions,
    CommitThenDropUnnamed,
    ListLags,
    LedgerLags,
    ListFails,
    LedgerFails,
    HugeBody,
    OtherNumber,
    SlowCommit,
    NoLists,
    NoLedger,
    NoLedgerNotFound,
    ClosesAfterAnswers,
}

/// What a purchase amounts to, if its answer is all that goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Bought, and said so.
    Definite,
    /// Bought, and not said so.
    Unclear,
    /// Not bought, and the user is to ask again.
    Refused,
    /// The same, and the 500 or 402 makes the operator look at price and balance.
    FailedDebit,
    /// Not bought, and tried again by itself.
    Again,
    /// Paid for, and not got.
    Debited,
}

/// What a behaviour is made of.
pub struct Made {
    pub kind: Kind,
    /// What is armed before the operator starts.
    pub faults: Vec<(Target, Fault, Often)>,
    /// The reasons with which the claim may end; one, unless it depends on what a crash left behind.
    pub ends: &'static [&'static str],
}

impl Made {
    fn and(mut self, target: Target, fault: Fault, often: Often) -> Self {
        self.faults.push((target, fault, often));
        self
    }
}

/// For how many requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Often {
    Once,
    Times(u64),
    Always,
}

const BOUGHT: &[&str] = &["Purchased"];
/// A crash that loses the answer is followed by one attempt more, which goes well.
const UNKNOWN: &[&str] = &["NotPurchased", "Purchased"];
const REJECTED: &[&str] = &["Rejected", "Purchased"];
/// A refusal that a crash lost is asked for again, and repeated.
const NOT_FOUND: &[&str] = &["NumberNotFound"];
const SHORT: &[&str] = &["InsufficientBalance"];
const DECIDE: &[&str] = &["NeedsDecision"];

/// How long a purchase may take to show: as long as the settle time of the runs.
const LAG: Fault = Fault::Lag { ms: Some(2000) };

const ENVELOPE: &str = r#"{"error":"refused","message":"the simulator was told to say so"}"#;

pub(crate) fn answer(code: u16, commit: bool) -> Fault {
    let headers =
        if code == 429 { BTreeMap::from([("Retry-After".into(), "1".into())]) } else { BTreeMap::new() };
    Fault::Status { code, body: ENVELOPE.into(), content_type: "application/json".into(), headers, commit }
}

fn page(code: u16) -> Fault {
    let body = "<html><body>Oops</body></html>".into();
    Fault::Status { code, body, content_type: "text/html".into(), headers: BTreeMap::new(), commit: false }
}

/// It announces rows, and shows none of them.
fn short_ledger() -> Fault {
    Fault::status(200, r#"{"transactions":[],"summary":{},"total":37}"#)
}

fn redirect(commit: bool) -> Fault {
    let headers = BTreeMap::from([("Location".into(), "{self}".into())]);
    Fault::Status { code: 307, body: String::new(), content_type: "text/plain".into(), headers, commit }
}

impl Behaviour {
    /// What it is made of.
    #[must_use]
    pub fn made(self) -> Made {
        use Often::{Always, Times};
        match self {
            Self::DebitWithoutAssignmentLedgerLags => {
                Self::DebitWithoutAssignment.at_purchase().and(Target::Ledger, LAG, Always)
            }
            Self::DebitWithoutAssignmentLedgerShort => {
                Self::DebitWithoutAssignment.at_purchase().and(Target::Ledger, short_ledger(), Times(8))
            }
            Self::DebitWithoutAssignmentUnnamed | Self::DebitWithoutAssignmentUnnamedFractions => {
                Self::DebitWithoutAssignment.at_purchase()
            }
            Self::DebitWithoutAssignmentUnnamedUnpriced => {
                let debited = Self::DebitWithoutAssignment.at_purchase();
                debited.and(Target::Inventory, Fault::MissingEndpoint, Always)
            }
            Self::CommitThenDropUnnamed => Self::CommitThenDrop.at_purchase(),
            Self::ListLags => Self::CommitThenDrop.at_purchase().and(Target::List, LAG, Always),
            Self::LedgerLags => Self::CommitThenDrop.at_purchase().and(Target::Ledger, LAG, Always),
            Self::ListFails => {
                Self::CommitThenDrop.at_purchase().and(Target::List, answer(500, false), Times(3))
            }
            Self::LedgerFails => {
                Self::CommitThenDrop.at_purchase().and(Target::Ledger, answer(500, false), Times(2))
            }
            Self::NoLists => {
                let lists = Self::SuccessA.at_purchase().and(Target::List, Fault::MissingEndpoint, Always);
                let lists = lists.and(Target::Ledger, Fault::MissingEndpoint, Always);
                // What a crash leaves open cannot be verified.
                Made { ends: &["Purchased", "NeedsDecision"], ..lists }
            }
            Self::NoLedger => {
                let dropped =
                    Self::DropBefore.at_purchase().and(Target::Ledger, Fault::MissingEndpoint, Always);
                Made { ends: DECIDE, ..dropped }
            }
            Self::NoLedgerNotFound => {
                let missing =
                    Self::NotFound.at_purchase().and(Target::Ledger, Fault::MissingEndpoint, Always);
                Made { ends: &["NumberNotFound", "NeedsDecision"], ..missing }
            }
            other => other.at_purchase(),
        }
    }

    /// What becomes of the purchase alone; where only the reads go wrong, nothing does.
    fn at_purchase(self) -> Made {
        let purchase =
            |kind, fault, ends| Made { kind, faults: vec![(Target::Purchase, fault, Often::Once)], ends };
        let plain = |kind, ends| Made { kind, faults: Vec::new(), ends };
        let unclear = |fault| purchase(Kind::Unclear, fault, BOUGHT);
        let refused = |code| purchase(Kind::Refused, answer(code, false), REJECTED);
        match self {
            Self::CommitThenDrop => unclear(Fault::CommitThenDrop),
            Self::DropBefore => purchase(Kind::Refused, Fault::DropBefore, UNKNOWN),
            Self::NeverReplyCommitted => unclear(Fault::NeverReply { commit: true }),
            Self::NeverReply => purchase(Kind::Refused, Fault::NeverReply { commit: false }, UNKNOWN),
            Self::CommitThen500Json => unclear(Fault::CommitThen500 { body: ErrorBody::Json }),
            Self::CommitThen500Html => unclear(Fault::CommitThen500 { body: ErrorBody::Html }),
            Self::CommitThen500Empty => unclear(Fault::CommitThen500 { body: ErrorBody::Empty }),
            Self::TruncatedBody => unclear(Fault::TruncatedBody),
            Self::NotFound => plain(Kind::Refused, NOT_FOUND),
            Self::NotFoundButBought => unclear(answer(404, true)),
            Self::HtmlNotFound => purchase(Kind::Refused, page(404), UNKNOWN),
            Self::ShortBalance500 => plain(Kind::FailedDebit, SHORT),
            Self::ShortBalance402 => plain(Kind::Refused, SHORT),
            Self::BadRequest => refused(400),
            Self::Unauthorized => purchase(Kind::Again, answer(401, false), BOUGHT),
            Self::Forbidden => refused(403),
            Self::Conflict => refused(409),
            Self::Unprocessable => refused(422),
            Self::RateLimited => purchase(Kind::Again, answer(429, false), BOUGHT),
            Self::Redirect => purchase(Kind::Refused, redirect(false), UNKNOWN),
            Self::RedirectCommitted => unclear(redirect(true)),
            Self::BadGateway => purchase(Kind::Refused, page(502), UNKNOWN),
            Self::DebitWithoutAssignment => purchase(Kind::Debited, Fault::DebitWithoutAssignment, DECIDE),
            Self::HugeBody => unclear(Fault::HugeBody { bytes: 3_000_000 }),
            Self::OtherNumber => unclear(Fault::AnswerWithOtherNumber { e164: "+919999999999".into() }),
            Self::SlowCommit => unclear(Fault::Delay { ms: 2500 }),
            _ => plain(Kind::Definite, BOUGHT),
        }
    }

    /// Whether the number is for sale.
    #[must_use]
    pub fn has_stock(self) -> bool {
        !matches!(self, Self::NotFound | Self::NoLedgerNotFound)
    }

    /// Whether each connection is closed after its answer, without saying so.
    #[must_use]
    pub fn closes(self) -> bool {
        self == Self::ClosesAfterAnswers
    }

    /// What Vobiz says to a balance that does not suffice, if it does not.
    #[must_use]
    pub fn short_balance(self) -> Option<ShortBalance> {
        match self {
            Self::ShortBalance500 => Some(ShortBalance::Status500),
            Self::ShortBalance402 => Some(ShortBalance::Status402),
            _ => None,
        }
    }

    /// Where the ledger names the number.
    #[must_use]
    pub fn naming(self) -> NumberNaming {
        match self {
            Self::DebitWithoutAssignmentUnnamed
            | Self::DebitWithoutAssignmentUnnamedUnpriced
            | Self::DebitWithoutAssignmentUnnamedFractions
            | Self::CommitThenDropUnnamed => NumberNaming::Nowhere,
            Self::SuccessB => NumberNaming::Description,
            _ => NumberNaming::Reference,
        }
    }

    /// Whether the ledger adds the fees up as binary fractions, which shows in what it costs then.
    #[must_use]
    pub fn adds_fractions(self) -> bool {
        self == Self::DebitWithoutAssignmentUnnamedFractions
    }

    #[must_use]
    pub fn shape(self) -> Shape {
        if self == Self::SuccessB { Shape::B } else { Shape::A }
    }

    /// Whether an endpoint that verification needs does not exist.
    #[must_use]
    pub fn is_blind(self) -> bool {
        matches!(self, Self::NoLists | Self::NoLedger | Self::NoLedgerNotFound)
    }

    /// The rules that make it, for one account and its number.
    #[must_use]
    pub fn rules(self, account: &str, number: &str) -> Vec<FaultRule> {
        let rule = |(target, fault, often): (Target, Fault, Often)| {
            let rule = FaultRule::new(target, fault).account(account);
            let rule = if target == Target::Purchase { rule.e164(number) } else { rule };
            match often {
                Often::Once => rule,
                Often::Times(times) => rule.times(times),
                Often::Always => rule.forever(),
            }
        };
        self.made().faults.into_iter().map(rule).collect()
    }
}
