//! Whether the API server knows the two kinds as this version does.

use super::super::{
    facts::{Facts, Listed},
    finding::Verdict,
};
use crate::cluster::definitions::{PATH, Served};

const INSTALL: &str = "vobiz-operator crd | kubectl apply -f -";

fn are_served(facts: &Facts) -> bool {
    !matches!((&facts.records, &facts.claims), (Listed::NotServed, _) | (_, Listed::NotServed))
}

pub fn served(facts: &Facts) -> Verdict {
    if are_served(facts) {
        Verdict::ok("The API server knows claims and records.")
    } else {
        Verdict::error(
            "The API server does not know claims or records, so none can be written and nothing is bought.",
            INSTALL,
        )
    }
}

pub fn version(facts: &Facts) -> Option<Verdict> {
    let version = env!("CARGO_PKG_VERSION");
    are_served(facts).then(|| match &facts.served {
        Served::Current => Verdict::ok(format!("The definitions are those of this version, {version}.")),
        Served::Older(fields) => Verdict::error(
            format!(
                "The definitions are older than this program, {version}, and what is written of it there is lost: they do \
                 not know {fields}."
            ),
            INSTALL,
        ),
        Served::Newer(fields) => Verdict::warning(
            format!(
                "The definitions are newer than this program, {version}, and it does not speak of all that they hold: \
                 {fields}."
            ),
            "Use the program of the operator's version: vobiz-operator --version",
        ),
        Served::Unknown(why) => Verdict::warning(
            format!("Whether the definitions are of this version, {version}, cannot be found out: {why}."),
            format!("kubectl get --raw {PATH}"),
        ),
    })
}
