//! Copying: the bytes once more, under a key of their own.

use super::Files;
use super::move_object::Place;
use super::read_object::{self, Reader};
use super::store_object::{NewObject, begin, book, store_object};
use crate::error::FilesError;
use crate::model::{Description, Object, Requester, Version};
use crate::port::{Label, StoreError};

/// What a copy says of itself, where it differs from its source.
#[derive(Debug, Clone, Default)]
pub struct Differences {
    /// Another media type.
    pub content_type: Option<String>,
    /// Another time to keep copies.
    pub cache_control: Option<String>,
    /// Other metadata of the uploader's own.
    pub user_metadata: Option<serde_json::Value>,
}

/// Copies an object that the requester may read to a place of their own.
///
/// # Errors
/// [`FilesError::NoSuchObject`], and as [`store_object`].
pub async fn copy_object(
    files: &Files,
    requester: &Requester,
    (from, to): (Place, Place),
    differences: Differences,
    replaces: bool,
) -> Result<Object, FilesError> {
    let reader = Reader::Owner(requester.owner, requester.policies.clone());
    let (_, source) = read_object::find_object(files, &from.bucket, &from.name, reader).await?;
    let said = &source.version.description;
    let description = Description {
        content_type: differences.content_type.unwrap_or_else(|| said.content_type.clone()),
        cache_control: differences.cache_control.unwrap_or_else(|| said.cache_control.clone()),
        user_metadata: differences.user_metadata.unwrap_or_else(|| said.user_metadata.clone()),
        content_encoding: said.content_encoding.clone(),
    };
    let mut new = NewObject::by(requester, to.bucket, to.name, description);
    new.replaces = replaces;
    new.size_bytes = Some(source.version.size_bytes);
    let is_here = source.version.store == files.stores().active().kind();
    if !is_here || source.version.size_bytes == 0 || source.version.sha256.is_none() {
        let bytes = read_object::open(files, &source.version, None).await?;
        return store_object(files, new, bytes).await;
    }
    within_store(files, &source, new).await
}

/// Has the store copy by itself; the hash is the source's, because versions never change.
async fn within_store(files: &Files, source: &Object, new: NewObject) -> Result<Object, FilesError> {
    let begun = begin(files, &new).await?;
    let store = files.stores().active();
    let label = Label {
        content_type: new.description.content_type.clone(),
        content_encoding: new.description.content_encoding.clone(),
        bucket: new.bucket.to_string(),
        name: new.name.to_string(),
    };
    let Version { key, size_bytes, .. } = &source.version;
    let (to, log) = (&begun.writing.key, &begun.writing);
    let copying = async {
        store.copy(key, to, *size_bytes, &label, log).await?;
        match store.size(to).await? {
            got if got == *size_bytes => Ok(()),
            got => Err(StoreError::Short { got, expected: *size_bytes }),
        }
    };
    let copied = begun.writing.alive(files, copying).await;
    let settled = match copied {
        Ok(()) => {
            let version = Version {
                id: begun.writing.version,
                store: begun.writing.store,
                key: begun.writing.key.clone(),
                description: new.description.clone(),
                ..source.version.clone()
            };
            book(files, &new, begun.bucket.clone(), version, files.now()).await
        }
        Err(error) => Err(error),
    };
    if settled.is_err() {
        begun.writing.give_up(files).await;
    }
    settled
}
