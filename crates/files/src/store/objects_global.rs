//! Objects of all owners: what empties buckets, erases owners, checks and moves stores.

use quoin_db::{DbError, Tx, params, statements};
use quoin_kernel::UserId;
use uuid::Uuid;

use super::object_columns;
use super::objects::read;
use crate::model::{BucketId, Object, Owner, StoreKey, StoreKind, VersionId};

statements! {
    OF_BUCKET = concat!("select ", object_columns!(), " from quoin.files_objects where bucket_id = ?1 limit ?2");
    OF_BUCKET_AND_OWNER = concat!("select ", object_columns!(), " from quoin.files_objects
        where bucket_id = ?1 and owner_id = ?2 limit ?3");
    OF_OWNER = concat!("select ", object_columns!(), " from quoin.files_objects where owner_id = ?1 limit ?2");
    IS_VERSION = "select 1 from quoin.files_objects where version = ?1";
    PAGE = concat!("select ", object_columns!(), " from quoin.files_objects
        where version > ?1 order by version limit ?2");
    COUNT = "select count(*), cast(coalesce(sum(size_bytes), 0) as bigint) from quoin.files_objects";
    COUNT_ELSEWHERE = "select count(*), cast(coalesce(sum(size_bytes), 0) as bigint) from quoin.files_objects
        where store <> ?1";
    RELOCATE = "update quoin.files_objects set store = ?3, store_key = ?4 where version = ?1 and store = ?2";
    SET_HASH = "update quoin.files_objects set sha256 = ?2 where version = ?1 and sha256 is null";
    FIND_VERSION = concat!("select ", object_columns!(), " from quoin.files_objects where version = ?1");
    FORGET_PERSON = "update quoin.files_objects set created_by = null where created_by = ?1";
}

/// Lists some objects of a bucket, of one owner or of all.
pub(crate) fn list_some(
    tx: &mut Tx<'_>,
    bucket_id: BucketId,
    owner: Option<Owner>,
    limit: u32,
) -> Result<Vec<Object>, DbError> {
    match owner {
        Some(owner) => tx.query(&OF_BUCKET_AND_OWNER, &params![bucket_id, owner.id(), limit], read),
        None => tx.query(&OF_BUCKET, &params![bucket_id, limit], read),
    }
}

/// Lists some objects of an owner, in whatever bucket.
pub(crate) fn list_some_of(tx: &mut Tx<'_>, owner_id: Uuid, limit: u32) -> Result<Vec<Object>, DbError> {
    tx.query(&OF_OWNER, &params![owner_id, limit], read)
}

/// Tells whether a version is the present one of some object.
pub(crate) fn is_version(tx: &mut Tx<'_>, version: VersionId) -> Result<bool, DbError> {
    Ok(tx.query_opt(&IS_VERSION, &params![version], |row| row.get::<i64>(0))?.is_some())
}

/// Lists all objects in the order of their versions, a page at a time.
pub(crate) fn list_after(tx: &mut Tx<'_>, after: VersionId, limit: u32) -> Result<Vec<Object>, DbError> {
    tx.query(&PAGE, &params![after, limit], read)
}

/// Counts objects and bytes: all, or those that are not in this store.
pub(crate) fn count(tx: &mut Tx<'_>, not_in: Option<StoreKind>) -> Result<(i64, i64), DbError> {
    match not_in {
        Some(store) => {
            tx.query_one(&COUNT_ELSEWHERE, &params![store.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))
        }
        None => tx.query_one(&COUNT, &[], |row| Ok((row.get(0)?, row.get(1)?))),
    }
}

/// Says that a version lies in another store now; `false` where it is not present any more, or has moved already.
pub(crate) fn relocate(
    tx: &mut Tx<'_>,
    version: VersionId,
    from: StoreKind,
    to: (StoreKind, &StoreKey),
) -> Result<bool, DbError> {
    let params = params![version, from.as_str(), to.0.as_str(), to.1.as_str()];
    Ok(tx.execute(&RELOCATE, &params)? == 1)
}

/// Notes the hash of a version that had none.
pub(crate) fn set_hash(tx: &mut Tx<'_>, version: VersionId, sha256: &[u8; 32]) -> Result<(), DbError> {
    tx.execute(&SET_HASH, &params![version, sha256]).map(|_| ())
}

/// Finds the object that has a version, whoever owns it.
pub(crate) fn find_version(tx: &mut Tx<'_>, version: VersionId) -> Result<Option<Object>, DbError> {
    tx.query_opt(&FIND_VERSION, &params![version], read)
}

/// Forgets who stored what, where it was this person.
pub(crate) fn forget_person(tx: &mut Tx<'_>, user_id: UserId) -> Result<(), DbError> {
    tx.execute(&FORGET_PERSON, &params![user_id]).map(|_| ())
}
