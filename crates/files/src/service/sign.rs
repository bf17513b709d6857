//! Signed URLs: tickets to read or to store one object.

use std::time::Duration;

use quoin_kernel::Issuer;

use super::read_object::{self, Reader};
use super::store_object::{NewObject, foresee_policies};
use super::{Circumstances, Files, bucket};
use crate::error::FilesError;
use crate::images::Transformation;
use crate::model::ticket::{Purpose, Ticket};
use crate::model::{BucketName, Description, ObjectName, Owner, Requester};
use crate::store::objects;

/// The longest time for which a URL may be signed: ten years.
const MAX_EXPIRES_IN_S: u64 = 10 * 366 * 24 * 3600;

/// Checks for how long a URL is to be signed.
///
/// # Errors
/// [`FilesError::InvalidRequest`] outside 1 second to ten years.
pub fn check_expires_in(seconds: u64) -> Result<Duration, FilesError> {
    if (1..=MAX_EXPIRES_IN_S).contains(&seconds) {
        return Ok(Duration::from_secs(seconds));
    }
    Err(FilesError::InvalidRequest("expiresIn must be between 1 second and ten years."))
}

/// Signs for reading an object that is there.
///
/// # Errors
/// [`FilesError::NoSuchObject`].
pub async fn sign_read(
    files: &Files,
    requester: &Requester,
    (bucket, name): (&BucketName, &ObjectName),
    expires_in: Duration,
) -> Result<String, FilesError> {
    let reader = Reader::Owner(requester.owner, requester.policies.clone());
    let (_, object) = read_object::find_object(files, bucket, name, reader).await?;
    sign(files, requester, object.owner, (Purpose::Read, bucket, name), expires_in)
}

/// Signs for reading an object's picture as it is wished.
///
/// # Errors
/// [`FilesError::NoSuchObject`].
pub async fn sign_render(
    files: &Files,
    requester: &Requester,
    (bucket, name): (&BucketName, &ObjectName),
    wish: Transformation,
    expires_in: Duration,
) -> Result<String, FilesError> {
    let reader = Reader::Owner(requester.owner, requester.policies.clone());
    let (_, object) = read_object::find_object(files, bucket, name, reader).await?;
    let ticket = Ticket {
        purpose: Purpose::Render,
        bucket: bucket.clone(),
        name: name.clone(),
        owner: object.owner,
        issuer: Issuer::of(&requester.caller).ok_or(FilesError::SignInFirst)?,
        expires_at: files.now() + expires_in,
        upload: None,
        wish: Some(wish),
    };
    Ok(files.signer().sign(&ticket))
}

/// Signs for reading several objects; `None` where there is none of that name.
///
/// # Errors
/// [`FilesError::NoSuchBucket`].
pub async fn sign_reads(
    files: &Files,
    requester: &Requester,
    (bucket_name, names): (&BucketName, Vec<ObjectName>),
    expires_in: Duration,
) -> Result<Vec<Option<String>>, FilesError> {
    let (owner, wanted, in_bucket) = (requester.owner, names.clone(), bucket_name.clone());
    let policies = requester.policies.clone();
    let owners = files.db().read("files.objects.sign", move |tx| {
        let bucket = bucket(tx, &in_bucket)?;
        let mut owners = Vec::with_capacity(wanted.len());
        for name in &wanted {
            let found = objects::find_named(tx, owner, &bucket, name)?;
            owners.push(policies.seen(tx, &bucket, found)?.map(|object| object.owner));
        }
        Ok::<_, FilesError>(owners)
    });
    let signed = owners.await?.into_iter().zip(&names).map(|(owner, name)| {
        owner
            .map(|owner| sign(files, requester, owner, (Purpose::Read, bucket_name, name), expires_in))
            .transpose()
    });
    signed.collect()
}

