//! A look at the first bytes of what is stored: a type where the uploader names none, and no deceit where a bucket lists
//! the types it takes.

use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt as _, stream};

use super::store_object::NewObject;
use super::{Files, read_object};
use crate::error::FilesError;
use crate::model::danger::{LOOKED_AT, deceives, is_active, sniff};
use crate::model::{Bucket, Version};
use crate::port::ByteStream;

/// The type that stands for none.
const UNKNOWN: &str = "application/octet-stream";

/// Reads the first bytes, notes what they say, and gives the stream back whole.
///
/// # Errors
/// Why the stream stopped.
pub(crate) async fn inspect(new: &mut NewObject, mut bytes: ByteStream) -> Result<ByteStream, FilesError> {
    let mut first: Vec<Bytes> = Vec::new();
    let mut looked_at = BytesMut::with_capacity(LOOKED_AT);
    while looked_at.len() < LOOKED_AT {
        let Some(piece) = bytes.next().await else { break };
        let piece = piece?;
        looked_at.extend_from_slice(&piece[..piece.len().min(LOOKED_AT - looked_at.len())]);
        first.push(piece);
    }
    note(new, &looked_at);
    Ok(Box::pin(stream::iter(first.into_iter().map(Ok)).chain(bytes)))
}

/// Looks at the beginning of what came without passing through [`inspect`].
///
/// # Errors
/// What the store says.
pub(crate) async fn inspect_kept(
    files: &Files,
    new: &mut NewObject,
    version: &Version,
) -> Result<(), FilesError> {
    let end = version.size_bytes.min(LOOKED_AT as u64);
    let mut bytes = read_object::open(files, version, Some(0..end)).await?;
    let mut looked_at = Vec::with_capacity(LOOKED_AT);
    while let Some(piece) = bytes.next().await {
        looked_at.extend_from_slice(&piece?);
    }
    note(new, &looked_at);
    Ok(())
}

/// Notes what the first bytes say, and takes it as the type where the uploader names none.
fn note(new: &mut NewObject, first: &[u8]) {
    new.circumstances.sniffed = sniff(first);
    if let Some(sniffed) = new.circumstances.sniffed
        && new.description.content_type == UNKNOWN
        && !is_active(sniffed)
    {
        sniffed.clone_into(&mut new.description.content_type);
    }
}

/// Refuses deceit where a bucket lists the types it takes.
///
/// # Errors
/// [`FilesError::InvalidType`].
pub(crate) fn demand_honesty(new: &NewObject, bucket: &Bucket) -> Result<(), FilesError> {
    let said = &new.description.content_type;
    match new.circumstances.sniffed {
        Some(sniffed) if bucket.rules.allowed_types.is_some() && deceives(said, sniffed) => {
            Err(FilesError::InvalidType(format!("{said}, which these bytes are not,")))
        }
        _ => Ok(()),
    }
}
