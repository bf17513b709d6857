//! Removing objects: the rows go now, the bytes in a job that the same transaction enqueues.

use quoin_db::Tx;
use quoin_kernel::Timestamp;

use super::intent::Removal;
use super::quota::{self, Counted, Defaults};
use super::{Files, bucket};
use crate::error::FilesError;
use crate::model::usage::Change;
use crate::model::{BucketName, Object, ObjectName, Owner};
use crate::store::objects;

/// Removes an owner's object.
///
/// # Errors
/// [`FilesError::NoSuchBucket`], [`FilesError::NoSuchObject`].
pub async fn delete_object(
    files: &Files,
    owner: Owner,
    bucket: &BucketName,
    name: ObjectName,
) -> Result<Object, FilesError> {
    let removed = delete_objects(files, owner, bucket, vec![name]).await?;
    removed.into_iter().next().ok_or(FilesError::NoSuchObject)
}

/// Removes an owner's objects and returns those that were there.
///
/// # Errors
/// [`FilesError::NoSuchBucket`].
pub async fn delete_objects(
    files: &Files,
    owner: Owner,
    name: &BucketName,
    names: Vec<ObjectName>,
) -> Result<Vec<Object>, FilesError> {
    let now = files.now();
    let (name, removal, defaults) = (name.clone(), Removal::new(files, now), Defaults::of(files.config()));
    files
        .db()
        .write("files.objects.delete", move |tx| {
            let bucket = bucket(tx, &name)?;
            let mut found = Vec::new();
            for name in &names {
                let object = objects::find(tx, owner, bucket.id, name)?;
                // A name that is asked for twice is there once.
                found.extend(object.filter(|object| !found.contains(object)));
            }
            remove(tx, &found, (&removal, defaults), now)?;
            Ok(found)
        })
        .await
}

/// Removes rows with everything that follows from it.
pub(crate) fn remove(
    tx: &mut Tx<'_>,
    found: &[Object],
    (removal, defaults): (&Removal, Defaults),
    now: Timestamp,
) -> Result<(), FilesError> {
    let mut versions = Vec::new();
    for object in found {
        if objects::delete(tx, object.owner, object.bucket_id, object.id)? {
            let change = Change::minus(object.version.size_bytes);
            quota::count(tx, Counted::of(object), change, defaults, now)?;
            versions.push((object.owner, object.version.clone()));
        }
    }
    Ok(removal.of(tx, &versions)?)
}
