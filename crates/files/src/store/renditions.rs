//! Rendered pictures of one owner's objects.

use quoin_db::{DbError, Tx, params, statements};
use quoin_kernel::Timestamp;

use crate::model::usage::signed;
use crate::model::{Owner, StoreKey, StoreKind, VersionId};

statements! {
    FIND = "select r.version, r.store, r.store_key, r.size_bytes, r.content_type from quoin.files_renditions r
        join quoin.files_intents i on i.id = r.version
        where r.owner_id = ?1 and r.source = ?2 and r.wish = ?3 and i.purpose = 'write' and i.lease_until > ?4";
    COUNT = "select count(*) from quoin.files_renditions where owner_id = ?1 and source = ?2";
    BYTES = "select cast(coalesce(sum(size_bytes), 0) as bigint) from quoin.files_renditions where owner_id = ?1";
    INSERT = "insert into quoin.files_renditions (owner_id, source, wish, version, store, store_key, size_bytes,
        content_type) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) on conflict (owner_id, source, wish) do nothing";
    OF = "select version from quoin.files_renditions where owner_id = ?1 and source = ?2";
    DELETE_OF = "delete from quoin.files_renditions where owner_id = ?1 and source = ?2";
    DELETE_GONE = "delete from quoin.files_renditions where not exists (
        select 1 from quoin.files_intents i where i.id = version and i.purpose = 'write')";
    IS_SOURCE = "select 1 from quoin.files_objects where owner_id = ?1 and version = ?2";
}

/// A rendered picture that is kept.
#[derive(Debug, Clone)]
pub(crate) struct Rendition {
    pub(crate) version: VersionId,
    pub(crate) store: StoreKind,
    pub(crate) key: StoreKey,
    pub(crate) size_bytes: u64,
    pub(crate) content_type: String,
}

/// Finds a rendered picture whose time is not over.
pub(crate) fn find(
    tx: &mut Tx<'_>,
    owner: Owner,
    (source, wish): (VersionId, &str),
    now: Timestamp,
) -> Result<Option<Rendition>, DbError> {
    tx.query_opt(&FIND, &params![owner.id(), source, wish, now], |row| {
        Ok(Rendition {
            version: row.get(0)?,
            store: StoreKind::parse(&row.get::<String>(1)?)
                .ok_or(DbError::Column { index: 1, expected: "a store" })?,
            key: StoreKey::parse(&row.get::<String>(2)?)
                .ok_or(DbError::Column { index: 2, expected: "a store's key" })?,
            size_bytes: u64::try_from(row.get::<i64>(3)?)
                .map_err(|_| DbError::Column { index: 3, expected: "a size" })?,
            content_type: row.get(4)?,
        })
    })
}

/// Counts what is kept of a version.
pub(crate) fn count(tx: &mut Tx<'_>, owner: Owner, source: VersionId) -> Result<i64, DbError> {
    tx.query_one(&COUNT, &params![owner.id(), source], |row| row.get(0))
}

/// Adds up what is kept of all pictures of an owner.
pub(crate) fn sum_bytes(tx: &mut Tx<'_>, owner: Owner) -> Result<u64, DbError> {
    let sum: i64 = tx.query_one(&BYTES, &params![owner.id()], |row| row.get(0))?;
    u64::try_from(sum).map_err(|_| DbError::Column { index: 0, expected: "a size" })
}

/// Tells whether an object still has this version.
pub(crate) fn is_source(tx: &mut Tx<'_>, owner: Owner, source: VersionId) -> Result<bool, DbError> {
    Ok(tx.query_opt(&IS_SOURCE, &params![owner.id(), source], |row| row.get::<i64>(0))?.is_some())
}

/// Keeps a picture; `false` where the same one is kept already.
pub(crate) fn insert(
    tx: &mut Tx<'_>,
    owner: Owner,
    (source, wish): (VersionId, &str),
    rendition: &Rendition,
) -> Result<bool, DbError> {
    let params = params![
        owner.id(),
        source,
        wish,
        rendition.version,
        rendition.store.as_str(),
        rendition.key.as_str(),
        signed(rendition.size_bytes),
        rendition.content_type.as_str(),
    ];
    Ok(tx.execute(&INSERT, &params)? == 1)
}

/// Forgets what is kept of a version, and returns the intents that keep its bytes.
pub(crate) fn take_of(tx: &mut Tx<'_>, owner: Owner, source: VersionId) -> Result<Vec<VersionId>, DbError> {
    let versions = tx.query(&OF, &params![owner.id(), source], |row| row.get(0))?;
    if !versions.is_empty() {
        tx.execute(&DELETE_OF, &params![owner.id(), source])?;
    }
    Ok(versions)
}

/// Forgets pictures whose bytes the sweep has taken.
pub(crate) fn delete_gone(tx: &mut Tx<'_>) -> Result<u64, DbError> {
    tx.execute(&DELETE_GONE, &[])
}
