//! Putting jobs into the queue.

use quoin_db::{DbError, Tx, params, statements};
use quoin_kernel::JobId;

use crate::model::NewJob;

statements! {
    /// Adds a job, unless one of its type with its unique key waits or runs.
    INSERT = "insert into quoin.jobs_queue
        (id, type, state, payload, run_at, attempt, fence, unique_key, org_id, created_at)
        values (?1, ?2, 'waiting', ?3, ?4, 0, 0, ?5, ?6, ?7)
        on conflict (type, unique_key) where unique_key is not null and state in ('waiting', 'running') do nothing";

    /// Finds the job that kept another one out.
    FIND_UNIQUE = "select id from quoin.jobs_queue
        where type = ?1 and unique_key = ?2 and state in ('waiting', 'running')";
}

/// Adds `job` and returns its id, or the id of the one that holds its unique key.
pub(crate) fn insert(tx: &mut Tx<'_>, job: &NewJob) -> Result<JobId, DbError> {
    let key = job.unique_key.as_deref();
    let row = params![job.id, job.kind, &job.payload, job.run_at, key, job.org_id, job.created_at];
    if tx.execute(&INSERT, &row)? == 1 {
        return Ok(job.id);
    }
    tx.query_one(&FIND_UNIQUE, &params![job.kind, key], |row| row.get(0))
}
