//! The rules of the house that neither the compiler nor clippy holds: what a file begins with, how long it may be, how
//! long the name of a test, that what a newcomer is told to look at is there, and that the profile fits.

#![expect(clippy::expect_used, reason = "a test that cannot go on fails")]

use std::{fs, path::Path};

/// Lines of a file before its tests.
const LONGEST_FILE: usize = 300;
/// Characters of a test's name.
const LONGEST_NAME: usize = 70;

/// Each Rust file below these folders, with its text.
fn files(folders: &[&str]) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for folder in folders {
        collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), &mut found);
    }
    assert!(!found.is_empty(), "there is no file in {folders:?}");
    found
}

fn collect(folder: &Path, found: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).expect("the folder can be read") {
        let path = entry.expect("the folder can be read").path();
        if path.is_dir() {
            collect(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found
                .push((path.display().to_string(), fs::read_to_string(&path).expect("the file can be read")));
        }
    }
}

/// A file ends where `mod tests {` begins; one that holds nothing but tests is measured whole.
fn too_long(text: &str) -> Option<usize> {
    let before = text.split("\n#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let lines = before.trim_end().lines().count();
    (lines > LONGEST_FILE).then_some(lines)
}

fn without_a_first_line(text: &str) -> bool {
    !text.starts_with("//! ")
}

/// Names of tests that are too long.
fn riddles(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut is_test = false;
    for line in text.lines().map(str::trim) {
        if let Some(at) = line.find("fn ").filter(|_| is_test) {
            let name = line[at + 3..].split('(').next().unwrap_or_default();
            if name.len() > LONGEST_NAME {
                found.push(name);
            }
        }
        is_test = line.starts_with("#[test]")
            || line.starts_with("#[tokio::test")
            || (is_test && (line.starts_with("#[") || line.starts_with("//")));
    }
    found
}

/// What a line of "Where is …?" says that is not so: a file that is not there, or a name that the file before it has not.
fn astray(line: &str) -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    let mut text = String::new();
    for word in line.split('`').skip(1).step_by(2) {
        if word.contains('/') {
            text = fs::read_to_string(root.join(word)).unwrap_or_default();
            if !root.join(word).exists() {
                found.push(format!("there is no {word}"));
            }
        } else if !text.is_empty() && !text.contains(word) {
            found.push(format!("there is no {word} in the file before it: {line}"));
        }
    }
    found
}

fn assert_none(what: &str, broken: &[String]) {
    assert!(broken.is_empty(), "{what}:\n{}", broken.join("\n"));
}

#[test]
fn every_file_says_first_what_is_in_it() {
    let files = files(&["src", "dev", "tests"]);
    let broken: Vec<_> = files.iter().filter(|(_, text)| without_a_first_line(text)).collect();
    assert_none("without `//!` first", &broken.iter().map(|(path, _)| path.clone()).collect::<Vec<_>>());
}

#[test]
fn no_file_is_longer_than_300_lines_before_its_tests() {
    let files = files(&["src", "dev", "tests"]);
    let broken = files.iter().filter_map(|(path, text)| Some(format!("{path}: {}", too_long(text)?)));
    assert_none("a concept is missing in", &broken.collect::<Vec<_>>());
}

#[test]
fn no_test_has_a_name_of_more_than_70_characters() {
    let files = files(&["src", "dev", "tests"]);
    let names = files.iter().flat_map(|(path, text)| riddles(text).into_iter().map(move |name| (path, name)));
    assert_none("too long", &names.map(|(path, name)| format!("{path}: {name}")).collect::<Vec<_>>());
}

#[test]
fn what_a_newcomer_looks_for_is_where_the_page_says() {
    let page = include_str!("../CONTRIBUTING.md");
    let section = page.split("## Where is").nth(1).and_then(|rest| rest.split("\n## ").next());
    let lines: Vec<_> =
        section.expect("the section is there").lines().filter(|line| line.contains("? |")).collect();
    assert!(lines.len() > 10, "{lines:?}");
    assert_none("astray", &lines.into_iter().flat_map(astray).collect::<Vec<_>>());
}

/// Which of both is not in what the profile was made with. Functions are told by names that hold either.
fn misfit<'a>(made_with: &str, version: &'a str, containerfile: &'a str) -> Option<&'a str> {
    let compiler = containerfile.lines().find_map(|line| line.strip_prefix("FROM rust:")?.split(' ').next());
    let compiler = compiler.expect("the image is built with Rust");
    let has = |begins: &str, word: &str| {
        let words = made_with.lines().filter_map(|line| line.strip_prefix(begins)?.split(' ').next());
        words.into_iter().any(|found| found == word)
    };
    let fits = [(has("version: ", version), version), (has("compiler: rustc ", compiler), compiler)];
    fits.into_iter().find_map(|(fits, what)| (!fits).then_some(what))
}

#[test]
fn the_profile_is_of_this_version_and_of_the_compiler_of_the_image() {
    let (made_with, containerfile) =
        (include_str!("../dev/profile/made-with"), include_str!("../Containerfile"));
    let misfit = misfit(made_with, env!("CARGO_PKG_VERSION"), containerfile);
    assert_eq!(misfit, None, "it is not of that: `make profile`");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("dev/profile");
    let files = fs::read_dir(folder).expect("the folder can be read").filter_map(Result::ok);
    let profiles = files.filter(|file| file.path().extension().is_some_and(|is| is == "profdata"));
    assert_eq!(profiles.count(), 1, "the compiler takes one");
}

#[test]
fn what_breaks_a_rule_is_found() {
    let image = "# How.\nFROM rust:1.95.0 AS build\n";
    let made_with = |compiler: &str| format!("compiler: rustc {compiler} (0 2026-01-01)\nversion: 0.1.0\n");
    assert_eq!(misfit(&made_with("1.95.0"), "0.1.0", image), None);
    assert_eq!(misfit(&made_with("1.95.0"), "0.2.0", image), Some("0.2.0"));
    assert_eq!(misfit(&made_with("1.95.1"), "0.1.0", image), Some("1.95.0"));
    assert_eq!(astray("`tests/house.rs`: `astray`; `src/`").len(), 0);
    assert_eq!(
        astray(&format!("`tests/house.rs`: `{}`; `src/nowhere.rs`", ["not", "there"].concat())).len(),
        2
    );
    assert!(without_a_first_line("use std::fmt;\n\n//! Late.\n") && !without_a_first_line("//! First.\n"));
    let (fits, tests) =
        ("x\n".repeat(LONGEST_FILE), "\n#[cfg(test)]\nmod tests {\n}\n".to_owned() + &"x\n".repeat(99));
    assert_eq!((too_long(&(fits.clone() + &tests)), too_long(&(fits + "x\n" + &tests))), (None, Some(301)));
    let long = "x".repeat(LONGEST_NAME + 1);
    for attributes in
        ["#[test]", "#[tokio::test(flavor = \"multi_thread\")]", "#[test]\n    #[ignore = \"slow\"]"]
    {
        let text = |name: &str| format!("    {attributes}\n    async fn {name}() {{\n    }}\n");
        assert_eq!(riddles(&text(&long)), [long.as_str()]);
        assert_eq!(riddles(&text(&long[1..])), [""; 0]);
    }
    assert_eq!(riddles(&format!("fn {long}() {{}}")), [""; 0]);
}
