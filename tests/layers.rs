//! The arrows between the folders of src/ are those that the map in src/lib.rs draws, the files of a folder stand in no
//! circle, and what decides knows nothing that does IO.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

type Module = Vec<String>;
/// To each what it uses.
type Arrows<T> = BTreeMap<T, BTreeSet<T>>;

/// They decide: bytes, objects and times in, a decision out.
const PURE: [&str; 4] = ["api", "conditions", "domain", "plan"];

/// What a pure module may not name.
const IO: [&[&str]; 8] = [
    &["kube", "Client"],
    &["kube", "runtime"],
    &["kube_runtime"],
    &["reqwest"],
    &["std", "fs"],
    &["std", "net"],
    &["tokio"],
    &["hyper"],
];

/// Folders in which files may stand in a circle, and why.
const CIRCLES: [(&str, &str); 3] = [
    ("account", "the account is one value, whose state knows its keys; being taken apart"),
    ("conditions", "a message asks for the case, and a case for its message; being taken apart"),
    ("plan", "the decision about a record is spread over three files; being taken apart"),
];

struct File {
    module: Module,
    /// Every path that the file names outside its tests, from the root of its crate.
    paths: BTreeSet<Module>,
    /// What it hands on: the name, and the path behind it.
    hands_on: Vec<(String, Module)>,
}

#[test]
fn the_map_draws_exactly_the_arrows_that_there_are() {
    let drawn = map();
    let mut found = BTreeSet::new();
    for file in files() {
        let others = file.paths.iter().filter(|path| path[0] == "crate").filter_map(|path| path.get(1));
        let others = others.filter(|to| Some(*to) != file.module.first() && drawn.contains_key(*to));
        found.extend(others.map(|to| format!("{} -> {to}", file.module[0])));
    }
    let drawn: BTreeSet<_> =
        drawn.iter().flat_map(|(from, uses)| uses.iter().map(move |to| format!("{from} -> {to}"))).collect();
    let only = |these: &BTreeSet<String>, those| these.difference(those).cloned().collect::<Vec<_>>();
    assert_eq!(only(&found, &drawn), Vec::<String>::new(), "not drawn in the table of src/lib.rs");
    assert_eq!(only(&drawn, &found), Vec::<String>::new(), "drawn in the table of src/lib.rs, and not there");
}

#[test]
fn the_arrows_of_the_map_point_one_way() {
    assert_eq!(circles(&map()), BTreeSet::new());
}

#[test]
fn the_files_of_a_folder_stand_in_no_circle() {
    let files = files();
    let mut found = BTreeSet::new();
    for circle in circles(&file_arrows(&files)) {
        let folder = circle[0].clone();
        if CIRCLES.iter().all(|(allowed, _)| *allowed != folder) {
            found.insert(circle.join("::"));
        }
    }
    assert_eq!(found, BTreeSet::new(), "each of these uses, over others, itself");
}

#[test]
fn what_decides_names_no_io() {
    for file in files() {
        if file.module.first().is_some_and(|top| PURE.contains(&top.as_str())) {
            for path in &file.paths {
                let is_io =
                    IO.iter().any(|io| path.iter().map(String::as_str).take(io.len()).eq(io.iter().copied()));
                assert!(!is_io, "{} names {}", file.module.join("::"), path.join("::"));
            }
        }
    }
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
        fn f<'a>(quote: char) -> bool { quote == '"' && child::h() && crate::i() && super::super::j() }
        #[cfg(test)]
        mod tests { use crate::test; }
    "#;
    let File { paths, hands_on, .. } = read(vec!["x".into(), "y".into()], text);
    let expected = [
        "crate::a",
        "crate::a::B",
        "crate::c::d::E",
        "crate::i",
        "crate::j",
        "crate::x::y::child::G",
        "crate::x::y::child::h",
    ];
    let paths = paths.iter().filter(|path| path[0] == "crate");
    assert_eq!(paths.map(|path| path.join("::")).collect::<Vec<_>>(), expected);
    assert_eq!(hands_on.len(), 1);
    assert_eq!(hands_on[0].1.join("::"), "crate::x::y::child::F");
}

