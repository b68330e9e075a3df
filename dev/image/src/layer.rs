//! The image's one layer: a tar archive that is the same for the same files.

use std::{io::Read, path::Path};

use tar::{Builder, EntryType, Header};

use crate::{error::Error, files::FileTree};

/// The file system as a tar archive in which nothing depends on when or where it was made.
pub fn pack(tree: &FileTree, created: i64) -> Result<Vec<u8>, Error> {
    let mut archive = Builder::new(Vec::new());
    for folder in &tree.folders {
        append(&mut archive, EntryType::Directory, (folder, 0o755), created, &[])?;
    }
    for file in &tree.files {
        append(&mut archive, EntryType::Regular, (file.path, file.mode), created, &file.content)?;
    }
    archive.into_inner().map_err(Error::file(Path::new("layer")))
}

/// Adds one entry, owned by root.
pub fn append(
    archive: &mut Builder<Vec<u8>>,
    kind: EntryType,
    (path, mode): (&str, u32),
    created: i64,
    mut content: &[u8],
) -> Result<(), Error> {
    let mut header = Header::new_ustar();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(created.unsigned_abs());
    header.set_size(u64::try_from(content.len()).unwrap_or(u64::MAX));
    archive.append_data(&mut header, path, content.by_ref()).map_err(Error::file(Path::new(path)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::{BINARY, ROOTS};

    #[test]
    fn the_same_inputs_give_the_same_bytes_with_folders_before_files() {
        let packed = || {
            let tree = FileTree::new(b"elf".to_vec(), "pem", "{}");
            pack(&tree, 1_700_000_000).unwrap()
        };
        let layer = packed();
        assert_eq!(layer, packed());
        let mut archive = tar::Archive::new(layer.as_slice());
        let mut seen = Vec::new();
        for entry in archive.entries().unwrap() {
            let entry = entry.unwrap();
            let path = entry.path().unwrap().display().to_string();
            let header = entry.header();
            assert_eq!((header.uid().unwrap(), header.mtime().unwrap()), (0, 1_700_000_000), "{path}");
            assert_eq!(header.mode().unwrap() & 0o022, 0, "{path} can be written by others");
            let parent = Path::new(&path).parent().unwrap().display().to_string();
            assert!(parent.is_empty() || seen.contains(&format!("{parent}/")), "{path} has no folder yet");
            seen.push(path);
        }
        assert!(seen.iter().any(|path| path == BINARY) && seen.iter().any(|path| path == ROOTS));
    }
}
