//! What a Rust file names: the paths in it, without those in its comments, texts and tests.

use std::collections::BTreeSet;

/// Where a module is, from the root of the crate.
pub type Module = Vec<String>;

pub struct File {
    pub module: Module,
    /// Every path that the file names outside its tests, from the root of its crate.
    pub paths: BTreeSet<Module>,
    /// What it hands on: the name, and the path behind it.
    pub hands_on: Vec<(String, Module)>,
    /// Every word of it outside its tests.
    pub words: BTreeSet<String>,
    /// The methods that it calls.
    pub calls: BTreeSet<String>,
}

impl File {
    /// All that it names, handed on or not.
    pub fn named(&self) -> impl Iterator<Item = &Module> {
        self.paths.iter().chain(self.hands_on.iter().map(|(_, path)| path))
    }
}

pub fn read(module: Module, text: &str) -> File {
    let tokens = without_tests(&tokens(text));
    let words = tokens.iter().cloned().collect();
    let calls = tokens.windows(3).filter(|at| at[0] == "." && at[2] == "(").map(|at| at[1].clone()).collect();
    let mut file = File { module, paths: BTreeSet::new(), hands_on: Vec::new(), words, calls };
    let children: BTreeSet<&String> =
        (tokens.windows(3)).filter(|at| at[0] == "mod" && at[2] == ";").map(|at| &at[1]).collect();
    // Modules that are written out in the file, with the depth of their braces.
    let (mut inside, mut depth): (Vec<(String, usize)>, usize) = (Vec::new(), 0);
    let mut read_to = 0;
    for at in 0..tokens.len() {
        let token = |offset: usize| tokens.get(at + offset).map_or("", String::as_str);
        match token(0) {
            "{" => depth += 1,
            "}" => {
                depth = depth.saturating_sub(1);
                inside.pop_if(|(_, outside)| *outside == depth);
            }
            "mod" if token(2) == "{" => inside.push((token(1).to_owned(), depth)),
            _ => {}
        }
        let begins = at.checked_sub(1).is_none_or(|before| tokens[before] != "::") && token(1) == "::";
        // What a group names has been read with it.
        if !begins || at < read_to {
            continue;
        }
        let here = || [&["crate".to_owned()], file.module.as_slice()].concat();
        let here = || here().into_iter().chain(inside.iter().map(|(name, _)| name.clone()));
        let mut base: Module = match token(0) {
            "crate" => vec!["crate".into()],
            "self" => here().collect(),
            "super" => here().collect::<Vec<_>>().split_last().unwrap().1.to_vec(),
            name if inside.is_empty() && children.contains(&name.to_owned()) => {
                here().chain([name.to_owned()]).collect()
            }
            name => vec![name.to_owned()],
        };
        let mut next = at + 2;
        while tokens[next] == "super" {
            base.pop();
            next += 2;
        }
        let mut found = Vec::new();
        tree(&tokens, &mut next, &base, &mut found);
        read_to = next;
        let handed_on = at >= 2 && tokens[at - 1] == "use" && ["pub", ")"].contains(&tokens[at - 2].as_str());
        if handed_on && inside.is_empty() {
            file.hands_on.extend(found.into_iter().filter_map(|path| Some((path.last()?.clone(), path))));
        } else {
            file.paths.extend(found);
        }
    }
    file
}

/// The paths of `a::{b, c::d}`, from what stands behind a `::` on.
fn tree(tokens: &[String], next: &mut usize, base: &Module, found: &mut Vec<Module>) {
    if tokens[*next] == "{" {
        *next += 1;
        while tokens[*next] != "}" {
            tree(tokens, next, base, found);
            while ![",", "}"].contains(&tokens[*next].as_str()) {
                *next += 1;
            }
            if tokens[*next] == "," {
                *next += 1;
            }
        }
        *next += 1;
        return;
    }
    let mut path = base.clone();
    match tokens[*next].as_str() {
        "self" => {}
        "super" => drop(path.pop()),
        name => path.push(name.to_owned()),
    }
    *next += 1;
    if tokens.get(*next).is_some_and(|token| token == "::") {
        *next += 1;
        tree(tokens, next, &path, found);
    } else {
        found.push(path);
    }
}

