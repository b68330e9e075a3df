//! The books behind their lock, who waits for a change in them, and who waits to be released.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::sync::{oneshot, watch};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{Answer, world::World};

#[derive(Debug)]
pub(crate) struct Shared {
    world: Mutex<World>,
    held: Mutex<BTreeMap<u64, oneshot::Sender<()>>>,
    changes: watch::Sender<()>,
    /// Cancelled when the server stops.
    pub(crate) stop: CancellationToken,
    /// Everything that must have ended before the server has stopped.
    pub(crate) tasks: TaskTracker,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    pub(crate) fn new(world: World) -> Self {
        Self {
            world: Mutex::new(world),
            held: Mutex::default(),
            changes: watch::Sender::new(()),
            stop: CancellationToken::new(),
            tasks: TaskTracker::new(),
        }
    }

    pub(crate) fn read<T>(&self, read: impl FnOnce(&World) -> T) -> T {
        read(&lock(&self.world))
    }

    /// Changes the books, and tells whoever waits for that.
    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut World) -> T) -> T {
        let result = change(&mut lock(&self.world));
        self.changes.send_replace(());
        result
    }

    pub(crate) fn changes(&self) -> watch::Receiver<()> {
        self.changes.subscribe()
    }

    /// Keeps a request until it is released. The journal calls it held only once it can be released, so
    /// that nobody's release comes too early.
    pub(crate) async fn hold(&self, seq: u64) {
        let (release, released) = oneshot::channel();
        lock(&self.held).insert(seq, release);
        self.change(|world| world.journal.set_answer(seq, Answer::Held));
        // An error means that the sender is gone, and then there is nothing left to wait for.
        let _ = released.await;
        self.change(|world| world.journal.set_answer(seq, Answer::InProgress));
    }

    /// Releases the held requests that the predicate picks, and says how many.
    pub(crate) fn release(&self, pick: impl Fn(u64) -> bool) -> usize {
        let mut held = lock(&self.held);
        let picked: Vec<u64> = held.keys().copied().filter(|seq| pick(*seq)).collect();
        for seq in &picked {
            if let Some(release) = held.remove(seq) {
                // The request may have ended with the server meanwhile.
                let _ = release.send(());
            }
        }
        picked.len()
    }
}
