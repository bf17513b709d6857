//! Lists of an owner's objects, by folder and by prefix.

use quoin_db::{DbError, Tx, params, statements};
use quoin_kernel::Timestamp;

use super::object_columns;
use super::objects::read;
use crate::model::{BucketId, Object, ObjectId, Owner};

statements! {
    NEXT = concat!("select ", object_columns!(), " from quoin.files_objects
        where bucket_id = ?1 and owner_id = ?2 and name_key >= ?3 and name_key < ?4 order by name_key limit ?5");
    PREVIOUS = concat!("select ", object_columns!(), " from quoin.files_objects
        where bucket_id = ?1 and owner_id = ?2 and name_key >= ?3 and name_key < ?4 order by name_key desc limit ?5");
    /// Skips what lies in the folder itself: its leaves may be many where its folders are few.
    NEXT_BELOW = "select name from quoin.files_objects
        where bucket_id = ?1 and owner_id = ?2 and name_key >= ?3 and name_key < ?4 and folder <> ?5 order by name_key limit 1";
    PREVIOUS_BELOW = "select name from quoin.files_objects
        where bucket_id = ?1 and owner_id = ?2 and name_key >= ?3 and name_key < ?4 and folder <> ?5
        order by name_key desc limit 1";
    LEAVES_BY_NAME = concat!("select ", object_columns!(), " from quoin.files_objects
        where bucket_id = ?1 and owner_id = ?2 and folder = ?3 and leaf_folded like ?4 escape '\\'
        order by name_key limit ?5 offset ?6");
    LEAVES_BY_NAME_DESC = concat!("select ", object_columns!(), " from quoin.files_objects
        where bucket_id = ?1 and owner_id = ?2 and folder = ?3 and leaf_folded like ?4 escape '\\'
        order by name_key desc limit ?5 offset ?6");
    LEAVES_BY_CREATED = concat!("select ", object_columns!(), " from quoin.files_objects
        where bucket_id = ?1 and owner_id = ?2 and folder = ?3 and leaf_folded like ?4 escape '\\'
        order by created_at, id limit ?5 offset ?6");
    LEAVES_BY_CREATED_DESC = concat!("select ", object_columns!(), " from quoin.files_objects
        where bucket_id = ?1 and owner_id = ?2 and folder = ?3 and leaf_folded like ?4 escape '\\'
        order by created_at desc, id desc limit ?5 offset ?6");
    LEAVES_BY_UPDATED = concat!("select ", object_columns!(), " from quoin.files_objects
        where bucket_id = ?1 and owner_id = ?2 and folder = ?3 and leaf_folded like ?4 escape '\\'
        order by updated_at, id limit ?5 offset ?6");
    LEAVES_BY_UPDATED_DESC = concat!("select ", object_columns!(), " from quoin.files_objects
        where bucket_id = ?1 and owner_id = ?2 and folder = ?3 and leaf_folded like ?4 escape '\\'
        order by updated_at desc, id desc limit ?5 offset ?6");
    AFTER_CREATED = concat!("select ", object_columns!(), " from quoin.files_objects
        where bucket_id = ?1 and owner_id = ?2 and name_key >= ?3 and name_key < ?4 and (folder = ?5 or ?5 is null)
        and (created_at, id) > (?6, ?7) order by created_at, id limit ?8");
    BEFORE_CREATED = concat!("select ", object_columns!(), " from quoin.files_objects
        where bucket_id = ?1 and owner_id = ?2 and name_key >= ?3 and name_key < ?4 and (folder = ?5 or ?5 is null)
        and (created_at, id) < (?6, ?7) order by created_at desc, id desc limit ?8");
    AFTER_UPDATED = concat!("select ", object_columns!(), " from quoin.files_objects
        where bucket_id = ?1 and owner_id = ?2 and name_key >= ?3 and name_key < ?4 and (folder = ?5 or ?5 is null)
        and (updated_at, id) > (?6, ?7) order by updated_at, id limit ?8");
    BEFORE_UPDATED = concat!("select ", object_columns!(), " from quoin.files_objects
        where bucket_id = ?1 and owner_id = ?2 and name_key >= ?3 and name_key < ?4 and (folder = ?5 or ?5 is null)
        and (updated_at, id) < (?6, ?7) order by updated_at desc, id desc limit ?8");
}

/// What a list is sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Column {
    /// The name, by its bytes.
    Name,
    /// When the object was first stored.
    CreatedAt,
    /// When its bytes last changed.
    UpdatedAt,
}

/// A sort column and whether it is turned round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Order {
    pub(crate) column: Column,
    pub(crate) descending: bool,
}

/// Whose objects in which bucket.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shelf {
    pub(crate) owner: Owner,
    pub(crate) bucket_id: BucketId,
}

/// Names from the first to before the second, in bytes.
#[derive(Debug, Clone)]
pub(crate) struct Span {
    pub(crate) from: Vec<u8>,
    pub(crate) before: Vec<u8>,
}

/// A place in a list that is sorted by time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub(crate) at: Timestamp,
    pub(crate) id: ObjectId,
}

/// Lists objects by name within a span, from its end where `descending`.
pub(crate) fn by_name(
    tx: &mut Tx<'_>,
    shelf: Shelf,
    span: &Span,
    descending: bool,
    limit: u32,
) -> Result<Vec<Object>, DbError> {
    let statement = if descending { &PREVIOUS } else { &NEXT };
    let (from, before) = (span.from.as_slice(), span.before.as_slice());
    tx.query(statement, &params![shelf.bucket_id, shelf.owner.id(), from, before, limit], read)
}

/// Finds the first name within a span that lies in a folder below this one, or the last where `descending`.
pub(crate) fn next_below(
    tx: &mut Tx<'_>,
    shelf: Shelf,
    (span, folder): (&Span, &str),
    descending: bool,
) -> Result<Option<String>, DbError> {
    let statement = if descending { &PREVIOUS_BELOW } else { &NEXT_BELOW };
    let (from, before) = (span.from.as_slice(), span.before.as_slice());
    let params = params![shelf.bucket_id, shelf.owner.id(), from, before, folder];
    tx.query_opt(statement, &params, |row| row.get(0))
}

/// Lists the objects of one folder whose last part begins with `needle`, whatever the case.
pub(crate) fn leaves(
    tx: &mut Tx<'_>,
    shelf: Shelf,
    (folder, needle): (&str, &str),
    order: Order,
    (limit, offset): (u32, u32),
) -> Result<Vec<Object>, DbError> {
    let statement = match (order.column, order.descending) {
        (Column::Name, false) => &LEAVES_BY_NAME,
        (Column::Name, true) => &LEAVES_BY_NAME_DESC,
        (Column::CreatedAt, false) => &LEAVES_BY_CREATED,
        (Column::CreatedAt, true) => &LEAVES_BY_CREATED_DESC,
        (Column::UpdatedAt, false) => &LEAVES_BY_UPDATED,
        (Column::UpdatedAt, true) => &LEAVES_BY_UPDATED_DESC,
    };
    let pattern = format!("{}%", escape(needle));
    tx.query(statement, &params![shelf.bucket_id, shelf.owner.id(), folder, pattern, limit, offset], read)
}

/// Lists objects by time within a span of names, of one folder or of all, after a place.
pub(crate) fn by_time(
    tx: &mut Tx<'_>,
    shelf: Shelf,
    (span, folder): (&Span, Option<&str>),
    order: Order,
    (place, limit): (Place, u32),
) -> Result<Vec<Object>, DbError> {
    let statement = match (order.column, order.descending) {
        (Column::UpdatedAt, false) => &AFTER_UPDATED,
        (Column::UpdatedAt, true) => &BEFORE_UPDATED,
        (_, false) => &AFTER_CREATED,
        (_, true) => &BEFORE_CREATED,
    };
    let (from, before) = (span.from.as_slice(), span.before.as_slice());
    let params = params![shelf.bucket_id, shelf.owner.id(), from, before, folder, place.at, place.id, limit];
    tx.query(statement, &params, read)
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '%' | '_' | '\\') {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}
