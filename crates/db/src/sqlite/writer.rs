//! Group commit: one thread drains every write that waits, runs them in one transaction and commits them with one sync.
//!
//! A batch first runs without savepoints, which would copy every page that a member touches. Where a member is refused
//! after it has changed something, the batch is undone and run again with a savepoint around each, so that the refusal
//! undoes only its own. A statement that is interrupted or meets a full disk can end the whole transaction, not just its savepoint. So the
//! thread looks at `is_autocommit` after every closure, and where the batch died or its COMMIT failed, it runs the
//! members again one by one, each in a transaction of its own. Nobody is answered before the sync, which
//! [`super::syncer`] does while the next batch runs.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

use tokio::sync::oneshot;

use super::Shared;
use super::checkpointer::Checkpoints;
use super::connection::Connected;
use super::syncer::{self, Committed, Sync, Syncer};
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
    /// The writer, and the syncer and the checkpointer, which end after it.
    threads: [JoinHandle<()>; 3],
}

/// A write that waits for its turn, with the types of its closure erased.
pub(super) trait Waiting: Send {
    /// Runs the closure and tells what is to become of what it did.
    fn run(&mut self, tx: &mut Tx<'_>) -> Outcome;
    /// Tells whether anybody still waits for the answer.
    fn is_abandoned(&self) -> bool;
    /// Answers, after the commit that carried it, or its failure.
    fn answer(self: Box<Self>, committed: Result<(), DbError>, shared: &Shared);
}

/// What a closure leaves behind in its transaction.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It is to be committed.
    Kept,
    /// It was refused before it changed anything.
    RefusedUnchanged,
    /// It was refused, and what it changed must be undone.
    RefusedChanged,
}

