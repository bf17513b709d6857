//! Signs of life of the workers that share a database, and the leases of those that give none.

use quoin_db::{DbError, Tx, params, statements};
use quoin_kernel::Timestamp;

use crate::model::WorkerId;

statements! {
    /// Gives a sign of life. The beat 0 says that the worker was not known: it is new, or has been given up.
    BEAT = "insert into quoin.jobs_workers as worker (id, beat) values (?1, 0)
        on conflict (id) do update set beat = worker.beat + 1 returning beat";

    /// Lists who works, with the last sign of life of each.
    LIST = "select id, beat from quoin.jobs_workers";

    /// Gives a worker up, unless it has given a sign of life meanwhile.
    DELETE_SILENT = "delete from quoin.jobs_workers where id = ?1 and beat = ?2";

    /// Takes a worker off the list that has stopped in good order.
    DELETE = "delete from quoin.jobs_workers where id = ?1";

    /// Ends the leases of workers that are not on the list. On PostgreSQL it waits for nobody: who holds a row here may
    /// wait for one of ours.
    END_ORPHANED_LEASES = "update quoin.jobs_queue as job set lease_until = ?1
        where job.state = 'running' and job.worker_id is not null
        and not exists (select 1 from quoin.jobs_workers as worker where worker.id = job.worker_id)",
        postgres: "update quoin.jobs_queue as job set lease_until = ?1
        from (select id from quoin.jobs_queue as held
            where held.state = 'running' and held.worker_id is not null
            and not exists (select 1 from quoin.jobs_workers as worker where worker.id = held.worker_id)
            for update of held skip locked) as orphaned
        where job.id = orphaned.id";
}

/// Gives a sign of life for `worker`; `false` where it was not on the list, and now is.
pub(crate) fn beat(tx: &mut Tx<'_>, worker: WorkerId) -> Result<bool, DbError> {
    tx.query_one(&BEAT, &params![worker], |row| Ok(row.get::<i64>(0)? > 0))
}

/// Lists every worker with its last sign of life.
pub(crate) fn list(tx: &mut Tx<'_>) -> Result<Vec<(WorkerId, i64)>, DbError> {
    tx.query(&LIST, &[], |row| Ok((row.get(0)?, row.get(1)?)))
}

/// Gives `worker` up if `beat` is still its last sign of life; tells whether it was.
pub(crate) fn delete_silent(tx: &mut Tx<'_>, worker: WorkerId, beat: i64) -> Result<bool, DbError> {
    Ok(tx.execute(&DELETE_SILENT, &params![worker, beat])? == 1)
}

/// Takes `worker` off the list.
pub(crate) fn delete(tx: &mut Tx<'_>, worker: WorkerId) -> Result<(), DbError> {
    tx.execute(&DELETE, &params![worker]).map(|_| ())
}

/// Ends the leases of workers that are not on the list; returns how many.
pub(crate) fn end_orphaned_leases(tx: &mut Tx<'_>, now: Timestamp) -> Result<u64, DbError> {
    tx.execute(&END_ORPHANED_LEASES, &params![now])
}
