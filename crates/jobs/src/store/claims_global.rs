//! Taking jobs out of the queue under a lease, and taking back those whose lease has ended.

use quoin_db::{DbError, Row, Tx, Value, params, statements};
use quoin_kernel::{JobId, Timestamp};

use crate::model::WorkerId;

statements! {
    /// Leases up to `?3` due jobs to the worker `?4`. `?1` is `{"type": ["end of lease", max_attempts]}` for each type this process runs.
    CLAIM = "update quoin.jobs_queue set
            state = 'running', attempt = attempt + 1, fence = fence + 1,
            worker_id = ?4, lease_until = json_extract(?1, '$.\"' || type || '\"[0]'),
            max_attempts = json_extract(?1, '$.\"' || type || '\"[1]')
        where id in (select id from quoin.jobs_queue
            where state = 'waiting' and run_at <= ?2 and type in (select key from json_each(?1))
            order by run_at limit ?3)
        returning id, type, payload, attempt, max_attempts, fence",
        postgres: "update quoin.jobs_queue as job set
            state = 'running', attempt = job.attempt + 1, fence = job.fence + 1,
            worker_id = ?4, lease_until = (?1::jsonb -> job.type ->> 0)::timestamptz,
            max_attempts = (?1::jsonb -> job.type ->> 1)::bigint
        from (select id from quoin.jobs_queue
            where state = 'waiting' and run_at <= ?2 and ?1::jsonb -> type is not null
            order by run_at limit ?3 for update skip locked) as due
        where job.id = due.id
        returning job.id, job.type, job.payload, job.attempt, job.max_attempts, job.fence";

    /// Gives back jobs whose lease has ended: their worker is gone, or took too long. The last try was the last.
    REAP = "update quoin.jobs_queue set
            state = case when attempt >= max_attempts then 'dead' else 'waiting' end,
            finished_at = case when attempt >= max_attempts then ?1 end,
            run_at = ?1, lease_until = null,
            last_error = 'the lease ended before the try did: its worker stopped or took too long'
        where state = 'running' and lease_until <= ?1",
        postgres: "update quoin.jobs_queue as job set
            state = case when attempt >= max_attempts then 'dead' else 'waiting' end,
            finished_at = case when attempt >= max_attempts then ?1::timestamptz end,
            run_at = ?1::timestamptz, lease_until = null,
            last_error = 'the lease ended before the try did: its worker stopped or took too long'
        from (select id from quoin.jobs_queue
            where state = 'running' and lease_until <= ?1::timestamptz for update skip locked) as lost
        where job.id = lost.id";

    /// Ends every lease.
    END_LEASES = "update quoin.jobs_queue set lease_until = ?1 where state = 'running'";

    /// Finds when the next job of a known type is due.
    NEXT_DUE = "select run_at from quoin.jobs_queue
        where state = 'waiting' and type in (select key from json_each(?1)) order by run_at limit 1",
        postgres: "select run_at from quoin.jobs_queue
        where state = 'waiting' and ?1::jsonb -> type is not null order by run_at limit 1";

    /// Finds when the next lease ends.
    NEXT_LEASE = "select lease_until from quoin.jobs_queue
        where state = 'running' order by lease_until limit 1";
}

/// A job under a lease.
#[derive(Debug)]
pub(crate) struct Claimed {
    pub(crate) id: JobId,
    pub(crate) kind: String,
    pub(crate) payload: serde_json::Value,
    pub(crate) attempt: i64,
    pub(crate) max_attempts: i64,
    pub(crate) fence: i64,
}

/// Leases up to `limit` jobs that are due, oldest ids first. `types` is the JSON object that `CLAIM` describes.
pub(crate) fn claim(
    tx: &mut Tx<'_>,
    types: &str,
    now: Timestamp,
    limit: i64,
    worker: WorkerId,
) -> Result<Vec<Claimed>, DbError> {
    let params = [json(types), Value::from(now), Value::from(limit), Value::from(worker)];
    let mut claimed = tx.query(&CLAIM, &params, read)?;
    claimed.sort_unstable_by_key(|job| job.id);
    Ok(claimed)
}

/// Gives back every job whose lease has ended; returns how many.
pub(crate) fn reap(tx: &mut Tx<'_>, now: Timestamp) -> Result<u64, DbError> {
    tx.execute(&REAP, &params![now])
}

/// Ends every lease, so that the next look gives those jobs back.
pub(crate) fn end_leases(tx: &mut Tx<'_>, now: Timestamp) -> Result<u64, DbError> {
    tx.execute(&END_LEASES, &params![now])
}

/// Finds the next moment at which this process has something to do.
pub(crate) fn next_due(tx: &mut Tx<'_>, types: &str) -> Result<Option<Timestamp>, DbError> {
    let job = tx.query_opt(&NEXT_DUE, &[json(types)], |row| row.get::<Timestamp>(0))?;
    let lease = tx.query_opt(&NEXT_LEASE, &[], |row| row.get::<Timestamp>(0))?;
    Ok([job, lease].into_iter().flatten().min())
}

fn json(text: &str) -> Value<'_> {
    Value::Json(text.into())
}

fn read(row: &Row<'_>) -> Result<Claimed, DbError> {
    Ok(Claimed {
        id: row.get(0)?,
        kind: row.get(1)?,
        payload: row.get(2)?,
        attempt: row.get(3)?,
        max_attempts: row.get(4)?,
        fence: row.get(5)?,
    })
}
