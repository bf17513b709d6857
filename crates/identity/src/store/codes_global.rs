//! SQL on `quoin.identity_codes`, the authorization codes of the PKCE flow.

use quoin_db::{DbError, Row, Tx, params, statements};
use quoin_kernel::{SessionId, Timestamp, UserId};

use crate::model::{AuthCode, AuthMethod, CodeChallenge};

statements! {
    INSERT = "insert into quoin.identity_codes (code_hash, user_id, method, code_challenge, created_at, expires_at,
        sso_org_id, continues_session_id, is_upheld) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    FIND = "select user_id, method, code_challenge, expires_at, session_id, sso_org_id, continues_session_id,
        is_upheld from quoin.identity_codes where code_hash = ?1";
    /// The condition lets exactly one of many parallel uses through.
    CONSUME = "update quoin.identity_codes set session_id = ?2 where code_hash = ?1 and session_id is null
        and expires_at > ?3";
    DELETE_OF_USER = "delete from quoin.identity_codes where user_id = ?1";
    PURGE = "delete from quoin.identity_codes where expires_at < ?1";
}

/// Adds a code that was made at `now`.
pub(crate) fn insert(
    tx: &mut Tx<'_>,
    hash: &[u8; 32],
    code: &AuthCode,
    now: Timestamp,
) -> Result<(), DbError> {
    let row = params![
        hash,
        code.user_id,
        code.method.as_str(),
        code.challenge.as_str(),
        now,
        code.expires_at,
        code.sso_org_id,
        code.continues,
        code.is_upheld,
    ];
    tx.execute(&INSERT, &row).map(|_| ())
}

/// Finds a code, used or not.
pub(crate) fn find(tx: &mut Tx<'_>, hash: &[u8; 32]) -> Result<Option<AuthCode>, DbError> {
    tx.query_opt(&FIND, &params![hash], read)
}

/// Uses a code up for the session it opens; `false` where another use came first.
pub(crate) fn consume(
    tx: &mut Tx<'_>,
    hash: &[u8; 32],
    session_id: SessionId,
    now: Timestamp,
) -> Result<bool, DbError> {
    Ok(tx.execute(&CONSUME, &params![hash, session_id, now])? == 1)
}

/// Removes a person's codes.
pub(crate) fn delete_of_user(tx: &mut Tx<'_>, user_id: UserId) -> Result<(), DbError> {
    tx.execute(&DELETE_OF_USER, &params![user_id]).map(|_| ())
}

/// Removes codes that expired before a moment.
pub(crate) fn delete_expired(tx: &mut Tx<'_>, before: Timestamp) -> Result<u64, DbError> {
    tx.execute(&PURGE, &params![before])
}

fn read(row: &Row<'_>) -> Result<AuthCode, DbError> {
    let method: String = row.get(1)?;
    Ok(AuthCode {
        user_id: row.get(0)?,
        method: AuthMethod::parse(&method).ok_or(DbError::Column { index: 1, expected: "AuthMethod" })?,
        challenge: CodeChallenge::stored(row.get(2)?),
        expires_at: row.get(3)?,
        session_id: row.get(4)?,
        sso_org_id: row.get(5)?,
        continues: row.get(6)?,
        is_upheld: row.get(7)?,
    })
}
