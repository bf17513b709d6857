//! What this room does by itself: it removes bytes that no object needs, and what belonged to those who are gone.

use std::time::Duration;

use quoin_jobs::{NewJob, Subscriptions};
use quoin_kernel::job::{JobError, JobType, Schedule, When};
use quoin_kernel::{OrgId, Timestamp, UserId};
use serde_json::{Value, json};

use crate::error::FilesError;
use crate::model::{Owner, VersionId};
use crate::service::{Files, direct_upload, erase, render, resumable, sweep};

/// Removes the bytes of objects that are gone, as soon as that may be.
pub(crate) const REMOVE: &str = "files.remove";
/// Removes what interrupted writes have left.
const SWEEP: &str = "files.sweep";
/// Removes what no row knows.
const RECONCILE: &str = "files.reconcile";
/// Hashes a large object that did not pass through here.
const HASH: &str = "files.hash";
/// Removes everything of an organisation.
const ERASE_ORGANIZATION: &str = "files.erase_organization";
/// Removes everything of a person.
const ERASE_PERSON: &str = "files.erase_person";

/// Describes the jobs of this room.
pub(crate) fn types(files: &Files) -> Vec<JobType> {
    let minutes = Duration::from_mins;
    vec![
        job(files, REMOVE, minutes(10), |files, _| async move { sweep::sweep(&files).await.map(drop) }),
        job(files, SWEEP, minutes(10), |files, _| async move {
            sweep::sweep(&files).await?;
            resumable::forget_expired(&files).await?;
            render::forget_gone(&files).await.map(drop)
        }),
        job(files, RECONCILE, minutes(60), |files, _| async move {
            sweep::remove_unknown(&files).await.map(drop)
        }),
        job(files, HASH, minutes(60), |files, payload| async move {
            let version = payload["version"].as_str().and_then(|text| text.parse().ok());
            match version {
                Some(version) => direct_upload::hash_later(&files, version).await,
                None => Ok(()),
            }
        }),
        job(files, ERASE_ORGANIZATION, minutes(30), |files, payload| async move {
            match id(&payload, "org_id").map(OrgId::from_uuid) {
                Some(org_id) => erase::erase(&files, Owner::Organization(org_id)).await,
                None => Ok(()),
            }
        }),
        job(files, ERASE_PERSON, minutes(30), |files, payload| async move {
            match id(&payload, "user_id").map(UserId::from_uuid) {
                Some(user_id) => erase::erase(&files, Owner::Person(user_id)).await,
                None => Ok(()),
            }
        }),
    ]
}

/// Makes the job that hashes a version.
pub(crate) fn hash(files: &Files, version: VersionId, now: Timestamp) -> NewJob {
    NewJob::new(files.app().rng(), now, HASH, json!({"version": version}))
}

/// Says when they run.
pub(crate) fn schedules() -> Vec<Schedule> {
    let every = |minutes| When::Every(Duration::from_mins(minutes));
    vec![
        Schedule { name: SWEEP, when: every(5), job: SWEEP },
        Schedule { name: RECONCILE, when: every(24 * 60), job: RECONCILE },
    ]
}

/// Says which news this room waits for, whatever process serves it.
#[must_use]
pub fn subscriptions(others: Subscriptions) -> Subscriptions {
    others
        .on(quoin_tenancy::service::ORGANIZATION_DELETED, ERASE_ORGANIZATION)
        .on("identity.user.deleted", ERASE_PERSON)
}

/// A store that fails now may answer later; what has failed ten times waits for an administrator.
fn job<Fut>(
    files: &Files,
    name: &'static str,
    lease: Duration,
    run: impl Fn(Files, Value) -> Fut + Send + Sync + 'static,
) -> JobType
where
    Fut: Future<Output = Result<(), FilesError>> + Send + 'static,
{
    let files = files.clone();
    JobType::new(name, 10, lease, move |_, payload| {
        let running = run(files.clone(), payload);
        async move { running.await.map_err(|error| JobError::Retry(Box::new(error))) }
    })
}

/// Reads an id from an event's job: `{event_id, name, org_id, at, payload}`.
fn id(payload: &Value, name: &str) -> Option<uuid::Uuid> {
    payload["payload"][name].as_str()?.parse().ok()
}
