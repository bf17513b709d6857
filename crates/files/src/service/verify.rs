//! Verifying: reading what the stores hold and comparing it with the rows, a page at a time.

use super::read_object::hash_of;
use super::{Files, sweep};
use crate::error::FilesError;
use crate::model::{Object, StoreKey, StoreKind, VersionId};
use crate::port::StoreError;
use crate::store::{intents_global, objects_global};

/// How many objects a page has at most.
const PAGE: u32 = 200;
/// After how many bytes a page ends.
const PAGE_BYTES: u64 = 256 * 1024 * 1024;
/// How many keys of a store are compared at a time.
const KEYS: usize = 1000;

/// What is wrong with an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The store holds nothing under its key.
    Missing,
    /// The store holds another number of bytes.
    Size,
    /// The store holds other bytes.
    Hash,
}

/// What one page has shown.
#[derive(Debug, Default)]
pub struct Page {
    /// How many objects were read.
    pub objects: u64,
    /// How many bytes.
    pub bytes: u64,
    /// What is wrong.
    pub faults: Vec<(Object, Fault)>,
    /// From where to go on; nothing at the end.
    pub next: Option<VersionId>,
}

/// Counts what there is to verify: objects and bytes.
///
/// # Errors
/// What the database says.
pub async fn count(files: &Files) -> Result<(i64, i64), FilesError> {
    Ok(files.db().read("files.verify.count", |tx| objects_global::count(tx, None)).await?)
}

/// Reads some objects after a version and compares them with their rows.
///
/// # Errors
/// Where a store does not answer: that says nothing about its objects.
pub async fn verify(files: &Files, after: Option<VersionId>) -> Result<Page, FilesError> {
    let after = after.unwrap_or(intents_global::FIRST);
    let listed =
        files.db().read("files.verify.list", move |tx| objects_global::list_after(tx, after, PAGE)).await?;
    let is_last = listed.len() < PAGE as usize;
    let mut page = Page::default();
    for object in listed {
        page.objects += 1;
        page.bytes += object.version.size_bytes;
        page.next = Some(object.version.id);
        if let Some(fault) = examine(files, &object).await?
            && is_still_there(files, &object).await?
        {
            page.faults.push((object, fault));
        }
        if page.bytes >= PAGE_BYTES {
            return Ok(page);
        }
    }
    if is_last {
        page.next = None;
    }
    Ok(page)
}

async fn examine(files: &Files, object: &Object) -> Result<Option<Fault>, FilesError> {
    let version = &object.version;
    match files.stores().of(version.store)?.size(&version.key).await {
        Err(StoreError::Missing) => return Ok(Some(Fault::Missing)),
        Err(error) => return Err(error.into()),
        Ok(size_bytes) if size_bytes != version.size_bytes => return Ok(Some(Fault::Size)),
        Ok(_) => {}
    }
    match hash_of(files, version).await {
        Err(FilesError::Store(StoreError::Missing)) => Ok(Some(Fault::Missing)),
        Err(FilesError::Store(StoreError::Short { .. })) => Ok(Some(Fault::Size)),
        hash => {
            let hash = hash?;
            Ok(version.sha256.is_some_and(|known| known != hash).then_some(Fault::Hash))
        }
    }
}

/// An object that was replaced, moved to another store or removed meanwhile has no fault.
pub(super) async fn is_still_there(files: &Files, object: &Object) -> Result<bool, FilesError> {
    let id = object.version.id;
    let now = files.db().read("files.verify.again", move |tx| objects_global::find_version(tx, id)).await?;
    Ok(now.is_some_and(|now| now.version == object.version))
}

/// Keys of a store that no row knows.
#[derive(Debug, Default)]
pub struct Unknown {
    /// How many keys were looked at.
    pub seen: u64,
    /// Those that no row knows.
    pub keys: Vec<StoreKey>,
    /// From where to go on; nothing at the end.
    pub next: Option<StoreKey>,
}

/// Looks for keys of a store that no row knows.
///
/// # Errors
/// What the store says.
pub async fn unknown(
    files: &Files,
    store: StoreKind,
    after: Option<StoreKey>,
) -> Result<Unknown, FilesError> {
    let held = files.stores().of(store)?.list(after.as_ref(), KEYS).await?;
    let (seen, next) = (held.len() as u64, held.last().map(|held| held.key.clone()));
    let next = next.filter(|_| held.len() == KEYS);
    let unknown = sweep::unknown(files, store, held).await?;
    Ok(Unknown { seen, keys: unknown.into_iter().map(|held| held.key).collect(), next })
}
