//! Bodies: real documents with fields dropped, retyped, doubled, nested, swollen, cut and garbled; and plain noise.

use fastrand::Rng;

use crate::{
    bytes::{damage, noise},
    documents::{BALANCES, ENVELOPES, FIELDS, LEDGERS, LISTS, NUMBER, PURCHASES},
    node::Node,
};

/// No generated body is longer than about this, bytes. What is longer yet never reaches a reader (see `transport::body`).
const LONGEST: usize = 1 << 20;

const WORDS: [&str; 42] = [
    "null",
    "true",
    "false",
    "0",
    "-0",
    "-1",
    "7",
    "1e5",
    "1E400",
    "-1e-400",
    "1.0",
    "52",
    "0.10",
    "5e-1",
    "1e28",
    "1e-28",
    "12345678901234567890.123456789e10",
    "9007199254740993",
    "18446744073709551616",
    "79228162514264337593543950335",
    "79228162514264337593543950336",
    "0.1234567890123456789012345678",
    "1.23456789012345678901234567895e2",
    "\"\"",
    "\"0\"",
    "\"52.00\"",
    "\"1_000\"",
    "\"NaN\"",
    "\"+911234500001\"",
    "\"911234500000\"",
    "\"+91 12345 00000\"",
    "\"sip:911234500000@10.0.0.1\"",
    "\"desk\"",
    "\"active\"",
    "\"released\"",
    "\"INR\"",
    "\"2026-13-40T99:99:99Z\"",
    "\"-009999-01-01T00:00:00Z\"",
    "\"\\u002b911234500000\"",
    "\"\\ud83d\\ude00\\u0000\"",
    "{}",
    "[]",
];

/// Any body that could come for any call.
pub fn body(rng: &mut Rng, likely: &[&str]) -> Vec<u8> {
    match rng.u8(..32) {
        0 => return noise(rng),
        1 => return deep(rng),
        2 => return ["", " ", "null", "[]", "{}", "\"\"", "0", "[[]]"][rng.usize(..8)].as_bytes().to_vec(),
        _ => {}
    }
    let from = if rng.u8(..8) == 0 { any_documents(rng) } else { likely };
    let Some(mut node) = Node::parse(from[rng.usize(..from.len())].as_bytes()) else { return Vec::new() };
    for _ in 0..rng.usize(..5) {
        mutilate(rng, &mut node);
    }
    let mut text = String::new();
    node.write(&mut text);
    let mut bytes = text.into_bytes();
    if rng.u8(..4) == 0 {
        damage(rng, &mut bytes);
    }
    bytes.truncate(LONGEST);
    bytes
}

fn any_documents(rng: &mut Rng) -> &'static [&'static str] {
    [&PURCHASES[..], &ENVELOPES, &LISTS, &LEDGERS, &BALANCES][rng.usize(..5)]
}

/// Goes to a random place in the tree and does one bad thing there.
fn mutilate(rng: &mut Rng, node: &mut Node) {
    match node {
        Node::Map(fields) if !fields.is_empty() && rng.u8(..8) != 0 => {
            let at = rng.usize(..fields.len());
            if rng.u8(..3) != 0 && !matches!(fields[at].1, Node::Raw(_)) {
                return mutilate(rng, &mut fields[at].1);
            }
            mutilate_field(rng, fields, at);
        }
        Node::List(items) if !items.is_empty() && rng.u8(..8) != 0 => {
            let at = rng.usize(..items.len());
            match rng.u8(..6) {
                0 => drop(items.remove(at)),
                1 => items.push(items[at].clone()),
                2 => items[at] = value(rng),
                _ => mutilate(rng, &mut items[at]),
            }
        }
        _ => *node = value(rng),
    }
}

