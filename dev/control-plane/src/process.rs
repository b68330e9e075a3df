//! One program of the control plane: starting it, stopping it, and what it said.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::error::Error;

/// How much of a log an error message shows.
const LOG_LINES: usize = 20;
const LOG_BYTES: u64 = 32 * 1024;

/// A program with its arguments, which can be started again with the same ones.
#[derive(Debug)]
pub(crate) struct Service {
    name: &'static str,
    program: PathBuf,
    arguments: Vec<OsString>,
    folder: PathBuf,
    group: i32,
    running: Option<Child>,
}

impl Service {
    /// `folder` is where the program runs and where its log is.
    pub(crate) fn new(
        name: &'static str,
        program: PathBuf,
        arguments: Vec<OsString>,
        folder: &Path,
        group: i32,
    ) -> Self {
        Self { name, program, arguments, folder: folder.to_owned(), group, running: None }
    }

    /// Starts the program, unless it is started already.
    pub(crate) fn start(&mut self) -> Result<(), Error> {
        if self.running.is_some() {
            return Ok(());
        }
        let path = self.log();
        let log = OpenOptions::new().create(true).append(true).open(&path).map_err(Error::file(&path))?;
        let errors = log.try_clone().map_err(Error::file(&path))?;
        let child = Command::new(&self.program)
            .args(&self.arguments)
            .current_dir(&self.folder)
            .process_group(self.group)
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(errors)
            .spawn()
            .map_err(|source| Error::Spawn { program: self.program.clone(), source })?;
        self.running = Some(child);
        Ok(())
    }

    /// Kills the program and waits for its end. There is nothing to save: what a client was
    /// told is stored is in the kernel's hands, and a crash is what the tests want to see.
    pub(crate) fn stop(&mut self) {
        if let Some(mut child) = self.running.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    pub(crate) fn is_started(&self) -> bool {
        self.running.is_some()
    }

    /// An error if the program was started and has ended by itself.
    pub(crate) fn check(&mut self) -> Result<(), Error> {
        let Some(child) = &mut self.running else { return Ok(()) };
        match child.try_wait() {
            Ok(None) => Ok(()),
            Ok(Some(status)) => {
                self.running = None;
                Err(Error::Exited { name: self.name, status, log: self.log_tail() })
            }
            Err(source) => Err(Error::Spawn { program: self.program.clone(), source }),
        }
    }

    pub(crate) fn not_ready(&self, waited: Duration) -> Error {
        Error::NotReady { name: self.name, waited, log: self.log_tail() }
    }

    fn log(&self) -> PathBuf {
        self.folder.join(format!("{}.log", self.name))
    }

    fn log_tail(&self) -> String {
        tail(&self.log())
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The last lines of a log, or why there are none.
pub(crate) fn tail(path: &Path) -> String {
    let read = || {
        let mut file = File::open(path)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(LOG_BYTES)))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok::<_, std::io::Error>(bytes)
    };
    match read() {
        Ok(bytes) => {
            let text = String::from_utf8_lossy(&bytes);
            let lines: Vec<&str> = text.lines().collect();
            lines[lines.len().saturating_sub(LOG_LINES)..].join("\n")
        }
        Err(error) => format!("({} cannot be read: {error})", path.display()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_ends_by_itself_is_reported_with_the_end_of_its_log() {
        let folder = tempfile::tempdir().unwrap();
        let script = "for n in $(seq 1 100); do echo line $n; done; echo no such flag >&2; exit 3";
        let arguments = ["-c", script].map(Into::into).to_vec();
        let mut service = Service::new("sh", "sh".into(), arguments, folder.path(), 0);
        service.start().unwrap();
        let error = loop {
            if let Err(error) = service.check() {
                break error.to_string();
            }
            std::thread::yield_now();
        };
        assert!(error.starts_with("sh ended (exit status: 3)"), "{error}");
        assert!(error.ends_with("line 100\nno such flag"), "{error}");
        assert!(!error.contains("line 80\n"), "{error}");
    }
}
