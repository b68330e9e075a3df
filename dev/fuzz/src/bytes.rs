//! Damage to bytes: what a wire, a proxy or malice does to a document.

use fastrand::Rng;

const PIECES: [&[u8]; 14] = [
    b"\0",
    b"\xEF\xBB\xBF",
    b"\xFF\xFE",
    b"\xC0\x80",
    b"\xED\xA0\x80",
    b"\xF4\x90\x80\x80",
    b"\\u0000",
    b"\\ud800",
    b"\"",
    b"}",
    b"]",
    b",",
    b"<html>",
    b"\r\n",
];

pub fn damage(rng: &mut Rng, bytes: &mut Vec<u8>) {
    for _ in 0..rng.usize(1..4) {
        damage_once(rng, bytes);
    }
}

fn damage_once(rng: &mut Rng, bytes: &mut Vec<u8>) {
    let at = rng.usize(..=bytes.len());
    match rng.u8(..8) {
        0 => bytes.truncate(at),
        1 => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1 << rng.u8(..8);
            }
        }
        2 => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte = rng.u8(..);
            }
        }
        3 => {
            let to = rng.usize(at..=bytes.len().min(at + 40));
            bytes.drain(at..to);
        }
        4 => {
            let to = rng.usize(at..=bytes.len().min(at + 400));
            let piece = bytes[at..to].to_vec();
            bytes.splice(at..at, piece);
        }
        5 => bytes.splice(at..at, PIECES[rng.usize(..PIECES.len())].iter().copied()).for_each(drop),
        6 => bytes.splice(0..0, PIECES[rng.usize(..PIECES.len())].iter().copied()).for_each(drop),
        _ => bytes.extend_from_slice(PIECES[rng.usize(..PIECES.len())]),
    }
}

/// Anything at all.
pub fn noise(rng: &mut Rng) -> Vec<u8> {
    const JSON: &[u8] = br#"{}[]",:\u0123456789eE+-.truefalsn "#;
    let length = if rng.u8(..16) == 0 { rng.usize(..20_000) } else { rng.usize(..200) };
    let json = rng.bool();
    (0..length).map(|_| if json { JSON[rng.usize(..JSON.len())] } else { rng.u8(..) }).collect()
}
