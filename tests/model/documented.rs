//! The rules, the mutations and `docs/exactly-once.md` have the same rows.

use std::{collections::BTreeSet, fs, path::Path};

use strum::VariantArray;

use super::mutations::{MUTATIONS, SPARE};
use crate::plan::guard::Guard;

/// What is switched off, in which mix, and what breaks.
type Row = (Vec<String>, String, String);

fn folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A line like "| `A`, `B` | mix | what breaks | 9 |".
fn row(line: &str) -> Option<Row> {
    let cells: Vec<_> = line.trim_matches('|').split('|').map(str::trim).collect();
    let [off, mix, breaks, steps] = cells[..] else { return None };
    let is_row = off.starts_with('`') && steps.parse::<u32>().is_ok();
    let names = off.split(", ").map(|name| name.trim_matches('`').to_owned());
    is_row.then(|| (names.collect(), mix.to_owned(), breaks.to_owned()))
}

#[test]
fn the_mutations_are_those_of_the_documentation() {
    let text = fs::read_to_string(folder().join("docs/exactly-once.md")).unwrap();
    let documented: BTreeSet<Row> = text.lines().filter_map(row).collect();
    let made = MUTATIONS.iter().map(|mutation| {
        let off = mutation.off.iter().map(|guard| format!("{guard:?}"));
        let names = off.chain(mutation.bypassed.iter().map(|bypass| format!("{bypass:?}")));
        (names.collect(), mutation.mix.to_owned(), mutation.breaks.says().to_owned())
    });
    assert_eq!(documented, made.collect());
}

#[test]
fn every_guard_stands_in_one_rule_and_is_a_mutation_or_spare() {
    let rules = fs::read_to_string(folder().join("src/plan/rules.rs")).unwrap();
    for guard in Guard::VARIANTS {
        let alone = MUTATIONS.iter().any(|mutation| mutation.off == [*guard]);
        let spare = SPARE.iter().any(|(spare, _)| spare == guard);
        assert!(alone != spare, "{guard:?}");
        let name = format!("Guard::{guard:?}");
        let is_it = |(at, _): &(usize, &str)| !rules[at + name.len()..].starts_with(char::is_alphanumeric);
        assert!(rules.match_indices(&name).any(|found| is_it(&found)), "{guard:?} stands in no rule");
    }
}

#[test]
fn what_decides_knows_no_guard() {
    let mut folders = vec![folder().join("src/plan")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if !path.ends_with("rules.rs") && !path.ends_with("guard.rs") {
                let text = fs::read_to_string(&path).unwrap();
                assert!(!text.contains("Guard::") && !text.contains("guard::"), "{}", path.display());
            }
        }
    }
}
