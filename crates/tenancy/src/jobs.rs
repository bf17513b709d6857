//! What this room does by itself: it forgets revocations that no living token can contradict, and old invitations.

use std::time::Duration;

use quoin_db::{DbError, Tx};
use quoin_kernel::job::{JobError, JobType, Schedule, When};
use quoin_web::App;

use crate::revocations;
use crate::store::invitations_global;

/// The job that removes what has expired.
const PURGE: &str = "tenancy.purge";

/// Describes the jobs of this room.
pub(crate) fn types(app: &App) -> Vec<JobType> {
    let app = app.clone();
    vec![JobType::new(PURGE, 3, Duration::from_mins(1), move |run, _| {
        let app = app.clone();
        async move {
            let purge = move |tx: &mut Tx<'_>| {
                Ok(revocations::purge(tx, run.now)? + invitations_global::purge(tx, run.now)?)
            };
            let purged: Result<u64, DbError> = app.db().system().write("tenancy.purge", purge).await;
            purged.map(|_| ()).map_err(|error| JobError::Retry(Box::new(error)))
        }
    })]
}

/// Says when they run.
pub(crate) fn schedules() -> Vec<Schedule> {
    vec![Schedule { name: PURGE, when: When::Every(Duration::from_hours(1)), job: PURGE }]
}
