//! Resumable uploads of one owner.

use quoin_db::{DbError, Row, Tx, params, statements};
use quoin_kernel::{Timestamp, UserId};

use crate::model::resumable::{Piece, Resumable, ResumableId};
use crate::model::usage::signed;
use crate::model::{BucketName, Description, ObjectName, Owner, StoreKey, StoreKind};

statements! {
    INSERT = "insert into quoin.files_resumable (owner_id, id, owner_kind, person, bucket, name, replaces, content_type,
        cache_control, user_metadata, length_bytes, offset_bytes, created_at, expires_at, completed)
        values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, 0, ?12, ?13, ?14)";
    FIND = "select owner_kind, person, bucket, name, replaces, content_type, cache_control, user_metadata, length_bytes,
        offset_bytes, created_at, expires_at, completed from quoin.files_resumable
        where owner_id = ?1 and id = ?2 and expires_at > ?3";
    ADVANCE = "update quoin.files_resumable set offset_bytes = ?4
        where owner_id = ?1 and id = ?2 and offset_bytes = ?3 and completed = ?5";
    COMPLETE = "update quoin.files_resumable set completed = ?3 where owner_id = ?1 and id = ?2 and completed = ?4";
    DELETE = "delete from quoin.files_resumable where owner_id = ?1 and id = ?2";
    OF_OWNER = "select owner_kind, owner_id, id, person, length_bytes, completed from quoin.files_resumable
        where owner_id = ?1";
    EXPIRED = "select owner_kind, owner_id, id, person, length_bytes, completed from quoin.files_resumable
        where expires_at <= ?1 order by expires_at limit ?2";
    OPEN = "select count(*) from quoin.files_resumable
        where owner_id = ?1 and completed = ?2 and expires_at > ?3";
    INSERT_PIECE = "insert into quoin.files_pieces (owner_id, upload_id, start_bytes, version, store, store_key,
        size_bytes, sha256) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    PIECES = "select start_bytes, version, store, store_key, size_bytes, sha256 from quoin.files_pieces
        where owner_id = ?1 and upload_id = ?2 order by start_bytes";
    PIECES_OF_OWNER = "select start_bytes, version, store, store_key, size_bytes, sha256 from quoin.files_pieces
        where owner_id = ?1 order by upload_id, start_bytes";
    DELETE_PIECES = "delete from quoin.files_pieces where owner_id = ?1 and upload_id = ?2";
}

/// What is left of an upload that is to be forgotten.
#[derive(Debug)]
pub(crate) struct Left {
    pub(crate) owner: Owner,
    pub(crate) id: ResumableId,
    pub(crate) person: Option<UserId>,
    pub(crate) length_bytes: u64,
    pub(crate) completed: bool,
}

/// Notes an upload.
pub(crate) fn insert(tx: &mut Tx<'_>, upload: &Resumable) -> Result<(), DbError> {
    let params = params![
        upload.owner.id(),
        upload.id,
        upload.owner.kind(),
        upload.person,
        upload.bucket.as_str(),
        upload.name.as_str(),
        upload.replaces,
        upload.description.content_type.as_str(),
        upload.description.cache_control.as_str(),
        &upload.description.user_metadata,
        signed(upload.length_bytes),
        upload.created_at,
        upload.expires_at,
        false,
    ];
    tx.execute(&INSERT, &params).map(drop)
}

/// Finds an upload that has not expired.
pub(crate) fn find(
    tx: &mut Tx<'_>,
    owner: Owner,
    id: ResumableId,
    now: Timestamp,
) -> Result<Option<Resumable>, DbError> {
    tx.query_opt(&FIND, &params![owner.id(), id, now], |row| read(row, owner, id))
}

/// Moves the offset on from where it is expected to be; `false` where it is elsewhere.
pub(crate) fn advance(tx: &mut Tx<'_>, upload: &Resumable, to_bytes: u64) -> Result<bool, DbError> {
    let params = params![upload.owner.id(), upload.id, signed(upload.offset_bytes), signed(to_bytes), false];
    Ok(tx.execute(&ADVANCE, &params)? == 1)
}

/// Notes that the object is there, once; `false` where it has been noted or the upload is gone.
pub(crate) fn complete(tx: &mut Tx<'_>, owner: Owner, id: ResumableId) -> Result<bool, DbError> {
    Ok(tx.execute(&COMPLETE, &params![owner.id(), id, true, false])? == 1)
}

