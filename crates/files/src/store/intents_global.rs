//! Intents: what is, or may be, in a store without being an object.

use quoin_db::{DbError, Row, Tx, params, statements};
use quoin_kernel::Timestamp;
use uuid::Uuid;

use crate::model::{Owner, StoreKey, StoreKind, VersionId};

statements! {
    INSERT = "insert into quoin.files_intents (id, owner_id, purpose, store, store_key, created_at, lease_until)
        values (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    NOTE_MULTIPART = "update quoin.files_intents set multipart_id = ?2 where id = ?1 and purpose = 'write'";
    RENEW = "update quoin.files_intents set lease_until = ?2 where id = ?1 and purpose = 'write'";
    CONSUME = "delete from quoin.files_intents where id = ?1 and purpose = 'write'";
    CLAIM = "update quoin.files_intents set purpose = 'remove', lease_until = ?2
        where id = ?1 and lease_until = ?3 and purpose = ?4";
    TURN = "update quoin.files_intents set purpose = 'remove', lease_until = ?2 where id = ?1 and purpose = 'write'";
    DELETE = "delete from quoin.files_intents where id = ?1 and purpose = 'remove'";
    END_LEASES = "update quoin.files_intents set lease_until = ?2 where lease_until > ?2 and lease_until <= ?1";
    EXPIRED = "select id, store, store_key, multipart_id, lease_until, purpose from quoin.files_intents
        where lease_until <= ?1 order by lease_until limit ?2";
    EXISTS = "select 1 from quoin.files_intents where id = ?1";
}

/// Why a version is in a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// It is being written.
    Write,
    /// It is to be removed.
    Remove,
}

impl Purpose {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Write => "write",
            Self::Remove => "remove",
        }
    }
}

/// An intent to be noted.
#[derive(Debug, Clone)]
pub(crate) struct NewIntent {
    pub(crate) id: VersionId,
    pub(crate) owner: Owner,
    pub(crate) purpose: Purpose,
    pub(crate) store: StoreKind,
    pub(crate) key: StoreKey,
    pub(crate) now: Timestamp,
    pub(crate) lease_until: Timestamp,
}

/// An intent whose lease is over.
#[derive(Debug, Clone)]
pub(crate) struct Expired {
    pub(crate) id: VersionId,
    pub(crate) store: StoreKind,
    pub(crate) key: StoreKey,
    pub(crate) multipart_id: Option<String>,
    pub(crate) lease_until: Timestamp,
    pub(crate) purpose: Purpose,
}

/// Notes an intent.
pub(crate) fn insert(tx: &mut Tx<'_>, intent: &NewIntent) -> Result<(), DbError> {
    let NewIntent { id, owner, purpose, store, key, now, lease_until } = intent;
    let params = params![*id, owner.id(), purpose.as_str(), store.as_str(), key.as_str(), *now, *lease_until];
    tx.execute(&INSERT, &params).map(|_| ())
}

/// Notes the id of an upload on the store's side; `false` where the intent is gone.
pub(crate) fn note_multipart(tx: &mut Tx<'_>, id: VersionId, multipart_id: &str) -> Result<bool, DbError> {
    Ok(tx.execute(&NOTE_MULTIPART, &params![id, multipart_id])? == 1)
}

/// Holds on to a write; `false` where it has been given up.
pub(crate) fn renew(tx: &mut Tx<'_>, id: VersionId, lease_until: Timestamp) -> Result<bool, DbError> {
    Ok(tx.execute(&RENEW, &params![id, lease_until])? == 1)
}

/// Ends a write, once; `false` where it has been given up.
pub(crate) fn consume(tx: &mut Tx<'_>, id: VersionId) -> Result<bool, DbError> {
    Ok(tx.execute(&CONSUME, &params![id])? == 1)
}

/// Takes an expired intent for removal until `lease_until`; `false` where somebody else was quicker.
pub(crate) fn claim(tx: &mut Tx<'_>, intent: &Expired, lease_until: Timestamp) -> Result<bool, DbError> {
    let params = params![intent.id, lease_until, intent.lease_until, intent.purpose.as_str()];
    Ok(tx.execute(&CLAIM, &params)? == 1)
}

/// Gives a write up, once: its bytes are to be removed, by the caller until `lease_until`. `false` where the write has
/// been settled, or given up by somebody else.
pub(crate) fn turn(tx: &mut Tx<'_>, id: VersionId, lease_until: Timestamp) -> Result<bool, DbError> {
    Ok(tx.execute(&TURN, &params![id, lease_until])? == 1)
}

/// Forgets an intent whose bytes are removed.
pub(crate) fn delete(tx: &mut Tx<'_>, id: VersionId) -> Result<(), DbError> {
    tx.execute(&DELETE, &params![id]).map(|_| ())
}

/// Lists intents whose lease is over.
pub(crate) fn list_expired(tx: &mut Tx<'_>, now: Timestamp, limit: u32) -> Result<Vec<Expired>, DbError> {
    tx.query(&EXPIRED, &params![now, limit], read)
}

/// Ends the leases of writes and removals that end by `lease_until` at the latest; returns how many.
pub(crate) fn end_leases(tx: &mut Tx<'_>, lease_until: Timestamp, now: Timestamp) -> Result<u64, DbError> {
    tx.execute(&END_LEASES, &params![lease_until, now])
}

/// Tells whether a version is being written or removed.
pub(crate) fn exists(tx: &mut Tx<'_>, id: VersionId) -> Result<bool, DbError> {
    Ok(tx.query_opt(&EXISTS, &params![id], |row| row.get::<i64>(0))?.is_some())
}

fn read(row: &Row<'_>) -> Result<Expired, DbError> {
    let (store, key): (String, String) = (row.get(1)?, row.get(2)?);
    Ok(Expired {
        id: row.get(0)?,
        store: StoreKind::parse(&store).ok_or(DbError::Column { index: 1, expected: "a store" })?,
        key: StoreKey::parse(&key).ok_or(DbError::Column { index: 2, expected: "a store's key" })?,
        multipart_id: row.get(3)?,
        lease_until: row.get(4)?,
        purpose: if row.get::<String>(5)? == "write" { Purpose::Write } else { Purpose::Remove },
    })
}

/// The id before all others, for lists that begin at the beginning.
pub(crate) const FIRST: VersionId = VersionId::from_uuid(Uuid::nil());
