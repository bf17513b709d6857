//! Online backup of the file while it is written to.

use std::path::Path;
use std::time::Duration;

use rusqlite::backup::Backup;
use rusqlite::{Connection, OpenFlags};

use super::error::from_driver;
use crate::error::DbError;

/// Pages copied in one step.
const PAGES_PER_STEP: i32 = 4096;

/// How far a backup has come.
#[derive(Debug, Clone, Copy)]
pub struct BackupProgress {
    /// Pages copied.
    pub done: u64,
    /// Pages in all.
    pub total: u64,
}

/// Copies the file at `from` to `to`: a snapshot of one moment, checked for integrity, synced to disk.
///
/// # Errors
/// Any failure leaves `to` unusable; the caller removes it.
pub fn copy_while_running(
    from: &Path,
    to: &Path,
    mut progress: impl FnMut(BackupProgress),
) -> Result<(), DbError> {
    let source = Connection::open_with_flags(from, OpenFlags::SQLITE_OPEN_READ_WRITE).map_err(from_driver)?;
    // One read transaction for the whole copy: writers go on, and the copy is of one moment.
    source
        .execute_batch("pragma query_only = on; begin; select count(*) from sqlite_schema;")
        .map_err(from_driver)?;
    let mut target = Connection::open(to).map_err(from_driver)?;
    {
        let backup = Backup::new(&source, &mut target).map_err(from_driver)?;
        loop {
            let step = backup.step(PAGES_PER_STEP).map_err(from_driver)?;
            let state = backup.progress();
            let total = u64::try_from(state.pagecount).unwrap_or(0);
            let left = u64::try_from(state.remaining).unwrap_or(0);
            progress(BackupProgress { done: total.saturating_sub(left), total });
            match step {
                rusqlite::backup::StepResult::Done => break,
                rusqlite::backup::StepResult::More => {}
                _ => std::thread::sleep(Duration::from_millis(5)),
            }
        }
    }
    let verdict: String =
        target.query_row("pragma integrity_check", [], |row| row.get(0)).map_err(from_driver)?;
    if verdict != "ok" {
        return Err(DbError::Driver(format!("the copy is damaged: {verdict}").into()));
    }
    drop(target);
    let file = std::fs::File::open(to).map_err(|error| DbError::Driver(Box::new(error)))?;
    file.sync_all().map_err(|error| DbError::Driver(Box::new(error)))
}
