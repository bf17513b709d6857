//! Reads: first on the calling thread, with a connection of its own and a short budget; what needs longer is run again
//! on a small pool, so that one slow query never holds up the thread that serves requests.

use std::cell::RefCell;
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::Shared;
use super::connection::Connected;
use super::tx::SqliteTx;
use crate::database::SqliteOptions;
use crate::error::DbError;
use crate::stats::log_if_slow;
use crate::tx::{Tx, TxInner};

/// How long a read may hold the calling thread before it moves to the pool.
const BUDGET: Duration = Duration::from_millis(2);
/// How many long reads may wait.
const QUEUE: usize = 256;

thread_local! {
    /// This thread's reading connections, by the number of the open file.
    static CONNECTIONS: RefCell<HashMap<u64, Connected>> = RefCell::new(HashMap::new());
}

static FILES: AtomicU64 = AtomicU64::new(0);

type LongRead = Box<dyn FnOnce(Result<&Connected, DbError>) + Send>;

/// The readers of one file.
pub(super) struct Readers {
    number: u64,
    shared: Shared,
    closed: AtomicBool,
    pool: Mutex<Option<SyncSender<LongRead>>>,
}

enum Ran<R> {
    Done(R),
    OverBudget,
}

impl Readers {
    /// Starts the pool for long reads.
    pub(super) fn start(shared: Shared) -> Result<Self, DbError> {
        let (sender, receiver) = sync_channel::<LongRead>(QUEUE);
        let receiver = Arc::new(Mutex::new(receiver));
        for number in 0..shared.options.reader_threads {
            let (options, receiver) = (shared.options.clone(), receiver.clone());
            std::thread::Builder::new()
                .name(format!("sqlite-reader-{number}"))
                .spawn(move || serve(&options, &receiver))
                .map_err(|error| DbError::Unreachable(Box::new(error)))?;
        }
        let number = FILES.fetch_add(1, Ordering::Relaxed);
        Ok(Self { number, shared, closed: AtomicBool::new(false), pool: Mutex::new(Some(sender)) })
    }

    pub(super) fn path(&self) -> &Path {
        &self.shared.options.path
    }

    /// Runs a read here if it is short, else on the pool.
    pub(super) async fn read<T, E, F>(&self, name: &'static str, mut closure: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
        F: FnMut(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
    {
        self.shared.stats.read();
        // A task that only reads never waits for anything; without this it would keep its thread to itself.
        tokio::task::coop::consume_budget().await;
        match self.read_here(name, &mut closure)? {
            Ran::Done(result) => result,
            Ran::OverBudget => self.read_on_pool(name, closure).await,
        }
    }

    fn read_here<T, E: From<DbError>>(
        &self,
        name: &'static str,
        closure: &mut impl FnMut(&mut Tx<'_>) -> Result<T, E>,
    ) -> Result<Ran<Result<T, E>>, DbError> {
        if self.closed.load(Ordering::Acquire) {
            return Err(closed());
        }
        CONNECTIONS.with_borrow_mut(|connections| {
            let connected = match connections.entry(self.number) {
                std::collections::hash_map::Entry::Occupied(entry) => entry.into_mut(),
                std::collections::hash_map::Entry::Vacant(entry) => {
                    entry.insert(Connected::reader(&self.shared.options)?)
                }
            };
            let started = Instant::now();
            let result = run(connected, BUDGET, name, closure);
            let failed = result.is_err();
            if failed && started.elapsed() >= BUDGET {
                return Ok(Ran::OverBudget);
            }
            Ok(Ran::Done(result))
        })
    }

    async fn read_on_pool<T, E, F>(&self, name: &'static str, mut closure: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
        F: FnMut(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let limit = self.shared.options.statement_timeout;
        let long: LongRead = Box::new(move |connected| {
            if reply.is_closed() {
                return;
            }
            let result =
                connected.map_err(E::from).and_then(|connected| run(connected, limit, name, &mut closure));
            // Nobody waits any more when this fails: the caller went away while the read ran.
            drop(reply.send(result));
        });
        self.enqueue(long)?;
        answer.await.unwrap_or_else(|_| Err(closed().into()))
    }

    fn enqueue(&self, long: LongRead) -> Result<(), DbError> {
        let pool = self.pool.lock().unwrap_or_else(PoisonError::into_inner);
        let sender = pool.as_ref().ok_or_else(closed)?;
        sender.try_send(long).map_err(|refused| match refused {
            TrySendError::Full(_) => {
                self.shared.stats.overloaded();
                DbError::Overloaded
            }
            TrySendError::Disconnected(_) => closed(),
        })
    }

    pub(super) fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.pool.lock().unwrap_or_else(PoisonError::into_inner).take();
        CONNECTIONS.with_borrow_mut(|connections| connections.remove(&self.number));
    }
}

fn closed() -> DbError {
    DbError::Unreachable("the database is closed".into())
}

/// Serves long reads; the connection is opened at the first, as most programs never have one.
fn serve(options: &SqliteOptions, waiting: &Mutex<Receiver<LongRead>>) {
    let mut kept = None;
    loop {
        let next = waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(long) = next else { return };
        if kept.is_none() {
            match Connected::reader(options) {
                Ok(connected) => kept = Some(connected),
                Err(error) => {
                    long(Err(error));
                    continue;
                }
            }
        }
        if let Some(connected) = &kept {
            long(Ok(connected));
        }
    }
}

/// Runs one read inside a transaction, so that all its statements see one state.
fn run<T, E: From<DbError>>(
    connected: &Connected,
    limit: Duration,
    name: &'static str,
    closure: &mut impl FnMut(&mut Tx<'_>) -> Result<T, E>,
) -> Result<T, E> {
    let started = Instant::now();
    connected.run("begin")?;
    connected.limit(limit);
    let mut tx = Tx::new(TxInner::Sqlite(SqliteTx::on(connected)));
    let result = catch_unwind(AssertUnwindSafe(|| closure(&mut tx)));
    connected.unlimited();
    if !connected.connection.is_autocommit() {
        connected.run("commit")?;
    }
    log_if_slow(name, started.elapsed());
    result.unwrap_or_else(|_| Err(DbError::Driver(format!("the transaction {name} panicked").into()).into()))
}
