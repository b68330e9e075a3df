//! The credentials in use, taken out of all that Vobiz says: what it echoes is neither shown nor stored nor logged.

use std::sync::Arc;

use parking_lot::Mutex;
use secrecy::{ExposeSecret, SecretString};

/// What stands in the place of a credential.
const MASK: &str = "***";

/// What a byte that is not written as it is begins with.
const ESCAPES: [u8; 2] = *b"\\%";

/// An inner part of a base64 text that is shorter may stand anywhere by chance.
const SHORTEST_BASE64: usize = 4;

/// The tokens that calls are made with, in each spelling that they may come back in: as they are, percent-encoded,
/// escaped as in JSON, and in base64, alone or inside a longer text (`id:token`, as HTTP Basic has it).
pub struct Masks {
    spellings: Vec<Spelling>,
    /// By a byte, whether a spelling may begin with it: every row of every list is looked through.
    begins: [bool; 256],
}

struct Spelling {
    text: SecretString,
    /// Its first and last characters depend on what stands beside it, so all of the run that it stands in is taken out.
    base64: bool,
}

impl Masks {
    /// Masks for these tokens.
    pub fn of<'a>(tokens: impl Iterator<Item = &'a str>) -> Self {
        let spellings: Vec<_> = tokens.filter(|token| !token.is_empty()).flat_map(spellings).collect();
        let mut begins = [false; 256];
        for spelling in &spellings {
            let first = spelling.text.expose_secret().bytes().next();
            for byte in first.into_iter().chain(ESCAPES) {
                begins[usize::from(byte)] = true;
            }
        }
        Self { spellings, begins }
    }

    /// The text without the tokens. A text that has none is returned as it is.
    pub(crate) fn mask(&self, text: &str) -> String {
        let bytes = text.as_bytes();
        let mut masked = String::with_capacity(text.len());
        let (mut copied, mut at) = (0, 0);
        while at < bytes.len() {
            let Some((from, to)) = self.found(bytes, copied, at) else {
                at += 1;
                continue;
            };
            // Spellings are ASCII, and so is what is cut off with them.
            masked.push_str(text.get(copied..from).unwrap_or_default());
            masked.push_str(MASK);
            (copied, at) = (to, to);
        }
        masked.push_str(text.get(copied..).unwrap_or_default());
        masked
    }

    /// Whether the text has none of them.
    pub(crate) fn is_clean(&self, text: &str) -> bool {
        (0..text.len()).all(|at| self.found(text.as_bytes(), 0, at).is_none())
    }

    /// The longest token that begins at `at`, from where to where; it takes nothing before `free`.
    fn found(&self, bytes: &[u8], free: usize, at: usize) -> Option<(usize, usize)> {
        if !self.begins[usize::from(*bytes.get(at)?)] {
            return None;
        }
        let spans = self.spellings.iter().filter_map(|spelling| {
            let to = end_of(bytes, at, spelling.text.expose_secret().as_bytes())?;
            Some(if spelling.base64 { run_around(bytes, free, at, to) } else { (at, to) })
        });
        spans.max_by_key(|(from, to)| to - from)
    }
}

impl Default for Masks {
    fn default() -> Self {
        Self::of(std::iter::empty())
    }
}

/// The masks for every token that calls were made with: what was sent with the last but one may still be answered.
#[derive(Default)]
pub struct InUse(Mutex<(Vec<SecretString>, Arc<Masks>)>);

/// So many tokens ago, no call is still under way.
const MOST_TOKENS: usize = 4;

impl InUse {
    /// The masks for this token and the ones before it.
    pub fn with(&self, token: &str) -> Arc<Masks> {
        let mut known = self.0.lock();
        let (tokens, masks) = &mut *known;
        if !tokens.iter().any(|known| known.expose_secret() == token) {
            tokens.push(token.into());
            if tokens.len() > MOST_TOKENS {
                tokens.remove(0);
            }
            *masks = Arc::new(Masks::of(tokens.iter().map(ExposeSecret::expose_secret)));
        }
        masks.clone()
    }
}

fn spellings(token: &str) -> impl Iterator<Item = Spelling> {
    let plain = Spelling { text: token.into(), base64: false };
    let inner = (0..3).flat_map(move |before| {
        let inner = inner_base64(token.as_bytes(), before);
        [inner.clone(), inner.replace('+', "-").replace('/', "_")]
    });
    let inner = inner.filter(|inner| inner.len() >= SHORTEST_BASE64);
    std::iter::once(plain).chain(inner.map(|inner| Spelling { text: inner.into(), base64: true }))
}

/// Where a spelling ends that begins at `at`: each of its bytes may be written as it is, with a backslash before it, as
/// `\u00..` or as `%..`.
fn end_of(bytes: &[u8], at: usize, spelling: &[u8]) -> Option<usize> {
    // As a rule it is another text, from one of its first bytes on.
    let text = bytes.get(at..)?;
    let as_it_is = |(byte, wanted): &(&u8, &u8)| byte == wanted && !ESCAPES.contains(byte);
    let same = text.iter().zip(spelling).take_while(as_it_is).count();
    if same == spelling.len() {
        return Some(at + same);
    }
    if text.get(same).is_none_or(|byte| !ESCAPES.contains(byte)) {
        return None;
    }
    // Without backslashes and percent signs in the token there is never more than one.
    let (begin, mut ends) = ([at], Vec::new());
    for (index, wanted) in spelling.iter().enumerate() {
        let mut next: Vec<usize> = Vec::new();
        for end in if index == 0 { &begin } else { ends.as_slice() } {
            let rest = bytes.get(*end..).unwrap_or_default();
            for length in written(rest, *wanted).into_iter().flatten() {
                if !next.contains(&(end + length)) {
                    next.push(end + length);
                }
            }
        }
        if next.is_empty() {
            return None;
        }
        ends = next;
    }
    ends.into_iter().max()
}

