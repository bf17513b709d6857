//! A piece: written as a whole or as far as it came, and counted only once it is safe.

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::passing::{Check, Ended, Passing};
use super::{complete, find};
use crate::error::FilesError;
use crate::model::resumable::{Piece, Resumable, ResumableError, ResumableId};
use crate::model::{Requester, StoreKey, VersionId};
use crate::port::{ByteStream, Label};
use crate::service::Files;
use crate::service::intent::Writing;
use crate::store::{intents_global, resumable};

/// Bytes that go on with an upload.
pub struct Appended {
    /// Where they begin, as the sender believes.
    pub offset_bytes: u64,
    /// The bytes.
    pub bytes: ByteStream,
    /// The header `Upload-Checksum`.
    pub checksum: Option<String>,
}

/// Adds bytes to an upload and returns how far it has come, and completes it with the last one.
///
/// Runs to its end even where the sender goes away: what has come is kept.
///
/// # Errors
/// [`ResumableError::Elsewhere`] where the upload is not at that offset, also because another request was quicker;
/// [`ResumableError::ChecksumDiffers`], after which nothing of this request is kept; and why the sender was cut off.
pub async fn append(
    files: &Files,
    requester: &Requester,
    id: ResumableId,
    appended: Appended,
) -> Result<Resumable, FilesError> {
    let upload = find(files, requester, id).await?;
    let check = appended.checksum.as_deref().map(check).transpose()?;
    if upload.offset_bytes != appended.offset_bytes {
        return Err(ResumableError::Elsewhere(upload.offset_bytes).into());
    }
    let (own, bytes, policies) = (files.clone(), appended.bytes, requester.policies.clone());
    let task = async move {
        let upload = run(&own, upload, bytes, check).await?;
        if upload.offset_bytes == upload.length_bytes {
            complete::complete(&own, &policies, &upload).await?;
            return Ok(Resumable { completed: true, ..upload });
        }
        Ok(upload)
    };
    let ended = files.app().tasks().spawn("files.resumable.append", task).await;
    ended.unwrap_or_else(|error| Err(FilesError::Body(quoin_kernel::Problem::internal(error))))
}

async fn run(
    files: &Files,
    upload: Resumable,
    bytes: ByteStream,
    check: Option<Check>,
) -> Result<Resumable, FilesError> {
    let is_checked = check.is_some();
    let version = VersionId::new(files.now(), files.app().rng());
    let writing = Writing::new(files, StoreKey::new(upload.owner, &upload.bucket, version), version);
    let (begin, owner, now) = (writing.clone(), upload.owner, files.now());
    files.db().write("files.resumable.piece", move |tx| begin.begin(tx, owner, now)).await?;
    let label = Label {
        content_type: upload.description.content_type.clone(),
        content_encoding: None,
        bucket: upload.bucket.to_string(),
        name: upload.name.to_string(),
    };
    let (passing, seen) = Passing::new(bytes, upload.length_bytes - upload.offset_bytes, check);
    let store = files.stores().active();
    let write = store.write(&writing.key, &label, Box::pin(passing), &writing);
    let written = writing.alive(files, write).await;
    let settled = match written {
        Ok(size_bytes) => settle(files, &upload, &writing, (size_bytes, seen.end()), is_checked).await,
        Err(error) => Err(Unsettled { error, is_kept: false }),
    };
    match settled {
        Ok(upload) => Ok(upload),
        Err(Unsettled { error, is_kept: true }) => Err(error),
        Err(Unsettled { error, is_kept: false }) => {
            writing.give_up(files).await;
            Err(error)
        }
    }
}

/// Why a request ends badly, and whether its bytes were kept nevertheless.
struct Unsettled {
    error: FilesError,
    is_kept: bool,
}

async fn settle(
    files: &Files,
    upload: &Resumable,
    writing: &Writing,
    (size_bytes, ended): (u64, Ended),
    is_checked: bool,
) -> Result<Resumable, Unsettled> {
    let lost = |error: FilesError| Unsettled { error, is_kept: false };
    let Ended { sha256, cut, too_many, fits } = ended;
    if too_many {
        return Err(lost(ResumableError::TooMany.into()));
    }
    match cut {
        // Half a piece has no checksum that could be compared.
        Some(cut) if is_checked || size_bytes == 0 => return Err(lost(cut.into())),
        None if !fits => return Err(lost(ResumableError::ChecksumDiffers.into())),
        None if size_bytes == 0 => return Err(lost(ResumableError::Elsewhere(upload.offset_bytes).into())),
        _ => {}
    }
    let piece = Piece {
        start_bytes: upload.offset_bytes,
        version: writing.version,
        store: writing.store,
        key: writing.key.clone(),
        size_bytes,
        sha256,
    };
    let moved = Resumable { offset_bytes: upload.offset_bytes + size_bytes, ..upload.clone() };
    let (before, to_bytes, end) = (upload.clone(), moved.offset_bytes, upload.expires_at);
    let noted = files.db().write("files.resumable.advance", move |tx| {
        if !resumable::advance(tx, &before, to_bytes)? {
            return Err(ResumableError::Elsewhere(before.offset_bytes).into());
        }
        if !intents_global::renew(tx, piece.version, end)? {
            return Err(FilesError::LostLease);
        }
        Ok(resumable::insert_piece(tx, &before, &piece)?)
    });
    noted.await.map_err(lost)?;
    match cut {
        Some(cut) => Err(Unsettled { error: cut.into(), is_kept: true }),
        None => Ok(moved),
    }
}

/// Reads `Upload-Checksum`: an algorithm and a value in Base64.
fn check(header: &str) -> Result<Check, FilesError> {
    let (algorithm, value) = header.trim().split_once(' ').ok_or(ResumableError::Checksum)?;
    let algorithm = match algorithm {
        "sha1" => &digest::SHA1_FOR_LEGACY_USE_ONLY,
        "sha256" => &digest::SHA256,
        "sha512" => &digest::SHA512,
        _ => return Err(ResumableError::Checksum.into()),
    };
    let expected = STANDARD.decode(value.trim()).map_err(|_| ResumableError::Checksum)?;
    if expected.len() != algorithm.output_len() {
        return Err(ResumableError::Checksum.into());
    }
    Ok(Check { context: digest::Context::new(algorithm), expected })
}
