//! What domains call inside their own transactions.

use quoin_db::{DbError, Tx};
use quoin_kernel::event::Event;
use quoin_kernel::{EventId, JobId, Timestamp};

use crate::model::NewJob;
use crate::store::{events_global, queue_global};

/// The topic that wakes this process's worker when a transaction with new work has committed.
pub(crate) const TOPIC: &str = "jobs";

/// Enqueues a job in the caller's transaction: it exists if and only if that transaction commits.
///
/// Returns its id, or that of the job of its type which waits or runs under the same unique key.
pub fn enqueue(tx: &mut Tx<'_>, job: &NewJob) -> Result<JobId, DbError> {
    let id = queue_global::insert(tx, job)?;
    tx.notify_on_commit(TOPIC);
    Ok(id)
}

/// Publishes an event in the caller's transaction. Each subscriber gets one job for it, exactly one.
///
/// The job's payload is `{event_id, name, org_id, at, payload}`. Its run, like any job's, happens at least once.
pub fn publish(tx: &mut Tx<'_>, id: EventId, at: Timestamp, event: &Event) -> Result<(), DbError> {
    events_global::insert(tx, id, at, event)?;
    tx.notify_on_commit(TOPIC);
    Ok(())
}
