//! SQL of the counters.

use std::time::Duration;

use quoin_db::{DbError, Tx, params, statements};
use quoin_kernel::Timestamp;

statements! {
    /// Starts a window or continues the one that is open.
    COUNT = "insert into quoin.web_counters as c (name, subject, started_at, ends_at, count) values (?1, ?2, ?3, ?4, 1)
             on conflict (name, subject) do update set
               count = case when c.ends_at <= ?3 then 1 else c.count + 1 end,
               started_at = case when c.ends_at <= ?3 then excluded.started_at else c.started_at end,
               ends_at = case when c.ends_at <= ?3 then excluded.ends_at else c.ends_at end
             returning count, started_at";
    UNCOUNT = "update quoin.web_counters set count = count - 1
               where name = ?1 and subject = ?2 and ends_at > ?3 and count > 0";
    FIND = "select count, started_at from quoin.web_counters where name = ?1 and subject = ?2 and started_at > ?3";
    DELETE = "delete from quoin.web_counters where name = ?1 and subject = ?2";
    PURGE = "delete from quoin.web_counters where ends_at <= ?1";
}

/// One more of something.
pub(super) struct Count<'a> {
    pub(super) name: &'static str,
    pub(super) subject: &'a [u8; 32],
    pub(super) now: Timestamp,
    pub(super) window: Duration,
}

/// Counts one more and returns the count and when its window began.
pub(super) fn count(tx: &mut Tx<'_>, one: &Count<'_>) -> Result<(i64, Timestamp), DbError> {
    let ends_at = one.now + one.window;
    tx.query_one(&COUNT, &params![one.name, one.subject, one.now, ends_at], |row| {
        Ok((row.get(0)?, row.get(1)?))
    })
}

/// Counts one less, in the window that is open.
pub(super) fn uncount(
    tx: &mut Tx<'_>,
    name: &str,
    subject: &[u8; 32],
    now: Timestamp,
) -> Result<(), DbError> {
    tx.execute(&UNCOUNT, &params![name, subject, now]).map(drop)
}

/// Finds the count of a window that began after `since`.
pub(super) fn find(
    tx: &mut Tx<'_>,
    name: &str,
    subject: &[u8; 32],
    since: Timestamp,
) -> Result<Option<(i64, Timestamp)>, DbError> {
    tx.query_opt(&FIND, &params![name, subject, since], |row| Ok((row.get(0)?, row.get(1)?)))
}

/// Forgets a count.
pub(super) fn delete(tx: &mut Tx<'_>, name: &str, subject: &[u8; 32]) -> Result<(), DbError> {
    tx.execute(&DELETE, &params![name, subject]).map(drop)
}

/// Deletes windows that are over.
pub(crate) fn purge(tx: &mut Tx<'_>, now: Timestamp) -> Result<u64, DbError> {
    tx.execute(&PURGE, &params![now])
}
