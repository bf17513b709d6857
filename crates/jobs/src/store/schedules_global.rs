//! When each schedule was last due.

use quoin_db::{DbError, Tx, params, statements};
use quoin_kernel::Timestamp;

statements! {
    /// Makes a schedule known; its first due time is the next one.
    REGISTER = "insert into quoin.jobs_schedules (name, last_due) values (?1, ?2) on conflict (name) do nothing";

    /// Reads when a schedule was last due.
    FIND = "select last_due from quoin.jobs_schedules where name = ?1";

    /// Moves a schedule forward, if nobody has done it meanwhile.
    ADVANCE = "update quoin.jobs_schedules set last_due = ?3 where name = ?1 and last_due = ?2";
}

/// Returns when `name` was last due, making it known at `now` where it is new.
pub(crate) fn register(tx: &mut Tx<'_>, name: &str, now: Timestamp) -> Result<Timestamp, DbError> {
    tx.execute(&REGISTER, &params![name, now])?;
    tx.query_one(&FIND, &params![name], |row| row.get(0))
}

/// Moves `name` from `last` to `now`; `false` where another worker was first.
pub(crate) fn advance(tx: &mut Tx<'_>, name: &str, last: Timestamp, now: Timestamp) -> Result<bool, DbError> {
    Ok(tx.execute(&ADVANCE, &params![name, last, now])? == 1)
}
