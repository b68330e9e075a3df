//! Objects as compressed text. Those of one kind are all but the same, and differ most from what was never seen.

use lz4_flex::block::{compress_prepend_size_with_dict, decompress_size_prepended_with_dict};

use super::ids;
use crate::api::{Kept, Seen};

/// Texts that others are compared with.
#[derive(Default)]
pub struct Pack {
    examples: Vec<u8>,
}

/// A text that stays longer than its fourth part is unlike the examples, and becomes one.
const UNLIKE: usize = 4;

/// What packing costs grows with the examples, and no tenant may fill them with one object.
const MOST_EXAMPLES: usize = 16 * 1024;
const LONGEST_EXAMPLE: usize = 4 * 1024;

/// Most texts are no longer.
const LONG_TEXT: usize = 2 * 1024;

/// What a text begins with: whether this version knows all that stands in it. To find that out costs as much as some of it.
const KNOWN: u8 = b'=';
const MORE: u8 = b'+';

impl Pack {
    /// `None` if it could not be unpacked again: it would be taken for an object that never was.
    pub fn pack<K: Kept>(&mut self, object: &Seen<K>) -> Option<Box<[u8]>> {
        let is_known = object.read().is_some_and(|object| !object.has_later());
        let mut text = Vec::with_capacity(LONG_TEXT);
        text.push(if is_known { KNOWN } else { MORE });
        serde_json::to_writer(&mut text, object).ok()?;
        let short = ids::shortened(&text);
        let mut packed = compress_prepend_size_with_dict(&short, &self.examples);
        let is_unlike = packed.len() > short.len() / UNLIKE && short.len() <= LONGEST_EXAMPLE;
        if is_unlike && self.examples.len() + short.len() <= MOST_EXAMPLES {
            // In front: what is packed refers to the examples by their distance from the end.
            self.examples.splice(..0, short.iter().copied());
            packed = compress_prepend_size_with_dict(&short, &self.examples);
        }
        (self.text(&packed)? == text).then(|| packed.into())
    }

    pub fn unpack<K: Kept>(&self, packed: &[u8]) -> Option<Seen<K>> {
        let text = self.text(packed)?;
        let (mark, text) = text.split_first()?;
        let text = str::from_utf8(text).ok()?;
        if *mark == KNOWN { Seen::of_known_text(text).ok() } else { Seen::of_text(text).ok() }
    }

    #[cfg(test)]
    pub fn examples(&self) -> usize {
        self.examples.len()
    }

    fn text(&self, packed: &[u8]) -> Option<Vec<u8>> {
        ids::written(&decompress_size_prepended_with_dict(packed, &self.examples).ok()?)
    }
}
