//! Why something cannot be shown.

use std::{
    io,
    path::{Path, PathBuf},
    process::ExitStatus,
};

/// Why a demonstration or a measurement did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{} is not there; build it with: {build}", path.display())]
    NotBuilt { path: PathBuf, build: &'static str },
    #[error("there is no {0} here; run this in the root of the repository")]
    Place(&'static str),
    #[error("the operator could not be started: {0}")]
    Start(#[source] io::Error),
    #[error("the operator ended by itself ({0}); the end of its log is above")]
    OperatorEnded(ExitStatus),
    #[error("not everything was as expected: see the rows marked above")]
    NotAsExpected,
    #[error("interrupted")]
    Interrupted,
    #[error("cannot wait for signals: {0}")]
    Signal(#[source] io::Error),
    #[error(transparent)]
    ControlPlane(#[from] control_plane::Error),
    #[error("the simulated Vobiz: {0}")]
    Vobiz(#[from] vobiz_sim::SimError),
    #[error("kubectl could not be started: {0}; install it, or leave out CLUSTER=current")]
    Kubectl(#[source] io::Error),
    #[error("kubectl: {0}")]
    KubectlRefused(String),
    #[error("nothing was done: the context's name was not typed (CLUSTER=current YES=1 in scripts)")]
    NotAgreed,
    #[error(
        "nothing was done: the cluster has {0} already, of another installation, whose operator would buy what the demo \
         claims, or of a demo that was killed"
    )]
    ClusterInUse(String),
    #[error("kubectl printed something that is not JSON: {0}")]
    Json(#[from] serde_json::Error),
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error("the operator's process cannot be read: {0}")]
    Process(&'static str),
    #[error("{bought} of {claims} claims are ready, and no other became so within {seconds} s")]
    Slow { bought: usize, claims: usize, seconds: u64 },
}

/// The absolute path of a program or an archive, which `build` makes.
///
/// # Errors
/// If it is not there.
pub fn built(path: &Path, build: &'static str) -> Result<PathBuf, Error> {
    path.canonicalize().map_err(|_| Error::NotBuilt { path: path.to_owned(), build })
}

/// Whether this is the root of the repository.
///
/// # Errors
/// If one of these folders is not here.
pub fn in_the_root(folders: &[&'static str]) -> Result<(), Error> {
    let missing = folders.iter().find(|folder| !Path::new(folder).is_dir());
    missing.map_or(Ok(()), |folder| Err(Error::Place(folder)))
}
