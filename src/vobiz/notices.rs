//! What Vobiz announces of the end of what is read: the headers `Deprecation` (RFC 9745) and `Sunset` (RFC 8594).

use std::collections::BTreeSet;

use parking_lot::Mutex;
use reqwest::header::HeaderMap;

use super::{casing::Casing, masks::Masks};
use crate::domain::presentable;

const HEADERS: [&str; 2] = ["Deprecation", "Sunset"];

/// More are not kept: there are four reads in two casings, and what a header says may differ each time.
const MOST: usize = 32;

/// One header of the answers to one read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Notice {
    /// Without the account: `/Account/…/numbers`.
    pub path: String,
    pub header: &'static str,
    pub value: String,
}

/// Those that were seen.
#[derive(Debug, Default)]
pub struct Notices(Mutex<BTreeSet<Notice>>);

impl Notices {
    pub fn saw(&self, casing: Casing, path: &str, headers: &HeaderMap, masks: &Masks) {
        for header in HEADERS {
            for value in headers.get_all(header) {
                let value = presentable(&masks.mask(&String::from_utf8_lossy(value.as_bytes())));
                let mut seen = self.0.lock();
                if seen.len() < MOST {
                    seen.insert(Notice { path: format!("/{}/…/{path}", casing.segment()), header, value });
                }
            }
        }
    }

    pub fn seen(&self) -> Vec<Notice> {
        self.0.lock().iter().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_announced_is_kept_once_and_within_a_bound() {
        let notices = Notices::default();
        let saw = |headers: &[(&'static str, &str)]| {
            let headers = headers.iter().map(|(name, value)| {
                (reqwest::header::HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap())
            });
            notices.saw(Casing::Lower, "numbers", &headers.collect(), &Masks::default());
        };
        saw(&[("X-Other", "1"), ("Date", "Sat, 31 Oct 2026 00:00:00 GMT")]);
        for _ in 0..2 {
            saw(&[("sunset", "Sat, 31 Oct 2026 00:00:00 GMT"), ("Deprecation", "@1688169599")]);
        }
        let told: Vec<_> = notices.seen().iter().map(|seen| (seen.header, seen.value.clone())).collect();
        let told: Vec<_> = told.iter().map(|(header, value)| (*header, value.as_str())).collect();
        assert_eq!(told, [("Deprecation", "@1688169599"), ("Sunset", "Sat, 31 Oct 2026 00:00:00 GMT")]);
        assert_eq!(notices.seen()[0].path, "/account/…/numbers");
        for second in 0..100 {
            saw(&[("Deprecation", &format!("@{second}"))]);
        }
        assert_eq!(notices.seen().len(), MOST);
    }
}