fn mutilate_field(rng: &mut Rng, fields: &mut Vec<(String, Node)>, at: usize) {
    match rng.u8(..9) {
        0 => drop(fields.remove(at)),
        1 => fields.push(fields[at].clone()),
        2 => fields.push((fields[at].0.clone(), value(rng))),
        3 => FIELDS[rng.usize(..FIELDS.len())].clone_into(&mut fields[at].0),
        4 => fields.push((FIELDS[rng.usize(..FIELDS.len())].to_owned(), value(rng))),
        5 => {
            let inner = std::mem::replace(&mut fields[at].1, Node::List(Vec::new()));
            fields[at].1 = wrap(rng, inner);
        }
        6 => {
            let other = rng.usize(..fields.len());
            let taken = fields[other].1.clone();
            fields[at].1 = taken;
        }
        _ => fields[at].1 = value(rng),
    }
}

fn wrap(rng: &mut Rng, inner: Node) -> Node {
    match rng.u8(..3) {
        0 => Node::List(vec![inner]),
        1 => Node::Map(vec![(FIELDS[rng.usize(..FIELDS.len())].to_owned(), inner)]),
        _ => {
            let mut text = String::new();
            inner.write(&mut text);
            Node::Raw(format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")))
        }
    }
}

fn value(rng: &mut Rng) -> Node {
    match rng.u16(..400) {
        0..40 => Node::Raw(amount(rng)),
        40..60 => Node::Raw(format!("\"{}\"", amount(rng))),
        60..80 => Node::Raw(format!("\"{NUMBER}\"")),
        80..90 => Node::Raw("9".repeat(rng.usize(1..2000))),
        90..100 => Node::Raw(format!("\"{}\"", "x".repeat(rng.usize(..3000)))),
        100 => Node::Raw(format!("\"{}\"", "\u{e9}".repeat(rng.usize(..60_000)))),
        101..110 => Node::Map(vec![("e164".into(), Node::Raw(format!("\"{NUMBER}\"")))]),
        110..120 => Node::List(vec![Node::Raw(format!("\"{NUMBER}\""))]),
        _ => Node::Raw(WORDS[rng.usize(..WORDS.len())].to_owned()),
    }
}

/// A JSON number with any count of digits, and often with an exponent.
pub fn amount(rng: &mut Rng) -> String {
    let mut text = if rng.u8(..4) == 0 { "-".to_owned() } else { String::new() };
    let whole = if rng.bool() { rng.usize(1..4) } else { rng.usize(1..34) };
    text.extend((0..whole).map(|at| if at == 0 { rng.char('1'..='9') } else { rng.char('0'..='9') }));
    if rng.u8(..3) != 0 {
        text.push('.');
        let digits = if rng.bool() { rng.usize(1..4) } else { rng.usize(1..34) };
        text.extend((0..digits).map(|_| rng.char('0'..='9')));
    }
    if rng.u8(..4) == 0 {
        text.push(if rng.bool() { 'e' } else { 'E' });
        text.push_str(["", "+", "-"][rng.usize(..3)]);
        let most = if rng.bool() { 6 } else { 60 };
        text.push_str(&rng.u32(..most).to_string());
    }
    text
}

/// A document that is mostly brackets, at a place that is read or at one that is not.
fn deep(rng: &mut Rng) -> Vec<u8> {
    let depth = [60, 126, 127, 128, 129, 500, 20_000][rng.usize(..7)];
    let (open, close) =
        [("[", "]"), ("{\"error\":", "}"), ("{\"number\":", "}"), ("{\"items\":[", "]}")][rng.usize(..4)];
    let closed = rng.u8(..4) != 0;
    let tree =
        format!("{}{}{}", open.repeat(depth), "1", if closed { close.repeat(depth) } else { String::new() });
    let at = FIELDS[rng.usize(..FIELDS.len())];
    match rng.u8(..4) {
        0 => tree,
        1 => format!(r#"{{"{at}":{tree}}}"#),
        2 => format!(r#"{{"number":{{"e164":"{NUMBER}","{at}":{tree}}}}}"#),
        _ => format!(r#"{{"error":{{"code":"x","details":{{"{at}":{tree}}}}}}}"#),
    }
    .into_bytes()
}
