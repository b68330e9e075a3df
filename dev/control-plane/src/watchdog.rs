//! What stops the processes and removes the folder, even if this process is killed.

use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::error::Error;

/// Reads until the end of its input, which comes when the process that holds the other end of
/// the pipe closes it or dies in whatever way. `$1` is the process group, `$2` the folder; each
/// line read names a tree of control groups. A process that is being killed may still write a
/// file, and keeps its control group until it is gone: hence the second attempts.
const SCRIPT: &str = r#"
trap '' HUP INT TERM
group=$1 folder=$2
shift 2
while read -r tree; do set -- "$@" "$tree"; done
kill -s KILL -- "-$group"
remove() {
    rm -rf -- "$folder" 2>/dev/null
    [ ! -e "$folder" ] || return 1
    for tree; do
        [ ! -d "$tree" ] || find "$tree" -depth -type d -exec rmdir {} + 2>/dev/null
        [ ! -d "$tree" ] || return 1
    done
}
attempts=50
until remove "$@" || [ "$attempts" -eq 0 ]; do
    attempts=$((attempts - 1))
    sleep 0.1 2>/dev/null || sleep 1
done
"#;

/// A small shell process that outlives us by a moment, to clean up.
///
/// Two helpers are needed. The *anchor* only gives its process group its number: all parts of
/// the control plane are started in that group, so they can be killed together without a list
/// of them that could miss one just started. The *shell* waits for our end and kills the group.
/// The anchor reads from a pipe that the shell holds, so the group exists for as long as the
/// shell (its number cannot be another's meanwhile) and ends even if the shell is killed.
#[derive(Debug)]
pub(crate) struct Watchdog {
    anchor: Child,
    shell: Child,
    folder: PathBuf,
}

impl Watchdog {
    /// Makes the watchdog responsible for `folder`.
    pub(crate) fn guard(folder: TempDir) -> Result<Self, Error> {
        let mut anchor = Command::new("cat")
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|source| Error::Spawn { program: "cat".into(), source })?;
        let shell =
            anchor.stdin.take().ok_or_else(|| io::Error::other("the anchor has no input")).and_then(|hold| {
                Command::new("sh")
                    .args(["-c", SCRIPT, "control-plane-watchdog", &anchor.id().to_string()])
                    .arg(folder.path())
                    // Not in our group: an interrupt from the terminal must not reach it.
                    .process_group(0)
                    .current_dir("/")
                    .stdin(Stdio::piped())
                    .stdout(hold)
                    .stderr(Stdio::null())
                    .spawn()
            });
        match shell {
            Ok(shell) => Ok(Self { anchor, shell, folder: folder.keep() }),
            Err(source) => {
                let _ = anchor.wait(); // its input is closed, so it ends
                Err(Error::Spawn { program: "sh".into(), source })
            }
        }
    }

    /// The process group whose members end with us.
    pub(crate) fn group(&self) -> Result<i32, Error> {
        i32::try_from(self.anchor.id())
            .map_err(|source| Error::Spawn { program: "cat".into(), source: io::Error::other(source) })
    }

    /// Makes the watchdog responsible for a tree of control groups too: folders that cannot be
    /// removed before the last process in them is gone.
    pub(crate) fn guard_cgroups(&self, tree: &Path) -> Result<(), Error> {
        let failed = |source| Error::File { path: tree.to_owned(), source };
        let mut input = self.shell.stdin.as_ref().ok_or_else(|| failed(io::ErrorKind::BrokenPipe.into()))?;
        input.write_all(tree.as_os_str().as_bytes()).and_then(|()| input.write_all(b"\n")).map_err(failed)
    }

    /// The folder that is removed.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        let _ = self.shell.wait();
        let _ = self.anchor.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sleeper(group: i32) -> Child {
        Command::new("sleep").arg("1000").process_group(group).spawn().unwrap()
    }

    #[test]
    fn dropping_the_watchdog_kills_the_group_and_removes_the_folder() {
        let watchdog = Watchdog::guard(TempDir::new().unwrap()).unwrap();
        let folder = watchdog.folder().to_owned();
        std::fs::create_dir(folder.join("data")).unwrap();
        let mut sleeper = sleeper(watchdog.group().unwrap());
        drop(watchdog);
        assert!(!sleeper.wait().unwrap().success());
        assert!(!folder.exists());
    }

    #[test]
    fn trees_of_empty_folders_are_removed_too_and_nothing_that_is_in_use() {
        let place = TempDir::new().unwrap();
        let (empty, used) = (place.path().join("empty"), place.path().join("used"));
        for tree in [&empty, &used] {
            std::fs::create_dir_all(tree.join("pods/one")).unwrap();
        }
        std::fs::write(used.join("pods/one/tasks"), "").unwrap();
        let watchdog = Watchdog::guard(TempDir::new().unwrap()).unwrap();
        watchdog.guard_cgroups(&empty).unwrap();
        drop(watchdog);
        assert!(!empty.exists());
        assert!(used.join("pods/one/tasks").exists());
    }

    #[test]
    fn a_killed_shell_leaves_no_anchor() {
        let mut watchdog = Watchdog::guard(TempDir::new().unwrap()).unwrap();
        let folder = watchdog.folder().to_owned();
        watchdog.shell.kill().unwrap();
        watchdog.anchor.wait().unwrap();
        std::fs::remove_dir_all(folder).unwrap();
    }
}
