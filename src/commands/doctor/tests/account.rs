//! Accounts, and ways to them, that are broken.

use std::time::Duration;

use jiff::SignedDuration;

use super::{
    super::{
        facts::Vobiz,
        finding::{Id, Level},
    },
    world::{Broken, all_reads, answered, purchased, records},
};
use crate::{
    domain::Clocks,
    vobiz::{Casing, Notice, ReadError},
};

pub const ACCOUNT: [Broken; 18] = [
    (
        |facts| facts.asked[0].vobiz = Vobiz::NoCredentials("VOBIZ_AUTH_ID is not set".into()),
        Id::Credentials,
        Level::Error,
        "VOBIZ_AUTH_ID is not set",
        "VOBIZ_AUTH_TOKEN_FILE",
    ),
    (
        |facts| answered(facts, |survey| all_reads(survey, &ReadError::Unauthorized)),
        Id::Credentials,
        Level::Error,
        "refuses the credentials (401)",
        "VOBIZ_AUTH_TOKEN",
    ),
    (
        |facts| facts.asked[0].vobiz = Vobiz::NoClient("VOBIZ_API_URL is not a URL".into()),
        Id::Connection,
        Level::Error,
        "is not a URL",
        "VOBIZ_API_URL",
    ),
    (
        |facts| answered(facts, |survey| all_reads(survey, &ReadError::Failed("no answer in time".into()))),
        Id::Connection,
        Level::Error,
        "no answer in time",
        "curl -sSI https://api.vobiz.ai",
    ),
    (
        |facts| answered(facts, |survey| survey.listing.answer = Err(ReadError::Forbidden)),
        Id::Listing,
        Level::Error,
        "it is forbidden (403)",
        "Ask Vobiz",
    ),
    (
        |facts| answered(facts, |survey| survey.inventory.answer = Err(ReadError::NoSuchEndpoint)),
        Id::Inventory,
        Level::Warning,
        "a maxPrice",
        "VOBIZ_API_URL",
    ),
    (
        |facts| answered(facts, |survey| survey.balance.answer = Err(ReadError::Failed("500".into()))),
        Id::Balance,
        Level::Warning,
        "500",
        "Try again",
    ),
    (
        |facts| answered(facts, |survey| survey.ledger.answer = Err(ReadError::Unauthorized)),
        Id::Ledger,
        Level::Error,
        "asks for a decision",
        "Ask Vobiz",
    ),
    (
        |facts| {
            let limited = Err(ReadError::RateLimited { retry_after: None });
            answered(facts, |survey| survey.ledger.answer = limited);
        },
        Id::Ledger,
        Level::Warning,
        "too many calls",
        "VOBIZ_RATE_LIMIT",
    ),
    (
        |facts| facts.records = records([purchased()]),
        Id::NewestDebit,
        Level::Warning,
        "is of 2026-01-02T03:00:00Z, 9 h ago, though +911 was bought at 2026-01-02T10:00:00Z",
        "VOBIZ_SETTLE_TIME",
    ),
    (
        |facts| {
            answered(facts, |survey| {
                let casings = vec![Casing::Upper];
                for tried in [&mut survey.listing, &mut survey.inventory, &mut survey.balance] {
                    tried.casings = casings.clone();
                }
                survey.ledger.casings = casings;
            });
        },
        Id::PurchasePath,
        Level::Warning,
        "Purchases go to /account/, and reads are answered under /Account/ alone",
        "VOBIZ_PURCHASE_PATH=Account",
    ),
    (
        |facts| {
            let (path, value) = ("/Account/…/numbers".into(), "Sat, 31 Oct 2026 00:00:00 GMT".into());
            answered(facts, |survey| survey.notices = vec![Notice { path, header: "Sunset", value }]);
        },
        Id::Deprecation,
        Level::Warning,
        "/Account/…/numbers (Sunset: Sat, 31 Oct 2026 00:00:00 GMT)",
        "CHANGELOG.md",
    ),
    (
        |facts| facts.clocks.vobiz = Some(SignedDuration::from_mins(-15)),
        Id::Clocks,
        Level::Error,
        "Vobiz's clock is 15 min behind, and the API server's agrees.",
        "timedatectl",
    ),
    (
        |facts| facts.clocks.kubernetes = Some(SignedDuration::from_mins(3)),
        Id::Clocks,
        Level::Warning,
        "Vobiz's clock agrees, and the API server's is 3 min ahead.",
        "timedatectl",
    ),
    (
        |facts| facts.clocks = Clocks::default(),
        Id::Clocks,
        Level::Warning,
        "no clock was held against this machine's",
        "timedatectl",
    ),
    (
        |facts| facts.timeouts.settle = Duration::from_secs(10),
        Id::SettleTime,
        Level::Error,
        "VOBIZ_SETTLE_TIME (10s) is shorter than VOBIZ_PURCHASE_TIMEOUT (50s)",
        "to 50s or longer",
    ),
    (
        |facts| facts.proxy = Some("proxy:3128".into()),
        Id::Proxies,
        Level::Warning,
        "the proxy proxy:3128 before https://api.vobiz.ai",
        "NO_PROXY",
    ),
    (
        |facts| answered(facts, |survey| survey.listing.answer = Err(ReadError::Failed("HTML".into()))),
        Id::Listing,
        Level::Error,
        "nothing is bought or verified",
        "Try again",
    ),
];
