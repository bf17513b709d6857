//! Rows of revocations.

use quoin_db::{DbError, Row, Tx, params, statements};
use quoin_kernel::{Id, Timestamp};
use uuid::Uuid;

use super::{Cursor, Entry, RevocationEntry, Revoked};

statements! {
    /// PostgreSQL's commits become visible in another order than anything that can be counted on the way there.
    INSERT = "insert into quoin.tenancy_revocations
              (id, kind, subject, org_id, below_version, created_at, expires_at, position)
              values (?1, ?2, ?3, ?4, ?5, ?6, ?7,
                      (select coalesce(max(position), 0) + 1 from quoin.tenancy_revocations))",
      postgres: "insert into quoin.tenancy_revocations
              (id, kind, subject, org_id, below_version, created_at, expires_at, position)
              values (?1, ?2, ?3, ?4, ?5, ?6, ?7, pg_current_xact_id()::text::bigint)";
    /// Everything before the horizon is visible now or will never be.
    HORIZON = "select coalesce(max(position), 0) from quoin.tenancy_revocations",
      postgres: "select pg_snapshot_xmin(pg_current_snapshot())::text::bigint";
    RECENT = "select kind, subject, org_id, below_version, created_at
              from quoin.tenancy_revocations where position >= ?1 and expires_at > ?2";
    /// The newest stays: SQLite goes on counting from it.
    PURGE = "delete from quoin.tenancy_revocations where expires_at <= ?1
             and position < (select max(position) from quoin.tenancy_revocations)";
}

pub(super) fn insert(
    tx: &mut Tx<'_>,
    id: Id<RevocationEntry>,
    revoked: Revoked,
    at: Timestamp,
    expires_at: Timestamp,
) -> Result<(), DbError> {
    let (kind, subject, org_id, below) = columns(revoked);
    tx.execute(&INSERT, &params![id, kind, subject, org_id, below, at, expires_at]).map(|_| ())
}

/// Lists what was taken back and was perhaps not to be seen when `cursor` was given, and the cursor of this reading. A
/// reader meets entries more than once, and misses none, however long their transactions took and whatever their clocks
/// said.
pub fn since(tx: &mut Tx<'_>, cursor: Cursor, now: Timestamp) -> Result<(Vec<Entry>, Cursor), DbError> {
    let horizon: i64 = tx.query_one(&HORIZON, &params![], |row| row.get(0))?;
    // A server that counts from further back is another one, restored or promoted: it is asked for everything.
    let from = if horizon < cursor.0 { 0 } else { cursor.0 };
    let entries = tx.query(&RECENT, &params![from, now], |row| Ok((read(row)?, row.get(4)?)))?;
    Ok((entries, Cursor(horizon)))
}

/// Removes entries that no living token can contradict.
pub fn purge(tx: &mut Tx<'_>, now: Timestamp) -> Result<u64, DbError> {
    tx.execute(&PURGE, &params![now])
}

fn columns(revoked: Revoked) -> (&'static str, Uuid, Option<Uuid>, Option<i64>) {
    match revoked {
        Revoked::Session(id) => ("session", id.uuid(), None, None),
        Revoked::Membership { user_id, org_id, below_version } => {
            ("membership", user_id.uuid(), Some(org_id.uuid()), Some(below_version))
        }
        Revoked::Organization(id) => ("organization", id.uuid(), None, None),
        Revoked::ApiKey(id) => ("api_key", id.uuid(), None, None),
    }
}

fn read(row: &Row<'_>) -> Result<Revoked, DbError> {
    let kind: String = row.get(0)?;
    Ok(match kind.as_str() {
        "session" => Revoked::Session(row.get(1)?),
        "organization" => Revoked::Organization(row.get(1)?),
        "api_key" => Revoked::ApiKey(row.get(1)?),
        _ => Revoked::Membership { user_id: row.get(1)?, org_id: row.get(2)?, below_version: row.get(3)? },
    })
}
