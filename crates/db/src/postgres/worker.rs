//! A thread of the pool: connects when there is work, runs transactions, and reconnects by itself.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;
use tokio::sync::Notify;

use super::connection::{Connection, Shared};
use super::queue::{Job, Queue};
use super::transaction::Kind;
use crate::error::DbError;

/// The first pause before connecting again; it doubles up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// What one thread owns: a runtime, and a connection while there is one.
pub(super) struct Session {
    runtime: Rc<Runtime>,
    pub(super) shared: Arc<Shared>,
    queue: Arc<Queue>,
    connection: Option<Connection>,
}

/// Runs a thread of the pool until the queue is closed.
///
/// A thread given `opened` connects at once and tells how that went; the others wait until they are needed.
pub(super) fn run(shared: Arc<Shared>, queue: Arc<Queue>, opened: Option<SyncSender<Result<(), DbError>>>) {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => Rc::new(runtime),
        Err(error) => {
            queue.cannot_connect(None, &DbError::Driver(Box::new(error)));
            return;
        }
    };
    let mut session = Session { runtime, shared, queue, connection: None };
    if let Some(opened) = opened {
        let outcome = session.connect();
        let failed = outcome.is_err();
        // Whoever opened the pool may have given up waiting; then there is nobody to tell.
        let _ = opened.send(outcome);
        if failed {
            return;
        }
    }
    session.serve();
}

/// What ended a thread's rest.
enum Woken {
    Job(Box<dyn Job>),
    ConnectionEnded,
    Closed,
}

impl Session {
    fn serve(&mut self) {
        let bell = Arc::new(Notify::new());
        loop {
            match self.rest(&bell) {
                Woken::Job(job) => self.take(job),
                Woken::ConnectionEnded => self.disconnect(),
                Woken::Closed => break,
            }
        }
        self.disconnect();
    }

    /// Waits for work. Meanwhile the runtime drives the connection: the end of a read goes out, an outage is noticed.
    fn rest(&mut self, bell: &Arc<Notify>) -> Woken {
        let next = self.queue.next(bell);
        let woken = match &mut self.connection {
            None => self.runtime.block_on(next).map_or(Woken::Closed, Woken::Job),
            Some(connection) => self.runtime.block_on(async {
                tokio::select! {
                    biased;
                    _ = &mut connection.driver => Woken::ConnectionEnded,
                    job = next => job.map_or(Woken::Closed, Woken::Job),
                }
            }),
        };
        if matches!(woken, Woken::ConnectionEnded) {
            self.queue.leave(bell);
        }
        woken
    }

    fn take(&mut self, job: Box<dyn Job>) {
        match self.connection() {
            Ok(_) => {
                // Closures are caught closer by; this keeps a fault of ours from costing the pool a thread.
                if catch_unwind(AssertUnwindSafe(|| job.run(self))).is_err() {
                    tracing::error!("a thread of the PostgreSQL pool panicked; its connection is closed");
                    self.disconnect();
                }
            }
            Err(error) => {
                self.queue.cannot_connect(Some(job), &error);
                self.connect_again();
            }
        }
    }

    /// Returns the connection, after opening one where there is none.
    pub(super) fn connection(&mut self) -> Result<&mut Connection, DbError> {
        if self.connection.as_ref().is_some_and(Connection::is_lost) {
            self.disconnect();
        }
        if self.connection.is_none() {
            self.connect()?;
        }
        self.connection.as_mut().ok_or_else(|| DbError::Unreachable("there is no connection".into()))
    }

    /// Counts a transaction and wakes whoever waits for its topics, before its caller is answered.
    pub(super) fn count(&self, kind: Kind, succeeded: bool, topics: &[&'static str]) {
        match kind {
            Kind::Read => self.shared.stats.read(),
            Kind::Write | Kind::WriteReadCommitted if succeeded => {
                self.shared.stats.committed(1);
                self.shared.signals.send(topics);
            }
            Kind::Write | Kind::WriteReadCommitted => {}
        }
    }

    /// Waits without blocking the connection.
    pub(super) fn pause(&self, pause: Duration) {
        self.runtime.block_on(async { tokio::time::sleep(pause).await });
    }

    fn pause_unless_closed(&self, pause: Duration) {
        let started = Instant::now();
        while started.elapsed() < pause && !self.queue.is_closed() {
            self.pause(FIRST_PAUSE.min(pause));
        }
    }

    fn connect(&mut self) -> Result<(), DbError> {
        self.connection = Some(Connection::open(&self.runtime, &self.shared)?);
        self.queue.connected();
        Ok(())
    }

    fn disconnect(&mut self) {
        let Some(connection) = self.connection.take() else {
            return;
        };
        self.queue.disconnected();
        connection.close();
    }

    /// Tries until the server answers or the pool is closed.
    fn connect_again(&mut self) {
        let mut pause = FIRST_PAUSE;
        while !self.queue.is_closed() {
            self.pause_unless_closed(pause);
            match self.connect() {
                Ok(()) => return,
                Err(error) => self.queue.cannot_connect(None, &error),
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}
