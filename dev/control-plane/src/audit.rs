//! Reading the apiserver's record of every request.

use std::io::ErrorKind;
use std::path::Path;

use serde_json::Value;

use crate::error::Error;

/// All events so far. The log may be read in the middle of a write: an unfinished last line is
/// left for the next time.
pub(crate) fn read(path: &Path) -> Result<Vec<Value>, Error> {
    let bytes = match std::fs::read(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.map_err(Error::file(path))?,
    };
    let finished = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    bytes[..finished]
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| {
            serde_json::from_slice(line)
                .map_err(|source| Error::Json { what: format!("a line of {}", path.display()), source })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unfinished_last_line_is_left_out() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "{\"verb\":\"get\"}\n{\"verb\":\"li").unwrap();
        let events = read(file.path()).unwrap();
        assert_eq!(events, [serde_json::json!({ "verb": "get" })]);
    }

    #[test]
    fn a_log_that_does_not_exist_yet_has_no_events() {
        let folder = tempfile::tempdir().unwrap();
        assert!(read(&folder.path().join("audit.jsonl")).unwrap().is_empty());
    }

    #[test]
    fn a_finished_line_that_is_not_json_is_an_error() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "not json\n").unwrap();
        assert!(read(file.path()).is_err());
    }
}
