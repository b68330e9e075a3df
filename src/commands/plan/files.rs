//! The files that a plan is about.

use std::{
    collections::HashSet,
    fs,
    io::{self, Read},
    path::{Path, PathBuf},
};

use crate::commands::error::CommandError;

/// Of standard input, or of one file, no more is read.
const LONGEST: u64 = 64 << 20;

/// What the names of manifests end with, in a folder.
const READ: [&str; 3] = ["yaml", "yml", "json"];

/// What `-` is called.
pub const STDIN: &str = "standard input";

/// A text with manifests, and what it is called.
pub struct File {
    pub name: String,
    pub text: String,
}

/// Reads a file, the manifests of a folder and of those within it, or, for `-`, standard input.
pub fn read(path: &str) -> Result<Vec<File>, CommandError> {
    if path == "-" {
        return Ok(vec![text(STDIN, io::stdin().lock())?]);
    }
    let mut found = Vec::new();
    if Path::new(path).is_dir() {
        collect(Path::new(path), &mut HashSet::new(), &mut found)?;
    } else {
        found.push(path.into());
    }
    found
        .iter()
        .map(|path| {
            text(&path.display().to_string(), fs::File::open(path).map_err(|why| unreadable(path, &why))?)
        })
        .collect()
}

/// By name, so that the order is the same everywhere. Names with a dot are passed over: in the volume of a pod, the same
/// manifests stand there once more. So are folders that were read already: a link may lead in a circle.
fn collect(folder: &Path, seen: &mut HashSet<PathBuf>, found: &mut Vec<PathBuf>) -> Result<(), CommandError> {
    if !seen.insert(folder.canonicalize().map_err(|why| unreadable(folder, &why))?) {
        return Ok(());
    }
    let entries = fs::read_dir(folder).and_then(Iterator::collect::<io::Result<Vec<_>>>);
    let mut paths: Vec<_> =
        entries.map_err(|why| unreadable(folder, &why))?.into_iter().map(|entry| entry.path()).collect();
    paths.sort();
    paths.retain(|path| !path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b".")));
    for path in paths {
        if path.is_dir() {
            collect(&path, seen, found)?;
        } else if path.extension().is_some_and(|kind| READ.iter().any(|known| kind == *known)) {
            found.push(path);
        }
    }
    Ok(())
}

fn text(name: &str, from: impl Read) -> Result<File, CommandError> {
    let mut text = String::new();
    let read =
        from.take(LONGEST + 1).read_to_string(&mut text).map_err(|why| unreadable(Path::new(name), &why))?;
    if u64::try_from(read).is_ok_and(|read| read > LONGEST) {
        return Err(CommandError::Refused(format!(
            "{name} has more than 64 MiB: name the file of the claims with -f"
        )));
    }
    Ok(File { name: name.to_owned(), text })
}

fn unreadable(path: &Path, why: &io::Error) -> CommandError {
    CommandError::Refused(format!(
        "{} cannot be read: {why}; name a file or folder of manifests with -f, or - for standard input",
        path.display()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_read_with_its_subfolders_and_without_what_is_hidden() {
        let folder = tempfile::TempDir::new().unwrap();
        for name in ["b.yaml", "a/2.json", "a/1.yml", "c.txt", ".git/d.yaml", ".e.yaml"] {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, name).unwrap();
        }
        std::os::unix::fs::symlink(folder.path(), folder.path().join("a/loop")).unwrap();
        let files = read(folder.path().to_str().unwrap()).unwrap();
        let texts: Vec<_> = files.iter().map(|file| file.text.as_str()).collect();
        assert_eq!(texts, ["a/1.yml", "a/2.json", "b.yaml"]);
    }

    #[test]
    fn what_is_not_there_is_named() {
        let complaint = read("/does/not/exist").err().unwrap().to_string();
        assert!(
            complaint.starts_with("/does/not/exist cannot be read") && complaint.contains("-f"),
            "{complaint}"
        );
    }
}
