//! Direct uploads: announce, send to the store itself, complete. The bytes do not pass through here, unless the store is
//! here.

use std::time::Duration;

use quoin_kernel::{Issuer, Timestamp};

use super::intent::{LEASE, Writing};
use super::quota::{Counted, Defaults};
use super::read_object::{self, hash_of};
use super::store_object::{self, NewObject, book_version};
use super::{Files, bucket, quota, sign};
use crate::error::FilesError;
use crate::model::ticket::{Purpose, Ticket};
use crate::model::{Bucket, BucketName, Object, Requester, StoreKey, Version, VersionId};
use crate::port::{Announced, ByteStream, Label, SignedUpload, StoreError};
use crate::store::uploads::Upload;
use crate::store::{buckets_global, objects, objects_global, uploads};

/// How many announced uploads of one owner may wait.
const MAX_WAITING: i64 = 1000;
/// What is larger is hashed by a job rather than while its uploader waits.
const HASHED_AT_ONCE_BYTES: u64 = 256 * 1024 * 1024;

/// Where to send an upload.
#[derive(Debug)]
pub struct Ready {
    /// The upload.
    pub id: VersionId,
    /// The URL, the method, and the headers that must be sent.
    pub signed: SignedUpload,
    /// From when on nothing can be sent.
    pub expires_at: Timestamp,
}

/// Announces an upload: checks what can be known before and says where to send it.
///
/// # Errors
/// As for [`store_object::store_object`]; [`FilesError::InvalidRequest`] where too many wait.
pub async fn announce(
    files: &Files,
    requester: &Requester,
    new: NewObject,
    sha256: Option<[u8; 32]>,
) -> Result<Ready, FilesError> {
    let now = files.now();
    let expires_in = Duration::from_secs(files.config().upload_url_s.into());
    let id = VersionId::new(now, files.app().rng());
    let writing = Writing::new(files, StoreKey::new(new.owner, &new.bucket, id), id);
    let size_bytes = new.size_bytes.ok_or(FilesError::InvalidRequest("size must be said."))?;
    let announced = Announced {
        size_bytes,
        content_type: new.description.content_type.clone(),
        sha256,
        at: now,
        expires_in,
    };
    let expires_at = now + expires_in;
    let signed = match files.stores().active().sign_upload(&writing.key, &announced).await? {
        Some(signed) => signed,
        None => sign_here(files, requester, &new, (id, expires_at))?,
    };
    let (limit, defaults) = (files.config().max_object_bytes, Defaults::of(files));
    let noted = files.db().write("files.upload.announce", move |tx| {
        if uploads::count(tx, new.owner)? >= MAX_WAITING {
            return Err(FilesError::InvalidRequest(
                "Too many uploads wait for their bytes; complete some first.",
            ));
        }
        let bucket = bucket(tx, &new.bucket)?;
        store_object::check(tx, &new, &bucket, (limit, &defaults))?;
        // What comes counts from now on, so that nobody fills a store with what is never completed.
        quota::reserve(tx, Counted::new(new.owner, new.person), size_bytes, &defaults, now)?;
        // The lease outlives the URL, so that what is being sent at its end may arrive.
        writing.begin_until(tx, new.owner, (now, expires_at + LEASE))?;
        let upload = Upload {
            id,
            owner: new.owner,
            bucket_id: bucket.id,
            name: new.name.clone(),
            store: writing.store,
            key: writing.key.clone(),
            size_bytes,
            sha256,
            description: new.description.clone(),
            replaces: new.replaces,
            created_by: new.person,
            expires_at,
        };
        Ok(uploads::insert(tx, &upload, now)?)
    });
    noted.await?;
    Ok(Ready { id, signed, expires_at })
}

/// Signs a URL of our own, for a store that has none.
fn sign_here(
    files: &Files,
    requester: &Requester,
    new: &NewObject,
    (id, expires_at): (VersionId, Timestamp),
) -> Result<SignedUpload, FilesError> {
    let ticket = Ticket {
        purpose: Purpose::Direct,
        bucket: new.bucket.clone(),
        name: new.name.clone(),
        owner: new.owner,
        issuer: Issuer::of(&requester.caller).ok_or(FilesError::SignInFirst)?,
        expires_at,
        upload: Some(id),
        wish: None,
    };
    let token = files.signer().sign(&ticket);
    let url = files.app().config().link(&format!("/storage/v1/uploads/{id}?token={token}"));
    let size = new.size_bytes.unwrap_or(0).to_string();
    let headers = vec![
        ("content-type".to_owned(), new.description.content_type.clone()),
        ("content-length".to_owned(), size),
    ];
    Ok(SignedUpload { url: url.to_string(), method: "PUT", headers })
}

