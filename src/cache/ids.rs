//! Texts with their ids spelt short: half of what compression leaves of an object are ids, which are like nothing that was seen
//! before, and take 36 letters where they have 16 bytes.

use memchr::{memchr, memchr_iter};
use uuid::Uuid;

use crate::domain::{UUID_LETTERS, spelt, spelt_uuid};

/// Stands before the bytes of an id. No text has it: JSON writes it as six other letters.
const SHORT: u8 = 1;

/// Letters of an id before its first dash.
const BEFORE_DASH: usize = 8;

/// The text with each id as its bytes.
pub fn shortened(text: &[u8]) -> Vec<u8> {
    let mut short = Vec::with_capacity(text.len());
    let mut taken = 0;
    // By their dashes: an object is read and written so often that each of its letters counts.
    for dash in memchr_iter(b'-', text) {
        let begins = dash.checked_sub(BEFORE_DASH).filter(|begins| *begins >= taken);
        if let Some((begins, id)) = begins.and_then(|begins| Some((begins, id_at(&text[begins..])?))) {
            short.extend_from_slice(&text[taken..begins]);
            short.push(SHORT);
            short.extend_from_slice(id.as_bytes());
            taken = begins + UUID_LETTERS;
        }
    }
    short.extend_from_slice(&text[taken..]);
    short
}

/// The text that was shortened to that.
pub fn written(short: &[u8]) -> Option<Vec<u8>> {
    let mut text = Vec::with_capacity(short.len() * 2);
    let mut rest = short;
    while let Some(at) = memchr(SHORT, rest) {
        text.extend_from_slice(&rest[..at]);
        let (bytes, after) = rest[at + 1..].split_first_chunk()?;
        text.extend_from_slice(spelt(Uuid::from_bytes(*bytes)).as_slice());
        rest = after;
    }
    text.extend_from_slice(rest);
    Some(text)
}

/// The id that the text begins with.
fn id_at(text: &[u8]) -> Option<Uuid> {
    spelt_uuid(text.get(..UUID_LETTERS)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0f4e2c1a-5b7d-4e89-9c3a-2d1f0e6b8a47";

    #[test]
    fn a_text_comes_back_as_it_was_whatever_stands_in_it() {
        let cut = &ID[..35];
        for (text, length) in [
            (String::new(), 0),
            (ID.to_owned(), 17),
            (format!("{{\"uid\":\"{ID}\"}}"), 27),
            (format!("{ID}{ID}"), 34),
            (format!("a{ID}-{ID}b"), 37),
            // It would come back in small letters.
            (ID.to_uppercase(), 36),
            (cut.to_owned(), 35),
            (format!("{cut}g"), 36),
            (format!("{cut}ü"), 37),
            ("--------------------------------------".to_owned(), 38),
            (ID.replace('-', ""), 32),
            (format!("0-{ID}"), 19),
            (format!("0f4e2c1a-{ID}-5b7d"), 31),
        ] {
            let short = shortened(text.as_bytes());
            assert_eq!(short.len(), length, "{text}");
            assert_eq!(written(&short).as_deref(), Some(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn what_was_cut_off_is_no_text() {
        let short = shortened(ID.as_bytes());
        assert_eq!(written(&short[..16]), None);
    }
}
