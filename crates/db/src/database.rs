//! Handles on databases: where closures are given and transactions begin and end.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use quoin_kernel::{OrgId, Secret};

use crate::error::DbError;
use crate::postgres::PostgresPool;
use crate::signal::{Signals, Topic};
use crate::sqlite::SqliteFile;
use crate::statement::Engine;
use crate::stats::{Stats, StatsSnapshot};
use crate::tx::Tx;

/// Says which database to open.
#[derive(Debug, Clone)]
pub enum Options {
    /// A file of SQLite.
    Sqlite(SqliteOptions),
    /// A PostgreSQL server.
    Postgres(PostgresOptions),
}

/// How to open SQLite.
#[derive(Debug, Clone)]
pub struct SqliteOptions {
    /// The database file; made when missing.
    pub path: PathBuf,
    /// How many writes may wait before new ones are refused with [`DbError::Overloaded`].
    pub write_queue: usize,
    /// How many threads serve reads that take long.
    pub reader_threads: usize,
    /// How long one closure may run before its statement is stopped.
    pub statement_timeout: Duration,
}

/// How to reach PostgreSQL.
#[derive(Debug, Clone)]
pub struct PostgresOptions {
    /// `postgres://user:password@host:port/database?sslmode=…`, or with `host=/socket/directory`.
    pub url: Secret<String>,
    /// How many connections the pool holds.
    pub connections: usize,
    /// How many transactions may wait for a connection before new ones are refused.
    pub queue: usize,
    /// How long one statement may run before the server stops it.
    pub statement_timeout: Duration,
}

impl SqliteOptions {
    /// Opens `path` with the default limits.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            write_queue: 4096,
            reader_threads: 4,
            statement_timeout: Duration::from_secs(8),
        }
    }
}

impl PostgresOptions {
    /// Connects to `url` with the default limits.
    pub fn at(url: impl Into<String>) -> Self {
        Self {
            url: Secret::new(url.into()),
            connections: 16,
            queue: 4096,
            statement_timeout: Duration::from_secs(8),
        }
    }
}

/// A handle on one database. Cloning shares it.
#[derive(Clone)]
pub struct Db {
    engine: Arc<OpenEngine>,
    signals: Arc<Signals>,
    stats: Arc<Stats>,
    #[cfg(any(test, feature = "testing"))]
    reruns: Arc<std::sync::atomic::AtomicBool>,
}

enum OpenEngine {
    Sqlite(SqliteFile),
    Postgres(PostgresPool),
}

impl Db {
    /// Opens a database, or reaches it.
    ///
    /// # Errors
    /// [`DbError::Unreachable`] where the file or server does not answer; [`DbError::Refused`] where it is too old.
    pub fn open(options: &Options) -> Result<Self, DbError> {
        let (signals, stats) = (Arc::<Signals>::default(), Arc::<Stats>::default());
        let engine = match options {
            Options::Sqlite(options) => {
                OpenEngine::Sqlite(SqliteFile::open(options, signals.clone(), stats.clone())?)
            }
            Options::Postgres(options) => {
                OpenEngine::Postgres(PostgresPool::open(options, signals.clone(), stats.clone())?)
            }
        };
        Ok(Self {
            engine: Arc::new(engine),
            signals,
            stats,
            #[cfg(any(test, feature = "testing"))]
            reruns: Arc::default(),
        })
    }

    /// Returns the topic that transactions of this process name with [`Tx::notify_on_commit`].
    pub fn subscribe(&self, topic: &'static str) -> Arc<Topic> {
        self.signals.topic(topic)
    }

    /// Returns what this database has counted since it was opened.
    pub fn stats(&self) -> StatsSnapshot {
        self.stats.snapshot()
    }

    /// Returns the path of the file, on SQLite.
    pub fn file(&self) -> Option<&Path> {
        match self.engine.as_ref() {
            OpenEngine::Sqlite(file) => Some(file.path()),
            OpenEngine::Postgres(_) => None,
        }
    }

    /// Tells which engine this is.
    pub fn engine(&self) -> Engine {
        match self.engine.as_ref() {
            OpenEngine::Sqlite(_) => Engine::Sqlite,
            OpenEngine::Postgres(_) => Engine::Postgres,
        }
    }

