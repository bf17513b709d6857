//! Resumable uploads: announced once, sent in pieces, complete when all bytes are safe.
//!
//! Each request's bytes become a piece under a store key of their own. A piece counts, and the offset moves, only once
//! the store has said that it is safe; what came before a connection broke counts too. The piece's intent lasts as long
//! as the upload, so that the sweep removes whatever is left of it. The last piece makes the object: a single piece as it
//! stands, several of them read one after the other into a new version, through the one way in for bytes.

mod append;
mod complete;
mod passing;

pub use append::{Appended, append};
pub use complete::progress;

use std::time::Duration;

use quoin_db::{DbError, Tx};
use quoin_jobs::NewJob;
use quoin_kernel::Timestamp;
use serde_json::json;

use super::intent::LEASE;
use super::policies::Policies;
use super::quota::{self, Counted, Defaults};
use super::store_object::{NewObject, foresee_policies};
use super::{Circumstances, Files, bucket};
use crate::error::FilesError;
use crate::jobs;
use crate::model::resumable::{Piece, Resumable, ResumableId};
use crate::model::usage::Change;
use crate::model::{Owner, Requester};
use crate::store::resumable::Left;
use crate::store::{intents_global, objects, resumable};

/// How long an upload may take from its announcement to its end.
pub(crate) const LIFETIME: Duration = Duration::from_hours(24);
/// How many uploads of one owner may be open.
const MAX_OPEN: i64 = 1000;
/// How many uploads one transaction forgets.
const BATCH: u32 = 500;

/// Announces an upload; one of no bytes is complete at once.
///
/// # Errors
/// What the bucket's rules and the quota say, counting what open uploads have announced.
pub async fn announce(
    files: &Files,
    requester: &Requester,
    upload: Resumable,
) -> Result<Resumable, FilesError> {
    let (limit, defaults) = (files.config().max_object_bytes, Defaults::of(files));
    let (noted, new) = (upload.clone(), object_of(&upload, &requester.policies));
    files
        .db()
        .write("files.resumable.announce", move |tx| {
            check(tx, &noted, &new, (limit, &defaults))?;
            Ok::<_, FilesError>(resumable::insert(tx, &noted)?)
        })
        .await?;
    if upload.length_bytes == 0 {
        complete::complete(files, &requester.policies, &upload).await?;
        return Ok(Resumable { completed: true, ..upload });
    }
    Ok(upload)
}

/// Describes the object that an upload becomes.
fn object_of(upload: &Resumable, policies: &Policies) -> NewObject {
    NewObject {
        bucket: upload.bucket.clone(),
        name: upload.name.clone(),
        owner: upload.owner,
        person: upload.person,
        replaces: upload.replaces,
        description: upload.description.clone(),
        size_bytes: Some(upload.length_bytes),
        circumstances: Circumstances { policies: policies.clone(), ..Circumstances::default() },
    }
}

fn check(
    tx: &mut Tx<'_>,
    upload: &Resumable,
    new: &NewObject,
    (limit, defaults): (u64, &Defaults),
) -> Result<(), FilesError> {
    let bucket = bucket(tx, &upload.bucket)?;
    bucket.rules.demand_type(&upload.description.content_type)?;
    let max_bytes = bucket.rules.max_object_bytes.unwrap_or(limit).min(limit);
    if upload.length_bytes > max_bytes {
        return Err(FilesError::TooLarge { max_bytes });
    }
    let present = objects::find_named(tx, upload.owner, &bucket, &upload.name)?;
    foresee_policies(tx, new, &bucket, present.as_ref())?;
    let freed = match present {
        Some(object) if !upload.replaces || object.owner != upload.owner => {
            return Err(FilesError::ObjectExists);
        }
        Some(object) => Change::minus(object.version.size_bytes),
        None => Change::default(),
    };
    if resumable::count_open(tx, upload.owner, upload.created_at)? >= MAX_OPEN {
        return Err(FilesError::InvalidRequest(
            "Too many resumable uploads are open; finish or end some of them.",
        ));
    }
    let (counted, more) = (counted(upload), Change { bytes: 0, objects: 1 + freed.objects });
    quota::foresee(tx, counted, (more, 0), defaults)?;
    // All of it counts from now on, also where it takes the place of an object: both lie in the store meanwhile.
    quota::reserve(tx, counted, upload.length_bytes, defaults, upload.created_at)
}

fn counted(upload: &Resumable) -> Counted {
    Counted::new(upload.owner, upload.person)
}

