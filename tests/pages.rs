//! What the pages for readers promise: each command is run by a test or is marked as an example, each link leads
//! somewhere, and the map has every page.

#![expect(clippy::expect_used, reason = "a test that cannot go on fails")]

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Commands that are run elsewhere than by `tests/chart/pages.rs`: the file that runs them, and its words for it.
const ELSEWHERE: [(&str, &str, &str); 1] = [("cargo test --lib model::", "Makefile", "--lib model::")];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn text(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_default()
}

/// Every page, by its path.
fn pages() -> Vec<String> {
    let mut found: Vec<_> =
        ["README.md", "CONTRIBUTING.md", "charts/vobiz-operator/README.md", "examples/gitops/README.md"]
            .map(str::to_owned)
            .into();
    for entry in fs::read_dir(root().join("docs")).expect("the folder can be read") {
        let path = entry.expect("the folder can be read").path();
        let name = path.file_name().filter(|_| path.extension().is_some_and(|kind| kind == "md"));
        found.extend(name.map(|name| format!("docs/{}", name.display())));
    }
    found
}

/// A fenced block: the line where it begins, the line before it, its language, and what is in it.
struct Block<'a> {
    at: usize,
    before: &'a str,
    language: &'a str,
    lines: Vec<&'a str>,
}

/// The blocks of a page, and the lines outside of them.
fn parts(page: &str) -> (Vec<Block<'_>>, Vec<&str>) {
    let (mut blocks, mut outside, mut open) = (Vec::new(), Vec::new(), None::<Block<'_>>);
    for (number, line) in page.lines().enumerate() {
        match (line.trim().strip_prefix("```"), open.as_mut()) {
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (None, Some(block)) => block.lines.push(line.trim()),
            (Some(language), None) => {
                let before = outside.last().copied().unwrap_or_default();
                open = Some(Block { at: number + 1, before, language, lines: Vec::new() });
            }
            (None, None) => outside.push(line.trim()),
        }
    }
    (blocks, outside)
}

/// The commands of a block, each in one line, without comments.
fn commands(lines: &[&str]) -> Vec<String> {
    let joined = lines.join("\n").replace("\\\n", "");
    let without = |line: &str| line.split(" #").next().unwrap_or_default().trim().to_owned();
    joined.lines().map(without).filter(|line| !line.is_empty() && !line.starts_with('#')).collect()
}

/// Whether something runs the command, which is marked neither as run nor as an example.
fn is_run(command: &str) -> bool {
    let target = command.split_whitespace().find(|word| !word.contains('=') && *word != "make");
    let is_make = command.split_whitespace().find(|word| !word.contains('=')) == Some("make");
    if is_make {
        return target.is_some_and(|target| text("Makefile").contains(&format!("\n{target}:")));
    }
    ELSEWHERE.iter().any(|(known, file, words)| *known == command && text(file).contains(words))
}

/// The commands of a page that nothing runs, with their file and line.
fn unrun(path: &str, page: &str) -> Vec<String> {
    let runner = text("tests/chart/pages.rs");
    let mut found = Vec::new();
    for Block { at, before, language, lines } in parts(page).0 {
        let mut complain = |about: &str| found.push(format!("{path}:{at}: {about}"));
        let mark = before.strip_prefix("<!-- ").and_then(|mark| mark.strip_suffix(" -->"));
        match (language, mark.map(|mark| mark.strip_prefix("run: ").unwrap_or(mark))) {
            ("yaml" | "text" | "console", _) | ("sh", Some("example")) => {}
            ("sh", Some(name)) if runner.contains(&format!("\"{path}\", \"{name}\"")) => {}
            ("sh", Some(name)) => complain(&format!("tests/chart/pages.rs does not run {name:?}")),
            ("sh", None) => commands(&lines).iter().filter(|command| !is_run(command)).for_each(|command| {
                complain(&format!("nothing runs `{command}`, and `<!-- example -->` is not before it"));
            }),
            (other, _) => complain(&format!("{other:?} is not sh, yaml, text or console")),
        }
    }
    found
}

/// The anchor of a heading.
fn anchor(heading: &str) -> String {
    let kept = heading.to_lowercase();
    let kept = kept.chars().filter(|letter| letter.is_alphanumeric() || matches!(letter, ' ' | '-' | '_'));
    kept.map(|letter| if letter == ' ' { '-' } else { letter }).collect()
}

fn has_anchor(page: &str, wanted: &str) -> bool {
    let headings = parts(page).1.into_iter().filter(|line| line.starts_with('#'));
    headings.map(|line| anchor(line.trim_start_matches('#').trim())).any(|found| found == wanted)
}

/// The links of a page that lead nowhere.
fn astray(path: &str, page: &str) -> Vec<String> {
    let folder = Path::new(path).parent().map(PathBuf::from).unwrap_or_default();
    let mut found = Vec::new();
    for line in parts(page).1 {
        let links = line.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        for link in links.filter(|link| !link.starts_with("https://")) {
            let (file, part) = link.split_once('#').unwrap_or((link, ""));
            let file = if file.is_empty() { PathBuf::from(path) } else { folder.join(file) };
            let leads = root().join(&file).exists()
                && (part.is_empty() || has_anchor(&text(&file.display().to_string()), part));
            found.extend((!leads).then(|| format!("{path}: {link}")));
        }
    }
    found
}

fn assert_none(what: &str, broken: impl Iterator<Item = String>) {
    let broken: Vec<_> = broken.collect();
    assert!(broken.is_empty(), "{what}:\n{}", broken.join("\n"));
}

#[test]
fn every_command_is_run_by_a_test_or_marked_as_an_example() {
    assert_none("not run", pages().iter().flat_map(|path| unrun(path, &text(path))));
}

#[test]
fn every_link_leads_somewhere() {
    assert_none("astray", pages().iter().flat_map(|path| astray(path, &text(path))));
}

#[test]
fn the_map_has_every_page_of_its_folder() {
    let map = text("docs/README.md");
    let names = pages().into_iter().filter_map(|path| path.strip_prefix("docs/").map(str::to_owned));
    let missing = names.filter(|name| name != "README.md" && !map.contains(&format!("]({name})")));
    assert_none("not on the map", missing);
}

#[test]
fn the_image_is_named_with_the_version_that_is_built() {
    let (page, name) = (text("docs/install.md"), concat!("vobiz-operator:", env!("CARGO_PKG_VERSION")));
    assert_eq!(page.matches("vobiz-operator:").count(), page.matches(name).count());
}

#[test]
fn what_nothing_runs_is_found_and_so_is_a_link_astray() {
    let page = |mark: &str, command: &str| format!("# A page\n{mark}\n```sh\n{command}\n```\n");
    for (mark, command, broken) in [
        ("", "make demo      # see", 0),
        ("", "KEEP=1 make demo", 0),
        ("", "# see\n\ncargo test --lib model::   # see", 0),
        ("<!-- example -->", "rm -rf everything", 0),
        ("", "make nothing", 1),
        ("", "kubectl get \\\n  pnc\nkubectl get pn", 2),
        ("<!-- run: nothing -->", "kubectl get pnc", 1),
    ] {
        assert_eq!(unrun("docs/install.md", &page(mark, command)).len(), broken, "{mark} {command}");
    }
    assert_eq!(unrun("docs/install.md", "```\nls\n```\n```bash\nls\n```\n").len(), 2);
    let links =
        "[a](install.md#the-image) [b](../README.md) [c](#nothing) [d](nothing.md) [e](https://vobiz.ai)";
    assert_eq!(astray("docs/claims.md", links), ["docs/claims.md: #nothing", "docs/claims.md: nothing.md"]);
}
