//! Rows of signing keys.

use quoin_db::{DbError, Row, Tx, params, statements};
use quoin_kernel::Timestamp;
use serde_json::Value;

statements! {
    LIST = "select kid, algorithm, public_jwk, sealed_private, is_current, expires_at
            from quoin.identity_signing_keys where expires_at is null or expires_at > ?1 order by created_at, kid";
    INSERT = "insert into quoin.identity_signing_keys
              (kid, algorithm, public_jwk, sealed_private, is_current, created_at, expires_at)
              values (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    RETIRE_CURRENT = "update quoin.identity_signing_keys set is_current = ?1, expires_at = ?2 where is_current = ?3";
    DELETE_EXPIRED = "delete from quoin.identity_signing_keys where expires_at <= ?1";
}

/// A stored key.
#[derive(Debug, Clone)]
pub struct SigningKeyRow {
    /// Names the key in tokens' headers.
    pub kid: String,
    /// The JOSE algorithm.
    pub algorithm: String,
    /// The public half; absent for symmetric keys.
    pub public_jwk: Option<Value>,
    /// The private half, sealed; absent for keys that only verify.
    pub sealed_private: Option<Vec<u8>>,
    /// Whether new tokens are signed with it.
    pub is_current: bool,
    /// When it stops verifying.
    pub expires_at: Option<Timestamp>,
}

fn read(row: &Row<'_>) -> Result<SigningKeyRow, DbError> {
    Ok(SigningKeyRow {
        kid: row.get(0)?,
        algorithm: row.get(1)?,
        public_jwk: row.get(2)?,
        sealed_private: row.get(3)?,
        is_current: row.get(4)?,
        expires_at: row.get(5)?,
    })
}

/// Lists the keys that still verify.
pub fn list(tx: &mut Tx<'_>, now: Timestamp) -> Result<Vec<SigningKeyRow>, DbError> {
    tx.query(&LIST, &params![now], read)
}

/// Adds a key.
pub fn insert(tx: &mut Tx<'_>, key: &SigningKeyRow, now: Timestamp) -> Result<(), DbError> {
    let values = params![
        &key.kid,
        &key.algorithm,
        key.public_jwk.as_ref(),
        key.sealed_private.as_deref(),
        key.is_current,
        now,
        key.expires_at
    ];
    tx.execute(&INSERT, &values).map(|_| ())
}

/// Lets the present signing key verify until `until`, and sign no more.
pub fn retire_current(tx: &mut Tx<'_>, until: Timestamp) -> Result<(), DbError> {
    tx.execute(&RETIRE_CURRENT, &params![false, until, true]).map(|_| ())
}

/// Removes keys that verify nothing any more.
pub fn delete_expired(tx: &mut Tx<'_>, now: Timestamp) -> Result<(), DbError> {
    tx.execute(&DELETE_EXPIRED, &params![now]).map(|_| ())
}