/// Takes the bytes of an upload where the store is here.
///
/// # Errors
/// [`FilesError::InvalidTicket`], [`FilesError::NoSuchUpload`]; [`FilesError::UploadDiffers`] where size or type is
/// another than announced; [`FilesError::ObjectExists`] where the bytes are there already.
pub async fn receive(
    files: &Files,
    (id, token): (VersionId, &str),
    (content_type, size_bytes): (&str, Option<u64>),
    bytes: ByteStream,
) -> Result<(), FilesError> {
    let ticket = sign::admit(files, token).await?;
    if ticket.purpose != Purpose::Direct || ticket.upload != Some(id) {
        return Err(FilesError::InvalidTicket);
    }
    let found = files.db().read("files.upload.find", move |tx| uploads::find(tx, ticket.owner, id)).await?;
    let upload = found.ok_or(FilesError::NoSuchUpload)?;
    if content_type != upload.description.content_type {
        return Err(FilesError::UploadDiffers("Content-Type is another than announced."));
    }
    if size_bytes != Some(upload.size_bytes) {
        return Err(FilesError::UploadDiffers("Content-Length is another than announced."));
    }
    let label = Label {
        content_type: upload.description.content_type.clone(),
        content_encoding: None,
        bucket: ticket.bucket.to_string(),
        name: ticket.name.to_string(),
    };
    let writing = Writing::new(files, upload.key.clone(), id);
    let written = files.stores().of(upload.store)?.write(&upload.key, &label, bytes, &writing).await;
    match written {
        Ok(_) => Ok(()),
        Err(StoreError::Taken) => Err(FilesError::ObjectExists),
        Err(error) => Err(error.into()),
    }
}

/// Makes what was sent an object, once it is what was announced. Asked again, it gives the same object.
///
/// # Errors
/// [`FilesError::NoSuchUpload`], also for another's; [`FilesError::UploadDiffers`] where the bytes are missing or
/// others.
pub async fn complete(
    files: &Files,
    requester: &Requester,
    id: VersionId,
) -> Result<(BucketName, Object), FilesError> {
    let owner = requester.owner;
    let found = files.db().read("files.upload.complete", move |tx| match uploads::find(tx, owner, id)? {
        Some(upload) => {
            let bucket = buckets_global::find_by_id(tx, upload.bucket_id)?.ok_or(FilesError::NoSuchBucket)?;
            Ok(Found::Waiting(bucket, Box::new(upload)))
        }
        None => match objects::find_version(tx, owner, id)? {
            Some(object) => {
                let bucket =
                    buckets_global::find_by_id(tx, object.bucket_id)?.ok_or(FilesError::NoSuchBucket)?;
                Ok(Found::Done(bucket, Box::new(object)))
            }
            None => Err(FilesError::NoSuchUpload),
        },
    });
    let (bucket, upload) = match found.await? {
        Found::Done(bucket, object) => return Ok((bucket.name, *object)),
        Found::Waiting(bucket, upload) => (bucket, *upload),
    };
    let version = examine(files, &upload).await?;
    let description = version.description.clone();
    let mut new = NewObject::by(requester, bucket.name.clone(), upload.name, description);
    new.person = upload.created_by;
    new.replaces = upload.replaces;
    new.size_bytes = Some(upload.size_bytes);
    new.circumstances.reserved_bytes = upload.size_bytes;
    Ok((bucket.name, book_version(files, new, version).await?))
}

enum Found {
    Waiting(Bucket, Box<Upload>),
    Done(Bucket, Box<Object>),
}

/// Compares what the store holds with what was announced.
async fn examine(files: &Files, upload: &Upload) -> Result<Version, FilesError> {
    let size_bytes = match files.stores().of(upload.store)?.size(&upload.key).await {
        Err(StoreError::Missing) => return Err(FilesError::UploadDiffers("Nothing has arrived yet.")),
        size => size?,
    };
    if size_bytes != upload.size_bytes {
        return Err(FilesError::UploadDiffers("The size is another than announced."));
    }
    let mut version = Version {
        id: upload.id,
        store: upload.store,
        key: upload.key.clone(),
        size_bytes,
        sha256: None,
        description: upload.description.clone(),
    };
    if size_bytes <= HASHED_AT_ONCE_BYTES || upload.sha256.is_some() {
        let hash = hash_of(files, &version).await?;
        if upload.sha256.is_some_and(|announced| announced != hash) {
            return Err(FilesError::UploadDiffers("The SHA-256 is another than announced."));
        }
        version.sha256 = Some(hash);
    }
    Ok(version)
}

/// Hashes the present version of an object that was too large to be hashed when it was completed.
pub(crate) async fn hash_later(files: &Files, id: VersionId) -> Result<(), FilesError> {
    let found = files.db().read("files.hash.find", move |tx| objects_global::find_version(tx, id)).await?;
    let Some(object) = found.filter(|object| object.version.sha256.is_none()) else { return Ok(()) };
    let hash = read_object::hash_of(files, &object.version).await?;
    Ok(files.db().write("files.hash.note", move |tx| objects_global::set_hash(tx, id, &hash)).await?)
}
