//! The purchases that this process has under way, from the intent until the outcome is stored. They outlive a term: an
//! outcome is money, and the process that leads next cannot know it.

use std::{collections::HashMap, future::Future, sync::Arc};

use parking_lot::Mutex;
use tokio::task::JoinHandle;
use tokio_util::task::TaskTracker;

use crate::{
    api::{AttemptState, PhoneNumber},
    conditions::Unstored,
    domain::AttemptId,
    metrics::Metrics,
};

pub struct Outcomes {
    under_way: Mutex<HashMap<AttemptId, Option<Arc<Unstored>>>>,
    tasks: TaskTracker,
    metrics: Arc<Metrics>,
}

impl Outcomes {
    pub fn new(metrics: Arc<Metrics>) -> Self {
        Self { under_way: Mutex::default(), tasks: TaskTracker::new(), metrics }
    }

    /// Whether this process is sending that attempt, or knows its outcome and has not stored it yet.
    pub fn is_sending(&self, attempt: AttemptId) -> bool {
        self.under_way.lock().contains_key(&attempt)
    }

    /// Whether the record says no more than that this process sends its attempt: until an outcome is stored, neither record nor
    /// claim have anything to do, and the purchase has both looked at where it ends otherwise, the claim also where it lasts.
    pub fn is_nothing_but_sent(&self, record: &PhoneNumber) -> bool {
        let attempt = &record.spec.attempt;
        let open = attempt.state == AttemptState::Open && record.metadata.deletion_timestamp.is_none();
        open && self.is_sending(attempt.id)
    }

    /// Marks an attempt as being sent until the guard is dropped.
    pub fn sending(self: &Arc<Self>, attempt: AttemptId) -> Sending {
        self.under_way.lock().insert(attempt, None);
        Sending { outcomes: self.clone(), attempt }
    }

    /// What is known of an attempt and not stored yet.
    pub fn unstored(&self, attempt: AttemptId) -> Option<Arc<Unstored>> {
        self.under_way.lock().get(&attempt)?.clone()
    }

    /// Runs the task that stores an outcome to its end, even if the caller is dropped.
    pub fn spawn<T: Send + 'static>(
        &self,
        storing: impl Future<Output = T> + Send + 'static,
    ) -> JoinHandle<T> {
        self.tasks.spawn(storing)
    }

    pub async fn stored(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }

    /// How many purchases are under way, or have an outcome that is not stored.
    pub fn count(&self) -> usize {
        self.under_way.lock().len()
    }

    fn count_unstored(&self, under_way: &HashMap<AttemptId, Option<Arc<Unstored>>>) {
        self.metrics.unstored_outcomes(under_way.values().flatten().filter(|one| one.why.is_some()).count());
    }
}

pub struct Sending {
    outcomes: Arc<Outcomes>,
    attempt: AttemptId,
}

impl Sending {
    /// Its outcome is known, and not stored yet.
    pub fn unstored(&self, unstored: Unstored) {
        let mut under_way = self.outcomes.under_way.lock();
        under_way.insert(self.attempt, Some(Arc::new(unstored)));
        self.outcomes.count_unstored(&under_way);
    }
}

impl Drop for Sending {
    fn drop(&mut self) {
        let mut under_way = self.outcomes.under_way.lock();
        under_way.remove(&self.attempt);
        self.outcomes.count_unstored(&under_way);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attempt_is_being_sent_only_while_its_guard_lives() {
        let outcomes = Arc::new(Outcomes::new(Arc::default()));
        let id = AttemptId::from_random([1; 16]);
        let guard = outcomes.sending(id);
        assert!(outcomes.is_sending(id) && outcomes.unstored(id).is_none());
        drop(guard);
        assert!(!outcomes.is_sending(id));
    }
}
