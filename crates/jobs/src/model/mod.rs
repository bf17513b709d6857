//! The nouns: a job to be enqueued, the states it goes through, how long to wait after a failure, who hears of events.

mod backoff;
mod calendar;
mod job;
mod redact;
mod subscriptions;
mod worker;

pub use backoff::Backoff;
pub(crate) use backoff::jitter;
pub use calendar::{Calendar, InvalidSchedule};
pub use job::{NewJob, QueuedJob, State};
pub(crate) use redact::last_error;
pub use subscriptions::Subscriptions;
pub use worker::WorkerId;

#[cfg(test)]
mod tests;
