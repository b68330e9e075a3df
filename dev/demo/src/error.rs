//! Why the demo ended without a verdict.

use std::{io, path::PathBuf, process::ExitStatus};

/// Why the demo did not show what it should.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    #[error("{} is not there; build it with: make build", .0.display())]
    NoOperator(PathBuf),
    #[error("there is no {0} here; run the demo in the root of the repository")]
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
    #[error("{0}")]
    ControlPlane(#[from] control_plane::Error),
    #[error("the simulated Vobiz: {0}")]
    Vobiz(#[from] vobiz_sim::SimError),
    #[error("kubectl printed something that is not JSON: {0}")]
    Json(#[from] serde_json::Error),
}
