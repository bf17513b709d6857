//! SQLite: one writer thread that commits many writes at once, and readers that never wait for it.
//!
//! Reading order: [`connection`] (how a connection is set up), [`like`] (patterns that can be stopped), [`tx`] and [`row`] (statements), [`writer`] (group
//! commit), [`syncer`] and [`checkpointer`] (what follows a commit), [`reader`] (reads on the calling thread, long ones on a pool), [`error`] (codes into words).

mod backup;
mod checkpointer;
mod connection;
mod error;
mod like;
mod reader;
mod row;
mod syncer;
mod tx;
mod writer;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

pub use backup::{BackupProgress, copy_while_running};
pub(crate) use row::DriverRow;
pub(crate) use tx::SqliteTx;

use crate::database::SqliteOptions;
use crate::error::DbError;
use crate::signal::Signals;
use crate::stats::Stats;
use crate::tx::Tx;

/// How long emptying the log may keep the writer waiting for somebody who reads from it.
const EMPTYING: Duration = Duration::from_millis(200);

/// An open SQLite file.
pub(crate) struct SqliteFile {
    options: Arc<SqliteOptions>,
    writer: writer::Writer,
    readers: reader::Readers,
}

/// What the threads of one file share.
#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) options: Arc<SqliteOptions>,
    pub(crate) signals: Arc<Signals>,
    pub(crate) stats: Arc<Stats>,
}

impl SqliteFile {
    /// Opens the file, making it where it is missing, and starts its threads.
    pub(crate) fn open(
        options: &SqliteOptions,
        signals: Arc<Signals>,
        stats: Arc<Stats>,
    ) -> Result<Self, DbError> {
        let shared = Shared { options: Arc::new(options.clone()), signals, stats };
        connection::assert_version()?;
        let options = Arc::clone(&shared.options);
        let writer = writer::Writer::start(shared.clone())?;
        let readers = reader::Readers::start(shared)?;
        Ok(Self { options, writer, readers })
    }

    pub(crate) async fn read<T, E, F>(&self, name: &'static str, closure: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
        F: FnMut(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
    {
        self.readers.read(name, closure).await
    }

    pub(crate) async fn write<T, E, F>(&self, name: &'static str, closure: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
        F: FnMut(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
    {
        self.writer.write(name, closure).await
    }

    /// Empties the log; `false` where somebody still reads from it.
    pub(crate) async fn empty_log(&self) -> Result<bool, DbError> {
        let options = Arc::clone(&self.options);
        let empty = move || connection::Connected::checkpointer(&options)?.empty_log(EMPTYING);
        let emptied = tokio::task::spawn_blocking(empty).await;
        emptied.map_err(|panicked| DbError::Driver(Box::new(panicked)))?
    }

    /// Returns the file's path, for backups.
    pub(crate) fn path(&self) -> &Path {
        self.readers.path()
    }

    pub(crate) fn close(&self) {
        self.readers.close();
        self.writer.close();
    }
}

#[cfg(test)]
mod tests;
