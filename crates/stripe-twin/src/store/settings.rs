//! Named documents.

use quoin_db::{DbError, Tx, params, statements};
use serde_json::Value;

statements! {
    FIND = "select body from quoin.stripe_twin_settings where name = ?1";
    PUT = "insert into quoin.stripe_twin_settings (name, body) values (?1, ?2)
        on conflict (name) do update set body = excluded.body";
}

/// Finds a document.
pub(crate) fn find(tx: &mut Tx<'_>, name: &str) -> Result<Option<Value>, DbError> {
    tx.query_opt(&FIND, &params![name], |row| row.get(0))
}

/// Writes a document.
pub(crate) fn update(tx: &mut Tx<'_>, name: &str, body: &Value) -> Result<(), DbError> {
    tx.execute(&PUT, &params![name, body]).map(drop)
}
