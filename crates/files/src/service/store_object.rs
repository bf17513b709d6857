//! Storing an object: intent, write, settle. Every way in ends here, whatever brought the bytes.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::Stream;
use quoin_db::Tx;
use quoin_kernel::hash::Sha256;
use quoin_kernel::{Timestamp, UserId};
use quoin_policy::object_guard::Act;

use super::intent::{Removal, Writing};
use super::quota::{self, Counted, Defaults};
use super::{Circumstances, Files, bucket, inspect, scan};
use crate::error::FilesError;
use crate::jobs;
use crate::model::usage::{Change, signed};
use crate::model::{
    Bucket, BucketName, Description, Object, ObjectId, ObjectName, Owner, Requester, StoreKey, StoreKind,
    Version, VersionId,
};
use crate::port::{ByteStream, Label, StoreError};
use crate::store::{buckets_global, intents_global, objects, uploads};

/// What is to be stored, and for whom.
#[derive(Debug, Clone)]
pub struct NewObject {
    /// In which bucket.
    pub bucket: BucketName,
    /// Under which name.
    pub name: ObjectName,
    /// Whose it will be.
    pub owner: Owner,
    /// Who stores it, where it is a person.
    pub person: Option<UserId>,
    /// Whether it may take the place of an object.
    pub replaces: bool,
    /// What is said about the bytes.
    pub description: Description,
    /// How many bytes there are, where that is known before.
    pub size_bytes: Option<u64>,
    /// What else decides.
    pub circumstances: Circumstances,
}

impl NewObject {
    /// Describes an object that somebody stores in the name in which they act.
    pub fn by(requester: &Requester, bucket: BucketName, name: ObjectName, description: Description) -> Self {
        let Requester { owner, person, .. } = *requester;
        let circumstances =
            Circumstances { policies: requester.policies.clone(), ..Circumstances::default() };
        Self { bucket, name, owner, person, replaces: false, description, size_bytes: None, circumstances }
    }
}

/// Stores the bytes as an object.
///
/// What is already stored under the name stays readable until the new bytes are safe, then goes; a reader sees one or
/// the other. When this fails, or is dropped, nothing has changed.
///
/// # Errors
/// What the bucket's rules, the quota, the store or the source of the bytes say against it.
pub async fn store_object(files: &Files, new: NewObject, bytes: ByteStream) -> Result<Object, FilesError> {
    let mut new = new;
    let bytes = inspect::inspect(&mut new, bytes).await?;
    let begun = begin(files, &new).await?;
    let label = Label {
        content_type: new.description.content_type.clone(),
        content_encoding: new.description.content_encoding.clone(),
        bucket: new.bucket.to_string(),
        name: new.name.to_string(),
    };
    let (metered, meter) = Metered::new(bytes, begun.max_bytes);
    let store = files.stores().active();
    let writing = store.write(&begun.writing.key, &label, Box::pin(metered), &begun.writing);
    let written = begun.writing.alive(files, writing).await;
    let settled = match written {
        Ok(size_bytes) => settle(files, &new, &begun, (size_bytes, meter.finish())).await,
        Err(FilesError::Store(StoreError::Full)) if meter.is_over() => Err(begun.too_large()),
        Err(error) => Err(if meter.is_over() { begun.too_large() } else { error }),
    };
    if settled.is_err() {
        begun.writing.give_up(files).await;
    }
    settled
}

/// A write that was allowed.
pub(crate) struct Begun {
    pub(crate) writing: Writing,
    pub(crate) bucket: Bucket,
    pub(crate) max_bytes: u64,
}

impl Begun {
    fn too_large(&self) -> FilesError {
        FilesError::TooLarge { max_bytes: self.max_bytes }
    }
}

/// Checks what can be known before the bytes and notes the intent.
pub(crate) async fn begin(files: &Files, new: &NewObject) -> Result<Begun, FilesError> {
    let now = files.now();
    let version = VersionId::new(now, files.app().rng());
    let writing = Writing::new(files, StoreKey::new(new.owner, &new.bucket, version), version);
    let (limit, defaults) = (files.config().max_object_bytes, Defaults::of(files));
    let (new, write) = (new.clone(), writing.clone());
    let (bucket, max_bytes) = files
        .db()
        .write("files.object.begin", move |tx| {
            let bucket = bucket(tx, &new.bucket)?;
            let max_bytes = check(tx, &new, &bucket, (limit, &defaults))?;
            write.begin(tx, new.owner, now)?;
            Ok::<_, FilesError>((bucket, max_bytes))
        })
        .await?;
    Ok(Begun { writing, bucket, max_bytes })
}

