//! Sweeping: bytes whose object is gone, and what interrupted writes have left, are removed from their stores.

use std::time::Duration;

use quoin_db::{DbError, Tx};

use super::Files;
use super::intent::{LEASE, in_store};
use super::quota::{self, Counted};
use crate::error::FilesError;
use crate::model::{StoreKey, StoreKind, VersionId};
use crate::port::Held;
use crate::store::intents_global::{self, Expired, Purpose};
use crate::store::{objects_global, uploads};

/// How many intents are taken at a time.
const BATCH: u32 = 100;
/// How many keys of a store are compared with the rows at a time.
const PAGE: usize = 500;

/// Removes everything whose time has come, and returns how much that was.
///
/// # Errors
/// What the stores or the database say; what is left then comes again.
pub async fn sweep(files: &Files) -> Result<u64, FilesError> {
    let mut removed = 0;
    loop {
        let now = files.now();
        let claimed = files.db().write("files.sweep.claim", move |tx| {
            let mut claimed = Vec::new();
            for intent in intents_global::list_expired(tx, now, BATCH)? {
                if intents_global::claim(tx, &intent, now + LEASE)? {
                    claimed.push(intent);
                }
            }
            Ok::<_, DbError>(claimed)
        });
        let claimed = claimed.await?;
        if claimed.is_empty() {
            return Ok(removed);
        }
        removed += claimed.len() as u64;
        for store in [StoreKind::Disk, StoreKind::S3, StoreKind::Gcs] {
            remove(files, store, claimed.iter().filter(|intent| intent.store == store).cloned().collect())
                .await?;
        }
    }
}

/// Gives up every write, and every removal, that has shown no sign of life for so long; the next sweep sees to it. Announced
/// uploads keep their time.
///
/// A process that is alone on its database says so of all writes at its start; an operator may.
///
/// # Errors
/// What the database says.
pub async fn give_up_idle(files: &Files, idle: Duration) -> Result<u64, FilesError> {
    let now = files.now();
    let until = now + LEASE.saturating_sub(idle);
    Ok(files.db().write("files.sweep.idle", move |tx| intents_global::end_leases(tx, until, now)).await?)
}

/// Removes claimed intents' bytes from one store, then the intents.
async fn remove(files: &Files, store: StoreKind, claimed: Vec<Expired>) -> Result<(), FilesError> {
    if claimed.is_empty() {
        return Ok(());
    }
    let ids: Vec<VersionId> = claimed.iter().map(|intent| intent.id).collect();
    let store = files.stores().of(store)?;
    let (whole, unfinished): (Vec<Expired>, Vec<Expired>) = claimed
        .into_iter()
        .partition(|intent| intent.purpose == Purpose::Remove && intent.multipart_id.is_none());
    let keys: Vec<StoreKey> = whole.into_iter().map(|intent| intent.key).collect();
    for intent in &unfinished {
        store.abandon(&intent.key, intent.multipart_id.as_deref()).await?;
    }
    // A write that failed and was given up may have left its beginning, too.
    for key in &keys {
        if store.kind() == StoreKind::Disk {
            store.abandon(key, None).await?;
        }
    }
    if !keys.is_empty() && store.kind() != StoreKind::Disk {
        store.remove(&keys).await?;
    }
    let now = files.now();
    let forget = files.db().write("files.sweep.forget", move |tx| {
        for id in &ids {
            // An announced upload goes with its intent, and gives back the room that was kept for it.
            if let Some((owner, person, size_bytes)) = uploads::take(tx, *id)? {
                quota::release(tx, Counted::new(owner, person), size_bytes, now)?;
            }
            intents_global::delete(tx, *id)?;
        }
        Ok::<_, DbError>(())
    });
    Ok(forget.await?)
}

/// Removes what has been in a store for days without any row that knows it, and returns how much that was.
///
/// That cannot come about by itself: the intent is there before the bytes. It is what a database leaves that was put
/// back to an earlier day.
///
/// # Errors
/// What the stores or the database say.
pub async fn remove_unknown(files: &Files) -> Result<u64, FilesError> {
    let age = Duration::from_hours(24) * files.config().unknown_after_days;
    let mut removed = 0;
    for store in files.stores().all() {
        let mut after: Option<StoreKey> = None;
        loop {
            let page = store.list(after.as_ref(), PAGE).await?;
            let Some(last) = page.last() else { break };
            after = Some(last.key.clone());
            let old = page.into_iter().filter(|held| files.now().since(held.stored_at) >= age).collect();
            let unknown: Vec<StoreKey> =
                unknown(files, store.kind(), old).await?.into_iter().map(|held| held.key).collect();
            if !unknown.is_empty() {
                tracing::warn!(
                    store = store.kind().as_str(),
                    count = unknown.len(),
                    "objects that no row knows are removed"
                );
                store.remove(&unknown).await?;
                removed += unknown.len() as u64;
            }
        }
    }
    Ok(removed)
}

/// Returns those keys that neither an object nor an intent names.
pub(crate) async fn unknown(
    files: &Files,
    store: StoreKind,
    held: Vec<Held>,
) -> Result<Vec<Held>, FilesError> {
    if held.is_empty() {
        return Ok(held);
    }
    let found = files.db().read("files.sweep.compare", move |tx| {
        let mut unknown = Vec::new();
        for one in &held {
            if !is_known(tx, store, &one.key)? {
                unknown.push(one.clone());
            }
        }
        Ok::<_, DbError>(unknown)
    });
    Ok(found.await?)
}

fn is_known(tx: &mut Tx<'_>, store: StoreKind, key: &StoreKey) -> Result<bool, DbError> {
    let Some(version) = key.version() else { return Ok(true) };
    Ok(objects_global::is_version(tx, version)?
        || intents_global::exists(tx, version)?
        || intents_global::exists(tx, in_store(version, store))?)
}
