//! What can go wrong with a control plane.

use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;

use crate::binaries::BinariesError;

/// Why a control plane could not be started or used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The programs are neither there nor could they be built.
    #[error(transparent)]
    Binaries(#[from] BinariesError),
    /// A key or a certificate could not be made.
    #[error("a certificate could not be made: {0}")]
    Certificate(#[from] rcgen::Error),
    /// A file or folder of the control plane could not be used.
    #[error("{}: {source}", path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// No loopback port could be had.
    #[error("no port on 127.0.0.1: {0}")]
    Port(std::io::Error),
    /// A program could not be started.
    #[error("{} could not be started: {source}", program.display())]
    Spawn {
        /// The program.
        program: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A part of the control plane ended although nobody stopped it.
    #[error("{name} ended ({status}); the end of its log:\n{log}")]
    Exited {
        /// Which part.
        name: &'static str,
        /// How it ended.
        status: ExitStatus,
        /// The last lines of its log.
        log: String,
    },
    /// A part of the control plane runs but did not become ready.
    #[error("{name} was not ready after {} s; the end of its log:\n{log}", waited.as_secs())]
    NotReady {
        /// Which part.
        name: &'static str,
        /// How long was waited.
        waited: Duration,
        /// The last lines of its log.
        log: String,
    },
    /// kubectl refused.
    #[error("kubectl {arguments}: {output}")]
    Kubectl {
        /// What it was called with.
        arguments: String,
        /// What it wrote on its standard error.
        output: String,
    },
    /// An answer or a log line is not the JSON that it should be.
    #[error("{what} is not valid JSON: {source}")]
    Json {
        /// What was read.
        what: String,
        /// Where it is wrong.
        source: serde_json::Error,
    },
    /// A new custom resource was established but its list still is not served.
    #[error("{path} is not served after {} s: {last}", waited.as_secs())]
    NotServed {
        /// The path of the list.
        path: String,
        /// How long was waited.
        waited: Duration,
        /// The last refusal.
        last: String,
    },
    /// The folder is still there after everything was stopped.
    #[error("{} could not be removed", .0.display())]
    NotRemoved(PathBuf),
}

impl Error {
    /// For `map_err` on operations with the file or folder at `path`.
    pub(crate) fn file(path: &Path) -> impl FnOnce(std::io::Error) -> Self + '_ {
        |source| Self::File { path: path.to_owned(), source }
    }
}
