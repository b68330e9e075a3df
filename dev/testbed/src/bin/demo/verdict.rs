//! What came of the claims, beside what should have.

use serde_json::Value;
use testbed::terminal::{paragraph, say, table};
use vobiz_sim::{JournalFilter, Operation, SimAdmin};

use crate::expected::{CLAIMS, Expected, Outcome};

/// One claim, as the API server has it, and its number, as Vobiz has it.
pub struct Row {
    claim: String,
    e164: String,
    /// Type and status of every condition, in their order.
    conditions: Vec<(String, String)>,
    reason: String,
    message: String,
    calls: u64,
    debits: Vec<String>,
}

/// Reads what `kubectl get -o json` printed.
pub fn rows(claims: &Value, vobiz: &SimAdmin) -> Vec<Row> {
    claims["items"].as_array().into_iter().flatten().map(|claim| row(claim, vobiz)).collect()
}

fn row(claim: &Value, vobiz: &SimAdmin) -> Row {
    let e164 = text(&claim["spec"]["e164"]);
    let conditions = claim["status"]["conditions"].as_array().map(Vec::as_slice).unwrap_or_default();
    let ready = conditions.iter().find(|condition| condition["type"] == "Ready");
    let of_ready = |field: &str| ready.map(|condition| text(&condition[field])).unwrap_or_default();
    let journal = vobiz.journal(&JournalFilter::e164(&e164));
    Row {
        claim: text(&claim["metadata"]["name"]),
        conditions: conditions.iter().map(|it| (text(&it["type"]), text(&it["status"]))).collect(),
        reason: of_ready("reason"),
        message: of_ready("message"),
        calls: vobiz.purchase_calls(&e164),
        debits: journal
            .debits
            .iter()
            .map(|it| format!("{} {}", it.amount.normalize(), it.currency))
            .collect(),
        e164,
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

impl Row {
    /// Prints the claim's conditions and their message.
    pub fn tell(&self) {
        if self.conditions.is_empty() {
            say(format!("{}: no conditions yet", self.claim));
            return;
        }
        let conditions: Vec<_> =
            self.conditions.iter().map(|(type_, status)| format!("{type_}={status}")).collect();
        say(format!("{}: {}: {}", self.claim, self.reason, conditions.join(", ")));
        paragraph(4, &self.message);
    }

    fn has(&self, type_: &str, status: &str) -> bool {
        self.conditions.iter().any(|found| found.0 == type_ && found.1 == status)
    }

    /// What is not as expected.
    fn faults(&self, expected: &Expected) -> Vec<String> {
        let conditions = match expected.outcome {
            Outcome::Ready => vec![("Purchased", "True"), ("Ready", "True")],
            Outcome::Stalled => vec![("Purchased", "False"), ("Ready", "False"), ("Stalled", "True")],
        };
        let mut faults: Vec<_> = conditions
            .iter()
            .filter(|(type_, status)| !self.has(type_, status))
            .map(|(type_, status)| format!("expected {type_}={status}"))
            .collect();
        if self.conditions.len() != conditions.len() {
            faults.push(format!("expected {} conditions", conditions.len()));
        }
        if self.reason != expected.reason {
            faults.push(format!("expected {}", expected.reason));
        }
        if self.calls != expected.calls {
            faults.push(format!("expected {} purchase calls", expected.calls));
        }
        if self.debits != expected.debits {
            faults.push(format!("expected debits: {}", listed(expected.debits)));
        }
        faults
    }
}

fn listed<T: AsRef<str>>(debits: &[T]) -> String {
    let debits: Vec<&str> = debits.iter().map(AsRef::as_ref).collect();
    if debits.is_empty() { "none".to_owned() } else { debits.join(", ") }
}

/// Prints the table, and says whether all of it is as expected.
pub fn tell(rows: &[Row], vobiz: &SimAdmin) -> bool {
    let heading = ["CLAIM", "NUMBER", "REASON", "PURCHASE CALLS", "DEBITS", "AS EXPECTED"];
    let mut lines = vec![heading.map(str::to_owned).to_vec()];
    let mut good = rows.len() == CLAIMS.len();
    for expected in &CLAIMS {
        let Some(row) = rows.iter().find(|row| row.claim == expected.claim) else {
            say(format!("There is no claim {}.", expected.claim));
            good = false;
            continue;
        };
        let faults = row.faults(expected);
        good &= faults.is_empty();
        let verdict = if faults.is_empty() { "yes".to_owned() } else { format!("NO: {}", faults.join("; ")) };
        let debits = listed(&row.debits);
        let (claim, e164, reason) = (row.claim.clone(), row.e164.clone(), row.reason.clone());
        lines.push(vec![claim, e164, reason, row.calls.to_string(), debits, verdict]);
    }
    table(&lines);
    nothing_else(rows, vobiz) && good
}

/// Every purchase call and every debit belongs to one of the claims.
fn nothing_else(rows: &[Row], vobiz: &SimAdmin) -> bool {
    let journal = vobiz.journal(&JournalFilter::default());
    let calls = journal.requests.iter().filter(|request| request.operation == Operation::Purchase).count();
    let reads = journal.requests.len() - calls;
    say(format!("In all: {calls} purchase calls, {} debits, {reads} reads.", journal.debits.len()));
    let stray = rows.iter().map(|row| row.calls).sum::<u64>() != calls as u64
        || rows.iter().map(|row| row.debits.len()).sum::<usize>() != journal.debits.len();
    if stray {
        say("Some of them belong to no claim.");
    }
    !stray
}
