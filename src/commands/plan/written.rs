//! A plan in words: a table for people, a comment for a pull request.

use std::fmt::Write as _;

use super::{
    price::Price,
    summary::Plan,
    verdict::{Action, Planned},
};
use crate::{
    commands::table::{or_dash, table},
    domain::{Currency, Money},
};

/// By this a comment is found that is to be updated. It never changes.
pub const MARKER: &str = "<!-- vobiz-plan -->";

/// So many rows a comment has at most.
const ROWS: usize = 60;

/// So much of a message stands in a row: all of them must fit a comment.
const LONGEST_MESSAGE: usize = 600;

/// In which order they are counted, and in which words.
const COUNTED: [(Action, &str); 6] = [
    (Action::Buy, "to buy"),
    (Action::Adopt, "to adopt"),
    (Action::Bind, "to bind"),
    (Action::None, "as they are"),
    (Action::Wait, "waiting"),
    (Action::Blocked, "blocked"),
];

fn sum(amount: Option<Money>, currency: Option<Currency>) -> String {
    or_dash(amount.zip(currency).map(|(amount, currency)| format!("{amount} {currency}")))
}

fn due(claim: &Planned) -> Option<(Currency, Money)> {
    claim.price.due().filter(|_| claim.action == Action::Buy)
}

fn cells(claim: &Planned) -> [String; 7] {
    let Price { monthly_fee, currency, .. } = claim.price;
    let due = due(claim);
    [
        <&str>::from(claim.action).into(),
        format!("{}/{}", claim.namespace, claim.name),
        claim.e164.to_string(),
        or_dash(claim.account.as_ref()),
        sum(due.map(|(_, due)| due), due.map(|(currency, _)| currency)),
        sum(monthly_fee, currency),
        claim.reason.into(),
    ]
}

/// How many claims there are of each kind.
fn counted(plan: &Plan) -> String {
    let counts = COUNTED.map(|(action, what)| (plan.count(action), what));
    let counts: Vec<_> = counts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
    if counts.is_empty() { "No claims.".into() } else { format!("{}.", counts.join(", ")) }
}

/// What it costs, in sentences.
fn costs(plan: &Plan) -> Vec<String> {
    let mut lines = Vec::new();
    for total in &plan.totals {
        lines.push(if total.currency.is_none() {
            "Not in these sums: prices that are not known.".into()
        } else {
            format!(
                "Due now {}, and {} a month.",
                sum(total.due_now, total.currency),
                sum(total.monthly, total.currency)
            )
        });
    }
    for balance in &plan.balances {
        lines.push(match balance.before.zip(balance.after) {
            Some((before, after)) => {
                format!(
                    "Balance of {1}: {before} {0}, {after} {0} afterwards.",
                    balance.currency, balance.account
                )
            }
            None => format!("The balance of {} in {} is not known.", balance.account, balance.currency),
        });
    }
    lines
}

pub fn as_table(plan: &Plan) -> String {
    let mut text = String::new();
    if !plan.claims.is_empty() {
        let headings = [
            ("ACTION", false),
            ("CLAIM", false),
            ("NUMBER", false),
            ("ACCOUNT", false),
            ("DUE NOW", true),
            ("MONTHLY", true),
            ("REASON", false),
        ];
        text = table(headings, plan.claims.iter().map(cells)) + "\n";
    }
    for claim in plan.claims.iter().filter(|claim| matches!(claim.action, Action::Wait | Action::Blocked)) {
        let _ = writeln!(text, "{}/{}: {}: {}\n", claim.namespace, claim.name, claim.reason, claim.message);
    }
    let _ = writeln!(text, "{}", [vec![counted(plan)], costs(plan)].concat().join("\n"));
    if !plan.absent.is_empty() {
        let headings = [("CLAIM", false), ("NUMBER", false), ("MONTHLY", true)];
        let rows = plan.absent.iter().map(|claim| {
            [
                format!("{}/{}", claim.namespace, claim.name),
                claim.e164.to_string(),
                sum(claim.monthly_fee, claim.currency),
            ]
        });
        let _ = write!(text, "\nIn no manifest, kept, and paid for:\n{}", table(headings, rows));
    }
    text
}

/// One table, which leaves out what stays as it is.
pub fn as_markdown(plan: &Plan) -> String {
    let changes: Vec<_> = plan.claims.iter().filter(|claim| claim.action != Action::None).collect();
    let mut text = format!("{MARKER}\n### Phone numbers\n\n");
    if changes.is_empty() {
        text.push_str("No change.\n\n");
    } else {
        text.push_str(
            "| Action | Claim | Number | Account | Due now | Monthly | Reason | |\n|---|---|---|---|--:|--:|---|---|\n",
        );
    }
    for claim in changes.iter().take(ROWS) {
        let cells = cells(claim).map(|cell| escaped(&cell)).join(" | ");
        let _ = writeln!(text, "| {cells} | {} |", escaped(&shortened(&claim.message)));
    }
    if let Some(more) = changes.len().checked_sub(ROWS).filter(|more| *more > 0) {
        let _ = writeln!(text, "\nAnd {more} more: `vobiz-operator plan` shows them all.");
    }
    if !changes.is_empty() {
        text.push('\n');
    }
    let mut lines = [vec![counted(plan)], costs(plan)].concat();
    if !plan.absent.is_empty() {
        lines.push(format!("In no manifest, kept, and paid for: {}.", absent(plan)));
    }
    let _ = writeln!(text, "{}", lines.join("\n\n"));
    text
}

/// The claims that no manifest has, as many as rows may be.
fn absent(plan: &Plan) -> String {
    let one = |claim: &super::summary::Absent| {
        format!(
            "{}/{} ({}, {} a month)",
            claim.namespace,
            claim.name,
            claim.e164,
            sum(claim.monthly_fee, claim.currency)
        )
    };
    let mut named: Vec<_> = plan.absent.iter().take(ROWS).map(one).collect();
    if plan.absent.len() > ROWS {
        named.push(format!("and {} more", plan.absent.len() - ROWS));
    }
    named.join(", ")
}

fn shortened(message: &str) -> String {
    match message.char_indices().nth(LONGEST_MESSAGE) {
        Some((at, _)) => format!("{}…", &message[..at]),
        None => message.to_owned(),
    }
}

/// As text, whatever Vobiz has written: no cell ends early, and nothing of it is a link, a tag or a mention.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for sign in text.chars() {
        match sign {
            '\n' | '\r' => escaped.push(' '),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '@' => escaped.push_str("&#64;"),
            '|' | '`' | '*' | '_' | '[' | ']' | '\\' | '~' | '!' | '#' => escaped.extend(['\\', sign]),
            sign => escaped.push(sign),
        }
    }
    escaped
}
