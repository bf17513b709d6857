//! What administrators do with the queue. Each deed leaves an entry in the audit trail.

use quoin_audit::Entry;
use quoin_db::{Db, DbError};
use quoin_kernel::page::{Listed, Page};
use quoin_kernel::{JobId, Timestamp};

use super::enqueue::TOPIC;
use crate::error::JobsError;
use crate::model::{QueuedJob, State};
use crate::store::admin_global;

/// Lists jobs, newest first.
pub async fn list(
    db: &Db,
    state: Option<State>,
    kind: Option<String>,
    page: Page,
) -> Result<Listed<QueuedJob>, DbError> {
    let rows = db.read("jobs.list", move |tx| admin_global::list(tx, state, kind.as_deref(), page)).await?;
    Ok(Listed::from_rows(rows, page, |row| row.id.uuid(), |row| row))
}

/// Gives a dead job all its tries again, at once.
pub async fn retry(db: &Db, id: JobId, now: Timestamp, entry: Entry) -> Result<(), JobsError> {
    db.write("jobs.retry", move |tx| {
        admin_global::find_state(tx, id)?.ok_or(JobsError::NoSuchJob)?;
        if !admin_global::revive(tx, id, now)? {
            return Err(JobsError::JobNotDead);
        }
        tx.notify_on_commit(TOPIC);
        Ok(quoin_audit::record(tx, &entry)?)
    })
    .await
}

/// Removes a job that no worker holds.
pub async fn delete(db: &Db, id: JobId, entry: Entry) -> Result<(), JobsError> {
    db.write("jobs.delete", move |tx| {
        admin_global::find_state(tx, id)?.ok_or(JobsError::NoSuchJob)?;
        if !admin_global::delete(tx, id)? {
            return Err(JobsError::JobRunning);
        }
        Ok(quoin_audit::record(tx, &entry)?)
    })
    .await
}
