//! A queue in which an object stands once, however often it is woken: it grows with what there is, not with what happens.

use std::{collections::BTreeSet, sync::Arc};

use futures::{StreamExt, stream::BoxStream};
use parking_lot::Mutex;
use tokio::sync::mpsc;
use tokio_stream::wrappers::UnboundedReceiverStream;

/// Where keys are put into a queue. It ends when this is dropped.
pub struct Wakes<K> {
    queue: mpsc::UnboundedSender<K>,
    waiting: Waiting<K>,
}

/// What stands in the queue.
type Waiting<K> = Arc<Mutex<BTreeSet<K>>>;

/// A queue, from both of its sides.
pub fn queue<K: Clone + Ord + Send + 'static>() -> (Wakes<K>, BoxStream<'static, K>) {
    let (queue, keys) = mpsc::unbounded_channel();
    let waiting = Waiting::<K>::default();
    let left = waiting.clone();
    // Taken out before it is looked at: what happens from then on wakes it once more.
    let keys = UnboundedReceiverStream::new(keys).inspect(move |key| {
        left.lock().remove(key);
    });
    (Wakes { queue, waiting }, keys.boxed())
}

impl<K: Clone + Ord> Wakes<K> {
    pub fn wake(&self, key: K) {
        if self.waiting.lock().insert(key.clone()) {
            // A queue that nothing reads any more: the process stops.
            let _ = self.queue.send(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[test]
    fn a_key_stands_in_the_queue_once_and_again_after_it_was_taken() {
        let (wakes, mut keys) = queue();
        (0..1000).for_each(|_| wakes.wake(1));
        wakes.wake(2);
        let mut next = || keys.next().now_or_never();
        assert_eq!([next(), next(), next()], [Some(Some(1)), Some(Some(2)), None]);
        wakes.wake(1);
        drop(wakes);
        assert_eq!([next(), next()], [Some(Some(1)), Some(None)]);
    }
}
