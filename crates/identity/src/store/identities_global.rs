//! SQL on `quoin.identity_identities`. An identity is a person's, never an organisation's.

use quoin_db::{DbError, Row, Tx, params, statements};
use quoin_kernel::{Timestamp, UserId};
use serde_json::Value;

use crate::model::{ExternalIdentity, IdentityId, Realm};

statements! {
    /// The realm is read from the person, so that the two never differ.
    INSERT = "insert into quoin.identity_identities (id, user_id, provider, issuer, subject, data, last_sign_in_at,
        created_at, updated_at, realm_id)
        values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, (select realm_id from quoin.identity_users where id = ?2))";
    FIND = "select id, user_id, provider, issuer, subject, data, last_sign_in_at, created_at, updated_at
        from quoin.identity_identities where realm_id = ?1 and issuer = ?2 and subject = ?3";
    LIST = "select id, user_id, provider, issuer, subject, data, last_sign_in_at, created_at, updated_at
        from quoin.identity_identities where user_id = ?1 order by id";
    USED = "update quoin.identity_identities set data = ?2, last_sign_in_at = ?3, updated_at = ?3 where id = ?1";
    DELETE = "delete from quoin.identity_identities where user_id = ?1 and id = ?2";
    DELETE_ALL = "delete from quoin.identity_identities where user_id = ?1";
}

/// Adds an identity; [`DbError::Unique`] names `identity_identities_subject` where somebody has it.
pub(crate) fn insert(tx: &mut Tx<'_>, identity: &ExternalIdentity) -> Result<(), DbError> {
    let row = params![
        identity.id,
        identity.user_id,
        &identity.provider,
        &identity.issuer,
        &identity.subject,
        &identity.data,
        identity.last_sign_in_at,
        identity.created_at,
        identity.updated_at,
    ];
    tx.execute(&INSERT, &row).map(|_| ())
}

/// Finds whoever of a realm is known by this subject at this issuer.
pub(crate) fn find(
    tx: &mut Tx<'_>,
    realm: Realm,
    issuer: &str,
    subject: &str,
) -> Result<Option<ExternalIdentity>, DbError> {
    tx.query_opt(&FIND, &params![realm.key(), issuer, subject], read)
}

/// Lists a person's identities, oldest first.
pub(crate) fn list(tx: &mut Tx<'_>, user_id: UserId) -> Result<Vec<ExternalIdentity>, DbError> {
    tx.query(&LIST, &params![user_id], read)
}

/// Notes a use and what the provider said.
pub(crate) fn update_used(
    tx: &mut Tx<'_>,
    id: IdentityId,
    data: &Value,
    now: Timestamp,
) -> Result<(), DbError> {
    tx.execute(&USED, &params![id, data, now]).map(|_| ())
}

/// Removes one of a person's identities; `false` where there is none.
pub(crate) fn delete(tx: &mut Tx<'_>, user_id: UserId, id: IdentityId) -> Result<bool, DbError> {
    Ok(tx.execute(&DELETE, &params![user_id, id])? == 1)
}

/// Removes a person's identities.
pub(crate) fn delete_all(tx: &mut Tx<'_>, user_id: UserId) -> Result<(), DbError> {
    tx.execute(&DELETE_ALL, &params![user_id]).map(|_| ())
}

fn read(row: &Row<'_>) -> Result<ExternalIdentity, DbError> {
    Ok(ExternalIdentity {
        id: row.get(0)?,
        user_id: row.get(1)?,
        provider: row.get(2)?,
        issuer: row.get(3)?,
        subject: row.get(4)?,
        data: row.get(5)?,
        last_sign_in_at: row.get(6)?,
        created_at: row.get(7)?,
        updated_at: row.get(8)?,
    })
}
