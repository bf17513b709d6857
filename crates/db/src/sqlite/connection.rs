//! How every connection to the file is set up, and the time limit of its statements.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::error::from_driver;
use super::like;
use crate::database::SqliteOptions;
use crate::error::DbError;

/// The oldest SQLite whose WAL recovery and STRICT tables this program relies on: 3.51.3.
const MINIMUM_VERSION: i32 = 3_051_003;
/// Prepared statements kept per connection.
const STATEMENTS: usize = 1024;
/// Virtual-machine steps between two looks at the clock.
const STEPS_PER_CHECK: i32 = 2000;

/// A connection and the moment at which its running statement is stopped.
pub(super) struct Connected {
    pub(super) connection: Connection,
    deadline: Deadline,
}

/// Nanoseconds after `start` at which to stop; `u64::MAX` is never.
#[derive(Clone)]
struct Deadline {
    start: Instant,
    nanos: Arc<AtomicU64>,
}

/// Refuses to run on a library older than [`MINIMUM_VERSION`].
pub(super) fn assert_version() -> Result<(), DbError> {
    if rusqlite::version_number() >= MINIMUM_VERSION {
        return Ok(());
    }
    Err(DbError::Refused {
        code: "0A000".into(),
        message: format!("SQLite {} is too old: 3.51.3 or later is needed", rusqlite::version()),
        detail: None,
        hint: Some("Build with the bundled SQLite.".into()),
    })
}

impl Connected {
    /// Opens the one connection that writes. Its commits are synced by [`super::syncer`].
    pub(super) fn writer(options: &SqliteOptions) -> Result<Self, DbError> {
        let opened = Self::open(options)?;
        // What is deleted is overwritten with zeros, or erased people would stay readable in free pages.
        let pragmas = "pragma journal_mode = wal; pragma synchronous = full; pragma wal_autocheckpoint = 0;
                       pragma secure_delete = on;";
        opened.connection.execute_batch(pragmas).map_err(from_driver)?;
        Ok(opened)
    }

    /// Opens the connection that carries the log over into the file: it syncs the log before and the file after.
    pub(super) fn checkpointer(options: &SqliteOptions) -> Result<Self, DbError> {
        let opened = Self::open(options)?;
        let pragmas = "pragma synchronous = normal; pragma wal_autocheckpoint = 0;";
        opened.connection.execute_batch(pragmas).map_err(from_driver)?;
        Ok(opened)
    }

    /// Opens a connection that refuses to write.
    pub(super) fn reader(options: &SqliteOptions) -> Result<Self, DbError> {
        let opened = Self::open(options)?;
        opened.connection.execute_batch("pragma query_only = on;").map_err(from_driver)?;
        Ok(opened)
    }

    fn open(options: &SqliteOptions) -> Result<Self, DbError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX
            | OpenFlags::SQLITE_OPEN_PRIVATE_CACHE;
        let mut connection = Connection::open_with_flags(&options.path, flags).map_err(from_driver)?;
        connection.busy_timeout(Duration::from_secs(5)).map_err(from_driver)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        for (setting, value) in [
            (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
            (DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false),
            (DbConfig::SQLITE_DBCONFIG_DQS_DML, false),
            (DbConfig::SQLITE_DBCONFIG_DQS_DDL, false),
            // Otherwise binding another value prepares a statement again: as costly as running it.
            (DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true),
        ] {
            connection.set_db_config(setting, value).map_err(from_driver)?;
        }
        let pragmas = "pragma foreign_keys = on; pragma temp_store = memory; pragma cache_size = -16000;
                       pragma case_sensitive_like = on;";
        connection.execute_batch(pragmas).map_err(from_driver)?;
        let deadline = Deadline { start: Instant::now(), nanos: Arc::new(AtomicU64::new(u64::MAX)) };
        let watch = deadline.clone();
        connection
            .progress_handler(STEPS_PER_CHECK, Some(move || watch.has_passed()))
            .map_err(from_driver)?;
        let watch = deadline.clone();
        like::register(&connection, move || watch.has_passed()).map_err(from_driver)?;
        Ok(Self { connection, deadline })
    }

    /// Hands the number of pages in the log to `told` after every commit of this connection.
    pub(super) fn on_commit(&mut self, told: impl Fn(u32) + Send + 'static) -> Result<(), DbError> {
        let hook = move |_: &mut rusqlite::hooks::Wal, pages: std::ffi::c_int| {
            told(u32::try_from(pages).unwrap_or(0));
            Ok(())
        };
        self.connection.wal_hook(Some(hook)).map_err(from_driver)
    }

    /// Carries pages of the log over into the file, waiting for nobody; returns how many of them are there now.
    pub(super) fn checkpoint(&self) -> Result<u32, DbError> {
        self.carry_over().map(|(_, carried)| carried)
    }

    /// As [`Connected::checkpoint`]; returns also how many pages the log holds.
    fn carry_over(&self) -> Result<(u32, u32), DbError> {
        let mut statement =
            self.connection.prepare_cached("pragma wal_checkpoint(passive)").map_err(from_driver)?;
        // Without a log, or while another connection carries over, the figures are -1.
        let figures = statement.query_row([], |row| Ok((row.get::<_, i64>(1)?, row.get::<_, i64>(2)?)));
        let (pages, carried) = figures.map_err(from_driver)?;
        Ok((u32::try_from(pages).unwrap_or(0), u32::try_from(carried).unwrap_or(0)))
    }

    /// Carries the whole log over into the file and empties it, so that nothing of what was overwritten stays in it; `false`
    /// where somebody still reads from it. The writer is kept waiting only once that will succeed.
    pub(super) fn empty_log(&self, patience: Duration) -> Result<bool, DbError> {
        let (pages, carried) = self.carry_over()?;
        if carried < pages {
            return Ok(false);
        }
        self.connection.busy_timeout(patience).map_err(from_driver)?;
        let mut statement =
            self.connection.prepare_cached("pragma wal_checkpoint(truncate)").map_err(from_driver)?;
        let is_busy: i64 = statement.query_row([], |row| row.get(0)).map_err(from_driver)?;
        Ok(is_busy == 0)
    }

    /// Stops statements that still run after `limit` from now.
    pub(super) fn limit(&self, limit: Duration) {
        let nanos = (self.deadline.start.elapsed() + limit).as_nanos();
        self.deadline.nanos.store(u64::try_from(nanos).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Lets statements run for as long as they need (checkpoints, commits).
    pub(super) fn unlimited(&self) {
        self.deadline.nanos.store(u64::MAX, Ordering::Relaxed);
    }

    /// Runs one statement without parameters.
    pub(super) fn run(&self, sql: &'static str) -> Result<(), DbError> {
        let mut statement = self.connection.prepare_cached(sql).map_err(from_driver)?;
        statement.raw_execute().map(|_| ()).map_err(from_driver)
    }
}

impl Deadline {
    fn has_passed(&self) -> bool {
        let limit = self.nanos.load(Ordering::Relaxed);
        limit != u64::MAX && self.start.elapsed().as_nanos() >= u128::from(limit)
    }
}
