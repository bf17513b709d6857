//! The counters of organisations and persons.

use quoin_db::{DbError, Tx, params, statements};
use quoin_kernel::Timestamp;

use crate::model::usage::{Change, signed};
use crate::model::{Limits, Owner, Usage};

statements! {
    FIND = "select bytes, objects, max_bytes, max_objects, reserved_bytes from quoin.files_usage where subject_id = ?1";
    BEGIN = "insert into quoin.files_usage (subject_id, subject_kind, bytes, objects, updated_at)
        values (?1, ?2, 0, 0, ?3) on conflict (subject_id) do nothing";
    CHANGE = "update quoin.files_usage set bytes = bytes + ?2, objects = objects + ?3, updated_at = ?4
        where subject_id = ?1
        and (bytes + reserved_bytes + ?2 <= coalesce(max_bytes, ?5) or bytes + ?2 <= bytes)
        and (objects + ?3 <= coalesce(max_objects, ?6) or objects + ?3 <= objects)";
    RESERVE = "update quoin.files_usage set reserved_bytes = reserved_bytes + ?2, updated_at = ?3
        where subject_id = ?1 and bytes + reserved_bytes + ?2 <= coalesce(max_bytes, ?4)";
    RELEASE = "update quoin.files_usage set
        reserved_bytes = case when reserved_bytes > ?2 then reserved_bytes - ?2 else 0 end, updated_at = ?3
        where subject_id = ?1";
    LIMIT = "update quoin.files_usage set max_bytes = ?2, max_objects = ?3, updated_at = ?4 where subject_id = ?1";
    DELETE = "delete from quoin.files_usage where subject_id = ?1";
}

/// Finds what a subject keeps.
pub(crate) fn find(tx: &mut Tx<'_>, subject: Owner) -> Result<Option<Usage>, DbError> {
    tx.query_opt(&FIND, &params![subject.id()], |row| {
        let unsigned = |value: Option<i64>| value.and_then(|number| u64::try_from(number).ok());
        let own_limits = Limits { max_bytes: unsigned(row.get(2)?), max_objects: unsigned(row.get(3)?) };
        let (bytes, objects) = (unsigned(row.get(0)?), unsigned(row.get(1)?));
        let reserved_bytes = unsigned(row.get(4)?).unwrap_or(0);
        Ok(Usage { bytes: bytes.unwrap_or(0), objects: objects.unwrap_or(0), reserved_bytes, own_limits })
    })
}

/// Begins to count for a subject, where that has not begun.
pub(crate) fn begin(tx: &mut Tx<'_>, subject: Owner, now: Timestamp) -> Result<(), DbError> {
    tx.execute(&BEGIN, &params![subject.id(), subject.kind(), now]).map(|_| ())
}

/// Adds to a subject's counters unless that exceeds its limits, or those of the configuration where it has none; what
/// does not grow is always allowed. `false` where nothing was changed.
pub(crate) fn change(
    tx: &mut Tx<'_>,
    subject: Owner,
    change: Change,
    defaults: Limits,
    now: Timestamp,
) -> Result<bool, DbError> {
    let (bytes, objects) = (limit(defaults.max_bytes), limit(defaults.max_objects));
    let params = params![subject.id(), change.bytes, change.objects, now, bytes, objects];
    Ok(tx.execute(&CHANGE, &params)? == 1)
}

/// Keeps room for bytes that are to come; `false` where there is none.
pub(crate) fn reserve(
    tx: &mut Tx<'_>,
    subject: Owner,
    size_bytes: u64,
    max_bytes: Option<u64>,
    now: Timestamp,
) -> Result<bool, DbError> {
    let params = params![subject.id(), signed(size_bytes), now, limit(max_bytes)];
    Ok(tx.execute(&RESERVE, &params)? == 1)
}

/// Gives room back that was kept.
pub(crate) fn release(
    tx: &mut Tx<'_>,
    subject: Owner,
    size_bytes: u64,
    now: Timestamp,
) -> Result<(), DbError> {
    tx.execute(&RELEASE, &params![subject.id(), signed(size_bytes), now]).map(drop)
}

/// Sets a subject's own limits.
pub(crate) fn set_limits(
    tx: &mut Tx<'_>,
    subject: Owner,
    limits: Limits,
    now: Timestamp,
) -> Result<(), DbError> {
    let params = params![subject.id(), limits.max_bytes.map(signed), limits.max_objects.map(signed), now];
    tx.execute(&LIMIT, &params).map(|_| ())
}

/// Forgets a subject.
pub(crate) fn delete(tx: &mut Tx<'_>, subject: Owner) -> Result<(), DbError> {
    tx.execute(&DELETE, &params![subject.id()]).map(|_| ())
}

fn limit(limit: Option<u64>) -> i64 {
    limit.map_or(i64::MAX, signed)
}
