//! Removing objects: the rows go now, the bytes in a job that the same transaction enqueues.

use quoin_db::Tx;
use quoin_kernel::Timestamp;
use quoin_policy::object_guard::Act;

use super::intent::Removal;
use super::policies::Policies;
use super::quota::{self, Counted, Defaults};
use super::{Files, bucket};
use crate::error::FilesError;
use crate::model::usage::Change;
use crate::model::{Bucket, BucketName, Object, ObjectName, Requester};
use crate::store::objects;

/// Removes an owner's object.
///
/// # Errors
/// [`FilesError::NoSuchBucket`], [`FilesError::NoSuchObject`].
pub async fn delete_object(
    files: &Files,
    requester: &Requester,
    bucket: &BucketName,
    name: ObjectName,
) -> Result<Object, FilesError> {
    let removed = delete_objects(files, requester, bucket, vec![name]).await?;
    removed.into_iter().next().ok_or(FilesError::NoSuchObject)
}

/// Removes an owner's objects and returns those that were there.
///
/// # Errors
/// [`FilesError::NoSuchBucket`].
pub async fn delete_objects(
    files: &Files,
    requester: &Requester,
    name: &BucketName,
    names: Vec<ObjectName>,
) -> Result<Vec<Object>, FilesError> {
    let (now, owner, policies) = (files.now(), requester.owner, requester.policies.clone());
    let (name, removal, defaults) = (name.clone(), Removal::new(files, now), Defaults::of(files));
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
            let found = removable(tx, &policies, &bucket, found)?;
            remove(tx, &found, (&removal, &defaults), now)?;
            Ok(found)
        })
        .await
}

/// Keeps what policies let be seen and removed; the rest is answered like what is not there.
fn removable(
    tx: &mut Tx<'_>,
    policies: &Policies,
    bucket: &Bucket,
    found: Vec<Object>,
) -> Result<Vec<Object>, FilesError> {
    if !policies.decide(bucket)? {
        return Ok(found);
    }
    let seen = policies.admit(tx, bucket, Act::Read, &found)?;
    let removed = policies.admit(tx, bucket, Act::Remove, &found)?;
    let both = seen.into_iter().zip(removed).map(|(seen, removed)| seen && removed);
    Ok(found.into_iter().zip(both).filter_map(|(object, may)| may.then_some(object)).collect())
}

/// Removes rows with everything that follows from it.
pub(crate) fn remove(
    tx: &mut Tx<'_>,
    found: &[Object],
    (removal, defaults): (&Removal, &Defaults),
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
