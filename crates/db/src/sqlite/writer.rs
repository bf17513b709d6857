//! Group commit: one thread drains every write that waits, runs each under a savepoint and commits them with one sync.
//!
//! A statement that is interrupted or meets a full disk can end the whole transaction, not just its savepoint. So the
//! thread looks at `is_autocommit` after every closure, and where the batch died or its COMMIT failed, it runs the
//! members again one by one, each in a transaction of its own. Nobody is answered before the sync.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

use tokio::sync::oneshot;

use super::Shared;
use super::connection::Connected;
use super::tx::SqliteTx;
use crate::error::DbError;
use crate::stats::log_if_slow;
use crate::tx::{Tx, TxInner};

/// How many writes one commit carries at most.
const BATCH: usize = 512;

/// The door to the writer thread.
pub(super) struct Writer {
    state: Mutex<Option<Running>>,
    shared: Shared,
}

struct Running {
    queue: SyncSender<Box<dyn Waiting>>,
    thread: JoinHandle<()>,
}

/// A write that waits for its turn, with the types of its closure erased.
trait Waiting: Send {
    /// Runs the closure; `true` keeps what it did.
    fn run(&mut self, tx: &mut Tx<'_>) -> bool;
    /// Tells whether anybody still waits for the answer.
    fn is_abandoned(&self) -> bool;
    /// Answers, after the commit that carried it, or its failure.
    fn answer(self: Box<Self>, committed: Result<(), DbError>, shared: &Shared);
}

struct Pending<T, E, F> {
    name: &'static str,
    closure: F,
    result: Option<Result<T, E>>,
    topics: Vec<&'static str>,
    reply: oneshot::Sender<Result<T, E>>,
}

impl Writer {
    /// Opens the writing connection and starts its thread.
    pub(super) fn start(shared: Shared) -> Result<Self, DbError> {
        let connected = Connected::writer(&shared.options)?;
        let (queue, waiting) = sync_channel(shared.options.write_queue);
        let thread_shared = shared.clone();
        let thread = std::thread::Builder::new()
            .name("sqlite-writer".into())
            .spawn(move || {
                Thread { connected, shared: thread_shared, stopped: false }.serve(&waiting);
            })
            .map_err(|error| DbError::Unreachable(Box::new(error)))?;
        Ok(Self { state: Mutex::new(Some(Running { queue, thread })), shared })
    }

    /// Queues a write and waits until it is on disk.
    pub(super) async fn write<T, E, F>(&self, name: &'static str, closure: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
        F: FnMut(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let pending = Pending { name, closure, result: None, topics: Vec::new(), reply };
        self.enqueue(Box::new(pending))?;
        answer.await.unwrap_or_else(|_| Err(closed().into()))
    }

    fn enqueue(&self, waiting: Box<dyn Waiting>) -> Result<(), DbError> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let running = state.as_ref().ok_or_else(closed)?;
        running.queue.try_send(waiting).map_err(|refused| match refused {
            TrySendError::Full(_) => {
                self.shared.stats.overloaded();
                DbError::Overloaded
            }
            TrySendError::Disconnected(_) => closed(),
        })
    }