/// Finds an upload of the requester's own.
///
/// # Errors
/// [`FilesError::NoSuchUpload`], also for what is another's or has expired.
pub(crate) async fn find(
    files: &Files,
    requester: &Requester,
    id: ResumableId,
) -> Result<Resumable, FilesError> {
    let (owner, person, now) = (requester.owner, requester.person, files.now());
    let found =
        files.db().read("files.resumable.find", move |tx| resumable::find(tx, owner, id, now)).await?;
    found.filter(|upload: &Resumable| upload.person == person).ok_or(FilesError::NoSuchUpload)
}

/// Ends an upload and has its pieces removed.
///
/// # Errors
/// [`FilesError::NoSuchUpload`].
pub async fn end(files: &Files, requester: &Requester, id: ResumableId) -> Result<(), FilesError> {
    let upload = find(files, requester, id).await?;
    let (ending, now) = (Ending::new(files), files.now());
    files
        .db()
        .write("files.resumable.end", move |tx| {
            let pieces = resumable::pieces(tx, upload.owner, upload.id)?;
            if !resumable::delete(tx, upload.owner, upload.id)? {
                return Err(FilesError::NoSuchUpload);
            }
            if !upload.completed {
                quota::release(tx, counted(&upload), upload.length_bytes, now)?;
            }
            Ok(ending.of(tx, &pieces)?)
        })
        .await
}

/// Forgets everything of an owner who is gone.
pub(crate) fn erase(tx: &mut Tx<'_>, owner: Owner, ending: &Ending) -> Result<(), DbError> {
    let pieces = resumable::pieces_of_owner(tx, owner)?;
    let left = resumable::list_of_owner(tx, owner)?;
    forget(tx, &left, ending.now)?;
    ending.of(tx, &pieces)
}

/// Removes rows, and gives back the room that was kept for those that have not become objects.
fn forget(tx: &mut Tx<'_>, left: &[Left], now: Timestamp) -> Result<(), DbError> {
    for upload in left {
        if resumable::delete(tx, upload.owner, upload.id)? && !upload.completed {
            let counted = Counted::new(upload.owner, upload.person);
            quota::release(tx, counted, upload.length_bytes, now)?;
        }
    }
    Ok(())
}

/// Forgets uploads whose time is over; the sweep has removed their pieces, whose intents ended with them.
///
/// # Errors
/// What the database says.
pub async fn forget_expired(files: &Files) -> Result<u64, FilesError> {
    // A piece that is still being read at the end of its time keeps its row for as long as a write may take.
    let before =
        Timestamp::from_micros(files.now().as_micros() - i64::try_from(LEASE.as_micros()).unwrap_or(0));
    let (now, mut forgotten) = (files.now(), 0);
    loop {
        let expired = files.db().write("files.resumable.expire", move |tx| {
            let left = resumable::list_expired(tx, before, BATCH)?;
            forget(tx, &left, now)?;
            Ok::<_, DbError>(left.len() as u64)
        });
        let count = expired.await?;
        forgotten += count;
        if count < u64::from(BATCH) {
            return Ok(forgotten);
        }
    }
}

/// The upload from which an object is made.
#[derive(Clone)]
pub(crate) struct Source {
    id: ResumableId,
    ending: Ending,
}

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Source").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Source {
    /// Notes in the object's own transaction that it is there, once, and has the pieces removed.
    pub(crate) fn settle(&self, tx: &mut Tx<'_>, owner: Owner) -> Result<(), FilesError> {
        if !resumable::complete(tx, owner, self.id)? {
            return Err(FilesError::NoSuchUpload);
        }
        let pieces = resumable::pieces(tx, owner, self.id)?;
        resumable::delete_pieces(tx, owner, self.id)?;
        // The intent of a piece that has become the object itself has ended; the others are turned.
        Ok(self.ending.of(tx, &pieces)?)
    }
}

/// How to remove pieces in a transaction: the job is made before it.
#[derive(Clone)]
pub(crate) struct Ending {
    now: Timestamp,
    job: NewJob,
}

impl Ending {
    pub(crate) fn new(files: &Files) -> Self {
        let now = files.now();
        Self { now, job: NewJob::new(files.app().rng(), now, jobs::REMOVE, json!({})) }
    }

    /// Turns the pieces' intents into those of things to be removed, and enqueues the job that sees to it.
    pub(crate) fn of(&self, tx: &mut Tx<'_>, pieces: &[Piece]) -> Result<(), DbError> {
        for piece in pieces {
            intents_global::turn(tx, piece.version, self.now)?;
        }
        if pieces.is_empty() { Ok(()) } else { quoin_jobs::enqueue(tx, &self.job).map(drop) }
    }
}
