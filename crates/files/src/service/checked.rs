//! Bytes from a store elsewhere, compared with what was stored: a reader gets what was kept, or an error, never
//! something else that looks whole.

use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use quoin_kernel::hash::Sha256;

use crate::port::{ByteStream, StoreError};

/// What is no larger is compared before the answer begins, so that it can be refused with an error of its own.
const AT_ONCE_BYTES: u64 = 64 * 1024;

/// Checks a whole object against its SHA-256.
///
/// # Errors
/// [`StoreError::Differs`], and why the stream stopped.
pub(crate) async fn checked(
    bytes: ByteStream,
    size_bytes: u64,
    sha256: [u8; 32],
) -> Result<ByteStream, StoreError> {
    let checked = hold_back(bytes, sha256);
    if size_bytes > AT_ONCE_BYTES {
        return Ok(checked);
    }
    let whole = checked.try_fold(BytesMut::new(), |mut whole, piece| async move {
        whole.extend_from_slice(&piece);
        Ok(whole)
    });
    let whole = whole.await?.freeze();
    Ok(Box::pin(stream::iter([Ok(whole)])))
}

/// Lets the last piece pass once all of them are known to be right.
fn hold_back(bytes: ByteStream, sha256: [u8; 32]) -> ByteStream {
    let state = (bytes, Some(Sha256::default()), None::<Bytes>);
    Box::pin(stream::try_unfold(state, move |(mut bytes, mut hash, mut held)| async move {
        while let Some(mut running) = hash.take() {
            match bytes.next().await {
                Some(piece) => {
                    let piece = piece?;
                    running.update(&piece);
                    hash = Some(running);
                    if let Some(passes) = held.replace(piece) {
                        return Ok(Some((passes, (bytes, hash, held))));
                    }
                }
                None if running.finish() == sha256 => {}
                None => return Err(StoreError::Differs),
            }
        }
        Ok(held.take().map(|last| (last, (bytes, None, None))))
    }))
}
