//! Texts of others as they are shown and stored: one line, without what a terminal would obey, of bounded length; and
//! short marks of those that are not kept.

/// Words of others are stored and shown: long enough to help, too short to do harm. Characters.
pub const LONGEST_WORDS: usize = 300;

/// One line without control characters, of at most so many characters.
pub fn presentable(text: &str) -> String {
    let line: String =
        text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(LONGEST_WORDS).collect();
    line.trim().to_owned()
}

/// A word that is not documented is stored and shown: long enough to be recognized, too short to do harm.
const LONGEST_WORD: usize = 64;

/// A word that is not documented, as it came if it is one: every other sign is a question mark, and a long one ends in an
/// ellipsis. The word that is made of such a word is the same word, because what is stored is read again.
pub fn word(text: &str) -> String {
    let is_shown = |c: char| c.is_ascii_graphic() || c.is_alphanumeric() || c == ' ' || c == '…';
    let mut word: String =
        text.chars().map(|c| if is_shown(c) { c } else { '?' }).take(LONGEST_WORD + 1).collect();
    if word.chars().count() > LONGEST_WORD {
        word = word.chars().take(LONGEST_WORD - 1).chain(['…']).collect();
    }
    word
}

/// What stands for a word that is too old, or too long, to be kept itself: 64 bits of FNV-1a, as 16 hexadecimal digits.
/// Marks are stored: this must never change. Two words may share a mark, one pair in 10^19; users can find such a pair, and
/// gain nothing (see `plan::bounds::is_spent`).
pub fn mark(word: &str) -> String {
    let hash = word.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    format!("{hash:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_those_of_fnv_1a_for_ever() {
        for (word, expected) in
            [("", "cbf29ce484222325"), ("a", "af63dc4c8601ec8c"), ("foobar", "85944171f73967e8")]
        {
            assert_eq!(mark(word), expected);
        }
    }
}
