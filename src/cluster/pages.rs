//! How many objects a page of a list has. A page stands in memory as one piece of text, and users fill their objects as they
//! like: one that turns out to be long is given up, and asked for again with fewer.

use std::{collections::HashMap, sync::Arc};

use http::Uri;
use parking_lot::Mutex;

/// How long a page of more than one object may be, bytes.
pub const LONGEST: usize = 2 * 1024 * 1024;

/// How many times as few objects a page has after one that was too long, and as many after one that was short.
const STEP: u32 = 4;

/// By path, how many objects the next page has: as many as are asked for, unless those before were long.
#[derive(Debug, Clone, Default)]
pub struct Pages(Arc<Mutex<HashMap<String, u32>>>);

impl Pages {
    pub fn next(&self, path: &str, asked: u32) -> u32 {
        self.0.lock().get(path).map_or(asked, |known| asked.min(*known))
    }

    /// A page of that many objects was so long.
    pub fn came(&self, path: &str, count: u32, asked: u32, bytes: usize) {
        let next = after(count, bytes);
        let mut known = self.0.lock();
        if next >= asked {
            known.remove(path);
        } else {
            known.insert(path.to_owned(), next);
        }
    }
}

/// How many objects are asked for instead of so many that were too long together.
pub fn fewer(count: u32) -> u32 {
    (count / STEP).max(1)
}

/// How many objects the page after one of that length has.
fn after(count: u32, bytes: usize) -> u32 {
    let is_short = bytes < LONGEST / STEP as usize;
    if is_short { count.saturating_mul(STEP) } else { count }
}

/// How many objects a list asks for at a time.
pub fn asked(uri: &Uri) -> Option<u32> {
    let mut pairs = uri.query()?.split('&');
    pairs.find_map(|pair| pair.strip_prefix(LIMIT))?.parse().ok()
}

const LIMIT: &str = "limit=";

/// The same list, of so many objects at a time.
pub fn with(uri: &Uri, count: u32) -> Result<Uri, http::uri::InvalidUri> {
    let pairs = uri.query().unwrap_or_default().split('&');
    let pairs: Vec<_> = pairs
        .map(|pair| if pair.starts_with(LIMIT) { format!("{LIMIT}{count}") } else { pair.to_owned() })
        .collect();
    format!("{}?{}", uri.to_string().split('?').next().unwrap_or_default(), pairs.join("&")).parse()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_asked_for_in_pages_of_another_size_and_is_else_the_same() {
        for (uri, count, changed) in [
            ("https://h:1/x?&limit=500&continue=a%3D", 20, "https://h:1/x?&limit=20&continue=a%3D"),
            ("https://h:1/x?limit=500", 1, "https://h:1/x?limit=1"),
            ("/x?a=limit&limit=7", 7, "/x?a=limit&limit=7"),
        ] {
            let uri: Uri = uri.parse().unwrap();
            assert!(asked(&uri).is_some(), "{uri}");
            assert_eq!(with(&uri, count).unwrap(), changed);
        }
        assert_eq!(asked(&"/x?timeoutSeconds=290".parse().unwrap()), None);
    }

    #[test]
    fn pages_shrink_while_objects_are_large_and_grow_while_they_are_small() {
        let pages = Pages::default();
        let sizes = |bytes_each: usize, turns: usize| {
            (0..turns)
                .map(|_| {
                    let mut count = pages.next("/x", 500);
                    while count > 1 && count as usize * bytes_each > LONGEST {
                        count = fewer(count);
                    }
                    pages.came("/x", count, 500, count as usize * bytes_each);
                    count
                })
                .collect::<Vec<_>>()
        };
        assert_eq!(sizes(2_000, 2), [500, 500]);
        assert_eq!(sizes(30_000, 2), [31, 31]);
        assert_eq!(sizes(3_000_000, 2), [1, 1]);
        assert_eq!(sizes(2_000, 6), [1, 4, 16, 64, 256, 500]);
        assert!(pages.0.lock().is_empty(), "nothing is kept of lists that are as they should be");
    }
}