/// The table in src/lib.rs: a module, what it is, what it uses.
fn map() -> Arrows<String> {
    let text = fs::read_to_string(source().join("lib.rs")).unwrap();
    let rows = text.lines().filter_map(|line| line.strip_prefix("//! | [`"));
    let map: Arrows<String> = rows
        .map(|row| {
            let columns: Vec<&str> = row.split('|').collect();
            let (name, uses) = (columns[0].split('`').next().unwrap(), columns[2]);
            let uses = uses.split(',').map(|name| name.trim().trim_matches('`').to_owned());
            (name.to_owned(), uses.filter(|name| !name.is_empty()).collect())
        })
        .collect();
    let modules: BTreeSet<String> =
        files().into_iter().filter_map(|file| file.module.first().cloned()).collect();
    assert_eq!(map.keys().cloned().collect::<BTreeSet<_>>(), modules, "the map has one row for each module");
    map
}

fn source() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// All files of the library, but for those that hold tests alone.
fn files() -> Vec<File> {
    let mut files = Vec::new();
    let mut folders = vec![(source(), Module::new())];
    while let Some((folder, module)) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            let mut module = module.clone();
            if name != "mod" && name != "lib" {
                module.push(name.clone());
            }
            if path.is_dir() {
                folders.push((path, module));
            } else if !name.ends_with("tests") && name != "main" {
                files.push(read(module, &fs::read_to_string(&path).unwrap()));
            }
        }
    }
    files
}

/// Which file uses which: a name that a folder hands on is the file's that it comes from.
fn file_arrows(files: &[File]) -> Arrows<Module> {
    let modules: BTreeSet<&Module> = files.iter().map(|file| &file.module).collect();
    let handed: BTreeMap<Module, &Module> = files
        .iter()
        .flat_map(|file| {
            file.hands_on
                .iter()
                .map(|(name, path)| (file.module.iter().chain([name]).cloned().collect(), path))
        })
        .collect();
    let target = |path: &Module| {
        let mut path: Module = path[1..].to_vec();
        // A function may be called like its file: what goes on behind that name goes on in the file.
        let behind = |path: &Module, to: usize| {
            let is_name = to == path.len() || !modules.contains(&path[..to].to_vec());
            handed.get(&path[..to]).filter(|_| is_name).copied()
        };
        while let Some(behind) = (1..=path.len()).find_map(|to| behind(&path, to)) {
            path = behind[1..].to_vec();
        }
        (0..=path.len()).rev().map(|to| path[..to].to_vec()).find(|module| modules.contains(module))
    };
    let arrows = files.iter().map(|file| {
        let used = file.paths.iter().filter(|path| path[0] == "crate").filter_map(target);
        (file.module.clone(), used.filter(|to| *to != file.module && !to.is_empty()).collect())
    });
    arrows.collect()
}

/// All that, followed along the arrows, come back to themselves.
fn circles<T: Ord + Clone>(arrows: &Arrows<T>) -> BTreeSet<T> {
    let returns = |from: &T| {
        let mut seen = BTreeSet::new();
        let mut next: Vec<&T> = arrows[from].iter().collect();
        while let Some(at) = next.pop() {
            if seen.insert(at) {
                next.extend(arrows.get(at).into_iter().flatten());
            }
        }
        seen.contains(from)
    };
    arrows.keys().filter(|from| returns(from)).cloned().collect()
}

fn read(module: Module, text: &str) -> File {
    let tokens = without_tests(tokens(text));
    let mut file = File { module, paths: BTreeSet::new(), hands_on: Vec::new() };
    let children: BTreeSet<&String> =
        (tokens.windows(3)).filter(|at| at[0] == "mod" && at[2] == ";").map(|at| &at[1]).collect();
    // Modules that are written out in the file, with the depth of their braces.
    let (mut inside, mut depth): (Vec<(String, usize)>, usize) = (Vec::new(), 0);
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
        if !begins {
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
    if tokens[*next] != "self" {
        path.push(tokens[*next].clone());
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
fn without_tests(tokens: Vec<String>) -> Vec<String> {
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
