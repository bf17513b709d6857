//! Writing down how tries ended. Every statement asks for the fence of the lease: whoever lost it changes nothing.

use quoin_db::{DbError, Tx, Value, params, statements};
use quoin_kernel::{JobId, Timestamp};

statements! {
    /// Removes jobs that have succeeded. `?1` is `[["id", fence], …]`.
    DELETE_DONE = "delete from quoin.jobs_queue where rowid in (
            select job.rowid from json_each(?1) as lease
            cross join quoin.jobs_queue as job on job.id = lease.value ->> 0
            where job.fence = lease.value ->> 1 and job.state = 'running')",
        postgres: "delete from quoin.jobs_queue as job
        using (select (value ->> 0)::uuid as id, (value ->> 1)::bigint as fence
               from jsonb_array_elements(?1::jsonb)) as lease
        where job.id = lease.id and job.fence = lease.fence and job.state = 'running'";

    /// Keeps jobs that have succeeded, as done.
    KEEP_DONE = "update quoin.jobs_queue set
            state = 'done', finished_at = ?2, lease_until = null, last_error = null
        where rowid in (
            select job.rowid from json_each(?1) as lease
            cross join quoin.jobs_queue as job on job.id = lease.value ->> 0
            where job.fence = lease.value ->> 1 and job.state = 'running')",
        postgres: "update quoin.jobs_queue as job set
            state = 'done', finished_at = ?2, lease_until = null, last_error = null
        from (select (value ->> 0)::uuid as id, (value ->> 1)::bigint as fence
              from jsonb_array_elements(?1::jsonb)) as lease
        where job.id = lease.id and job.fence = lease.fence and job.state = 'running'";

    /// Puts a failed job back, for a later try.
    RETRY = "update quoin.jobs_queue set state = 'waiting', run_at = ?3, last_error = ?4, lease_until = null
        where id = ?1 and fence = ?2 and state = 'running'";

    /// Puts a job aside that has failed for good.
    BURY = "update quoin.jobs_queue set state = 'dead', finished_at = ?3, last_error = ?4, lease_until = null
        where id = ?1 and fence = ?2 and state = 'running'";

    /// Gives a lease back unused; the try does not count.
    RELEASE = "update quoin.jobs_queue set state = 'waiting', run_at = ?3, attempt = attempt - 1, lease_until = null
        where id = ?1 and fence = ?2 and state = 'running'";

    /// Removes finished jobs that have been kept long enough, [`PURGED_AT_ONCE`] at a time.
    PURGE = "delete from quoin.jobs_queue where id in (
        select id from quoin.jobs_queue where finished_at < ?1 and state = ?2 limit 1000)";
}

/// Finished jobs that are removed in one transaction at most.
const PURGED_AT_ONCE: u64 = 1000;

/// How one try ended.
#[derive(Debug, Clone)]
pub(crate) enum Ending {
    /// It has succeeded.
    Done,
    /// It has failed and is tried again at this moment.
    Retry(Timestamp, String),
    /// It has failed for good.
    Dead(String),
    /// It was stopped because the process stops.
    Released,
}

/// A lease and how its try ended.
#[derive(Debug, Clone)]
pub(crate) struct Settlement {
    pub(crate) id: JobId,
    pub(crate) fence: i64,
    pub(crate) ending: Ending,
}

/// Writes down every ending; returns how many leases were still held.
pub(crate) fn settle(
    tx: &mut Tx<'_>,
    settlements: &[Settlement],
    now: Timestamp,
    keep_done: bool,
) -> Result<u64, DbError> {
    let mut held = settle_done(tx, settlements, now, keep_done)?;
    for settlement in settlements {
        let (id, fence) = (settlement.id, settlement.fence);
        held += match &settlement.ending {
            Ending::Done => 0,
            Ending::Retry(at, error) => tx.execute(&RETRY, &params![id, fence, *at, error])?,
            Ending::Dead(error) => tx.execute(&BURY, &params![id, fence, now, error])?,
            Ending::Released => tx.execute(&RELEASE, &params![id, fence, now])?,
        };
    }
    Ok(held)
}

/// Writes down all successes with one statement: they are the many.
fn settle_done(
    tx: &mut Tx<'_>,
    settlements: &[Settlement],
    now: Timestamp,
    keep_done: bool,
) -> Result<u64, DbError> {
    let done = settlements.iter().filter(|settlement| matches!(settlement.ending, Ending::Done));
    let leases: Vec<String> = done.map(|lease| format!("[\"{}\",{}]", lease.id, lease.fence)).collect();
    if leases.is_empty() {
        return Ok(0);
    }
    let leases = format!("[{}]", leases.join(","));
    let leases = Value::Json(leases.into());
    if keep_done {
        return tx.execute(&KEEP_DONE, &[leases, Value::from(now)]);
    }
    tx.execute(&DELETE_DONE, &[leases])
}

/// Removes jobs in `state` that finished before `before`, a bounded number; tells whether those were all.
pub(crate) fn purge(tx: &mut Tx<'_>, state: &'static str, before: Timestamp) -> Result<bool, DbError> {
    Ok(tx.execute(&PURGE, &params![before, state])? < PURGED_AT_ONCE)
}
