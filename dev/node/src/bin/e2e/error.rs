//! Why the end-to-end test could not go on.

use std::{io, path::PathBuf};

/// Why the test did not show what it should.
#[derive(Debug, thiserror::Error)]
pub enum E2eError {
    #[error("cannot run anything: {0}")]
    Runtime(#[source] io::Error),
    #[error("cannot enter a network namespace of its own: {0}")]
    Enter(#[source] io::Error),
    #[error("{}: {source}", path.display())]
    Archive { path: PathBuf, source: io::Error },
    #[error("the name server: {0}")]
    Dns(#[source] io::Error),
    #[error("expected {expected}; found: {found}")]
    Unexpected { expected: String, found: String },
    #[error(transparent)]
    Stage(#[from] testbed::Error),
    #[error(transparent)]
    Node(#[from] node::Error),
    #[error("the simulated Vobiz: {0}")]
    Vobiz(#[from] vobiz_sim::SimError),
    #[error("kubectl printed something that is not JSON: {0}")]
    Json(#[from] serde_json::Error),
}

/// An error unless something is so.
pub fn expect(
    is_so: bool,
    expected: impl Into<String>,
    found: impl FnOnce() -> String,
) -> Result<(), E2eError> {
    if is_so { Ok(()) } else { Err(E2eError::Unexpected { expected: expected.into(), found: found() }) }
}
