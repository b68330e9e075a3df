//! The arrows between the folders of src/ are those that the map in src/lib.rs draws, the files of a folder stand in no
//! circle, and what decides knows nothing that does IO.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod source;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use source::{File, Module, read};

/// To each what it uses.
type Arrows<T> = BTreeMap<T, BTreeSet<T>>;

/// They decide: bytes, objects and times in, a decision out.
const PURE: [&str; 4] = ["api", "conditions", "domain", "plan"];

/// What a pure module may not name.
const IO: [&[&str]; 4] = [&["kube", "Client"], &["kube", "runtime"], &["std", "fs"], &["std", "net"]];

/// What of `vobiz` the commands may name.
const READING: [&str; 13] = [
    "Casing",
    "Credentials",
    "CredentialsError",
    "Debits",
    "Known",
    "Ledger",
    "Notice",
    "ReadError",
    "Reader",
    "SetupError",
    "Survey",
    "Tried",
    "readers",
];

/// Words that a pure module has no use for, under whatever name: time and randomness are arguments.
const WORDS_OF_IO: [&str; 8] =
    ["kube_runtime", "reqwest", "tokio", "hyper", "Instant", "SystemTime", "fastrand", "new_v4"];

#[test]
fn the_map_draws_exactly_the_arrows_that_there_are() {
    let drawn = map();
    let mut found = BTreeSet::new();
    for file in files() {
        let others = file.named().filter(|path| path[0] == "crate").filter_map(|path| path.get(1));
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
    assert_eq!(circles(&file_arrows(&files)), BTreeSet::new(), "each of these uses, over others, itself");
}

/// The account is told of what a purchase has met by the one that sends it: another would buy behind its back.
#[test]
fn only_the_executor_sends_a_purchase() {
    let sends = |file: &File| file.calls.contains("purchase");
    let senders: Vec<_> =
        files().iter().filter(|file| sends(file)).map(|file| file.module.join("::")).collect();
    assert_eq!(senders, ["reconcile::spend"]);
}

/// The commands read: of Vobiz they have the reader, which has no method that spends, and what they use leads to nothing
/// that sends a purchase.
#[test]
fn no_command_reaches_the_client_that_may_spend() {
    for file in files().iter().filter(|file| file.module.first().is_some_and(|top| top == "commands")) {
        let of_vobiz = file.named().filter(|path| path.len() > 2 && path[0] == "crate" && path[1] == "vobiz");
        let spending = of_vobiz.filter(|path| !READING.contains(&path[2].as_str()));
        assert_eq!(spending.collect::<Vec<_>>(), Vec::<&Module>::new(), "in {}", file.module.join("::"));
    }
    let (map, mut reached, mut next) = (map(), BTreeSet::new(), vec!["commands".to_owned()]);
    while let Some(module) = next.pop() {
        next.extend(map[&module].iter().filter(|to| reached.insert((*to).clone())).cloned());
    }
    for spends in ["account", "reconcile", "controller"] {
        assert!(!reached.contains(spends), "the commands reach {spends}");
    }
}

#[test]
fn what_decides_names_no_io() {
    for file in files() {
        if file.module.first().is_some_and(|top| PURE.contains(&top.as_str())) {
            let word = WORDS_OF_IO.iter().find(|word| file.words.contains(**word));
            assert_eq!(word, None, "in {}", file.module.join("::"));
            for path in file.named() {
                let is_io =
                    IO.iter().any(|io| path.iter().map(String::as_str).take(io.len()).eq(io.iter().copied()));
                assert!(!is_io, "{} names {}", file.module.join("::"), path.join("::"));
            }
        }
    }
}

/// The table in src/lib.rs: a module, what it is, what it uses.
fn map() -> Arrows<String> {
    let text = fs::read_to_string(root().join("lib.rs")).unwrap();
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

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// All files of the library, but for those that hold tests alone.
fn files() -> Vec<File> {
    let mut files = Vec::new();
    let mut folders = vec![(root(), Module::new())];
    while let Some((folder, module)) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            if name.ends_with("tests") {
                continue;
            }
            let mut module = module.clone();
            if name != "mod" && name != "lib" {
                module.push(name.clone());
            }
            if path.is_dir() {
                folders.push((path, module));
            } else if name != "main" {
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
