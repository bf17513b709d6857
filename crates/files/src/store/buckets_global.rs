//! Buckets, which belong to the instance.

use quoin_db::{DbError, Row, Tx, params, statements};
use quoin_kernel::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::model::usage::signed;
use crate::model::{Bucket, BucketId, BucketName, BucketRules};

statements! {
    FIND = "select id, name, public, max_object_bytes, allowed_types, created_by, created_at, updated_at
        from quoin.files_buckets where name = ?1";
    GET = "select id, name, public, max_object_bytes, allowed_types, created_by, created_at, updated_at
        from quoin.files_buckets where id = ?1";
    LIST = "select id, name, public, max_object_bytes, allowed_types, created_by, created_at, updated_at
        from quoin.files_buckets order by id";
    INSERT = "insert into quoin.files_buckets
        (id, name, public, max_object_bytes, allowed_types, created_by, created_at, updated_at)
        values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7)";
    UPDATE = "update quoin.files_buckets set public = ?2, max_object_bytes = ?3, allowed_types = ?4, updated_at = ?5
        where id = ?1";
    DELETE = "delete from quoin.files_buckets where id = ?1";
    HOLDS_ANY = "select 1 from quoin.files_objects where bucket_id = ?1 limit 1";
    SHARE_NAMES = "update quoin.files_objects set unique_in = ?2 where bucket_id = ?1";
    PART_NAMES = "update quoin.files_objects set unique_in = owner_id where bucket_id = ?1";
}

/// Finds a bucket by its name.
pub(crate) fn find(tx: &mut Tx<'_>, name: &BucketName) -> Result<Option<Bucket>, DbError> {
    tx.query_opt(&FIND, &params![name.as_str()], read)
}

/// Finds a bucket by its id: one that was removed stays so, whatever has its name now.
pub(crate) fn find_by_id(tx: &mut Tx<'_>, id: BucketId) -> Result<Option<Bucket>, DbError> {
    tx.query_opt(&GET, &params![id], read)
}

/// Lists all buckets, oldest first.
pub(crate) fn list(tx: &mut Tx<'_>) -> Result<Vec<Bucket>, DbError> {
    tx.query(&LIST, &[], read)
}

/// Adds a bucket.
///
/// # Errors
/// [`DbError::Unique`] of `files_buckets_name`.
pub(crate) fn insert(tx: &mut Tx<'_>, bucket: &Bucket) -> Result<(), DbError> {
    let (max, types) = columns(&bucket.rules);
    let Bucket { id, name, rules, created_by, created_at, .. } = bucket;
    let params = params![*id, name.as_str(), rules.public, max, types.as_ref(), *created_by, *created_at];
    tx.execute(&INSERT, &params).map(|_| ())
}

/// Changes a bucket's rules.
pub(crate) fn update(
    tx: &mut Tx<'_>,
    id: BucketId,
    rules: &BucketRules,
    now: Timestamp,
) -> Result<(), DbError> {
    let (max, types) = columns(rules);
    tx.execute(&UPDATE, &params![id, rules.public, max, types.as_ref(), now]).map(|_| ())
}

/// Removes an empty bucket.
///
/// # Errors
/// [`DbError::ForeignKey`] for one that holds objects.
pub(crate) fn delete(tx: &mut Tx<'_>, id: BucketId) -> Result<(), DbError> {
    tx.execute(&DELETE, &params![id]).map(|_| ())
}

/// Tells whether a bucket holds an object, whoever owns it.
pub(crate) fn holds_any(tx: &mut Tx<'_>, id: BucketId) -> Result<bool, DbError> {
    Ok(tx.query_opt(&HOLDS_ANY, &params![id], |row| row.get::<i64>(0))?.is_some())
}

/// Makes names unique for everybody in this bucket, or for each owner apart.
///
/// # Errors
/// [`DbError::Unique`] of `files_objects_name` where two owners have objects of one name.
pub(crate) fn share_names(tx: &mut Tx<'_>, id: BucketId, shared: bool) -> Result<(), DbError> {
    let changed = if shared {
        tx.execute(&SHARE_NAMES, &params![id, Uuid::nil()])
    } else {
        tx.execute(&PART_NAMES, &params![id])
    };
    changed.map(|_| ())
}

fn columns(rules: &BucketRules) -> (Option<i64>, Option<Value>) {
    (rules.max_object_bytes.map(signed), rules.allowed_types.as_ref().map(|types| json!(types)))
}

fn read(row: &Row<'_>) -> Result<Bucket, DbError> {
    let name: String = row.get(1)?;
    let types: Option<Value> = row.get(4)?;
    let allowed_types = types.map(serde_json::from_value).transpose();
    Ok(Bucket {
        id: row.get(0)?,
        name: BucketName::new(&name)
            .map_err(|_| DbError::Column { index: 1, expected: "a bucket's name" })?,
        rules: BucketRules {
            public: row.get(2)?,
            max_object_bytes: row.get::<Option<i64>>(3)?.and_then(|bytes| u64::try_from(bytes).ok()),
            allowed_types: allowed_types
                .map_err(|_| DbError::Column { index: 4, expected: "a list of types" })?,
        },
        created_by: row.get(5)?,
        created_at: row.get(6)?,
        updated_at: row.get(7)?,
    })
}
