//! Rows of revocations.

use quoin_db::{DbError, Row, Tx, params, statements};
use quoin_kernel::{Id, Timestamp};
use uuid::Uuid;

use super::{RevocationEntry, Revoked};

statements! {
    INSERT = "insert into quoin.tenancy_revocations
              (id, kind, subject, org_id, below_version, created_at, expires_at)
              values (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    RECENT = "select kind, subject, org_id, below_version, created_at
              from quoin.tenancy_revocations where created_at >= ?1 and expires_at > ?2 order by created_at";
    PURGE = "delete from quoin.tenancy_revocations where expires_at <= ?1";
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

/// Lists what was taken back since `since`, with the moment of each entry, in that order.
pub fn recent(
    tx: &mut Tx<'_>,
    since: Timestamp,
    now: Timestamp,
) -> Result<Vec<(Revoked, Timestamp)>, DbError> {
    tx.query(&RECENT, &params![since, now], |row| Ok((read(row)?, row.get(4)?)))
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
