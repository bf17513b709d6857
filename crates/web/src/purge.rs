//! This room's tables, statements and its one job: deleting counts and answers whose time is over.

#[cfg(test)]
mod tests;

use std::time::Duration;

use quoin_db::{DbError, Migration};
use quoin_kernel::Problem;
use quoin_kernel::job::{JobError, JobType, Schedule, When};

use crate::app::App;
use crate::module::Module;
use crate::route::Routes;
use crate::{idempotency, rate_limit};

/// This room's migrations.
pub static MIGRATIONS: &[Migration] = quoin_db::migrations!("web", "0001_counters", "0002_idempotency");

/// Every statement of this room.
pub static STATEMENTS: &[&[&quoin_db::Statement]] = &[rate_limit::ALL, idempotency::ALL];

/// Describes this room. Its operations are added by [`crate::Front::new`], because they describe all others'.
pub fn module(app: &App) -> Module {
    let app = app.clone();
    Module {
        jobs: vec![JobType::new("web.purge", 3, Duration::from_mins(1), move |_, _| purge(app.clone()))],
        schedules: vec![Schedule {
            name: "web.purge",
            when: When::Every(Duration::from_mins(10)),
            job: "web.purge",
        }],
        ..Module::new("web", Routes::default())
    }
}

async fn purge(app: App) -> Result<(), JobError> {
    let now = app.now();
    let purged = app.db().system().write::<_, DbError, _>("web.purge", move |tx| {
        Ok(rate_limit::purge(tx, now)? + idempotency::purge(tx, now)?)
    });
    match purged.await {
        Ok(rows) => {
            tracing::debug!(rows, "purged counts and answers");
            Ok(())
        }
        Err(error) => Err(JobError::Retry(Box::new(Problem::from(error)))),
    }
}
