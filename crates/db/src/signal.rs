//! Wake-ups that a transaction sends when, and only when, it has committed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

/// The topics of one database, each with whoever waits for it in this process.
#[derive(Default)]
pub(crate) struct Signals(Mutex<HashMap<&'static str, Arc<Notify>>>);

impl Signals {
    /// Returns the waiting place of `topic`.
    pub(crate) fn subscribe(&self, topic: &'static str) -> Arc<Notify> {
        let mut topics = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        topics.entry(topic).or_default().clone()
    }

    /// Wakes one waiter of each topic, or lets the next one pass.
    pub(crate) fn send(&self, topics: &[&'static str]) {
        for topic in topics {
            self.subscribe(topic).notify_one();
        }
    }
}
