//! The rules of the house that neither the compiler nor clippy holds: what a file begins with, how long it may be, and
//! how long the name of a test.

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
fn what_breaks_a_rule_is_found() {
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
