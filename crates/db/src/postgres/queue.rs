//! The transactions that wait for a connection, and who is free to take them.

use std::collections::VecDeque;
use std::error::Error;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::worker::Session;
use crate::error::DbError;

/// A transaction that waits for a connection.
pub(super) trait Job: Send {
    /// Runs it and answers its caller.
    fn run(self: Box<Self>, session: &mut Session);

    /// Answers its caller that it was not run.
    fn refuse(self: Box<Self>, error: DbError);
}

/// Hands transactions to the threads of a pool, the one that was busy last first, so that few connections stay warm.
pub(super) struct Queue {
    limit: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Box<dyn Job>>,
    idle: Vec<Arc<Notify>>,
    connected: usize,
    /// Why the last attempt to connect failed; `None` after one that succeeded.
    unreachable: Option<String>,
    closed: bool,
}

impl Queue {
    /// Lets at most `limit` transactions wait.
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, state: Mutex::default() }
    }

    /// Adds a transaction.
    ///
    /// # Errors
    /// Gives it back at once when too many wait, when the server is away, or after closing.
    pub(super) fn push(&self, job: Box<dyn Job>) -> Result<(), (Box<dyn Job>, DbError)> {
        let mut state = self.lock();
        if let Some(error) = state.refusal(self.limit) {
            return Err((job, error));
        }
        state.jobs.push_back(job);
        state.wake_one();
        Ok(())
    }

    /// Waits for the next transaction; `None` once the queue is closed and empty.
    ///
    /// Dropping the future loses nothing: it takes a transaction only in the moment it returns it.
    pub(super) async fn next(&self, me: &Arc<Notify>) -> Option<Box<dyn Job>> {
        loop {
            {
                let mut state = self.lock();
                state.idle.retain(|other| !Arc::ptr_eq(other, me));
                if let Some(job) = state.jobs.pop_front() {
                    if !state.jobs.is_empty() {
                        state.wake_one();
                    }
                    return Some(job);
                }
                if state.closed {
                    return None;
                }
                state.idle.push(Arc::clone(me));
            }
            me.notified().await;
        }
    }

    /// Takes a thread that stops listening off the list, and passes on a wake-up that it may have been given.
    pub(super) fn leave(&self, me: &Arc<Notify>) {
        let mut state = self.lock();
        state.idle.retain(|other| !Arc::ptr_eq(other, me));
        if !state.jobs.is_empty() {
            state.wake_one();
        }
    }

    /// Notes that a thread has a connection.
    pub(super) fn connected(&self) {
        let mut state = self.lock();
        state.connected += 1;
        if state.unreachable.take().is_some() {
            tracing::info!("the PostgreSQL server answers again");
        }
    }

    /// Notes that a thread has lost its connection.
    pub(super) fn disconnected(&self) {
        let mut state = self.lock();
        state.connected = state.connected.saturating_sub(1);
    }

    /// Gives back a transaction whose thread could not connect: to the others, or to its caller where nobody is connected.
    pub(super) fn cannot_connect(&self, job: Option<Box<dyn Job>>, error: &DbError) {
        let refused: Vec<_> = {
            let mut state = self.lock();
            let cause = describe(error);
            if state.unreachable.is_none() {
                tracing::warn!(cause, connected = state.connected, "cannot connect to the PostgreSQL server");
            }
            state.unreachable = Some(cause);
            if let Some(job) = job {
                state.jobs.push_front(job);
            }
            if state.connected == 0 {
                state.jobs.drain(..).collect()
            } else {
                state.wake_one();
                Vec::new()
            }
        };
        for job in refused {
            job.refuse(DbError::Unreachable(describe(error).into()));
        }
    }

    /// Refuses what comes from now on and lets the threads finish what waits.
    pub(super) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        for thread in state.idle.drain(..) {
            thread.notify_one();
        }
    }

    /// Tells whether [`Queue::close`] was called.
    pub(super) fn is_closed(&self) -> bool {
        self.lock().closed
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Every change below is complete before anything can panic, so a poisoned state is a whole one.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn refusal(&self, limit: usize) -> Option<DbError> {
        if self.closed {
            return Some(DbError::Unreachable("the database is closed".into()));
        }
        if self.connected == 0
            && let Some(cause) = &self.unreachable
        {
            return Some(DbError::Unreachable(cause.clone().into()));
        }
        (self.jobs.len() >= limit).then_some(DbError::Overloaded)
    }

    fn wake_one(&mut self) {
        if let Some(thread) = self.idle.pop() {
            thread.notify_one();
        }
    }
}

/// Writes an error with its causes in one line.
fn describe(error: &DbError) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}
