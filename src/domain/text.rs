//! Texts of others as they are shown and stored: one line, without what a terminal would obey, of bounded length.

/// Words of others are stored and shown: long enough to help, too short to do harm. Characters.
pub const LONGEST_WORDS: usize = 300;

/// One line without control characters, of at most so many characters.
#[must_use]
pub fn presentable(text: &str) -> String {
    let line: String =
        text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(LONGEST_WORDS).collect();
    line.trim().to_owned()
}

/// A word that is not documented is stored and shown: long enough to be recognized, too short to do harm.
const LONGEST_WORD: usize = 64;

/// A word that is not documented, as it came if it is one: every other sign is a question mark, and a long one ends in an
/// ellipsis. The word that is made of such a word is the same word, because what is stored is read again.
#[must_use]
pub fn word(text: &str) -> String {
    let is_shown = |c: char| c.is_ascii_graphic() || c.is_alphanumeric() || c == ' ' || c == '…';
    let mut word: String =
        text.chars().map(|c| if is_shown(c) { c } else { '?' }).take(LONGEST_WORD + 1).collect();
    if word.chars().count() > LONGEST_WORD {
        word = word.chars().take(LONGEST_WORD - 1).chain(['…']).collect();
    }
    word
}
