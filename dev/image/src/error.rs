//! Why the image was not built.

use std::path::{Path, PathBuf};

/// Why there is no image.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file cannot be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The time stamp is beyond what a calendar has.
    #[error("{0} s since 1970 is no time that can be written")]
    Time(i64),
    /// cargo does not say what the operator is made of.
    #[error(transparent)]
    Metadata(#[from] cargo_metadata::Error),
    /// cargo's answer lacks the operator.
    #[error("cargo metadata does not resolve the package vobiz-operator")]
    NoOperator,
    /// The target is none that images are described by.
    #[error("images of the target {0} cannot be described: x86_64 and aarch64 Linux can")]
    Target(String),
    /// Part of the image's description cannot be written.
    #[error(transparent)]
    Oci(#[from] oci_spec::OciSpecError),
    /// Likewise.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
}

impl Error {
    pub fn file(path: &Path) -> impl FnOnce(std::io::Error) -> Self + '_ {
        |source| Self::File { path: path.to_owned(), source }
    }
}
