//! What this room does by itself: it forgets what has ended.

use std::time::Duration;

use quoin_db::DbError;
use quoin_kernel::Timestamp;
use quoin_kernel::job::{JobError, JobType, Schedule, When};

use crate::Identity;
use crate::store::{codes_global, links_global, sessions_global};

/// The job that removes what has ended.
const PURGE: &str = "identity.purge";
/// How long links and codes stay after their use or expiry, so that a person can be told what became of them.
const KEPT: Duration = Duration::from_hours(24);

/// Says when the jobs of this room run.
pub(crate) fn schedules() -> Vec<Schedule> {
    vec![Schedule { name: PURGE, when: When::Every(Duration::from_hours(1)), job: PURGE }]
}

/// Describes the jobs of this room.
pub(crate) fn job_types(identity: &Identity) -> Vec<JobType> {
    let identity = identity.clone();
    vec![JobType::new(PURGE, 3, Duration::from_mins(1), move |job, _| {
        let identity = identity.clone();
        async move { purge(&identity, job.now).await.map_err(|error| JobError::Retry(Box::new(error))) }
    })]
}

/// Removes links and codes a day after their end, and sessions that nobody has refreshed for too long or that have
/// lived as long as they may.
async fn purge(identity: &Identity, now: Timestamp) -> Result<(), DbError> {
    let idle_since = now - Duration::from_secs(identity.config().session_idle_s);
    let too_old = identity.config().session_max().map(|max| now - max);
    let removed = identity
        .db()
        .write("identity.purge", move |tx| {
            let links = links_global::delete_ended(tx, now - KEPT)?;
            let codes = codes_global::delete_expired(tx, now - KEPT)?;
            let idle = sessions_global::delete_idle(tx, idle_since)?;
            let old = too_old.map_or(Ok(0), |before| sessions_global::delete_old(tx, before))?;
            Ok::<_, DbError>(links + codes + idle + old)
        })
        .await?;
    tracing::debug!(removed, "forgot links, codes and sessions that have ended");
    Ok(())
}
