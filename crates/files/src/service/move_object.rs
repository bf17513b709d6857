//! Moving: another name, maybe in another bucket. The bytes stay where they are, so a move is one transaction.

use quoin_policy::object_guard::Act;

use super::{Files, bucket};
use crate::error::FilesError;
use crate::model::{BucketName, Object, ObjectName, Requester};
use crate::store::objects;

/// A place: a bucket and a name in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The bucket.
    pub bucket: BucketName,
    /// The name.
    pub name: ObjectName,
}

/// Gives an owner's object another place.
///
/// # Errors
/// [`FilesError::NoSuchObject`], [`FilesError::ObjectExists`], and what the rules of the bucket it goes to say.
pub async fn move_object(
    files: &Files,
    requester: &Requester,
    from: Place,
    to: Place,
) -> Result<Object, FilesError> {
    let (now, limit) = (files.now(), files.config().max_object_bytes);
    let (owner, policies) = (requester.owner, requester.policies.clone());
    files
        .db()
        .write("files.object.move", move |tx| {
            let source = bucket(tx, &from.bucket)?;
            let found = objects::find(tx, owner, source.id, &from.name)?;
            let object = policies.seen(tx, &source, found)?.ok_or(FilesError::NoSuchObject)?;
            let target = bucket(tx, &to.bucket)?;
            if target.id != source.id {
                target.rules.demand_type(&object.version.description.content_type)?;
                let max_bytes = target.rules.max_object_bytes.unwrap_or(limit);
                if object.version.size_bytes > max_bytes {
                    return Err(FilesError::TooLarge { max_bytes });
                }
            }
            if from == to {
                return Ok(object);
            }
            let moved =
                Object { bucket_id: target.id, name: to.name.clone(), updated_at: now, ..object.clone() };
            let may = policies.may(tx, &source, Act::Change, &object)?
                && policies.may(tx, &target, Act::Leave, &moved)?;
            if !may {
                return Err(FilesError::PolicyRefuses);
            }
            objects::rename(tx, &object, &target, &to.name, now)?;
            Ok(moved)
        })
        .await
}
