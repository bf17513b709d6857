//! Reading: finding an object, deciding what of it to send, and opening it.

use std::ops::Range;

use futures_util::{TryStreamExt as _, stream};
use quoin_kernel::hash::Sha256;

use super::checked::checked;
use super::policies::Policies;
use super::{Files, bucket};
use crate::error::FilesError;
use crate::model::conditions::{Conditions, Verdict};
use crate::model::range::Part;
use crate::model::{Bucket, BucketName, Object, ObjectName, Owner, StoreKind, Version};
use crate::port::{ByteStream, StoreError};
use crate::store::objects;

/// In whose name an object is read.
#[derive(Debug, Clone)]
pub enum Reader {
    /// Somebody among an owner's objects, as far as policies go; in public buckets everybody's objects are there to
    /// read too.
    Owner(Owner, Policies),
    /// Everybody: public buckets only.
    Public,
    /// The holder of a ticket, who sees this owner's object and nothing else.
    Ticket(Owner),
}

/// What a request to read comes to.
pub enum Reading {
    /// These bytes of the object, all of them where `part` is `None`.
    Bytes {
        /// The object.
        object: Object,
        /// Which part, for 206.
        part: Option<Range<u64>>,
        /// The bytes; nothing where only the head was asked for.
        bytes: Option<ByteStream>,
    },
    /// The reader has it already.
    NotModified(Object),
}

/// Finds an object that this reader may see.
///
/// # Errors
/// [`FilesError::NoSuchBucket`] or [`FilesError::NoSuchObject`], also for what is another's.
pub async fn find_object(
    files: &Files,
    name: &BucketName,
    object: &ObjectName,
    reader: Reader,
) -> Result<(Bucket, Object), FilesError> {
    let (name, object) = (name.clone(), object.clone());
    files
        .db()
        .read("files.object.find", move |tx| {
            let bucket = bucket(tx, &name)?;
            let found = match &reader {
                Reader::Public if !bucket.rules.public => return Err(FilesError::NoSuchBucket),
                // In a public bucket the name leads to the one object that has it, whoever asks.
                Reader::Public => objects::find_named(tx, Owner::Platform, &bucket, &object)?,
                Reader::Owner(owner, policies) => {
                    let found = objects::find_named(tx, *owner, &bucket, &object)?;
                    policies.seen(tx, &bucket, found)?
                }
                Reader::Ticket(owner) => objects::find(tx, *owner, bucket.id, &object)?,
            };
            found.map(|object| (bucket, object)).ok_or(FilesError::NoSuchObject)
        })
        .await
}

/// Finds an object and opens what the conditions ask of it.
///
/// An object that is replaced between the two is found once more, so that a reader never meets the gap.
///
/// # Errors
/// As [`find_object`]; [`FilesError::PreconditionFailed`]; [`FilesError::InvalidRange`].
pub async fn read_object(
    files: &Files,
    (bucket, name): (&BucketName, &ObjectName),
    reader: Reader,
    conditions: Conditions<'_>,
    wants_bytes: bool,
) -> Result<Reading, FilesError> {
    let (_, mut object) = find_object(files, bucket, name, reader.clone()).await?;
    loop {
        let version = &object.version;
        let part = match conditions.judge(&version.etag(), object.updated_at, version.size_bytes) {
            Verdict::NotModified => return Ok(Reading::NotModified(object)),
            Verdict::Failed => return Err(FilesError::PreconditionFailed),
            Verdict::Send(Part::Unsatisfiable) => {
                return Err(FilesError::InvalidRange { size_bytes: version.size_bytes });
            }
            Verdict::Send(Part::Whole) => None,
            Verdict::Send(Part::Bytes(range)) => Some(range),
        };
        if !wants_bytes {
            return Ok(Reading::Bytes { object, part, bytes: None });
        }
        match open(files, &object.version, part.clone()).await {
            Ok(bytes) => return Ok(Reading::Bytes { object, part, bytes: Some(bytes) }),
            Err(FilesError::Store(StoreError::Missing)) => {
                let (_, now) = find_object(files, bucket, name, reader.clone()).await?;
                if now.version == object.version {
                    return Err(FilesError::Store(StoreError::Missing));
                }
                object = now;
            }
            Err(error) => return Err(error),
        }
    }
}

/// Opens a version's bytes, all of them or a range. What another machine gives whole is compared with its hash; a file of
/// our own is trusted, and read again by `quoin files verify`.
///
/// # Errors
/// What the store says.
pub async fn open(
    files: &Files,
    version: &Version,
    range: Option<Range<u64>>,
) -> Result<ByteStream, FilesError> {
    let is_whole = range.is_none();
    let bytes = open_unchecked(files, version, range).await?;
    match version.sha256 {
        Some(sha256) if is_whole && version.store != StoreKind::Disk => {
            Ok(checked(bytes, version.size_bytes, sha256).await?)
        }
        _ => Ok(bytes),
    }
}

async fn open_unchecked(
    files: &Files,
    version: &Version,
    range: Option<Range<u64>>,
) -> Result<ByteStream, FilesError> {
    let range = range.unwrap_or(0..version.size_bytes);
    if range.is_empty() {
        return Ok(Box::pin(stream::empty()));
    }
    Ok(files.stores().of(version.store)?.read(&version.key, range).await?)
}

/// Hashes what a store holds, a piece at a time.
///
/// # Errors
/// What the store says.
pub(crate) async fn hash_of(files: &Files, version: &Version) -> Result<[u8; 32], FilesError> {
    let bytes = open_unchecked(files, version, None).await?;
    let hash = bytes.try_fold(Sha256::default(), |mut hash, piece| async move {
        hash.update(&piece);
        Ok(hash)
    });
    Ok(hash.await?.finish())
}
