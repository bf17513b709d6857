//! Moving objects into another store while they are in use: copy, read back, compare, then change the row.
//!
//! Each object moves by itself, so that an interruption loses at most the one that was on its way, whose copy an intent
//! names. Readers find every object in the store that its row names at that moment.

use std::sync::Arc;

use quoin_db::DbError;

use super::intent::{Removal, Writing};
use super::read_object::{self, hash_of};
use super::verify::is_still_there;
use super::{Files, buckets_name};
use crate::error::FilesError;
use crate::model::{Object, Version, VersionId};
use crate::port::{Label, ObjectStore, StoreError};
use crate::store::{intents_global, objects_global};

/// How many objects a page has at most.
const PAGE: u32 = 100;
/// After how many bytes a page ends.
const PAGE_BYTES: u64 = 256 * 1024 * 1024;

/// What one page has done.
#[derive(Debug, Default)]
pub struct Page {
    /// How many objects have moved.
    pub moved: u64,
    /// How many bytes.
    pub bytes: u64,
    /// What could not be moved, and why.
    pub failed: Vec<(Object, FilesError)>,
    /// From where to go on; nothing at the end.
    pub next: Option<VersionId>,
    /// How many objects lie elsewhere still.
    pub left_objects: i64,
    /// How many bytes lie elsewhere still.
    pub left_bytes: i64,
}

/// Finds the store at an address.
///
/// # Errors
/// [`FilesError::InvalidRequest`] where none of those that are configured is there.
pub fn store_at(files: &Files, address: &str) -> Result<Arc<dyn ObjectStore>, FilesError> {
    let wanted = address.trim_end_matches('/');
    let found =
        files.stores().all().find(|store| store.address() == wanted || store.kind().as_str() == wanted);
    found.cloned().ok_or(FilesError::InvalidRequest(
        "No configured store is there. Set files.s3 or files.gcs, with the very bucket and prefix, and start again.",
    ))
}

/// Moves some objects after a version into a store.
///
/// # Errors
/// What the database says; what concerns one object alone is in the page.
pub async fn relocate(
    files: &Files,
    to: &Arc<dyn ObjectStore>,
    after: Option<VersionId>,
) -> Result<Page, FilesError> {
    let after = after.unwrap_or(intents_global::FIRST);
    let listed =
        files.db().read("files.relocate.list", move |tx| objects_global::list_after(tx, after, PAGE)).await?;
    let is_last = listed.len() < PAGE as usize;
    let mut page =
        Page { next: listed.last().map(|object| object.version.id).filter(|_| !is_last), ..Page::default() };
    for object in listed {
        if object.version.store == to.kind() {
            continue;
        }
        let (id, size_bytes) = (object.version.id, object.version.size_bytes);
        match relocate_one(files, to, &object).await {
            Ok(true) => {
                page.moved += 1;
                page.bytes += size_bytes;
            }
            Err(error @ FilesError::Db(_)) => return Err(error),
            Err(error) if is_still_there(files, &object).await? => page.failed.push((object, error)),
            // What was replaced or removed meanwhile needs nobody's attention.
            Ok(false) | Err(_) => {}
        }
        if page.bytes >= PAGE_BYTES {
            page.next = Some(id);
            break;
        }
    }
    let kind = to.kind();
    let left = files.db().read("files.relocate.count", move |tx| objects_global::count(tx, Some(kind)));
    (page.left_objects, page.left_bytes) = left.await?;
    Ok(page)
}

/// Moves one object; `false` where it is another one, or gone, by the time its copy is ready.
async fn relocate_one(files: &Files, to: &Arc<dyn ObjectStore>, object: &Object) -> Result<bool, FilesError> {
    let version = &object.version;
    let writing = Writing::into_store(files, version, to.kind());
    begin(files, object, &writing).await?;
    let copied = copy(files, to, object, &writing).await;
    let settled = match copied {
        Ok(()) => settle(files, object, &writing).await,
        Err(error) => Err(error),
    };
    if !matches!(settled, Ok(true)) {
        writing.give_up(files).await;
    }
    settled
}

/// Notes the intent, in the place of one that an interrupted move has left, or is leaving at this moment.
async fn begin(files: &Files, object: &Object, writing: &Writing) -> Result<(), FilesError> {
    let mut tries = 0;
    loop {
        clear(files, writing).await?;
        let (intent, owner, now) = (writing.clone(), object.owner, files.now());
        let noted = files.db().write("files.relocate.begin", move |tx| intent.begin(tx, owner, now)).await;
        match noted.map_err(FilesError::from) {
            Err(FilesError::LostLease) if tries < 3 => tries += 1,
            noted => return noted,
        }
    }
}

/// Removes what an interrupted move of the same version has left.
async fn clear(files: &Files, writing: &Writing) -> Result<(), FilesError> {
    let id = writing.version;
    let is_left = files.db().read("files.relocate.left", move |tx| intents_global::exists(tx, id)).await?;
    if is_left {
        writing.give_up(files).await;
    }
    Ok(())
}

async fn copy(
    files: &Files,
    to: &Arc<dyn ObjectStore>,
    object: &Object,
    writing: &Writing,
) -> Result<(), FilesError> {
    let version = &object.version;
    let description = &version.description;
    let label = Label {
        content_type: description.content_type.clone(),
        content_encoding: description.content_encoding.clone(),
        bucket: buckets_name(files, object.bucket_id).await?,
        name: object.name.to_string(),
    };
    let known = match version.sha256 {
        Some(hash) => hash,
        None => hash_of(files, version).await?,
    };
    let bytes = read_object::open(files, version, None).await?;
    writing.alive(files, to.write(&version.key, &label, bytes, writing)).await?;
    let there = Version { store: to.kind(), ..version.clone() };
    let arrived = writing.alive(files, async { Ok(hash_of(files, &there).await) }).await??;
    if arrived == known {
        return Ok(());
    }
    Err(FilesError::Store(StoreError::Failed("what was read back differs from what was copied".into())))
}

/// Lets the row name the new store, and the bytes in the old one go.
async fn settle(files: &Files, object: &Object, writing: &Writing) -> Result<bool, FilesError> {
    let (owner, version, removal) = (object.owner, object.version.clone(), Removal::new(files, files.now()));
    let (intent, store, key) = (writing.version, writing.store, writing.key.clone());
    let settled = files.db().write("files.relocate.settle", move |tx| {
        // The order matters: without the intent, the copy may be gone already.
        if !intents_global::consume(tx, intent)? {
            return Ok(false);
        }
        if !objects_global::relocate(tx, version.id, version.store, (store, &key))? {
            // The savepoint goes with the error, so the intent stays for whoever gives the copy up.
            return Err(DbError::NoRow("files.relocate"));
        }
        removal.of(tx, &[(owner, version.clone())])?;
        Ok(true)
    });
    match settled.await {
        Err(DbError::NoRow(_)) => Ok(false),
        settled => Ok(settled?),
    }
}
