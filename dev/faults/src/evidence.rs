//! What a run leaves behind, and patience with it.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tempfile::TempDir;
use tokio::time::sleep;

use crate::timeline::Timeline;

/// How long anything may take to settle. It takes half a minute, and many times as long on a machine that is so busy that
/// attempts grow too old before they can be sent.
pub const PATIENCE: Duration = Duration::from_mins(8);

/// What a run leaves behind for whoever has to understand it, even if it panics.
#[derive(Clone)]
pub struct Evidence {
    pub timeline: Arc<Timeline>,
    pub folder: Arc<TempDir>,
}

impl Evidence {
    /// Nothing yet.
    ///
    /// # Errors
    /// If there can be no temporary folder.
    pub fn new() -> std::io::Result<Self> {
        Ok(Self { timeline: Arc::default(), folder: Arc::new(TempDir::new()?) })
    }

    /// All that is known about what happened.
    #[must_use]
    pub fn describe(&self) -> String {
        let log = self.log();
        let log: Vec<&str> = log.lines().collect();
        let log = log[log.len().saturating_sub(40)..].join("\n");
        format!("{}--- the end of the operators' log\n{log}\n", self.timeline)
    }

    /// The operators' log.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("operator.log")).unwrap_or_default()
    }
}

/// Waits until there is an answer.
///
/// # Errors
/// What was seen last, if there is none in time.
pub async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Result<T, String>) -> Result<T, String> {
    let start = Instant::now();
    loop {
        match look().await {
            Ok(found) => return Ok(found),
            Err(seen) if start.elapsed() > PATIENCE => return Err(format!("{what}: never; last: {seen}")),
            Err(_) => sleep(Duration::from_millis(300)).await,
        }
    }
}