/// Checks what can be known before the bytes come, and returns how many there may be.
pub(crate) fn check(
    tx: &mut Tx<'_>,
    new: &NewObject,
    bucket: &Bucket,
    (limit, defaults): (u64, &Defaults),
) -> Result<u64, FilesError> {
    let max_bytes = bucket.rules.max_object_bytes.unwrap_or(limit).min(limit);
    bucket.rules.demand_type(&new.description.content_type)?;
    inspect::demand_honesty(new, bucket)?;
    if new.size_bytes.is_some_and(|size_bytes| size_bytes > max_bytes) {
        return Err(FilesError::TooLarge { max_bytes });
    }
    let present = objects::find_named(tx, new.owner, bucket, &new.name)?;
    foresee_policies(tx, new, bucket, present.as_ref())?;
    let freed = match &present {
        Some(object) if !new.replaces || object.owner != new.owner => return Err(FilesError::ObjectExists),
        Some(object) => Change::minus(object.version.size_bytes),
        None => Change::default(),
    };
    let added = Change { bytes: signed(new.size_bytes.unwrap_or(0)), objects: 1 };
    let change = (added + freed, new.circumstances.reserved_bytes);
    quota::foresee(tx, Counted::new(new.owner, new.person), change, defaults)?;
    Ok(max_bytes)
}

/// Asks policies before the bytes come, where that can be: whoever may not put anything here shall not fill the store,
/// nor learn what is there. What counts is asked again when the bytes are safe.
pub(crate) fn foresee_policies(
    tx: &mut Tx<'_>,
    new: &NewObject,
    bucket: &Bucket,
    present: Option<&Object>,
) -> Result<(), FilesError> {
    let policies = &new.circumstances.policies;
    if !policies.decide(bucket)? {
        return Ok(());
    }
    if let Some(present) = present {
        let sees = bucket.rules.public || policies.may(tx, bucket, Act::Read, present)?;
        let may = sees && (!new.replaces || policies.may(tx, bucket, Act::Change, present)?);
        return if may { Ok(()) } else { Err(FilesError::PolicyRefuses) };
    }
    let Some(size_bytes) = new.size_bytes else { return Ok(()) };
    let now = bucket.updated_at;
    let id = ObjectId::from_uuid(uuid::Uuid::nil());
    let version = Version {
        id: VersionId::from_uuid(uuid::Uuid::nil()),
        store: StoreKind::Disk,
        key: StoreKey::new(new.owner, &new.bucket, VersionId::from_uuid(uuid::Uuid::nil())),
        size_bytes,
        sha256: None,
        description: new.description.clone(),
    };
    let object = Object {
        id,
        bucket_id: bucket.id,
        owner: new.owner,
        name: new.name.clone(),
        version,
        created_by: new.person,
        created_at: now,
        updated_at: now,
    };
    policies.demand_put(tx, bucket, None, &object)
}

/// Makes the bytes that are in the store an object, in one transaction with everything that follows from it.
pub(crate) async fn settle(
    files: &Files,
    new: &NewObject,
    begun: &Begun,
    (size_bytes, sha256): (u64, [u8; 32]),
) -> Result<Object, FilesError> {
    let now = files.now();
    let version = Version {
        id: begun.writing.version,
        store: begun.writing.store,
        key: begun.writing.key.clone(),
        size_bytes,
        sha256: Some(sha256),
        description: new.description.clone(),
    };
    book(files, new, begun.bucket.clone(), version, now).await
}

/// Books bytes that are in the store already, as they stand, once their beginning has been looked at.
pub(crate) async fn book_version(
    files: &Files,
    mut new: NewObject,
    mut version: Version,
) -> Result<Object, FilesError> {
    inspect::inspect_kept(files, &mut new, &version).await?;
    version.description.clone_from(&new.description);
    let (limit, defaults, name) = (files.config().max_object_bytes, Defaults::of(files), new.clone());
    let bucket = files.db().read("files.object.foresee", move |tx| {
        let bucket = bucket(tx, &name.bucket)?;
        let max_bytes = bucket.rules.max_object_bytes.unwrap_or(limit).min(limit);
        check(tx, &name, &bucket, (max_bytes, &defaults))?;
        Ok::<_, FilesError>(bucket)
    });
    book(files, &new, bucket.await?, version, files.now()).await
}

