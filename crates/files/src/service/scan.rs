//! Asking the scanners before bytes become an object.

use super::Files;
use super::store_object::NewObject;
use crate::error::FilesError;
use crate::model::Version;
use crate::scan::{Opinion, Suspect};

/// Has every scanner look at a version that is in the store and no object yet.
///
/// # Errors
/// [`FilesError::Scanned`] for what a scanner finds, [`FilesError::ScannerFailed`] where one cannot say.
pub(crate) async fn examine(files: &Files, new: &NewObject, version: &Version) -> Result<(), FilesError> {
    let scanners = &files.guests().scanners;
    if scanners.is_empty() {
        return Ok(());
    }
    let suspect = Suspect {
        bucket: new.bucket.clone(),
        name: new.name.clone(),
        content_type: version.description.content_type.clone(),
        size_bytes: version.size_bytes,
        sha256: version.sha256,
    };
    for scanner in scanners {
        let bytes = match version.size_bytes {
            0 => Box::pin(futures_util::stream::empty()),
            size_bytes => files.stores().of(version.store)?.read(&version.key, 0..size_bytes).await?,
        };
        match scanner.scan(&suspect, bytes).await {
            Ok(Opinion::Clean) => {}
            Ok(Opinion::Refused(why)) => return Err(FilesError::Scanned(why)),
            Err(error) => return Err(FilesError::ScannerFailed(error)),
        }
    }
    Ok(())
}
