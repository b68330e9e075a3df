//! What can go wrong with a node.

use std::path::{Path, PathBuf};
use std::time::Duration;

/// Why a node could not be started or used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The control plane.
    #[error(transparent)]
    ControlPlane(#[from] control_plane::Error),
    /// A program is neither there nor could it be built.
    #[error(transparent)]
    Programs(#[from] control_plane::BinariesError),
    /// A file or folder could not be used.
    #[error("{}: {source}", path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A program could not be started.
    #[error("{program} could not be started: {source}")]
    Spawn {
        /// The program.
        program: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// A program ended in failure.
    #[error("{command}: {output}")]
    Failed {
        /// The program and its arguments.
        command: String,
        /// What it wrote on its standard error.
        output: String,
    },
    /// Something does not come up.
    #[error("{what} was not so after {} s; the end of the log:\n{log}", waited.as_secs())]
    NotReady {
        /// What was waited for.
        what: String,
        /// How long.
        waited: Duration,
        /// The last lines of the log that may say why.
        log: String,
    },
    /// The box is gone, and takes no orders.
    #[error("the node ended by itself; the end of its log:\n{0}")]
    Ended(String),
}

impl Error {
    pub(crate) fn file(path: &Path) -> impl FnOnce(std::io::Error) -> Self + '_ {
        |source| Self::File { path: path.to_owned(), source }
    }
}