/// How members of a batch are kept apart.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Apart {
    /// Not at all: good for as long as nobody is refused after a change.
    Not,
    /// Each has a savepoint.
    BySavepoints,
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
        let sync = syncer::log_of(&shared.options.path);
        Self::start_with(shared, connected, sync)
    }

    /// Starts the threads around a connection, with the sync as a parameter, so that a test can let it fail.
    pub(super) fn start_with(shared: Shared, mut connected: Connected, sync: Sync) -> Result<Self, DbError> {
        let (checkpoints, checkpointer) = Checkpoints::start(&shared, &mut connected)?;
        let (queue, waiting) = sync_channel(shared.options.write_queue);
        let (syncer, syncing) = Syncer::start(shared.clone(), sync)?;
        let writer = Thread { connected, shared: shared.clone(), checkpoints, syncer };
        let writer = std::thread::Builder::new()
            .name("sqlite-writer".into())
            .spawn(move || writer.serve(&waiting))
            .map_err(|error| DbError::Unreachable(Box::new(error)))?;
        let running = Running { queue, threads: [writer, syncing, checkpointer] };
        Ok(Self { state: Mutex::new(Some(running)), shared })
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
        let Some(Running { queue, threads }) = running else {
            return;
        };
        drop(queue);
        for thread in threads {
            if thread.join().is_err() {
                tracing::error!("the writer or the checkpointer panicked");
            }
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

fn ended() -> DbError {
    DbError::Driver("a statement ended the whole transaction".into())
}

impl<T, E, F> Waiting for Pending<T, E, F>
where
    T: Send,
    E: From<DbError> + Send,
    F: FnMut(&mut Tx<'_>) -> Result<T, E> + Send,
{
    fn run(&mut self, tx: &mut Tx<'_>) -> Outcome {
        let started = Instant::now();
        let result = catch_unwind(AssertUnwindSafe(|| (self.closure)(tx)));
        log_if_slow(self.name, started.elapsed());
        self.topics = tx.take_topics();
        self.result = Some(result.unwrap_or_else(|_| {
            Err(DbError::Driver(format!("the transaction {} panicked", self.name).into()).into())
        }));
        match self.result {
            Some(Ok(_)) => Outcome::Kept,
            _ if tx.has_changed() => Outcome::RefusedChanged,
            _ => Outcome::RefusedUnchanged,
        }
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
    checkpoints: Checkpoints,
    syncer: Syncer,
}

impl Thread {
    fn serve(mut self, waiting: &Receiver<Box<dyn Waiting>>) {
        let mut batch = Vec::with_capacity(BATCH);
        while let Ok(first) = waiting.recv() {
            batch.push(first);
            batch.extend(waiting.try_iter().take(BATCH - 1));
            batch.retain(|member| !member.is_abandoned());
            self.settle(&mut batch);
            self.checkpoints.tend(&self.connected);
        }
    }

    fn settle(&mut self, batch: &mut Vec<Box<dyn Waiting>>) {
        for apart in [Apart::Not, Apart::BySavepoints] {
            if batch.len() < 2 || self.syncer.has_stopped() {
                break;
            }
            match self.commit_together(batch, apart) {
                Ok(writes) => {
                    let members = std::mem::replace(batch, Vec::with_capacity(BATCH));
                    return self.syncer.take(Committed { members, writes });
                }
                Err(_) => self.shared.stats.rerun(),
            }
        }
        for mut member in batch.drain(..) {
            match self.commit_alone(member.as_mut()) {
                Ok(writes) => self.syncer.take(Committed { members: vec![member], writes }),
                Err(error) => member.answer(Err(error), &self.shared),
            }
        }
    }

    /// Runs every member and commits once; returns how many were kept.
    fn commit_together(&self, batch: &mut [Box<dyn Waiting>], apart: Apart) -> Result<u64, DbError> {
        self.connected.run("begin immediate")?;
        let mut kept = 0;
        for member in batch.iter_mut() {
            let ran = match apart {
                Apart::Not => self.run_beside_others(member.as_mut()),
                Apart::BySavepoints => self.run_in_savepoint(member.as_mut()),
            };
            match ran {
                Ok(outcome) => kept += u64::from(outcome == Outcome::Kept),
                Err(error) => {
                    self.roll_back();
                    return Err(error);
                }
            }
        }
        self.commit()?;
        Ok(kept)
    }

    fn run_beside_others(&self, member: &mut dyn Waiting) -> Result<Outcome, DbError> {
        match self.run_closure(member) {
            _ if self.connected.connection.is_autocommit() => Err(ended()),
            Outcome::RefusedChanged => Err(DbError::Driver("a refused member has to be undone".into())),
            outcome => Ok(outcome),
        }
    }

    fn run_in_savepoint(&self, member: &mut dyn Waiting) -> Result<Outcome, DbError> {
        self.connected.run("savepoint member")?;
        let outcome = self.run_closure(member);
        if self.connected.connection.is_autocommit() {
            return Err(ended());
        }
        if outcome != Outcome::Kept {
            self.connected.run("rollback to savepoint member")?;
        }
        self.connected.run("release savepoint member")?;
        Ok(outcome)
    }

    /// Runs one member in a transaction of its own; returns 1 where it was kept.
    fn commit_alone(&mut self, member: &mut dyn Waiting) -> Result<u64, DbError> {
        if self.syncer.has_stopped() {
            return Err(DbError::WritesStopped);
        }
        self.connected.run("begin immediate")?;
        let outcome = self.run_closure(member);
        if self.connected.connection.is_autocommit() {
            // The closure's own error tells the reason; where it hid it, the commit's absence must not look like success.
            return Err(DbError::Full);
        }
        if outcome != Outcome::Kept {
            self.roll_back();
            return Ok(0);
        }
        self.commit().map(|()| 1)
    }

    fn run_closure(&self, member: &mut dyn Waiting) -> Outcome {
        self.connected.limit(self.shared.options.statement_timeout);
        let mut tx = Tx::new(TxInner::Sqlite(SqliteTx::on(&self.connected)));
        let outcome = member.run(&mut tx);
        self.connected.unlimited();
        outcome
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
