//! Which migrations of the users have run, each once.

use quoin_db::{DbError, Tx, params, statements};
use quoin_kernel::Timestamp;

use crate::model::migration::AppliedMigration;

statements! {
    FIND = "select checksum, applied_at from quoin.data_migrations where name = ?1";
    LIST = "select position, name, checksum, applied_at from quoin.data_migrations order by position";
    INSERT = "insert into quoin.data_migrations (position, name, checksum, sql, applied_at)
              select coalesce(max(position), 0) + 1, ?1, ?2, ?3, ?4 from quoin.data_migrations",
    postgres: "insert into quoin.data_migrations (position, name, checksum, sql, applied_at)
              select coalesce(max(position), 0) + 1, $1::text, $2::text, $3::text, $4::timestamptz
              from quoin.data_migrations";
    LOCK = "update quoin.data_catalogue set version = version + 1 where id = 1";
    VERSION = "select version from quoin.data_catalogue where id = 1";
}

/// Takes the lock that lets one migration run at a time, and tells other nodes that the schema has changed.
pub(crate) fn lock(tx: &mut Tx<'_>) -> Result<(), DbError> {
    tx.execute(&LOCK, &[]).map(drop)
}

/// Returns the schema's version.
pub(crate) fn version(tx: &mut Tx<'_>) -> Result<i64, DbError> {
    tx.query_one(&VERSION, &[], |row| row.get(0))
}

/// Returns the checksum of a migration that has run, and when it did.
pub(crate) fn find(tx: &mut Tx<'_>, name: &str) -> Result<Option<(String, Timestamp)>, DbError> {
    tx.query_opt(&FIND, &params![name], |row| Ok((row.get(0)?, row.get(1)?)))
}

/// Returns every migration that has run, in order.
pub(crate) fn list(tx: &mut Tx<'_>) -> Result<Vec<AppliedMigration>, DbError> {
    tx.query(&LIST, &[], |row| {
        Ok(AppliedMigration {
            position: row.get(0)?,
            name: row.get(1)?,
            checksum: row.get(2)?,
            applied_at: row.get(3)?,
        })
    })
}

/// Notes that a migration has run.
pub(crate) fn insert(
    tx: &mut Tx<'_>,
    name: &str,
    checksum: &str,
    sql: &str,
    now: Timestamp,
) -> Result<(), DbError> {
    tx.execute(&INSERT, &params![name, checksum, sql, now]).map(drop)
}
