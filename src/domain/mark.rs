//! Short marks of long words: what stands for a word that is too old, or too long, to be kept itself.

/// 64 bits of FNV-1a, as 16 hexadecimal digits. Marks are stored: this must never change. Two words may share a mark, one
/// pair in 10^19; users can find such a pair, and gain nothing (see [`crate::plan::is_spent`]).
#[must_use]
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
