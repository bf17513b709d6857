//! What was answered under idempotency keys.

use quoin_db::{DbError, Tx, params, statements};

statements! {
    FIND = "select fingerprint, status, body from quoin.stripe_twin_answers where idempotency_key = ?1";
    INSERT = "insert into quoin.stripe_twin_answers (idempotency_key, fingerprint, status, body, created_at)
        values (?1, ?2, ?3, ?4, ?5)";
    DELETE_OLD = "delete from quoin.stripe_twin_answers where created_at < ?1";
}

/// An answer that was given before.
#[derive(Debug)]
pub(crate) struct Stored {
    pub(crate) fingerprint: String,
    pub(crate) status: u16,
    pub(crate) body: String,
}

/// Finds what was answered under a key.
pub(crate) fn find(tx: &mut Tx<'_>, key: &str) -> Result<Option<Stored>, DbError> {
    tx.query_opt(&FIND, &params![key], |row| {
        let status: i64 = row.get(1)?;
        let status = u16::try_from(status).map_err(|_| DbError::Column { index: 1, expected: "a status" })?;
        Ok(Stored { fingerprint: row.get(0)?, status, body: row.get(2)? })
    })
}

/// Keeps an answer.
pub(crate) fn insert(tx: &mut Tx<'_>, key: &str, answer: &Stored, now: i64) -> Result<(), DbError> {
    let status = i64::from(answer.status);
    tx.execute(&INSERT, &params![key, &answer.fingerprint, status, &answer.body, now]).map(drop)
}

/// Forgets answers that were given before `moment`.
pub(crate) fn delete_before(tx: &mut Tx<'_>, moment: i64) -> Result<(), DbError> {
    tx.execute(&DELETE_OLD, &params![moment]).map(drop)
}
