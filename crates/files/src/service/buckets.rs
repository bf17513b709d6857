//! Buckets: making, changing, emptying and removing them.

use quoin_audit::Entry;
use quoin_kernel::{Timestamp, UserId};

use super::delete_objects::remove;
use super::intent::Removal;
use super::quota::Defaults;
use super::{Files, bucket};
use crate::error::FilesError;
use crate::model::{Bucket, BucketId, BucketName, BucketRules, Owner};
use crate::store::{buckets_global, objects_global};

/// How many objects one transaction removes.
const BATCH: u32 = 500;

/// What becomes of one rule.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Rule<T> {
    /// It stays as it is.
    #[default]
    Keep,
    /// There is none any more.
    Lift,
    /// It becomes this.
    Set(T),
}

/// What to change of a bucket's rules.
#[derive(Debug, Clone, Default)]
pub struct RuleChange {
    /// Whether everybody may read.
    pub public: Option<bool>,
    /// The largest object; without this rule, the instance's limit holds.
    pub max_object_bytes: Rule<u64>,
    /// The types it takes; without this rule, all of them.
    pub allowed_types: Rule<Vec<String>>,
}

impl<T: Clone> Rule<T> {
    fn apply(&self, present: Option<&T>) -> Option<T> {
        match self {
            Self::Keep => present.cloned(),
            Self::Lift => None,
            Self::Set(value) => Some(value.clone()),
        }
    }
}

impl RuleChange {
    /// Returns the rules as they are after the change.
    pub fn apply(&self, rules: &BucketRules) -> BucketRules {
        BucketRules {
            public: self.public.unwrap_or(rules.public),
            max_object_bytes: self.max_object_bytes.apply(rules.max_object_bytes.as_ref()),
            allowed_types: self.allowed_types.apply(rules.allowed_types.as_ref()),
        }
    }
}

/// Makes a bucket.
///
/// # Errors
/// [`FilesError::BucketExists`]; [`FilesError::TooLarge`] for a limit above the instance's.
pub async fn create(
    files: &Files,
    name: BucketName,
    rules: BucketRules,
    created_by: Option<UserId>,
    entry: Entry,
) -> Result<Bucket, FilesError> {
    check(files, &rules)?;
    let now = files.now();
    let id = BucketId::new(now, files.app().rng());
    let bucket = Bucket { id, name, rules, created_by, created_at: now, updated_at: now };
    let entry = entry.on(&bucket.name);
    files
        .db()
        .write("files.bucket.create", move |tx| {
            buckets_global::insert(tx, &bucket)?;
            quoin_audit::record(tx, &entry)?;
            Ok(bucket.clone())
        })
        .await
}

/// Finds a bucket.
///
/// # Errors
/// [`FilesError::NoSuchBucket`].
pub async fn get(files: &Files, name: BucketName) -> Result<Bucket, FilesError> {
    files.db().read("files.bucket.get", move |tx| bucket(tx, &name)).await
}

/// Lists all buckets, oldest first.
///
/// # Errors
/// What the database says.
pub async fn list(files: &Files) -> Result<Vec<Bucket>, FilesError> {
    Ok(files.db().read("files.bucket.list", buckets_global::list).await?)
}

/// Changes a bucket's rules. What is in it stays, whatever the new rules say.
///
/// # Errors
/// [`FilesError::NoSuchBucket`]; [`FilesError::NamesCollide`] where it cannot become public.
pub async fn update(
    files: &Files,
    name: BucketName,
    change: RuleChange,
    entry: Entry,
) -> Result<Bucket, FilesError> {
    let (now, entry, limit) = (files.now(), entry.on(&name), files.config().max_object_bytes);
    files
        .db()
        .write("files.bucket.update", move |tx| {
            let old = bucket(tx, &name)?;
            let rules = change.apply(&old.rules);
            check_against(limit, &rules)?;
            if rules.public != old.rules.public {
                buckets_global::share_names(tx, old.id, rules.public).map_err(|error| {
                    match error.into() {
                        FilesError::ObjectExists => FilesError::NamesCollide,
                        other => other,
                    }
                })?;
            }
            buckets_global::update(tx, old.id, &rules, now)?;
            quoin_audit::record(tx, &entry)?;
            Ok(Bucket { rules, updated_at: now, ..old })
        })
        .await
}

/// Removes the objects of a bucket, of one owner or of all, as they are when it begins.
///
/// # Errors
/// [`FilesError::NoSuchBucket`].
pub async fn empty(
    files: &Files,
    name: BucketName,
    owner: Option<Owner>,
    entry: Entry,
) -> Result<u64, FilesError> {
    let before = files.now();
    let entry = entry.on(&name);
    let found = files.db().write("files.bucket.empty.begin", move |tx| {
        let found = bucket(tx, &name)?;
        quoin_audit::record(tx, &entry)?;
        Ok::<_, FilesError>(found)
    });
    let id = found.await?.id;
    let mut removed = 0;
    loop {
        let some = remove_some(files, id, owner, before).await?;
        removed += some;
        if some < u64::from(BATCH) {
            return Ok(removed);
        }
    }
}

async fn remove_some(
    files: &Files,
    id: BucketId,
    owner: Option<Owner>,
    now: Timestamp,
) -> Result<u64, FilesError> {
    let (removal, defaults) = (Removal::new(files, now), Defaults::of(files));
    files
        .db()
        .write("files.bucket.empty", move |tx| {
            let found = objects_global::list_some(tx, id, owner, BATCH)?;
            remove(tx, &found, (&removal, &defaults), now)?;
            Ok(found.len() as u64)
        })
        .await
}

/// Removes an empty bucket.
///
/// # Errors
/// [`FilesError::NoSuchBucket`], [`FilesError::BucketNotEmpty`].
pub async fn delete(files: &Files, name: BucketName, entry: Entry) -> Result<(), FilesError> {
    let entry = entry.on(&name);
    files
        .db()
        .write("files.bucket.delete", move |tx| {
            let found = bucket(tx, &name)?;
            if buckets_global::holds_any(tx, found.id)? {
                return Err(FilesError::BucketNotEmpty);
            }
            buckets_global::delete(tx, found.id)?;
            Ok(quoin_audit::record(tx, &entry)?)
        })
        .await
}

fn check(files: &Files, rules: &BucketRules) -> Result<(), FilesError> {
    check_against(files.config().max_object_bytes, rules)
}

fn check_against(limit: u64, rules: &BucketRules) -> Result<(), FilesError> {
    rules.check()?;
    match rules.max_object_bytes {
        Some(bytes) if bytes > limit => Err(FilesError::TooLarge { max_bytes: limit }),
        _ => Ok(()),
    }
}
