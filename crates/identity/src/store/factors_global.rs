//! SQL on `quoin.identity_factors` and `quoin.identity_recovery_codes`: what a person holds, never an organisation.

use quoin_db::{DbError, Row, Tx, params, statements};
use quoin_kernel::{Timestamp, UserId};
use serde_json::Value;

use crate::model::{Factor, FactorId, FactorKind};

statements! {
    INSERT = "insert into quoin.identity_factors (id, user_id, kind, friendly_name, sealed_secret, credential_id,
        credential, last_step, verified_at, created_at, updated_at) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, ?8, ?9, ?9)";
    LIST = "select id, user_id, kind, friendly_name, sealed_secret, credential_id, credential, verified_at,
        last_used_at, created_at, updated_at from quoin.identity_factors where user_id = ?1 order by id";
    FIND = "select id, user_id, kind, friendly_name, sealed_secret, credential_id, credential, verified_at,
        last_used_at, created_at, updated_at from quoin.identity_factors where user_id = ?1 and id = ?2";
    FIND_BY_CREDENTIAL = "select id, user_id, kind, friendly_name, sealed_secret, credential_id, credential,
        verified_at, last_used_at, created_at, updated_at from quoin.identity_factors where credential_id = ?1";
    /// The condition accepts a time step once, and none that is older than one accepted before.
    USE_STEP = "update quoin.identity_factors set last_step = ?3, verified_at = coalesce(verified_at, ?4),
        last_used_at = ?4, updated_at = ?4 where user_id = ?1 and id = ?2 and last_step < ?3";
    USE_CREDENTIAL = "update quoin.identity_factors set credential = ?3, last_used_at = ?4
        where user_id = ?1 and id = ?2 and verified_at is not null";
    /// The condition gives a factor its key once.
    BIND = "update quoin.identity_factors set credential_id = ?3, credential = ?4, verified_at = ?5, last_used_at = ?5,
        updated_at = ?5 where user_id = ?1 and id = ?2 and verified_at is null";
    RENAME = "update quoin.identity_factors set friendly_name = ?3, updated_at = ?4 where user_id = ?1 and id = ?2";
    DELETE = "delete from quoin.identity_factors where user_id = ?1 and id = ?2";
    DELETE_ALL = "delete from quoin.identity_factors where user_id = ?1";
    DELETE_UNVERIFIED = "delete from quoin.identity_factors where verified_at is null and created_at < ?1";
    INSERT_CODE = "insert into quoin.identity_recovery_codes (code_mac, user_id, created_at) values (?1, ?2, ?3)";
    DELETE_CODES = "delete from quoin.identity_recovery_codes where user_id = ?1";
    /// The condition lets exactly one of many parallel uses through.
    CONSUME_CODE = "update quoin.identity_recovery_codes set used_at = ?3
        where code_mac = ?1 and user_id = ?2 and used_at is null";
    COUNT_CODES = "select count(*) from quoin.identity_recovery_codes where user_id = ?1 and used_at is null";
}

/// Adds a factor.
pub(crate) fn insert(tx: &mut Tx<'_>, factor: &Factor) -> Result<(), DbError> {
    let row = params![
        factor.id,
        factor.user_id,
        factor.kind.as_str(),
        factor.friendly_name.as_deref(),
        factor.sealed_secret.as_deref(),
        factor.credential_id.as_deref(),
        factor.credential.as_ref(),
        factor.verified_at,
        factor.created_at,
    ];
    tx.execute(&INSERT, &row).map(|_| ())
}

/// Lists what a person holds, oldest first.
pub(crate) fn list(tx: &mut Tx<'_>, user_id: UserId) -> Result<Vec<Factor>, DbError> {
    tx.query(&LIST, &params![user_id], read)
}

/// Finds one of a person's factors.
pub(crate) fn find(tx: &mut Tx<'_>, user_id: UserId, id: FactorId) -> Result<Option<Factor>, DbError> {
    tx.query_opt(&FIND, &params![user_id, id], read)
}

/// Finds the factor whose key a device names.
pub(crate) fn find_by_credential(tx: &mut Tx<'_>, credential_id: &[u8]) -> Result<Option<Factor>, DbError> {
    tx.query_opt(&FIND_BY_CREDENTIAL, &params![credential_id], read)
}

