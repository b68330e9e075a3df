//! What `kubectl logs` must look like.

use jiff::Timestamp;
use serde_json::Value;

use crate::stage::TOKEN;
use crate::trouble::ROTATED;

const LEVELS: [&str; 3] = ["INFO", "WARN", "ERROR"];
/// How the digits of every number of this test begin. Counting digits would not do: ids are full of them.
const NUMBERS: [&str; 4] = ["9112345", "9122200", "9133300", "1202555"];

/// How many lines there are, or what is wrong with one of them.
pub fn check(log: &str) -> Result<usize, String> {
    log.lines().try_fold(0, |lines, line| match fault(line) {
        None => Ok(lines + 1),
        Some(fault) => Err(format!("{fault}: {line}")),
    })
}

fn fault(line: &str) -> Option<&'static str> {
    if [TOKEN, ROTATED].iter().any(|token| line.contains(token)) {
        return Some("the token");
    }
    let Ok(entry) = serde_json::from_str::<Value>(line) else { return Some("no JSON") };
    let text = |key: &str| entry[key].as_str().unwrap_or_default();
    if text("timestamp").parse::<Timestamp>().is_err() {
        return Some("no time stamp");
    }
    if !LEVELS.contains(&text("level")) {
        return Some("no level, or an unexpected one");
    }
    if text("message").is_empty() {
        return Some("no message");
    }
    NUMBERS.iter().any(|digits| line.contains(digits)).then_some("a phone number")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ordinary_line_passes() {
        let line =
            r#"{"timestamp":"2026-01-02T03:04:05.123456Z","level":"INFO","message":"bought","attempt":"a1"}"#;
        assert_eq!(check(&format!("{line}\n{line}\n")), Ok(2));
    }

    #[test]
    fn each_fault_is_named() {
        let line = |rest: &str| format!(r#"{{"timestamp":"2026-01-02T03:04:05Z","level":"INFO",{rest}}}"#);
        for (text, fault) in [
            ("starting".to_owned(), "no JSON"),
            (r#"{"timestamp":"noon","level":"INFO","message":"x"}"#.to_owned(), "no time stamp"),
            (r#"{"timestamp":"2026-01-02T03:04:05Z","level":"LOUD","message":"x"}"#.to_owned(), "no level"),
            (line(r#""message":"""#), "no message"),
            (line(r#""message":"bought +911234500001""#), "a phone number"),
            (line(r#""message":"bound","record":"911234500001""#), "a phone number"),
            (line(&format!(r#""message":"sent {TOKEN}""#)), "the token"),
        ] {
            assert!(check(&text).unwrap_err().starts_with(fault), "{text}");
        }
    }
}
