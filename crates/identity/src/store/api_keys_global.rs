//! Rows of API keys.

use quoin_db::{DbError, Row, Tx, params, statements};
use quoin_kernel::page::Page;
use quoin_kernel::{ApiKeyId, OrgId, Timestamp};
use serde_json::Value;

use crate::model::api_key::{ApiKey, KeyKind};

statements! {
    FIND_BY_HASH = "select id, org_id, kind, name, key_start, scopes, created_at, expires_at, last_used_at, revoked_at
                    from quoin.identity_api_keys where key_hash = ?1";
    GET = "select id, org_id, kind, name, key_start, scopes, created_at, expires_at, last_used_at, revoked_at
           from quoin.identity_api_keys where id = ?1";
    LIST = "select id, org_id, kind, name, key_start, scopes, created_at, expires_at, last_used_at, revoked_at
            from quoin.identity_api_keys
            where (?1 is null or org_id = ?1) and (?2 is null or id > ?2) order by id limit ?3",
        postgres: "select id, org_id, kind, name, key_start, scopes, created_at, expires_at, last_used_at, revoked_at
            from quoin.identity_api_keys
            where (?1::uuid is null or org_id = ?1) and (?2::uuid is null or id > ?2) order by id limit ?3";
    INSERT = "insert into quoin.identity_api_keys
              (id, org_id, kind, name, key_hash, key_start, scopes, is_preset, created_by, created_at, expires_at)
              values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
    REVOKE = "update quoin.identity_api_keys set revoked_at = ?2 where id = ?1 and revoked_at is null";
    REVOKE_OTHER_PRESETS = "update quoin.identity_api_keys set revoked_at = ?3
                            where kind = ?1 and is_preset = ?4 and key_hash <> ?2 and revoked_at is null";
    RENEW_PRESET = "update quoin.identity_api_keys set revoked_at = null where key_hash = ?1 and is_preset = ?2";
    TOUCH = "update quoin.identity_api_keys set last_used_at = ?2 where id = ?1";
    DELETE_OF_ORG = "delete from quoin.identity_api_keys where org_id = ?1";
    COUNT = "select count(*) from quoin.identity_api_keys where kind = ?1 and revoked_at is null";
}

/// A key to be stored.
#[derive(Debug, Clone)]
pub struct NewApiKey {
    /// Its id.
    pub id: ApiKeyId,
    /// The organisation it is confined to.
    pub org_id: Option<OrgId>,
    /// What it is for.
    pub kind: KeyKind,
    /// What people call it.
    pub name: String,
    /// SHA-256 of the key.
    pub hash: [u8; 32],
    /// Its first characters.
    pub start: String,
    /// What it may do.
    pub scopes: Vec<String>,
    /// Whether the configuration sets it.
    pub is_preset: bool,
    /// Who made it.
    pub created_by: Option<String>,
    /// When it stops working by itself.
    pub expires_at: Option<Timestamp>,
}

fn read(row: &Row<'_>) -> Result<ApiKey, DbError> {
    let kind: String = row.get(2)?;
    let scopes: Value = row.get(5)?;
    Ok(ApiKey {
        id: row.get(0)?,
        org_id: row.get(1)?,
        kind: if kind == KeyKind::Secret.as_str() { KeyKind::Secret } else { KeyKind::Publishable },
        name: row.get(3)?,
        start: row.get(4)?,
        scopes: serde_json::from_value(scopes)
            .map_err(|_| DbError::Column { index: 5, expected: "scopes" })?,
        created_at: row.get(6)?,
        expires_at: row.get(7)?,
        last_used_at: row.get(8)?,
        revoked_at: row.get(9)?,
    })
}

/// Finds a key by its hash, revoked ones included.
pub fn find_by_hash(tx: &mut Tx<'_>, hash: &[u8; 32]) -> Result<Option<ApiKey>, DbError> {
    tx.query_opt(&FIND_BY_HASH, &params![hash], read)
}

/// Finds a key by its id.
pub fn get(tx: &mut Tx<'_>, id: ApiKeyId) -> Result<Option<ApiKey>, DbError> {
    tx.query_opt(&GET, &params![id], read)
}

/// Lists keys by id, one more than the page holds; of one organisation where one is given.
pub fn list(tx: &mut Tx<'_>, org_id: Option<OrgId>, page: Page) -> Result<Vec<ApiKey>, DbError> {
    tx.query(&LIST, &params![org_id, page.after, page.limit + 1], read)
}

/// Stores a key.
pub fn insert(tx: &mut Tx<'_>, key: &NewApiKey, now: Timestamp) -> Result<(), DbError> {
    let scopes = Value::from(key.scopes.clone());
    let values = params![
        key.id,
        key.org_id,
        key.kind.as_str(),
        &key.name,
        &key.hash,
        &key.start,
        &scopes,
        key.is_preset,
        key.created_by.as_deref(),
        now,
        key.expires_at
    ];
    tx.execute(&INSERT, &values).map(|_| ())
}

/// Revokes a key; false where it is unknown or revoked already.
pub fn revoke(tx: &mut Tx<'_>, id: ApiKeyId, now: Timestamp) -> Result<bool, DbError> {
    Ok(tx.execute(&REVOKE, &params![id, now])? == 1)
}

/// Ends every preset key of a kind but the one with `hash`.
pub fn revoke_other_presets(
    tx: &mut Tx<'_>,
    kind: KeyKind,
    hash: &[u8; 32],
    now: Timestamp,
) -> Result<(), DbError> {
    tx.execute(&REVOKE_OTHER_PRESETS, &params![kind.as_str(), hash, now, true]).map(|_| ())
}

/// Revives the preset key with `hash`, where it was preset before.
pub fn renew_preset(tx: &mut Tx<'_>, hash: &[u8; 32]) -> Result<bool, DbError> {
    Ok(tx.execute(&RENEW_PRESET, &params![hash, true])? == 1)
}

/// Notes when a key was last used.
pub fn touch(tx: &mut Tx<'_>, id: ApiKeyId, at: Timestamp) -> Result<(), DbError> {
    tx.execute(&TOUCH, &params![id, at]).map(|_| ())
}

/// Counts the live keys of a kind.
pub fn count(tx: &mut Tx<'_>, kind: KeyKind) -> Result<i64, DbError> {
    tx.query_one(&COUNT, &params![kind.as_str()], |row| row.get(0))
}

/// Removes every key of an organisation.
pub(crate) fn delete_of_org(tx: &mut Tx<'_>, org_id: OrgId) -> Result<u64, DbError> {
    tx.execute(&DELETE_OF_ORG, &params![org_id])
}