/// How many bytes of `rest` may be this one byte.
fn written(rest: &[u8], wanted: u8) -> [Option<usize>; 4] {
    let hex = |from: usize| {
        let digits = std::str::from_utf8(rest.get(from..from + 2)?).ok()?;
        (u8::from_str_radix(digits, 16).ok()? == wanted).then_some(from + 2)
    };
    [
        rest.starts_with(&[wanted]).then_some(1),
        rest.starts_with(&[b'\\', wanted]).then_some(2),
        rest.starts_with(b"\\u00").then(|| hex(4)).flatten(),
        rest.starts_with(b"%").then(|| hex(1)).flatten(),
    ]
}

/// The whole run of base64 that a part of it stands in.
fn run_around(bytes: &[u8], free: usize, from: usize, to: usize) -> (usize, usize) {
    let is_base64 = |byte: &&u8| byte.is_ascii_alphanumeric() || b"+/-_".contains(byte);
    let before = bytes[free..from].iter().rev().take_while(is_base64).count();
    let after = bytes[to..].iter().take_while(is_base64).count();
    let padding = bytes[to + after..].iter().take_while(|byte| **byte == b'=').count();
    (from - before, to + after + padding)
}

/// The characters that stand for these bytes, and for nothing else, in the base64 of a text in which so many bytes stand
/// before them (modulo three).
fn inner_base64(bytes: &[u8], before: usize) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bits = |at: usize| bytes.get(at / 8).map_or(0, |byte| byte >> (7 - at % 8) & 1);
    // The first character that begins with a bit of ours.
    let first = (before * 8).div_ceil(6) * 6 - before * 8;
    let whole = (bytes.len() * 8).saturating_sub(first) / 6;
    let character = |index: usize| {
        let value = (0..6).fold(0, |value, bit| value << 1 | bits(first + index * 6 + bit));
        char::from(ALPHABET[usize::from(value)])
    };
    (0..whole).map(character).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = r#"hush/+"t0k=n\~"#;

    fn masks() -> Masks {
        Masks::of([TOKEN, "rotated-away"].into_iter())
    }

    /// Written anew, by whole groups.
    fn base64(bytes: &[u8]) -> String {
        let mut text = String::new();
        for group in bytes.chunks(3) {
            let word =
                group.iter().fold(0u32, |word, byte| word << 8 | u32::from(*byte)) << (8 * (3 - group.len()));
            for at in 0..4 {
                let value = word >> (18 - 6 * at) & 63;
                let letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
                text.push(if at > group.len() { '=' } else { letters.chars().nth(value as usize).unwrap() });
            }
        }
        text
    }

    #[test]
    fn a_token_is_taken_out_in_every_spelling() {
        let hex = |upper: bool| -> String {
            let byte = |byte: u8| if upper { format!("%{byte:02X}") } else { format!("%{byte:02x}") };
            TOKEN.bytes().map(byte).collect()
        };
        let reserved = TOKEN.replace('/', "%2F").replace('+', "%2b").replace('"', "%22").replace('\\', "%5C");
        let escaped = TOKEN.bytes().fold(String::new(), |text, byte| text + &format!("\\u00{byte:02X}"));
        let quoted = serde_json::to_string(TOKEN).unwrap().trim_matches('"').replace('/', "\\/");
        let mut spellings = vec![TOKEN.to_owned(), hex(true), hex(false), reserved, escaped, quoted];
        for before in ["", "a", "ab", "MA_1:", "longer:"] {
            for after in ["", "x", "xy"] {
                let encoded = base64(format!("{before}{TOKEN}{after}").as_bytes());
                let url_safe = encoded.replace('+', "-").replace('/', "_");
                let bare = |text: &str| text.trim_end_matches('=').to_owned();
                spellings.extend([bare(&encoded), bare(&url_safe), encoded, url_safe]);
            }
        }
        for spelling in &spellings {
            let said = format!("no: \u{fc} {spelling} is not MA_1's");
            assert_eq!(masks().mask(&said), "no: \u{fc} *** is not MA_1's", "{spelling}");
            assert!(!masks().is_clean(&said), "{spelling}");
        }
    }

    #[test]
    fn every_token_in_use_is_taken_out_wherever_it_stands() {
        let said = format!("{TOKEN}{TOKEN} or rotated-away, or rotated%2Daway");
        assert_eq!(masks().mask(&said), "****** or ***, or ***");
    }

    #[test]
    fn an_old_token_stays_masked_after_a_rotation() {
        let in_use = InUse::default();
        assert_eq!(in_use.with("first-one").mask("first-one second-one"), "*** second-one");
        assert_eq!(in_use.with("second-one").mask("first-one second-one"), "*** ***");
    }

    #[test]
    fn what_has_no_token_stays_as_it_is() {
        for said in ["", "number not found in inventory", "MA_1", "50%", "a\\", "%zz\\u00", "\u{1F512}"] {
            assert_eq!(masks().mask(said), said);
            assert!(masks().is_clean(said), "{said}");
        }
        assert_eq!(Masks::default().mask(TOKEN), TOKEN);
    }
}