/// Signs for storing an object.
///
/// # Errors
/// [`FilesError::ObjectExists`] where it may not replace the one that is there.
pub async fn sign_upload(
    files: &Files,
    requester: &Requester,
    (bucket_name, name): (&BucketName, &ObjectName),
    replaces: bool,
) -> Result<String, FilesError> {
    let (owner, in_bucket, wanted) = (requester.owner, bucket_name.clone(), name.clone());
    let description = Description {
        content_type: "application/octet-stream".to_owned(),
        content_encoding: None,
        cache_control: String::new(),
        user_metadata: serde_json::json!({}),
    };
    let mut new = NewObject::by(requester, bucket_name.clone(), name.clone(), description);
    // Nothing is known of the bytes yet; policies that ask for their size cannot let anybody sign.
    new.size_bytes = Some(0);
    new.replaces = replaces;
    let check = files.db().read("files.object.sign_upload", move |tx| {
        let bucket = bucket(tx, &in_bucket)?;
        let present = objects::find_named(tx, owner, &bucket, &wanted)?;
        foresee_policies(tx, &new, &bucket, present.as_ref())?;
        match present {
            Some(object) if !replaces || object.owner != owner => Err(FilesError::ObjectExists),
            _ => Ok(()),
        }
    });
    check.await?;
    let purpose = if replaces { Purpose::Replace } else { Purpose::Create };
    let expires_in = Duration::from_secs(files.config().upload_url_s.into());
    sign(files, requester, owner, (purpose, bucket_name, name), expires_in)
}

fn sign(
    files: &Files,
    requester: &Requester,
    owner: Owner,
    (purpose, bucket, name): (Purpose, &BucketName, &ObjectName),
    expires_in: Duration,
) -> Result<String, FilesError> {
    let issuer = Issuer::of(&requester.caller).ok_or(FilesError::SignInFirst)?;
    let ticket = Ticket {
        purpose,
        bucket: bucket.clone(),
        name: name.clone(),
        owner,
        issuer,
        expires_at: files.now() + expires_in,
        upload: None,
        wish: None,
    };
    Ok(files.signer().sign(&ticket))
}

/// Reads a ticket whose issuer could still have it made.
///
/// # Errors
/// [`FilesError::InvalidTicket`], [`FilesError::ExpiredTicket`]; [`FilesError::RevokedTicket`] where the issuer has signed
/// out, was banned or removed, or their key revoked.
pub(crate) async fn admit(files: &Files, token: &str) -> Result<Ticket, FilesError> {
    let ticket = files.signer().read(token, files.now())?;
    let is_live = files.app().is_live(&ticket.issuer).await.map_err(FilesError::Body)?;
    if is_live { Ok(ticket) } else { Err(FilesError::RevokedTicket) }
}

/// Reads a ticket for reading this very object.
///
/// # Errors
/// [`FilesError::InvalidTicket`] for another object or purpose, and as `admit`.
pub async fn admit_read(
    files: &Files,
    token: &str,
    (bucket, name): (&BucketName, &ObjectName),
) -> Result<Ticket, FilesError> {
    let ticket = admit(files, token).await?;
    let fits = ticket.purpose == Purpose::Read && ticket.bucket == *bucket && ticket.name == *name;
    if fits { Ok(ticket) } else { Err(FilesError::InvalidTicket) }
}

/// Reads a ticket for reading this very object's picture, and says how it is wished.
///
/// # Errors
/// As [`admit_read`].
pub async fn admit_render(
    files: &Files,
    token: &str,
    (bucket, name): (&BucketName, &ObjectName),
) -> Result<(Ticket, Transformation), FilesError> {
    let ticket = admit(files, token).await?;
    let fits = ticket.purpose == Purpose::Render && ticket.bucket == *bucket && ticket.name == *name;
    match ticket.wish.filter(|_| fits) {
        Some(wish) => Ok((ticket, wish)),
        None => Err(FilesError::InvalidTicket),
    }
}

/// Reads a ticket for storing this very object, and says what may be stored.
///
/// # Errors
/// As [`admit_read`].
pub async fn admit_upload(
    files: &Files,
    token: &str,
    (bucket, name): (BucketName, ObjectName),
    description: Description,
) -> Result<NewObject, FilesError> {
    let ticket = admit(files, token).await?;
    let may_store = matches!(ticket.purpose, Purpose::Create | Purpose::Replace);
    if !may_store || ticket.bucket != bucket || ticket.name != name {
        return Err(FilesError::InvalidTicket);
    }
    let person = match ticket.owner {
        Owner::Person(user_id) => Some(user_id),
        Owner::Organization(_) | Owner::Platform => ticket.issuer.user_id(),
    };
    Ok(NewObject {
        bucket,
        name,
        owner: ticket.owner,
        person,
        replaces: ticket.purpose == Purpose::Replace,
        description,
        size_bytes: None,
        circumstances: Circumstances::default(),
    })
}