/// Words and signs, without comments, texts and characters.
fn tokens(text: &str) -> Vec<String> {
    let mut tokens: Vec<String> = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let word = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        let raw = rest
            .strip_prefix('r')
            .map(|rest| rest.trim_start_matches('#'))
            .filter(|rest| rest.starts_with('"'));
        let length = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if let Some(raw) = raw {
            let end = format!("\"{}", "#".repeat(rest.len() - raw.len() - 1));
            rest.len() - raw.len() + 1 + raw[1..].find(&end).unwrap() + end.len()
        } else if first == '"' {
            1 + closing(&rest[1..], '"')
        } else if first == '\'' && (rest[1..].starts_with('\\') || rest[1..].chars().nth(1) == Some('\'')) {
            1 + closing(&rest[1..], '\'')
        } else if word > 0 {
            tokens.push(rest[..word].to_owned());
            word
        } else if rest.starts_with("::") {
            tokens.push("::".into());
            2
        } else {
            if !first.is_whitespace() {
                tokens.push(first.into());
            }
            first.len_utf8()
        };
        rest = &rest[length..];
    }
    tokens
}

/// How far it is to the end of a text, or of a character.
fn closing(text: &str, quote: char) -> usize {
    let mut escaped = false;
    let end = text.find(|c: char| {
        let ends = c == quote && !escaped;
        escaped = c == '\\' && !escaped;
        ends
    });
    end.unwrap() + 1
}

/// Leaves out the items, fields and arms that stand under `#[cfg(test)]`.
fn without_tests(tokens: &[String]) -> Vec<String> {
    const MARK: [&str; 7] = ["#", "[", "cfg", "(", "test", ")", "]"];
    let mut kept = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        if !tokens[at..].iter().take(MARK.len()).map(String::as_str).eq(MARK) {
            kept.push(tokens[at].clone());
            at += 1;
            continue;
        }
        let (mut depth, mut is_use) = (0_usize, false);
        at += MARK.len();
        loop {
            match tokens[at].as_str() {
                "{" | "(" | "[" => depth += 1,
                "}" if depth == 1 && !is_use => break,
                // The last field or arm, without a comma behind it: this closes what it stands in.
                "}" if depth == 0 => {
                    at -= 1;
                    break;
                }
                "}" | ")" | "]" => depth -= 1,
                ";" | "," if depth == 0 => break,
                "use" if depth == 0 => is_use = true,
                _ => {}
            }
            at += 1;
        }
        at += 1;
    }
    kept
}

#[test]
fn a_file_is_read_without_its_comments_texts_and_tests() {
    let text = r#"
        use crate::{a::{self, B}, c::d::E};
        mod child;
        pub use child::F;
        pub mod open { pub use super::child::G; }
        // crate::comment
        const TEXT: &str = "crate::text \" crate::text";
        use super::{super::k::L, m};
        fn f<'a>(quote: char) -> bool { quote == '"' && child::h() && crate::i() && super::super::j() }
        struct Last { #[cfg(test)] field: crate::test::Field }
        #[cfg(test)]
        mod tests { use crate::test; }
    "#;
    let File { paths, hands_on, words, .. } = read(vec!["x".into(), "y".into()], text);
    let expected = [
        "crate::a",
        "crate::a::B",
        "crate::c::d::E",
        "crate::i",
        "crate::j",
        "crate::k::L",
        "crate::x::m",
        "crate::x::y::child::G",
        "crate::x::y::child::h",
    ];
    let paths = paths.iter().filter(|path| path[0] == "crate");
    assert_eq!(paths.map(|path| path.join("::")).collect::<Vec<_>>(), expected);
    assert!(words.contains("quote") && !words.contains("comment") && !words.contains("test"));
    assert_eq!(hands_on.len(), 1);
    assert_eq!(hands_on[0].1.join("::"), "crate::x::y::child::F");
}
