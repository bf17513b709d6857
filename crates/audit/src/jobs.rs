//! The one job of this room: entries that have been kept long enough go.

use std::sync::Arc;
use std::time::Duration;

use quoin_kernel::job::{JobError, JobType, Schedule, When};
use quoin_web::App;

use crate::config::AuditConfig;
use crate::service::purge;

/// The name of the job and of its schedule.
const PURGE: &str = "audit.purge";

/// Describes the job; none where entries are kept for ever.
pub(crate) fn types(app: &App, config: &AuditConfig) -> Vec<JobType> {
    let Some(keep) = config.keep() else { return Vec::new() };
    let app = Arc::new(app.clone());
    let run = move |_, _| {
        let app = app.clone();
        async move {
            let removed = purge(app.db().system(), app.rng(), app.now(), keep).await;
            let removed = removed.map_err(|error| JobError::Retry(Box::new(error)))?;
            tracing::info!(removed, "purged the audit trail");
            Ok(())
        }
    };
    vec![JobType::new(PURGE, 3, Duration::from_mins(10), run)]
}

/// Once a day; never where entries are kept for ever.
pub(crate) fn schedules(config: &AuditConfig) -> Vec<Schedule> {
    let daily = Schedule { name: PURGE, when: When::Every(Duration::from_hours(24)), job: PURGE };
    config.keep().map(|_| daily).into_iter().collect()
}
