//! Wake-ups that a transaction sends when, and only when, it has committed, and before its caller is answered.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

/// One subject that commits of this process may name.
#[derive(Debug, Default)]
pub struct Topic {
    commits: AtomicU64,
    notify: Notify,
}

impl Topic {
    /// Returns how many commits have named this topic: a change means that what was read before may be out of date.
    pub fn version(&self) -> u64 {
        self.commits.load(Ordering::Acquire)
    }

    /// Waits for the next commit that names this topic; one that came since the last wait counts.
    pub async fn notified(&self) {
        self.notify.notified().await;
    }
}

/// The topics of one database, each with whoever waits for it in this process.
#[derive(Default)]
pub(crate) struct Signals(Mutex<HashMap<&'static str, Arc<Topic>>>);

impl Signals {
    /// Returns `name`'s topic.
    pub(crate) fn topic(&self, name: &'static str) -> Arc<Topic> {
        let mut topics = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        topics.entry(name).or_default().clone()
    }

    /// Counts a commit for each topic and wakes one waiter of each, or lets the next one pass.
    pub(crate) fn send(&self, names: &[&'static str]) {
        for name in names {
            let topic = self.topic(name);
            topic.commits.fetch_add(1, Ordering::Release);
            topic.notify.notify_one();
        }
    }
}
