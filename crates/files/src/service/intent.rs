//! Intents: the row that is there before the first byte of a version, and goes with its last one.

use std::time::Duration;

use quoin_db::{Db, DbError, Tx};
use quoin_jobs::NewJob;
use quoin_kernel::Timestamp;
use quoin_kernel::port::BoxFuture;
use serde_json::json;

use super::Files;
use crate::error::FilesError;
use crate::jobs;
use crate::model::{Owner, StoreKey, StoreKind, Version, VersionId};
use crate::port::{StoreError, UploadLog};
use crate::store::intents_global::{self, NewIntent, Purpose};
use crate::store::renditions;

/// How long a write is believed to be alive after its last sign of life.
pub(crate) const LEASE: Duration = Duration::from_mins(15);
/// How often a running write gives one.
const RENEWAL: Duration = Duration::from_mins(2);
/// How long bytes in a cloud outlive their object: readers that have begun may ask again for the rest. An open file on
/// disk needs no such time.
const GRACE: Duration = Duration::from_mins(2);

/// Names the intent about a settled version in one store: it may be on its way into a store and out of another at the same
/// time, or be removed while it moves.
pub(crate) fn in_store(version: VersionId, store: StoreKind) -> VersionId {
    let mark = match store {
        StoreKind::Disk => 1,
        StoreKind::S3 => 2,
        StoreKind::Gcs => 3,
    };
    // The last bits of a version are random ones, and 62 others stay.
    VersionId::from_uuid(uuid::Uuid::from_u128(version.uuid().as_u128() ^ mark))
}

/// A version that is being written.
#[derive(Clone)]
pub(crate) struct Writing {
    /// Its intent, which for a new version has its id.
    pub(crate) version: VersionId,
    pub(crate) store: StoreKind,
    pub(crate) key: StoreKey,
    db: Db,
}

/// How to remove versions in a transaction: the job is made before it.
#[derive(Clone)]
pub(crate) struct Removal {
    now: Timestamp,
    at_once: NewJob,
    later: NewJob,
}

impl Writing {
    pub(crate) fn new(files: &Files, key: StoreKey, version: VersionId) -> Self {
        let store = files.stores().active().kind();
        Self { version, store, key, db: files.db().clone() }
    }

    /// Notes the intent in the transaction that allows the write.
    pub(crate) fn begin(&self, tx: &mut Tx<'_>, owner: Owner, now: Timestamp) -> Result<(), DbError> {
        self.begin_until(tx, owner, (now, now + LEASE))
    }

    /// Notes an intent that holds until a given moment.
    pub(crate) fn begin_until(
        &self,
        tx: &mut Tx<'_>,
        owner: Owner,
        (now, lease_until): (Timestamp, Timestamp),
    ) -> Result<(), DbError> {
        let intent = NewIntent {
            id: self.version,
            owner,
            purpose: Purpose::Write,
            store: self.store,
            key: self.key.clone(),
            now,
            lease_until,
        };
        intents_global::insert(tx, &intent)
    }

    /// Describes a version that is copied into another store.
    pub(crate) fn into_store(files: &Files, version: &Version, store: StoreKind) -> Self {
        let (id, key) = (in_store(version.id, store), version.key.clone());
        Self { version: id, store, key, db: files.db().clone() }
    }

    /// Runs a write and gives signs of life meanwhile. A write that was given up is dropped.
    pub(crate) async fn alive<T>(
        &self,
        files: &Files,
        write: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, FilesError> {
        let renewing = async {
            loop {
                tokio::time::sleep(RENEWAL).await;
                let (id, until) = (self.version, files.now() + LEASE);
                let renewed =
                    self.db.write("files.intent.renew", move |tx| intents_global::renew(tx, id, until));
                // A database that fails for a while costs the lease only once it is over; the end will tell.
                match renewed.await {
                    Ok::<_, DbError>(false) => return FilesError::LostLease,
                    Ok(true) => {}
                    Err(error) => tracing::warn!(%error, "a running upload could not renew its lease"),
                }
            }
        };
        tokio::select! {
            biased;
            written = write => Ok(written?),
            lost = renewing => Err(lost),
        }
    }

    /// Removes what a failed write has left. What cannot be removed now is left to the sweep.
    ///
    /// The intent is turned first: where that fails, the write may have been settled although its answer was lost, and
    /// then the bytes must stay.
    pub(crate) async fn give_up(&self, files: &Files) {
        let (id, until) = (self.version, files.now() + LEASE);
        let given_up = async {
            let turned =
                self.db.write("files.intent.give_up", move |tx| intents_global::turn(tx, id, until)).await?;
            if turned {
                files.stores().of(self.store)?.abandon(&self.key, None).await?;
                self.db.write("files.intent.forget", move |tx| intents_global::delete(tx, id)).await?;
            }
            Ok::<_, FilesError>(())
        };
        if let Err(error) = given_up.await {
            tracing::warn!(%error, version = %id, "a failed upload is left to the sweep");
        }
    }
}

impl UploadLog for Writing {
    fn began<'a>(&'a self, upload_id: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let (id, upload_id) = (self.version, upload_id.to_owned());
            let noted = self.db.write("files.intent.multipart", move |tx| {
                intents_global::note_multipart(tx, id, &upload_id)
            });
            match noted.await {
                Ok::<_, DbError>(true) => Ok(()),
                Ok(false) => Err(StoreError::Source(FilesError::LostLease.into())),
                Err(error) => Err(StoreError::Source(error.into())),
            }
        })
    }
}

impl Removal {
    pub(crate) fn new(files: &Files, now: Timestamp) -> Self {
        let job = || NewJob::new(files.app().rng(), now, jobs::REMOVE, json!({}));
        Self { now, at_once: job(), later: job().not_before(now + GRACE) }
    }

    /// Notes that these bytes are to go, and enqueues the job that sees to it.
    pub(crate) fn of(&self, tx: &mut Tx<'_>, removed: &[(Owner, Version)]) -> Result<(), DbError> {
        for (owner, version) in removed {
            let grace = if version.store == StoreKind::Disk { Duration::ZERO } else { GRACE };
            let intent = NewIntent {
                id: in_store(version.id, version.store),
                owner: *owner,
                purpose: Purpose::Remove,
                store: version.store,
                key: version.key.clone(),
                now: self.now,
                lease_until: self.now + grace,
            };
            intents_global::insert(tx, &intent)?;
            for rendition in renditions::take_of(tx, *owner, version.id)? {
                intents_global::turn(tx, rendition, self.now + grace)?;
            }
        }
        let is_on_disk = |(_, version): &&(Owner, Version)| version.store == StoreKind::Disk;
        if removed.iter().any(|one| is_on_disk(&one)) {
            quoin_jobs::enqueue(tx, &self.at_once)?;
        }
        if removed.iter().any(|one| !is_on_disk(&one)) {
            quoin_jobs::enqueue(tx, &self.later)?;
        }
        Ok(())
    }
}
