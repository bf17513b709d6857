//! What this room does by itself: it forgets what no living token or link can contradict, and removes organisations whose
//! time of grace is over.

use std::time::Duration;

use quoin_db::{DbError, Tx};
use quoin_kernel::job::{JobError, JobType, Schedule, When};

use crate::store::invitations_global;
use crate::{Tenancy, revocations, service};

/// The job that removes what has expired.
const PURGE: &str = "tenancy.purge";
/// The job that removes organisations whose time of grace is over.
const DELETE_DUE: &str = "tenancy.delete_due";

/// Describes the jobs of this room.
pub(crate) fn types(tenancy: &Tenancy) -> Vec<JobType> {
    vec![purge(tenancy.clone()), delete_due(tenancy.clone())]
}

fn purge(tenancy: Tenancy) -> JobType {
    JobType::new(PURGE, 3, Duration::from_mins(1), move |run, _| {
        let tenancy = tenancy.clone();
        async move {
            let purge = move |tx: &mut Tx<'_>| {
                Ok(revocations::purge(tx, run.now)? + invitations_global::purge(tx, run.now)?)
            };
            let purged: Result<u64, DbError> = tenancy.db().write("tenancy.purge", purge).await;
            purged.map(|_| ()).map_err(|error| JobError::Retry(Box::new(error)))
        }
    })
}

fn delete_due(tenancy: Tenancy) -> JobType {
    JobType::new(DELETE_DUE, 3, Duration::from_mins(5), move |run, _| {
        let tenancy = tenancy.clone();
        async move {
            let removed = service::delete_due(&tenancy, run.now).await;
            removed.map(|_| ()).map_err(|error| JobError::Retry(Box::new(error)))
        }
    })
}

/// Says when they run.
pub(crate) fn schedules() -> Vec<Schedule> {
    vec![
        Schedule { name: PURGE, when: When::Every(Duration::from_hours(1)), job: PURGE },
        Schedule { name: DELETE_DUE, when: When::Every(Duration::from_mins(10)), job: DELETE_DUE },
    ]
}
