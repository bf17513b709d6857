//! Direct uploads that wait for their bytes.

use quoin_db::{DbError, Row, Tx, params, statements};
use quoin_kernel::{Timestamp, UserId};

use crate::model::usage::signed;
use crate::model::{BucketId, Description, ObjectName, Owner, StoreKey, StoreKind, VersionId};

statements! {
    INSERT = "insert into quoin.files_uploads (owner_id, id, owner_kind, bucket_id, name, store, store_key, size_bytes,
        sha256, content_type, cache_control, user_metadata, replaces, created_by, created_at, expires_at)
        values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)";
    FIND = "select id, owner_kind, owner_id, bucket_id, name, store, store_key, size_bytes, sha256, content_type,
        cache_control, user_metadata, replaces, created_by, expires_at from quoin.files_uploads
        where owner_id = ?1 and id = ?2";
    TAKE = "delete from quoin.files_uploads where id = ?1 returning owner_kind, owner_id, created_by, size_bytes";
    COUNT = "select count(*) from quoin.files_uploads where owner_id = ?1";
}

/// What was announced.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Upload {
    /// The upload, and the version that it will become.
    pub id: VersionId,
    /// Whose object it will be.
    pub owner: Owner,
    /// In which bucket.
    pub bucket_id: BucketId,
    /// Under which name.
    pub name: ObjectName,
    /// The store that takes the bytes.
    pub store: StoreKind,
    /// Their key there.
    pub key: StoreKey,
    /// How many bytes.
    pub size_bytes: u64,
    /// With which SHA-256, where the uploader said.
    pub sha256: Option<[u8; 32]>,
    /// What was said about them.
    pub description: Description,
    /// Whether they may take the place of an object.
    pub replaces: bool,
    /// Who announced them, where it was a person.
    pub created_by: Option<UserId>,
    /// Until when they may be sent.
    pub expires_at: Timestamp,
}

/// Notes an upload, beside its intent.
pub(crate) fn insert(tx: &mut Tx<'_>, upload: &Upload, now: Timestamp) -> Result<(), DbError> {
    let params = params![
        upload.owner.id(),
        upload.id,
        upload.owner.kind(),
        upload.bucket_id,
        upload.name.as_str(),
        upload.store.as_str(),
        upload.key.as_str(),
        signed(upload.size_bytes),
        upload.sha256.as_ref(),
        upload.description.content_type.as_str(),
        upload.description.cache_control.as_str(),
        &upload.description.user_metadata,
        upload.replaces,
        upload.created_by,
        now,
        upload.expires_at,
    ];
    tx.execute(&INSERT, &params).map(|_| ())
}

/// Finds an owner's upload.
pub(crate) fn find(tx: &mut Tx<'_>, owner: Owner, id: VersionId) -> Result<Option<Upload>, DbError> {
    tx.query_opt(&FIND, &params![owner.id(), id], read)
}

/// Forgets an upload that has been completed or given up; returns for whom how many bytes were kept free.
pub(crate) fn take(tx: &mut Tx<'_>, id: VersionId) -> Result<Option<(Owner, Option<UserId>, u64)>, DbError> {
    tx.query_opt(&TAKE, &params![id], |row| {
        let column = |index, expected| DbError::Column { index, expected };
        let owner = Owner::parse(&row.get::<String>(0)?, row.get(1)?).ok_or(column(0, "an owner"))?;
        let size_bytes = u64::try_from(row.get::<i64>(3)?).map_err(|_| column(3, "a size"))?;
        Ok((owner, row.get(2)?, size_bytes))
    })
}

/// Counts the uploads of an owner that wait.
pub(crate) fn count(tx: &mut Tx<'_>, owner: Owner) -> Result<i64, DbError> {
    tx.query_one(&COUNT, &params![owner.id()], |row| row.get(0))
}

fn read(row: &Row<'_>) -> Result<Upload, DbError> {
    let column = |index, expected| DbError::Column { index, expected };
    let owner = Owner::parse(&row.get::<String>(1)?, row.get(2)?);
    let sha256: Option<Vec<u8>> = row.get(8)?;
    Ok(Upload {
        id: row.get(0)?,
        owner: owner.ok_or(column(1, "an owner"))?,
        bucket_id: row.get(3)?,
        name: ObjectName::new(&row.get::<String>(4)?).map_err(|_| column(4, "an object's name"))?,
        store: StoreKind::parse(&row.get::<String>(5)?).ok_or(column(5, "a store"))?,
        key: StoreKey::parse(&row.get::<String>(6)?).ok_or(column(6, "a store's key"))?,
        size_bytes: u64::try_from(row.get::<i64>(7)?).map_err(|_| column(7, "a size"))?,
        sha256: sha256.map(|bytes| bytes.try_into().map_err(|_| column(8, "a SHA-256"))).transpose()?,
        description: Description {
            content_type: row.get(9)?,
            content_encoding: None,
            cache_control: row.get(10)?,
            user_metadata: row.get(11)?,
        },
        replaces: row.get(12)?,
        created_by: row.get(13)?,
        expires_at: row.get(14)?,
    })
}
