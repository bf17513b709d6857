//! Objects of one owner.

use quoin_db::{DbError, Row, Tx, params, statements};
use quoin_kernel::Timestamp;
use uuid::Uuid;

use super::object_columns;
use crate::model::name::fold;
use crate::model::usage::signed;
use crate::model::{
    Bucket, BucketId, Description, Object, ObjectId, ObjectName, Owner, StoreKey, StoreKind, Version,
    VersionId,
};

statements! {
    FIND = concat!("select ", object_columns!(), " from quoin.files_objects
        where bucket_id = ?1 and owner_id = ?2 and name_key = ?3");
    FIND_IN_SCOPE = concat!("select ", object_columns!(), " from quoin.files_objects
        where bucket_id = ?1 and unique_in = ?2 and name_key = ?3");
    FIND_VERSION = concat!("select ", object_columns!(), " from quoin.files_objects
        where owner_id = ?1 and version = ?2");
    INSERT = "insert into quoin.files_objects (id, bucket_id, owner_kind, owner_id, unique_in, name, name_key, folder,
        leaf_folded, version, store, store_key, size_bytes, sha256, content_type, content_encoding, cache_control,
        user_metadata, created_by, created_at, updated_at)
        values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?20)
        on conflict (bucket_id, unique_in, name_key) do nothing";
    REPLACE = "update quoin.files_objects set version = ?4, store = ?5, store_key = ?6, size_bytes = ?7, sha256 = ?8,
        content_type = ?9, content_encoding = ?10, cache_control = ?11, user_metadata = ?12, created_by = ?13,
        updated_at = ?14 where owner_id = ?1 and bucket_id = ?2 and id = ?3";
    RENAME = "update quoin.files_objects set bucket_id = ?4, unique_in = ?5, name = ?6, name_key = ?7, folder = ?8,
        leaf_folded = ?9, updated_at = ?10 where owner_id = ?1 and bucket_id = ?2 and id = ?3";
    DELETE = "delete from quoin.files_objects where owner_id = ?1 and bucket_id = ?2 and id = ?3";
}

/// Finds an owner's object by its name.
pub(crate) fn find(
    tx: &mut Tx<'_>,
    owner: Owner,
    bucket_id: BucketId,
    name: &ObjectName,
) -> Result<Option<Object>, DbError> {
    tx.query_opt(&FIND, &params![bucket_id, owner.id(), name.as_str().as_bytes()], read)
}

/// Finds whatever has a name in the scope in which the bucket's names are unique: the owner's, or everybody's in a
/// public bucket.
pub(crate) fn find_named(
    tx: &mut Tx<'_>,
    owner: Owner,
    bucket: &Bucket,
    name: &ObjectName,
) -> Result<Option<Object>, DbError> {
    let scope = scope(owner, bucket);
    tx.query_opt(&FIND_IN_SCOPE, &params![bucket.id, scope, name.as_str().as_bytes()], read)
}

/// Finds an owner's object by the version of its bytes.
pub(crate) fn find_version(
    tx: &mut Tx<'_>,
    owner: Owner,
    version: VersionId,
) -> Result<Option<Object>, DbError> {
    tx.query_opt(&FIND_VERSION, &params![owner.id(), version], read)
}

/// Adds an object; `false` where its name is taken.
pub(crate) fn insert(tx: &mut Tx<'_>, bucket: &Bucket, object: &Object) -> Result<bool, DbError> {
    let Object { id, owner, name, version, .. } = object;
    let description = &version.description;
    let params = params![
        *id,
        bucket.id,
        owner.kind(),
        owner.id(),
        scope(*owner, bucket),
        name.as_str(),
        name.as_str().as_bytes(),
        name.folder(),
        fold(name.leaf()),
        version.id,
        version.store.as_str(),
        version.key.as_str(),
        signed(version.size_bytes),
        version.sha256.as_ref(),
        description.content_type.as_str(),
        description.content_encoding.as_deref(),
        description.cache_control.as_str(),
        &description.user_metadata,
        object.created_by,
        object.created_at,
    ];
    Ok(tx.execute(&INSERT, &params)? == 1)
}

/// Gives an object other bytes, stored by somebody now.
pub(crate) fn replace(tx: &mut Tx<'_>, object: &Object) -> Result<(), DbError> {
    let Object { id, owner, bucket_id, version, .. } = object;
    let description = &version.description;
    let params = params![
        owner.id(),
        *bucket_id,
        *id,
        version.id,
        version.store.as_str(),
        version.key.as_str(),
        signed(version.size_bytes),
        version.sha256.as_ref(),
        description.content_type.as_str(),
        description.content_encoding.as_deref(),
        description.cache_control.as_str(),
        &description.user_metadata,
        object.created_by,
        object.updated_at,
    ];
    tx.execute(&REPLACE, &params).map(|_| ())
}

/// Gives an object another name, maybe in another bucket.
///
/// # Errors
/// [`DbError::Unique`] of `files_objects_name` where the name is taken.
pub(crate) fn rename(
    tx: &mut Tx<'_>,
    object: &Object,
    bucket: &Bucket,
    name: &ObjectName,
    now: Timestamp,
) -> Result<(), DbError> {
    let params = params![
        object.owner.id(),
        object.bucket_id,
        object.id,
        bucket.id,
        scope(object.owner, bucket),
        name.as_str(),
        name.as_str().as_bytes(),
        name.folder(),
        fold(name.leaf()),
        now,
    ];
    tx.execute(&RENAME, &params).map(|_| ())
}

/// Removes an object's row; `false` where it is gone.
pub(crate) fn delete(
    tx: &mut Tx<'_>,
    owner: Owner,
    bucket_id: BucketId,
    id: ObjectId,
) -> Result<bool, DbError> {
    Ok(tx.execute(&DELETE, &params![owner.id(), bucket_id, id])? == 1)
}

fn scope(owner: Owner, bucket: &Bucket) -> Uuid {
    if bucket.rules.public { Uuid::nil() } else { owner.id() }
}

/// Reads the columns of [`object_columns`].
pub(super) fn read(row: &Row<'_>) -> Result<Object, DbError> {
    let owner = Owner::parse(&row.get::<String>(2)?, row.get(3)?);
    let name = ObjectName::new(&row.get::<String>(4)?).map_err(|_| column(4, "an object's name"))?;
    Ok(Object {
        id: row.get(0)?,
        bucket_id: row.get(1)?,
        owner: owner.ok_or(column(2, "an owner"))?,
        name,
        version: read_version(row)?,
        created_by: row.get(14)?,
        created_at: row.get(15)?,
        updated_at: row.get(16)?,
    })
}

fn read_version(row: &Row<'_>) -> Result<Version, DbError> {
    let sha256: Option<Vec<u8>> = row.get(9)?;
    Ok(Version {
        id: row.get(5)?,
        store: StoreKind::parse(&row.get::<String>(6)?).ok_or(column(6, "a store"))?,
        key: StoreKey::parse(&row.get::<String>(7)?).ok_or(column(7, "a store's key"))?,
        size_bytes: u64::try_from(row.get::<i64>(8)?).map_err(|_| column(8, "a size"))?,
        sha256: sha256.map(|bytes| bytes.try_into().map_err(|_| column(9, "a SHA-256"))).transpose()?,
        description: Description {
            content_type: row.get(10)?,
            content_encoding: row.get(11)?,
            cache_control: row.get(12)?,
            user_metadata: row.get(13)?,
        },
    })
}

fn column(index: usize, expected: &'static str) -> DbError {
    DbError::Column { index, expected }
}
