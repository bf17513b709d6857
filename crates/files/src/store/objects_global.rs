//! Objects of all owners: what empties buckets, erases owners, checks and moves stores.

use quoin_db::{DbError, Tx, params, statements};
use quoin_kernel::UserId;
use uuid::Uuid;

use super::object_columns;
use super::objects::read;
use crate::model::{BucketId, Object, Owner, VersionId};

statements! {
    OF_BUCKET = concat!("select ", object_columns!(), " from quoin.files_objects where bucket_id = ?1 limit ?2");
    OF_BUCKET_AND_OWNER = concat!("select ", object_columns!(), " from quoin.files_objects
        where bucket_id = ?1 and owner_id = ?2 limit ?3");
    OF_OWNER = concat!("select ", object_columns!(), " from quoin.files_objects where owner_id = ?1 limit ?2");
    IS_VERSION = "select 1 from quoin.files_objects where version = ?1";
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

/// Forgets who stored what, where it was this person.
pub(crate) fn forget_person(tx: &mut Tx<'_>, user_id: UserId) -> Result<(), DbError> {
    tx.execute(&FORGET_PERSON, &params![user_id]).map(|_| ())
}
