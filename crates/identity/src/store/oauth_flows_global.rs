//! SQL on `quoin.identity_oauth_flows`. A journey belongs to a browser; whose it is shows at its end.

use quoin_db::{DbError, Row, Tx, params, statements};
use quoin_kernel::{Timestamp, UserId};

use crate::model::{CodeChallenge, OauthFlow};
use crate::store::sessions_global::array;

statements! {
    INSERT = "insert into quoin.identity_oauth_flows (state_hash, provider, browser_hash, sealed, redirect_to,
        code_challenge, link_user_id, created_at, expires_at, sso_connection_id, realm_id)
        values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
        on conflict (state_hash) do nothing";
    FIND = "select state_hash, provider, browser_hash, sealed, redirect_to, code_challenge, link_user_id, created_at,
        expires_at, sso_connection_id, realm_id from quoin.identity_oauth_flows where state_hash = ?1 and expires_at > ?2";
    /// The condition lets exactly one of many parallel returns through.
    CONSUME = "delete from quoin.identity_oauth_flows where state_hash = ?1 and expires_at > ?2";
    DELETE_OF_USER = "delete from quoin.identity_oauth_flows where link_user_id = ?1";
    PURGE = "delete from quoin.identity_oauth_flows where expires_at < ?1";
}

/// Adds a journey; `false` where there is one by this hash.
pub(crate) fn insert(tx: &mut Tx<'_>, flow: &OauthFlow) -> Result<bool, DbError> {
    let row = params![
        &flow.state_hash,
        &flow.provider,
        flow.browser_hash.as_deref(),
        flow.sealed.as_deref(),
        flow.redirect_to.as_deref(),
        flow.challenge.as_ref().map(CodeChallenge::as_str),
        flow.link_user_id,
        flow.created_at,
        flow.expires_at,
        flow.sso_connection_id,
        flow.realm_id,
    ];
    Ok(tx.execute(&INSERT, &row)? == 1)
}

/// Finds a journey that may still come to its end.
pub(crate) fn find(
    tx: &mut Tx<'_>,
    state_hash: &[u8; 32],
    now: Timestamp,
) -> Result<Option<OauthFlow>, DbError> {
    tx.query_opt(&FIND, &params![state_hash, now], read)
}

/// Ends a journey; `false` where another return came first or it is too late.
pub(crate) fn consume(tx: &mut Tx<'_>, state_hash: &[u8; 32], now: Timestamp) -> Result<bool, DbError> {
    Ok(tx.execute(&CONSUME, &params![state_hash, now])? == 1)
}

/// Ends every journey that would link an identity to this person.
pub(crate) fn delete_of_user(tx: &mut Tx<'_>, user_id: UserId) -> Result<(), DbError> {
    tx.execute(&DELETE_OF_USER, &params![user_id]).map(|_| ())
}

/// Removes journeys from which nobody came back.
pub(crate) fn delete_expired(tx: &mut Tx<'_>, before: Timestamp) -> Result<u64, DbError> {
    tx.execute(&PURGE, &params![before])
}

fn read(row: &Row<'_>) -> Result<OauthFlow, DbError> {
    Ok(OauthFlow {
        state_hash: array(row.get(0)?, 0)?,
        provider: row.get(1)?,
        browser_hash: row.get(2)?,
        sealed: row.get(3)?,
        redirect_to: row.get(4)?,
        challenge: row.get::<Option<String>>(5)?.map(CodeChallenge::stored),
        link_user_id: row.get(6)?,
        created_at: row.get(7)?,
        expires_at: row.get(8)?,
        sso_connection_id: row.get(9)?,
        realm_id: row.get(10)?,
    })
}
