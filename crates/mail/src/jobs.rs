//! The jobs of this room.

use std::sync::Arc;
use std::time::Duration;

use quoin_kernel::job::{JobError, JobType, Schedule, When};
use serde::Deserialize;
use serde_json::Value;

use crate::model::MailId;
use crate::service::{Deliverer, purge};

/// The job that sends one mail.
pub(crate) const SEND: &str = "mail.send";
/// The job that cleans the outbox.
const PURGE: &str = "mail.purge";
/// Tries of one mail: with the queue's back-off, about four hours.
const SEND_ATTEMPTS: u32 = 14;
/// Longer than every time-out of one delivery together.
const SEND_LEASE: Duration = Duration::from_mins(3);

#[derive(Deserialize)]
struct Send {
    mail_id: MailId,
}

/// Describes the jobs, which `deliverer` runs.
pub(crate) fn types(deliverer: &Arc<Deliverer>) -> Vec<JobType> {
    let (sender, cleaner) = (deliverer.clone(), deliverer.clone());
    let send = JobType::new(SEND, SEND_ATTEMPTS, SEND_LEASE, move |run, payload: Value| {
        let deliverer = sender.clone();
        async move {
            let input: Send =
                serde_json::from_value(payload).map_err(|error| JobError::Fail(Box::new(error)))?;
            deliverer.deliver(input.mail_id, run).await
        }
    });
    let clean = JobType::new(PURGE, 3, Duration::from_mins(1), move |run, _: Value| {
        let deliverer = cleaner.clone();
        async move {
            purge(deliverer.db(), deliverer.keep_ended, run.now)
                .await
                .map_err(|error| JobError::Retry(Box::new(error)))
        }
    });
    vec![send, clean]
}

/// The outbox is cleaned once an hour.
pub(crate) fn schedules() -> Vec<Schedule> {
    vec![Schedule { name: PURGE, when: When::Every(Duration::from_hours(1)), job: PURGE }]
}