/// Accepts the code of a time step; `false` where that step, or a later one, was accepted before.
pub(crate) fn consume_step(
    tx: &mut Tx<'_>,
    factor: &Factor,
    step: i64,
    now: Timestamp,
) -> Result<bool, DbError> {
    Ok(tx.execute(&USE_STEP, &params![factor.user_id, factor.id, step, now])? == 1)
}

/// Notes the use of a key; `false` where it has gone meanwhile.
pub(crate) fn update_credential(
    tx: &mut Tx<'_>,
    factor: &Factor,
    credential: &Value,
    now: Timestamp,
) -> Result<bool, DbError> {
    Ok(tx.execute(&USE_CREDENTIAL, &params![factor.user_id, factor.id, credential, now])? == 1)
}

/// Gives a factor its key; `false` where it has one already.
pub(crate) fn bind(
    tx: &mut Tx<'_>,
    factor: &Factor,
    (credential_id, credential): (&[u8], &Value),
    now: Timestamp,
) -> Result<bool, DbError> {
    Ok(tx.execute(&BIND, &params![factor.user_id, factor.id, credential_id, credential, now])? == 1)
}

/// Renames a factor; `false` where there is none.
pub(crate) fn rename(
    tx: &mut Tx<'_>,
    user_id: UserId,
    id: FactorId,
    name: &str,
    now: Timestamp,
) -> Result<bool, DbError> {
    Ok(tx.execute(&RENAME, &params![user_id, id, name, now])? == 1)
}

/// Removes a factor; `false` where there is none.
pub(crate) fn delete(tx: &mut Tx<'_>, user_id: UserId, id: FactorId) -> Result<bool, DbError> {
    Ok(tx.execute(&DELETE, &params![user_id, id])? == 1)
}

/// Removes everything by which a person could show for the second time who they are.
pub(crate) fn delete_all(tx: &mut Tx<'_>, user_id: UserId) -> Result<(), DbError> {
    tx.execute(&DELETE_ALL, &params![user_id])?;
    delete_codes(tx, user_id)
}

/// Removes factors that were begun before a moment and never shown.
pub(crate) fn delete_unverified(tx: &mut Tx<'_>, before: Timestamp) -> Result<u64, DbError> {
    tx.execute(&DELETE_UNVERIFIED, &params![before])
}

/// Replaces a person's recovery codes.
pub(crate) fn replace_codes(
    tx: &mut Tx<'_>,
    user_id: UserId,
    macs: &[[u8; 32]],
    now: Timestamp,
) -> Result<(), DbError> {
    delete_codes(tx, user_id)?;
    for mac in macs {
        tx.execute(&INSERT_CODE, &params![mac, user_id, now])?;
    }
    Ok(())
}

/// Removes a person's recovery codes.
pub(crate) fn delete_codes(tx: &mut Tx<'_>, user_id: UserId) -> Result<(), DbError> {
    tx.execute(&DELETE_CODES, &params![user_id]).map(|_| ())
}

/// Uses a recovery code up; `false` where there is none, or another use came first.
pub(crate) fn consume_code(
    tx: &mut Tx<'_>,
    user_id: UserId,
    mac: &[u8; 32],
    now: Timestamp,
) -> Result<bool, DbError> {
    Ok(tx.execute(&CONSUME_CODE, &params![mac, user_id, now])? == 1)
}

/// Counts the recovery codes that still work.
pub(crate) fn count_codes(tx: &mut Tx<'_>, user_id: UserId) -> Result<i64, DbError> {
    tx.query_one(&COUNT_CODES, &params![user_id], |row| row.get(0))
}

fn read(row: &Row<'_>) -> Result<Factor, DbError> {
    let kind: String = row.get(2)?;
    Ok(Factor {
        id: row.get(0)?,
        user_id: row.get(1)?,
        kind: FactorKind::parse(&kind).ok_or(DbError::Column { index: 2, expected: "FactorKind" })?,
        friendly_name: row.get(3)?,
        sealed_secret: row.get(4)?,
        credential_id: row.get(5)?,
        credential: row.get(6)?,
        verified_at: row.get(7)?,
        last_used_at: row.get(8)?,
        created_at: row.get(9)?,
        updated_at: row.get(10)?,
    })
}