/// Forgets an upload; `false` where there is none.
pub(crate) fn delete(tx: &mut Tx<'_>, owner: Owner, id: ResumableId) -> Result<bool, DbError> {
    Ok(tx.execute(&DELETE, &params![owner.id(), id])? == 1)
}

/// Lists every upload of an owner.
pub(crate) fn list_of_owner(tx: &mut Tx<'_>, owner: Owner) -> Result<Vec<Left>, DbError> {
    tx.query(&OF_OWNER, &params![owner.id()], read_left)
}

/// Lists uploads whose time is over, the oldest first.
pub(crate) fn list_expired(tx: &mut Tx<'_>, now: Timestamp, limit: u32) -> Result<Vec<Left>, DbError> {
    tx.query(&EXPIRED, &params![now, limit], read_left)
}

/// Counts the uploads of an owner that are open.
pub(crate) fn count_open(tx: &mut Tx<'_>, owner: Owner, now: Timestamp) -> Result<i64, DbError> {
    tx.query_one(&OPEN, &params![owner.id(), false, now], |row| row.get(0))
}

/// Notes a piece.
pub(crate) fn insert_piece(tx: &mut Tx<'_>, upload: &Resumable, piece: &Piece) -> Result<(), DbError> {
    let params = params![
        upload.owner.id(),
        upload.id,
        signed(piece.start_bytes),
        piece.version,
        piece.store.as_str(),
        piece.key.as_str(),
        signed(piece.size_bytes),
        &piece.sha256,
    ];
    tx.execute(&INSERT_PIECE, &params).map(drop)
}

/// Lists an upload's pieces, the first one first.
pub(crate) fn pieces(tx: &mut Tx<'_>, owner: Owner, id: ResumableId) -> Result<Vec<Piece>, DbError> {
    tx.query(&PIECES, &params![owner.id(), id], read_piece)
}

/// Lists the pieces of all uploads of an owner.
pub(crate) fn pieces_of_owner(tx: &mut Tx<'_>, owner: Owner) -> Result<Vec<Piece>, DbError> {
    tx.query(&PIECES_OF_OWNER, &params![owner.id()], read_piece)
}

/// Forgets an upload's pieces.
pub(crate) fn delete_pieces(tx: &mut Tx<'_>, owner: Owner, id: ResumableId) -> Result<(), DbError> {
    tx.execute(&DELETE_PIECES, &params![owner.id(), id]).map(drop)
}

fn read(row: &Row<'_>, owner: Owner, id: ResumableId) -> Result<Resumable, DbError> {
    let owner = Owner::parse(&row.get::<String>(0)?, owner.id()).ok_or(column(0, "an owner"))?;
    Ok(Resumable {
        id,
        owner,
        person: row.get(1)?,
        bucket: BucketName::new(&row.get::<String>(2)?).map_err(|_| column(2, "a bucket's name"))?,
        name: ObjectName::new(&row.get::<String>(3)?).map_err(|_| column(3, "an object's name"))?,
        replaces: row.get(4)?,
        description: Description {
            content_type: row.get(5)?,
            content_encoding: None,
            cache_control: row.get(6)?,
            user_metadata: row.get(7)?,
        },
        length_bytes: size(row, 8)?,
        offset_bytes: size(row, 9)?,
        created_at: row.get(10)?,
        expires_at: row.get(11)?,
        completed: row.get(12)?,
    })
}

fn read_left(row: &Row<'_>) -> Result<Left, DbError> {
    Ok(Left {
        owner: Owner::parse(&row.get::<String>(0)?, row.get(1)?).ok_or(column(0, "an owner"))?,
        id: row.get(2)?,
        person: row.get(3)?,
        length_bytes: size(row, 4)?,
        completed: row.get(5)?,
    })
}

fn read_piece(row: &Row<'_>) -> Result<Piece, DbError> {
    let sha256: Vec<u8> = row.get(5)?;
    Ok(Piece {
        start_bytes: size(row, 0)?,
        version: row.get(1)?,
        store: StoreKind::parse(&row.get::<String>(2)?).ok_or(column(2, "a store"))?,
        key: StoreKey::parse(&row.get::<String>(3)?).ok_or(column(3, "a store's key"))?,
        size_bytes: size(row, 4)?,
        sha256: sha256.try_into().map_err(|_| column(5, "a SHA-256"))?,
    })
}

fn size(row: &Row<'_>, index: usize) -> Result<u64, DbError> {
    u64::try_from(row.get::<i64>(index)?).map_err(|_| column(index, "a size"))
}

fn column(index: usize, expected: &'static str) -> DbError {
    DbError::Column { index, expected }
}
