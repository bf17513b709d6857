//! One transaction from `BEGIN` to its answer, run again where that is safe and helps.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use quoin_kernel::rng::{Rng, SystemRng};
use tokio::sync::oneshot;

use super::connection::{Connection, Failed};
use super::error::{is_lost, refused};
use super::queue::Job;
use super::tx::{Again, PostgresTx, Progress, again_after};
use super::worker::Session;
use crate::error::DbError;
use crate::tx::{Tx, TxInner};

/// How a transaction isolates itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// `REPEATABLE READ READ ONLY`: the session's default.
    Read,
    /// `SERIALIZABLE`.
    Write,
    /// `READ COMMITTED`, for `SKIP LOCKED`.
    WriteReadCommitted,
}

impl Kind {
    const fn begin(self) -> &'static str {
        match self {
            Self::Read => "begin",
            // Reading a whole table collides with every write to it, and for small tables the planner would read the whole.
            Self::Write => "begin isolation level serializable, read write; set local enable_seqscan = off",
            Self::WriteReadCommitted => "begin isolation level read committed, read write",
        }
    }
}

/// A closure on its way to a connection, and the way back for its answer.
pub(super) struct Transaction<T, E, F> {
    pub(super) kind: Kind,
    pub(super) name: &'static str,
    pub(super) closure: F,
    pub(super) answer: oneshot::Sender<Result<T, E>>,
    pub(super) queued: Instant,
}

/// How long a transaction may wait for its thread; by then its caller has lost patience too.
const QUEUE_TIMEOUT: Duration = Duration::from_secs(10);

/// A transaction that takes longer is logged.
const SLOW: Duration = Duration::from_millis(250);

impl<T, E, F> Job for Transaction<T, E, F>
where
    T: Send,
    E: From<DbError> + Send,
    F: FnMut(&mut Tx<'_>) -> Result<T, E> + Send,
{
    fn run(mut self: Box<Self>, session: &mut Session) {
        if self.answer.is_closed() {
            return;
        }
        if self.queued.elapsed() > QUEUE_TIMEOUT {
            return self.refuse(DbError::Overloaded);
        }
        let started = Instant::now();
        let mut tries = Tries::default();
        let outcome = tries.run(session, self.kind, &mut self.closure);
        // A caller that has gone away meanwhile needs no answer.
        let _ = self.answer.send(outcome);
        let taken = started.elapsed();
        if taken > SLOW {
            let taken_ms = taken.as_secs_f64() * 1000.0;
            tracing::warn!(
                name = self.name,
                taken_ms,
                collisions = tries.collisions,
                "a transaction was slow"
            );
        }
    }

    fn refuse(self: Box<Self>, error: DbError) {
        let _ = self.answer.send(Err(error.into()));
    }
}

/// Counts how often a transaction was run again, and why.
#[derive(Default)]
struct Tries {
    collisions: u32,
    stale_statements: u32,
    lost_connections: u32,
}

/// After so many collisions the caller is told.
const MOST_COLLISIONS: u32 = 40;

impl Tries {
    fn run<T, E: From<DbError>>(
        &mut self,
        session: &mut Session,
        kind: Kind,
        closure: &mut impl FnMut(&mut Tx<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        loop {
            let attempt = attempt(session.connection()?, kind, closure);
            match attempt.again {
                Some(again) if self.allow(again) => session.shared.stats.rerun(),
                Some(Again::Collision) => return Err(DbError::Serialization.into()),
                _ => {
                    session.count(kind, attempt.outcome.is_ok(), &attempt.topics);
                    return attempt.outcome;
                }
            }
            if attempt.again == Some(Again::Collision) {
                session.pause(backoff(self.collisions));
            }
        }
    }

    /// A statement can be stale once, because then the cache is empty; a connection lost twice looks like our fault.
    const fn allow(&mut self, again: Again) -> bool {
        let (count, most) = match again {
            Again::Collision => (&mut self.collisions, MOST_COLLISIONS),
            Again::StaleStatement => (&mut self.stale_statements, 1),
            Again::ConnectionLost => (&mut self.lost_connections, 1),
        };
        *count += 1;
        *count <= most
    }
}

/// Draws a pause between nothing and a limit that doubles up to 64 ms, so that two that collided part.
fn backoff(collisions: u32) -> Duration {
    let limit_micros = 1000_u64 << collisions.min(6);
    let mut random = [0; 8];
    SystemRng::default().fill(&mut random);
    Duration::from_micros(u64::from_le_bytes(random) % limit_micros)
}

/// What one run of a closure came to.
struct Attempt<T, E> {
    outcome: Result<T, E>,
    again: Option<Again>,
    topics: Vec<&'static str>,
}

/// Runs the closure once, in a transaction that has ended when this returns.
fn attempt<T, E: From<DbError>>(
    connection: &mut Connection,
    kind: Kind,
    closure: &mut impl FnMut(&mut Tx<'_>) -> Result<T, E>,
) -> Attempt<T, E> {
    let mut progress = Progress::new(kind.begin());
    let mut tx =
        Tx::new(TxInner::Postgres(PostgresTx { connection: &mut *connection, progress: &mut progress }));
    let ran = catch_unwind(AssertUnwindSafe(|| closure(&mut tx)));
    let topics = tx.take_topics();
    drop(tx);
    let mut tx = PostgresTx { connection: &mut *connection, progress: &mut progress };
    let outcome = match ran {
        Ok(outcome) => outcome,
        Err(panic) => Err(DbError::Driver(panic_message(&*panic).into()).into()),
    };
    let outcome = match outcome {
        Ok(value) if tx.progress.may_commit() => commit(&mut tx, kind).map(|()| value).map_err(E::from),
        refused => {
            tx.send_end("rollback");
            refused.and_then(|_| Err(failed_before().into()))
        }
    };
    connection.be_usual();
    Attempt { outcome, again: progress.again, topics }
}

/// Ends a transaction well. The end of a read is not waited for.
fn commit(tx: &mut PostgresTx<'_>, kind: Kind) -> Result<(), DbError> {
    if kind == Kind::Read {
        tx.send_end("commit");
        return Ok(());
    }
    match tx.commit() {
        Ok(()) => Ok(()),
        Err(Failed::Driver(error)) if !is_lost(&error) => {
            tx.progress.again = again_after(&error, false);
            Err(Failed::Driver(error).into())
        }
        // Nobody knows whether the server did it, so it is not done again behind the caller's back.
        Err(failed) => Err(DbError::Unreachable(Box::new(UnknownOutcome(failed.into())))),
    }
}

/// The connection broke between `COMMIT` and its answer.
#[derive(Debug, thiserror::Error)]
#[error("the connection was lost during COMMIT; whether the transaction happened is not known")]
struct UnknownOutcome(#[source] DbError);

/// A closure that hides a failed statement and returns `Ok` must not look like success: the server has undone it all.
fn failed_before() -> DbError {
    refused("25P02", "a statement of this transaction had failed, so nothing of it was committed")
}

fn panic_message(panic: &(dyn Any + Send)) -> String {
    let message = panic.downcast_ref::<&str>().copied();
    let message = message.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("a transaction's closure panicked: {}", message.unwrap_or("without a message"))
}
