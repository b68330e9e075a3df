//! Waiting for what must come.

use std::time::{Duration, Instant};

/// How long a test waits for what must come. Nothing takes that long, except on a machine that is busy.
pub const PATIENCE: Duration = Duration::from_secs(150);

/// Waits until there is an answer; what was seen last tells why there was none.
pub async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Result<T, String>) -> T {
    let start = Instant::now();
    loop {
        match look().await {
            Ok(found) => return found,
            Err(seen) if start.elapsed() > PATIENCE => {
                panic!("{what}: not within {PATIENCE:?}; last: {seen}")
            }
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
}
