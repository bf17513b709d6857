//! The end of an upload: all bytes are safe, and become an object in one transaction with the upload's end.

use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use super::{Ending, Source, find, object_of};
use crate::error::FilesError;
use crate::model::resumable::{Piece, Resumable, ResumableId};
use crate::model::{Requester, Version};
use crate::port::ByteStream;
use crate::service::Files;
use crate::service::policies::Policies;
use crate::service::store_object::{book_version, store_object};
use crate::store::resumable;

/// Says how far an upload has come. One that has all its bytes and was interrupted before its end is completed now, so
/// that nobody is told of an end that did not come.
///
/// # Errors
/// [`FilesError::NoSuchUpload`], and what stands against the object.
pub async fn progress(
    files: &Files,
    requester: &Requester,
    id: ResumableId,
) -> Result<Resumable, FilesError> {
    let upload = find(files, requester, id).await?;
    if upload.completed || upload.offset_bytes < upload.length_bytes {
        return Ok(upload);
    }
    match complete(files, &requester.policies, &upload).await {
        Ok(()) => Ok(Resumable { completed: true, ..upload }),
        // Another request may have completed it meanwhile.
        Err(error) => match find(files, requester, id).await {
            Ok(upload) if upload.completed => Ok(upload),
            _ => Err(error),
        },
    }
}

/// Makes the object.
///
/// # Errors
/// What policies, rules and the quota say now.
pub(super) async fn complete(
    files: &Files,
    policies: &Policies,
    upload: &Resumable,
) -> Result<(), FilesError> {
    let (owner, id) = (upload.owner, upload.id);
    let pieces =
        files.db().read("files.resumable.pieces", move |tx| resumable::pieces(tx, owner, id)).await?;
    let ending = Ending::new(files);
    let mut new = object_of(upload, policies);
    new.circumstances.source = Some(Source { id, ending });
    new.circumstances.reserved_bytes = upload.length_bytes;
    match pieces.as_slice() {
        [whole] if whole.store == files.stores().active().kind() => {
            let version = Version {
                id: whole.version,
                store: whole.store,
                key: whole.key.clone(),
                size_bytes: whole.size_bytes,
                sha256: Some(whole.sha256),
                description: new.description.clone(),
            };
            book_version(files, new, version).await?;
        }
        _ => {
            store_object(files, new, joined(files, pieces)).await?;
        }
    }
    Ok(())
}

/// Reads the pieces one after the other; each is opened when the one before has been read.
fn joined(files: &Files, pieces: Vec<Piece>) -> ByteStream {
    let files = files.clone();
    let opened = stream::iter(pieces).then(move |piece| {
        let files = files.clone();
        async move {
            let store = files.stores().of(piece.store)?;
            store.read(&piece.key, 0..piece.size_bytes).await
        }
    });
    Box::pin(opened.try_flatten())
}
