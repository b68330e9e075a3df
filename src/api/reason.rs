//! The types of conditions, the reasons that they and events give, and the table of what each one means.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use strum::{IntoStaticStr, VariantArray};

/// The standing of a condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr)]
#[strum(const_into_str)]
pub enum Status {
    True,
    False,
    Unknown,
}

/// The condition types.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr)]
#[strum(const_into_str)]
pub enum ConditionType {
    /// The outcome of the purchase.
    Purchased,
    /// The summary.
    Ready,
    /// Being worked on.
    Reconciling,
    /// Waiting for a person to act.
    Stalled,
    /// Whether a claim stands behind a record.
    Claimed,
    /// Whether a number that was bought at a known price costs that, or less.
    PriceAsQuoted,
}

impl ConditionType {
    /// The condition of this type.
    pub(crate) fn of(self, conditions: &[Condition]) -> Option<&Condition> {
        conditions.iter().find(|condition| condition.type_ == self.into_str())
    }
}

/// Why `PriceAsQuoted` stands as it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr)]
#[strum(const_into_str)]
pub enum PriceReason {
    AsQuoted,
    FeeDiffers,
}

/// Why a claim stands as it does: the one vocabulary of conditions and events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, IntoStaticStr, VariantArray)]
#[strum(const_into_str)]
pub enum Reason {
    Purchasing,
    Purchased,
    Adopted,
    NumberNotFound,
    InsufficientBalance,
    OutcomeUnknown,
    NotPurchased,
    NeedsDecision,
    InvalidCredentials,
    RateLimited,
    VobizUnavailable,
    Rejected,
    Conflict,
    NumberLost,
    NumberBlocked,
    NumberReleasing,
    NumberMoved,
    NumberPending,
    NumberStatusUnknown,
    ClockSkew,
    NewerVersion,
    PriceExceeded,
    PriceUnknown,
    Paused,
    NotOwned,
    AccountNotFound,
    AccountNotAllowed,
}

/// Which side has to act: neither (`Done`), the operator (`Reconciling`), or a person (`Stalled`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    Done,
    Reconciling,
    Stalled,
}

/// One row of the conditions table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    pub purchased: Status,
    pub ready: Status,
    pub progress: Progress,
}

/// The event that goes with a reason: one costs a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventKind {
    None,
    Normal,
    Warning,
}

impl Reason {
    /// Every reason, in the order of the table.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// The table. What Vobiz said is shown at once and is `Reconciling` until the attempt is settled.
    #[must_use]
    pub fn row(self, settled: bool) -> Row {
        let refused = if settled { Progress::Stalled } else { Progress::Reconciling };
        let (purchased, ready, progress) = match self {
            Self::Purchasing | Self::RateLimited | Self::VobizUnavailable | Self::PriceUnknown => {
                (Status::Unknown, Status::False, Progress::Reconciling)
            }
            Self::Purchased | Self::Adopted => (Status::True, Status::True, Progress::Done),
            Self::NumberNotFound | Self::InsufficientBalance | Self::Rejected => {
                (Status::False, Status::False, refused)
            }
            Self::OutcomeUnknown | Self::NewerVersion => {
                (Status::Unknown, Status::Unknown, Progress::Reconciling)
            }
            Self::NeedsDecision => (Status::Unknown, Status::Unknown, Progress::Stalled),
            Self::InvalidCredentials | Self::ClockSkew | Self::AccountNotFound | Self::AccountNotAllowed => {
                (Status::Unknown, Status::False, Progress::Stalled)
            }
            Self::Paused => (Status::Unknown, Status::False, Progress::Done),
            Self::NotPurchased | Self::Conflict | Self::NotOwned | Self::PriceExceeded => {
                (Status::False, Status::False, Progress::Stalled)
            }
            Self::NumberLost | Self::NumberBlocked | Self::NumberReleasing | Self::NumberMoved => {
                (Status::True, Status::False, Progress::Stalled)
            }
            Self::NumberPending => (Status::True, Status::False, Progress::Reconciling),
            Self::NumberStatusUnknown => (Status::True, Status::Unknown, Progress::Reconciling),
        };
        Row { purchased, ready, progress }
    }

    /// Whether it is said of the whole account, to all claims that wait, and may come and go.
    pub(crate) fn holds_the_account(self) -> bool {
        matches!(self, Self::InvalidCredentials | Self::RateLimited | Self::VobizUnavailable)
    }

    /// Whether people keep the purchase back, by what they wrote in the claim or of the accounts, or the stock does: no
    /// failure, and what was counted before is over.
    pub(crate) fn holds_the_claim(self) -> bool {
        matches!(
            self,
            Self::Paused
                | Self::NotOwned
                | Self::PriceExceeded
                | Self::PriceUnknown
                | Self::NumberNotFound
                | Self::AccountNotFound
                | Self::AccountNotAllowed
        )
    }

    /// Whether an event is worth its write, and whether it is a warning.
    pub(crate) fn event(self) -> EventKind {
        match self {
            Self::Purchasing => EventKind::None,
            Self::Purchased | Self::Adopted | Self::NumberPending | Self::Paused => EventKind::Normal,
            _ => EventKind::Warning,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documentation_has_the_rows_of_the_table() {
        let page = include_str!("../../docs/conditions.md");
        let documented: Vec<[&str; 4]> = page
            .lines()
            .filter(|line| line.starts_with("| `"))
            .map(|line| {
                let mut cells = line.split('|').skip(1).map(str::trim);
                std::array::from_fn(|_| cells.next().unwrap())
            })
            .collect();
        assert_eq!(documented.len(), Reason::ALL.len());
        for reason in Reason::ALL {
            let (first, last) = (reason.row(false), reason.row(true));
            let name = format!("`{}`", <&str>::from(reason));
            let [_, purchased, ready, and] = documented.iter().find(|row| row[0] == name).unwrap();
            // What a newer version has written stays; the table knows no word for it.
            assert!([first.purchased.into(), "unchanged"].contains(purchased), "{name}");
            assert_eq!(*ready, <&str>::from(first.ready), "{name}");
            let wanted = match (first.progress, last.progress) {
                (Progress::Reconciling, Progress::Stalled) => "Reconciling, then Stalled",
                (_, Progress::Reconciling) => "Reconciling",
                (_, Progress::Stalled) => "Stalled",
                (_, Progress::Done) => "",
            };
            assert_eq!(and.trim_end_matches(", heals itself"), wanted, "{name}");
        }
    }
}
