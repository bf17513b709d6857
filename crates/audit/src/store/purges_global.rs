//! SQL that removes old entries. Triggers let only those go that a purge has named before.

use quoin_db::{DbError, Tx, params, statements};
use quoin_kernel::Timestamp;

use crate::model::EntryId;

statements! {
    /// Finds whether there is an entry before `?1`.
    HAS_OLDER = "select id from quoin.audit_entries where id < ?1 limit 1";

    /// Names the moment before which entries may go.
    INSERT = "insert into quoin.audit_purges (entries_before, at) values (?1, ?2)
        on conflict (entries_before) do nothing";

    /// Removes the oldest entries before `?1`, a bounded number at a time.
    DELETE_OLDER = "delete from quoin.audit_entries where id in (
        select id from quoin.audit_entries where id < ?1 order by id limit ?2)";
}

/// Tells whether there is an entry before `first_kept`.
pub(crate) fn find_older(tx: &mut Tx<'_>, first_kept: EntryId) -> Result<bool, DbError> {
    Ok(tx.query_opt(&HAS_OLDER, &params![first_kept], |row| row.get::<EntryId>(0))?.is_some())
}

/// Names the moment before which entries may go.
pub(crate) fn insert(tx: &mut Tx<'_>, entries_before: Timestamp, at: Timestamp) -> Result<(), DbError> {
    tx.execute(&INSERT, &params![entries_before, at]).map(|_| ())
}

/// Removes up to `limit` entries before `first_kept`; returns how many.
pub(crate) fn delete_older(tx: &mut Tx<'_>, first_kept: EntryId, limit: i64) -> Result<u64, DbError> {
    tx.execute(&DELETE_OLDER, &params![first_kept, limit])
}