    /// Commits what waits, ends the thread and closes the connection.
    pub(super) fn close(&self) {
        let running = self.state.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(Running { queue, thread }) = running else {
            return;
        };
        drop(queue);
        if thread.join().is_err() {
            tracing::error!("the writer thread panicked");
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.close();
    }
}

fn closed() -> DbError {
    DbError::Unreachable("the database is closed".into())
}

impl<T, E, F> Waiting for Pending<T, E, F>
where
    T: Send,
    E: From<DbError> + Send,
    F: FnMut(&mut Tx<'_>) -> Result<T, E> + Send,
{
    fn run(&mut self, tx: &mut Tx<'_>) -> bool {
        let started = Instant::now();
        let result = catch_unwind(AssertUnwindSafe(|| (self.closure)(tx)));
        log_if_slow(self.name, started.elapsed());
        self.topics = tx.take_topics();
        self.result = Some(result.unwrap_or_else(|_| {
            Err(DbError::Driver(format!("the transaction {} panicked", self.name).into()).into())
        }));
        matches!(self.result, Some(Ok(_)))
    }

    fn is_abandoned(&self) -> bool {
        self.reply.is_closed()
    }

    fn answer(self: Box<Self>, committed: Result<(), DbError>, shared: &Shared) {
        let result = match (committed, self.result) {
            (Ok(()), Some(result)) => result,
            // The closure's own refusal says more than the failed commit around it.
            (Err(_), Some(Err(refusal))) => Err(refusal),
            (Err(error), _) => Err(error.into()),
            (Ok(()), None) => Err(closed().into()),
        };
        if result.is_ok() {
            shared.signals.send(&self.topics);
        }
        // Nobody waits any more: the caller went away after its write began.
        drop(self.reply.send(result));
    }
}

struct Thread {
    connected: Connected,
    shared: Shared,
    /// A sync failed: what the disk holds is unknown until a restart reads it back.
    stopped: bool,
}

impl Thread {
    fn serve(mut self, waiting: &Receiver<Box<dyn Waiting>>) {
        let mut batch = Vec::with_capacity(BATCH);
        while let Ok(first) = waiting.recv() {
            batch.push(first);
            batch.extend(waiting.try_iter().take(BATCH - 1));
            batch.retain(|member| !member.is_abandoned());
            self.settle(&mut batch);
        }
    }

    fn settle(&mut self, batch: &mut Vec<Box<dyn Waiting>>) {
        if batch.len() > 1 && !self.stopped {
            match self.commit_together(batch) {
                Ok(writes) => {
                    self.shared.stats.committed(writes);
                    batch.drain(..).for_each(|member| member.answer(Ok(()), &self.shared));
                    return;
                }
                Err(DbError::WritesStopped) => self.stopped = true,
                Err(_) => self.shared.stats.rerun(),
            }
        }
        for mut member in batch.drain(..) {
            let committed = self.commit_alone(member.as_mut());
            member.answer(committed, &self.shared);
        }
    }

    /// Runs every member under a savepoint and commits once; returns how many were kept.
    fn commit_together(&self, batch: &mut [Box<dyn Waiting>]) -> Result<u64, DbError> {
        self.connected.run("begin immediate")?;
        let mut kept = 0;
        for member in batch.iter_mut() {
            let ran = self.run_member(member.as_mut());
            match ran {
                Ok(true) => kept += 1,
                Ok(false) => {}
                Err(error) => {
                    self.roll_back();
                    return Err(error);
                }
            }
        }
        self.commit()?;
        Ok(kept)
    }

    fn run_member(&self, member: &mut dyn Waiting) -> Result<bool, DbError> {
        self.connected.run("savepoint member")?;
        let keep = self.run_closure(member);
        if self.connected.connection.is_autocommit() {
            return Err(DbError::Driver("a statement ended the whole transaction".into()));
        }
        if !keep {
            self.connected.run("rollback to savepoint member")?;
        }
        self.connected.run("release savepoint member")?;
        Ok(keep)
    }

    fn commit_alone(&mut self, member: &mut dyn Waiting) -> Result<(), DbError> {
        if self.stopped {
            return Err(DbError::WritesStopped);
        }
        self.connected.run("begin immediate")?;
        let keep = self.run_closure(member);
        if self.connected.connection.is_autocommit() {
            // The closure's own error tells the reason; where it hid it, the commit's absence must not look like success.
            return Err(DbError::Full);
        }
        if !keep {
            self.roll_back();
            return Ok(());
        }
        match self.commit() {
            Ok(()) => {
                self.shared.stats.committed(1);
                Ok(())
            }
            Err(error) => {
                self.stopped = matches!(error, DbError::WritesStopped);
                Err(error)
            }
        }
    }

    fn run_closure(&self, member: &mut dyn Waiting) -> bool {
        self.connected.limit(self.shared.options.statement_timeout);
        let mut tx = Tx::new(TxInner::Sqlite(SqliteTx::on(&self.connected)));
        let keep = member.run(&mut tx);
        self.connected.unlimited();
        keep
    }

    fn commit(&self) -> Result<(), DbError> {
        let committed = self.connected.run("commit");
        if committed.is_err() {
            self.roll_back();
        }
        committed
    }

    /// Ends the transaction, where the failure has not done so already.
    fn roll_back(&self) {
        if self.connected.connection.is_autocommit() {
            return;
        }
        if let Err(error) = self.connected.run("rollback") {
            tracing::error!(%error, "a rollback failed");
        }
    }
}
