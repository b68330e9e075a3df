//! `values.yaml` as people read it: each key with the comment above it.

use serde_json::Value;

/// A value that a comment explains.
pub struct Explained {
    /// `vobiz.apiUrl`.
    pub path: String,
    pub default: Value,
    pub text: String,
    /// The heading that it stands under.
    pub section: String,
}

/// Every key of the file; panics at one that no comment explains.
pub fn explained(yaml: &str) -> Vec<Explained> {
    let all: Value = serde_yaml::from_str(yaml).unwrap();
    let (mut found, mut comment, mut section) = (Vec::new(), Vec::<&str>::new(), String::new());
    let mut parents: Vec<(usize, &str)> = Vec::new();
    // What is inside of a value that is explained already needs no comment.
    let mut inside: Option<usize> = None;
    for line in yaml.lines() {
        let text = line.trim_start();
        let depth = line.len() - text.len();
        if let Some(heading) = line.strip_prefix("## ") {
            heading.clone_into(&mut section);
        } else if text.is_empty() {
            comment.clear();
        } else if let Some(words) = text.strip_prefix('#') {
            comment.push(words.trim());
        } else if inside.is_none_or(|outer| depth <= outer) {
            let (name, _) = text.split_once(':').expect("a key");
            parents.retain(|(outer, _)| *outer < depth);
            parents.push((depth, name));
            let names: Vec<_> = parents.iter().map(|(_, name)| *name).collect();
            let default = all.pointer(&format!("/{}", names.join("/"))).expect("it is in the file").clone();
            let path = names.join(".");
            inside = (!comment.is_empty()).then_some(depth);
            if comment.is_empty() {
                assert!(default.as_object().is_some_and(|map| !map.is_empty()), "{path} has no comment");
            } else {
                let text = std::mem::take(&mut comment).join(" ");
                found.push(Explained { path, default, text, section: section.clone() });
            }
        }
    }
    found
}

/// The values as the tables of a README.
pub fn tables(values: &[Explained]) -> String {
    let mut lines = Vec::new();
    let mut section = "";
    for value in values {
        if value.section != section {
            section = &value.section;
            lines.push(format!("\n### {section}\n\n| Value | Default | Meaning |\n|---|---|---|\n"));
        }
        let default = value.default.to_string().replace('|', "\\|");
        let meaning = value.text.replace('|', "\\|");
        lines.push(format!("| `{}` | `{default}` | {meaning} |\n", value.path));
    }
    lines.concat()
}

#[test]
fn a_key_gets_the_comment_above_it_and_its_section() {
    let yaml = "# Of the file.\n\n## One\n\na:\n  # First,\n  # and on.\n  b: 1\n  # Whole.\n  c:\n    d: 2\n## Two\n# Last.\ne: []\n";
    let found = explained(yaml);
    let lines: Vec<_> =
        found.iter().map(|it| format!("{} {} {} {}", it.section, it.path, it.default, it.text)).collect();
    assert_eq!(lines, ["One a.b 1 First, and on.", "One a.c {\"d\":2} Whole.", "Two e [] Last."]);
}

#[test]
#[should_panic(expected = "a.b has no comment")]
fn a_key_without_a_comment_is_not_accepted() {
    explained("a:\n  b: 1\n");
}
