//! The crate's errors in the port's words.

use object_store::Error;

use crate::port::StoreError;

/// Names what the crate reports. Its generic error is one of the network, or of a server that still failed after all
/// retries.
pub(super) fn failed(error: Error) -> StoreError {
    match error {
        Error::NotFound { .. } => StoreError::Missing,
        Error::AlreadyExists { .. } | Error::Precondition { .. } => StoreError::Taken,
        Error::PermissionDenied { .. } | Error::Unauthenticated { .. } => StoreError::Denied(Box::new(error)),
        Error::Generic { .. } if is_digest(&error) => StoreError::Damaged(Box::new(error)),
        Error::Generic { .. } => StoreError::Unavailable(Box::new(error)),
        other => StoreError::Failed(Box::new(other)),
    }
}

/// Tells whether a store says that what it has got is not what was signed or announced. The crate hands its answer on as
/// text.
fn is_digest(error: &Error) -> bool {
    const CODES: [&str; 4] =
        ["BadDigest", "InvalidDigest", "XAmzContentSHA256Mismatch", "XAmzContentChecksumMismatch"];
    let text = error.to_string();
    CODES.iter().any(|code| text.contains(&format!("<Code>{code}</Code>")))
}

/// Takes what is not there as removed.
pub(super) fn missing_is_fine(done: Result<(), Error>) -> Result<(), StoreError> {
    match done.map_err(failed) {
        Err(StoreError::Missing) => Ok(()),
        other => other,
    }
}