/// Books a version whose intent ends now.
pub(crate) async fn book(
    files: &Files,
    new: &NewObject,
    bucket: Bucket,
    version: Version,
    now: Timestamp,
) -> Result<Object, FilesError> {
    let object = Object {
        id: ObjectId::new(now, files.app().rng()),
        bucket_id: bucket.id,
        owner: new.owner,
        name: new.name.clone(),
        version,
        created_by: new.person,
        created_at: now,
        updated_at: now,
    };
    scan::examine(files, new, &object.version).await?;
    let hash_later = object.version.sha256.is_none().then(|| jobs::hash(files, object.version.id, now));
    let (replaces, removal, defaults) = (new.replaces, Removal::new(files, now), Defaults::of(files));
    let Circumstances { policies, source, reserved_bytes, .. } = new.circumstances.clone();
    files
        .db()
        .write("files.object.settle", move |tx| {
            uploads::take(tx, object.version.id)?;
            if !intents_global::consume(tx, object.version.id)? {
                return Err(FilesError::LostLease);
            }
            // The bucket may have gone, or have become public or private, while the bytes came.
            let bucket = buckets_global::find_by_id(tx, bucket.id)?.ok_or(FilesError::NoSuchBucket)?;
            if let Some(job) = &hash_later {
                quoin_jobs::enqueue(tx, job)?;
            }
            if let Some(source) = &source {
                source.settle(tx, object.owner)?;
            }
            quota::release(tx, Counted::of(&object), reserved_bytes, now)?;
            let present = objects::find_named(tx, object.owner, &bucket, &object.name)?;
            // What may not be replaced at all is said to exist, whoever asks.
            let present = present.filter(|present| present.owner == object.owner);
            if present.is_none() || replaces {
                policies.demand_put(tx, &bucket, present.as_ref(), &object)?;
            }
            put_in_place(tx, &bucket, object.clone(), replaces, (&removal, &defaults))
        })
        .await
}

/// Puts an object under its name, in place of another one where that is allowed.
pub(crate) fn put_in_place(
    tx: &mut Tx<'_>,
    bucket: &Bucket,
    object: Object,
    replaces: bool,
    (removal, defaults): (&Removal, &Defaults),
) -> Result<Object, FilesError> {
    let now = object.updated_at;
    let Some(old) = objects::find_named(tx, object.owner, bucket, &object.name)? else {
        quota::count(tx, Counted::of(&object), Change::plus(object.version.size_bytes), defaults, now)?;
        if !objects::insert(tx, bucket, &object)? {
            return Err(FilesError::ObjectExists);
        }
        return Ok(object);
    };
    if !replaces || old.owner != object.owner {
        return Err(FilesError::ObjectExists);
    }
    let object = Object { id: old.id, created_at: old.created_at, ..object };
    quota::exchange(tx, (&old, &object), defaults, now)?;
    objects::replace(tx, &object)?;
    removal.of(tx, &[(old.owner, old.version)])?;
    Ok(object)
}

/// Counts and hashes bytes that pass, and stops them where there are too many.
struct Metered {
    bytes: ByteStream,
    meter: Meter,
    max_bytes: u64,
}

/// What has passed; shared, because the store keeps the stream.
#[derive(Clone)]
pub(crate) struct Meter(Arc<Mutex<Passed>>);

#[derive(Default)]
struct Passed {
    hash: Sha256,
    count: u64,
    is_over: bool,
}

impl Metered {
    fn new(bytes: ByteStream, max_bytes: u64) -> (Self, Meter) {
        let meter = Meter(Arc::new(Mutex::new(Passed::default())));
        (Self { bytes, meter: meter.clone(), max_bytes }, meter)
    }
}

impl Meter {
    fn is_over(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_over
    }

    fn finish(&self) -> [u8; 32] {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).hash.clone().finish()
    }
}

impl Stream for Metered {
    type Item = Result<Bytes, StoreError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let polled = self.bytes.as_mut().poll_next(cx);
        let Poll::Ready(Some(Ok(piece))) = &polled else { return polled };
        let mut passed = self.meter.0.lock().unwrap_or_else(PoisonError::into_inner);
        passed.count += piece.len() as u64;
        if passed.count > self.max_bytes {
            passed.is_over = true;
            let stop = FilesError::TooLarge { max_bytes: self.max_bytes };
            return Poll::Ready(Some(Err(StoreError::Source(stop.into()))));
        }
        passed.hash.update(piece);
        drop(passed);
        polled
    }
}
