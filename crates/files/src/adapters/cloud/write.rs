//! Writing: small objects in one conditional call, larger ones in parts that are known before they are sent.

use std::fmt::Write as _;

use bytes::Bytes;
use futures_util::StreamExt as _;
use object_store::path::Path;
use object_store::{
    Attribute, Attributes, ObjectStoreExt as _, PutMode, PutMultipartOptions, PutOptions, PutPayload,
};

use super::Backend;
use super::errors::failed;
use crate::port::{ByteStream, Label, StoreError, UploadLog};

/// The size of a part, and the most that one upload holds in memory. S3 takes nothing smaller but for the last one, and
/// 10 000 of them.
const PART_BYTES: usize = 5 * 1024 * 1024;
/// From here on parts are larger, so that their number suffices.
const PARTS_OF_FIRST_SIZE: usize = 2000;
/// The size of those, in first sizes. `2000 × 5 MiB + 8000 × 20 MiB` is 166 GiB.
const LATER_FACTOR: usize = 4;

/// Stores all bytes under a path where nothing is, and returns how many there were.
pub(super) async fn write(
    backend: &dyn Backend,
    path: Path,
    label: &Label,
    mut bytes: ByteStream,
    log: &dyn UploadLog,
) -> Result<u64, StoreError> {
    let first = next_part(&mut bytes, PART_BYTES).await?;
    if first.content_length() < PART_BYTES {
        return write_whole(backend, &path, label, first).await;
    }
    let options = PutMultipartOptions { attributes: attributes(label), ..PutMultipartOptions::default() };
    let id = backend.create_multipart_opts(&path, options).await.map_err(failed)?;
    let sent = async {
        log.began(&id).await?;
        let (mut parts, mut written, mut part) = (Vec::new(), 0, first);
        while part.content_length() > 0 {
            written += part.content_length() as u64;
            parts.push(backend.put_part(&path, &id, parts.len(), part).await.map_err(failed)?);
            let factor = if parts.len() < PARTS_OF_FIRST_SIZE { 1 } else { LATER_FACTOR };
            part = next_part(&mut bytes, factor * PART_BYTES).await?;
        }
        backend.complete_multipart(&path, &id, parts).await.map_err(failed)?;
        Ok(written)
    };
    match sent.await {
        Ok(written) => Ok(written),
        Err(error) => {
            if let Err(left) = backend.abort_multipart(&path, &id).await {
                tracing::warn!(error = %left, "an upload on the store's side is left to the sweep");
            }
            Err(error)
        }
    }
}

/// A key is new, so something under it can only be what a try of ours has left whose answer was lost.
async fn write_whole(
    backend: &dyn Backend,
    path: &Path,
    label: &Label,
    payload: PutPayload,
) -> Result<u64, StoreError> {
    let size_bytes = payload.content_length() as u64;
    let options =
        PutOptions { mode: PutMode::Create, attributes: attributes(label), ..PutOptions::default() };
    match backend.put_opts(path, payload, options).await.map_err(failed) {
        Err(StoreError::Taken) if backend.head(path).await.map_err(failed)?.size == size_bytes => {
            Ok(size_bytes)
        }
        Err(error) => Err(error),
        Ok(_) => Ok(size_bytes),
    }
}

/// Collects pieces until a part is full, or there are no more. A piece that is too long is cut, not copied.
async fn next_part(bytes: &mut ByteStream, size_bytes: usize) -> Result<PutPayload, StoreError> {
    let (mut pieces, mut length): (Vec<Bytes>, usize) = (Vec::new(), 0);
    while length < size_bytes
        && let Some(piece) = bytes.next().await
    {
        let piece = piece?;
        length += piece.len();
        pieces.push(piece);
    }
    Ok(pieces.into_iter().collect())
}

/// What the store's own console shows. Header values are ASCII, so names are percent-encoded where they are not.
fn attributes(label: &Label) -> Attributes {
    let mut attributes = Attributes::new();
    attributes.insert(Attribute::ContentType, label.content_type.clone().into());
    if let Some(encoding) = &label.content_encoding {
        attributes.insert(Attribute::ContentEncoding, encoding.clone().into());
    }
    attributes.insert(Attribute::Metadata("name".into()), legible(&label.name).into());
    attributes.insert(Attribute::Metadata("bucket".into()), legible(&label.bucket).into());
    attributes
}

fn legible(text: &str) -> String {
    let mut written = String::with_capacity(text.len());
    for byte in text.bytes() {
        if (byte.is_ascii_graphic() || byte == b' ') && byte != b'%' {
            written.push(char::from(byte));
        } else {
            // Writing into a String cannot fail.
            let _ = write!(written, "%{byte:02X}");
        }
    }
    written
}