    /// Runs a read-only transaction that sees one state of the database.
    ///
    /// `name` says in logs and metrics which closure it is. The closure may be run again.
    pub async fn read<T, E, F>(&self, name: &'static str, closure: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
        F: FnMut(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
    {
        let closure = self.observed(closure);
        match self.engine.as_ref() {
            OpenEngine::Sqlite(file) => file.read(name, closure).await,
            OpenEngine::Postgres(pool) => pool.read(name, closure).await,
        }
    }

    /// Runs a writing transaction: all of it happens, on disk, before this returns `Ok`, or none of it.
    ///
    /// The closure may be run again (a collision, a batch that failed), so ids and time are made before it.
    pub async fn write<T, E, F>(&self, name: &'static str, closure: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
        F: FnMut(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
    {
        let closure = self.observed(closure);
        match self.engine.as_ref() {
            OpenEngine::Sqlite(file) => file.write(name, closure).await,
            OpenEngine::Postgres(pool) => pool.write(name, closure).await,
        }
    }

    /// Like [`Db::write`], but `READ COMMITTED` on PostgreSQL: for claims with `FOR UPDATE SKIP LOCKED`, and for a single
    /// statement that decides by nothing but the one row it writes, such as a counter's upsert. Whatever reads first and
    /// writes by what it read wants [`Db::write`].
    pub async fn write_read_committed<T, E, F>(&self, name: &'static str, closure: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
        F: FnMut(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
    {
        let closure = self.observed(closure);
        match self.engine.as_ref() {
            OpenEngine::Sqlite(file) => file.write(name, closure).await,
            OpenEngine::Postgres(pool) => pool.write_read_committed(name, closure).await,
        }
    }

    #[cfg(not(any(test, feature = "testing")))]
    #[expect(clippy::unused_self, reason = "tests watch closures here; see the other definition")]
    fn observed<F>(&self, closure: F) -> F {
        closure
    }

    /// Runs a closure once in vain before it counts, while a test wants that.
    #[cfg(any(test, feature = "testing"))]
    fn observed<T, E, F>(&self, mut closure: F) -> impl FnMut(&mut Tx<'_>) -> Result<T, E> + use<T, E, F>
    where
        E: From<DbError>,
        F: FnMut(&mut Tx<'_>) -> Result<T, E>,
    {
        let reruns = self.reruns.load(std::sync::atomic::Ordering::Relaxed);
        move |tx| {
            if reruns {
                // The error only undoes the savepoint; what the closure said comes again below.
                drop(tx.savepoint::<(), E>(|tx| closure(tx).and(Err(DbError::Serialization.into()))));
            }
            closure(tx)
        }
    }

    /// Makes every closure run twice, for [`crate::testing::force_reruns`].
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn force_reruns(&self, on: bool) {
        self.reruns.store(on, std::sync::atomic::Ordering::Relaxed);
    }

    /// Empties the log in which SQLite keeps what pages held before: what was deleted is gone from the disk then. `false` where
    /// somebody still reads from the log, so that it must be tried again. On PostgreSQL there is nothing to do here: its own
    /// vacuum takes dead rows out of their pages.
    pub async fn empty_log(&self) -> Result<bool, DbError> {
        match self.engine.as_ref() {
            OpenEngine::Sqlite(file) => file.empty_log().await,
            OpenEngine::Postgres(_) => Ok(true),
        }
    }

    /// Finishes what waits and closes every connection; later calls fail with [`DbError::Unreachable`].
    pub fn close(&self) {
        match self.engine.as_ref() {
            OpenEngine::Sqlite(file) => file.close(),
            OpenEngine::Postgres(pool) => pool.close(),
        }
    }
}

/// The databases of one instance: its own, and those of its tenants.
#[derive(Clone)]
pub struct Databases {
    main: Db,
}

impl Databases {
    /// Keeps everything in one database.
    pub const fn shared(main: Db) -> Self {
        Self { main }
    }

    /// The database of Quoin's own tables.
    pub fn system(&self) -> &Db {
        &self.main
    }

    /// The database that holds the users' tables of this tenant (`None`: of the platform).
    pub fn app(&self, _org_id: Option<OrgId>) -> &Db {
        &self.main
    }
}
