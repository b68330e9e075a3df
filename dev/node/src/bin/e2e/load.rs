//! Claims that are created all the time, as long as the troubles last.

use std::sync::Arc;
use std::time::Duration;

use node::Node;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::claims;
use crate::stage::{LOAD, load_number};

const AT_ONCE: usize = 2;
const PAUSE: Duration = Duration::from_millis(1500);

/// The running load. It ends when it is dropped.
pub struct Load {
    stop: CancellationToken,
    creator: JoinHandle<Result<usize, node::Error>>,
}

impl Load {
    /// Begins to create claims.
    pub fn start(node: &Arc<Node>) -> Self {
        let stop = CancellationToken::new();
        let creator = tokio::spawn(create(Arc::clone(node), stop.clone()));
        Self { stop, creator }
    }

    /// Ends it, and says how many claims it has created.
    pub async fn stop(mut self) -> Result<usize, node::Error> {
        self.stop.cancel();
        match (&mut self.creator).await {
            Ok(created) => created,
            Err(failure) => {
                Err(node::Error::Failed { command: "the load".into(), output: failure.to_string() })
            }
        }
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.creator.abort();
    }
}

async fn create(node: Arc<Node>, stop: CancellationToken) -> Result<usize, node::Error> {
    let mut created = 0;
    while created + AT_ONCE <= LOAD && !stop.is_cancelled() {
        let batch: Vec<_> = (created..created + AT_ONCE)
            .map(|index| claims::claim(&format!("load-{index:03}"), &load_number(index)))
            .collect();
        node.kubectl_with(&claims::list(&batch), &["create", "-f", "-"]).await?;
        created += AT_ONCE;
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(PAUSE) => {}
        }
    }
    Ok(created)
}
