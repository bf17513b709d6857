//! Background tasks that somebody waits for.

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{Notify, watch};

/// Keeps count of background tasks, so that a shutdown can end and await them.
#[derive(Debug, Clone)]
pub struct Tasks(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    running: AtomicUsize,
    ended: Notify,
    stopping: watch::Sender<bool>,
}

/// Reports the end of a task even where it panics.
struct Running(Tasks);

impl Default for Tasks {
    fn default() -> Self {
        let stopping = watch::Sender::new(false);
        Self(Arc::new(Inner { running: AtomicUsize::new(0), ended: Notify::new(), stopping }))
    }
}

impl Tasks {
    /// Runs a future on the present runtime until it ends; whoever spawns an endless one lets it end at
    /// [`Tasks::stopping`].
    #[expect(clippy::disallowed_methods, reason = "the one place that spawns, because it counts")]
    pub fn spawn<F>(&self, name: &'static str, task: F) -> tokio::task::JoinHandle<F::Output>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        self.0.running.fetch_add(1, Ordering::SeqCst);
        let running = Running(self.clone());
        tokio::spawn(async move {
            let _running = running;
            let output = task.await;
            tracing::trace!(task = name, "ended");
            output
        })
    }

    /// Waits until the shutdown begins.
    pub async fn stopping(&self) {
        let mut stopping = self.0.stopping.subscribe();
        // The sender lives as long as `self`, so waiting cannot fail.
        let _ = stopping.wait_for(|stop| *stop).await;
    }

    /// Tells whether the shutdown has begun.
    pub fn is_stopping(&self) -> bool {
        *self.0.stopping.borrow()
    }

    /// Returns how many tasks are running.
    pub fn running(&self) -> usize {
        self.0.running.load(Ordering::SeqCst)
    }

    /// Begins the shutdown and waits for the tasks, at most for `patience`. Tells whether all have ended.
    pub async fn shut_down(&self, patience: Duration) -> bool {
        self.0.stopping.send_replace(true);
        let all_ended = async {
            loop {
                let ended = self.0.ended.notified();
                if self.running() == 0 {
                    break;
                }
                ended.await;
            }
        };
        tokio::time::timeout(patience, all_ended).await.is_ok()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.0.running.fetch_sub(1, Ordering::SeqCst);
        self.0.0.ended.notify_waiters();
    }
}
