//! What callers see of PostgreSQL: closures in, answers out.

use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

use tokio::sync::oneshot;

use super::connection::Shared;
use super::queue::Queue;
use super::tls;
use super::transaction::{Kind, Transaction};
use super::url::Target;
use super::worker;
use crate::database::PostgresOptions;
use crate::error::DbError;
use crate::signal::Signals;
use crate::stats::Stats;
use crate::tx::Tx;

/// A bounded number of threads, each with one connection, and a bounded queue before them.
pub(crate) struct PostgresPool {
    queue: Arc<Queue>,
    stats: Arc<Stats>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl PostgresPool {
    /// Reaches the server with a first connection; the others are opened when they are needed.
    ///
    /// # Errors
    /// [`DbError::Unreachable`] where nothing answers; [`DbError::Refused`] where the URL is wrong, the server does not
    /// let us in, is older than version 14, or the database is not encoded in UTF8.
    pub(crate) fn open(
        options: &PostgresOptions,
        signals: Arc<Signals>,
        stats: Arc<Stats>,
    ) -> Result<Self, DbError> {
        let target = Target::parse(options.url.expose())?;
        let tls = tls::connector(&target)?;
        let queue = Arc::new(Queue::new(options.queue));
        let pool = Self { queue: Arc::clone(&queue), stats: Arc::clone(&stats), threads: Mutex::default() };
        let shared =
            Arc::new(Shared { target, tls, statement_timeout: options.statement_timeout, signals, stats });
        let (opened, outcome) = sync_channel(1);
        let mut opened = Some(opened);
        for number in 0..options.connections.max(1) {
            let (shared, queue, opened) = (Arc::clone(&shared), Arc::clone(&queue), opened.take());
            let thread = std::thread::Builder::new()
                .name(format!("postgres-{number}"))
                .spawn(move || worker::run(shared, queue, opened))
                .map_err(|error| DbError::Driver(Box::new(error)))?;
            pool.threads.lock().unwrap_or_else(PoisonError::into_inner).push(thread);
        }
        outcome.recv().unwrap_or_else(|_| Err(closed()))?;
        Ok(pool)
    }

    /// Runs a read-only closure on one snapshot.
    pub(crate) async fn read<T, E, F>(&self, name: &'static str, closure: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
        F: FnMut(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
    {
        self.run(Kind::Read, name, closure).await
    }

    /// Runs a closure in a `SERIALIZABLE` transaction, again after collisions.
    pub(crate) async fn write<T, E, F>(&self, name: &'static str, closure: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
        F: FnMut(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
    {
        self.run(Kind::Write, name, closure).await
    }

    /// Runs a closure in a `READ COMMITTED` transaction.
    pub(crate) async fn write_read_committed<T, E, F>(&self, name: &'static str, closure: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
        F: FnMut(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
    {
        self.run(Kind::WriteReadCommitted, name, closure).await
    }

    /// Finishes what waits, closes every connection and returns when that is done.
    pub(crate) fn close(&self) {
        self.queue.close();
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        for thread in threads {
            if thread.join().is_err() {
                tracing::error!("a thread of the PostgreSQL pool panicked");
            }
        }
    }

    async fn run<T, E, F>(&self, kind: Kind, name: &'static str, closure: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
        F: FnMut(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let job = Transaction { kind, name, closure, answer, queued: Instant::now() };
        if let Err((job, error)) = self.queue.push(Box::new(job)) {
            if matches!(error, DbError::Overloaded) {
                self.stats.overloaded();
            }
            job.refuse(error);
        }
        answered.await.unwrap_or_else(|_| Err(closed().into()))
    }
}

impl Drop for PostgresPool {
    /// Does not wait, because the last handle may go away on a thread that must not block.
    fn drop(&mut self) {
        self.queue.close();
    }
}

fn closed() -> DbError {
    DbError::Unreachable("the database is closed".into())
}
