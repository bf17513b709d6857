//! What a room says about the work it wants done later; the `jobs` room keeps the queue.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use crate::port::BoxFuture;
use crate::{JobId, Timestamp};

/// Describes one kind of job and how to run it.
#[derive(Clone)]
pub struct JobType {
    /// The name rows carry, for example `mail.send`.
    pub name: &'static str,
    /// How many tries before the job is put aside as dead.
    pub max_attempts: u32,
    /// How long one try may take before its lease ends and another worker may take over.
    pub lease: Duration,
    /// Runs one try.
    pub run: Run,
}

/// The function that runs one try of a job.
pub type Run = Arc<dyn Fn(JobRun, Value) -> BoxFuture<'static, Result<(), JobError>> + Send + Sync>;

impl JobType {
    /// Describes a job that is tried `max_attempts` times, each try under a lease.
    pub fn new<F, Fut>(name: &'static str, max_attempts: u32, lease: Duration, run: F) -> Self
    where
        F: Fn(JobRun, Value) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), JobError>> + Send + 'static,
    {
        Self { name, max_attempts, lease, run: Arc::new(move |job, payload| Box::pin(run(job, payload))) }
    }
}

impl fmt::Debug for JobType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JobType").field("name", &self.name).finish_non_exhaustive()
    }
}

/// One try of one job.
#[derive(Debug, Clone, Copy)]
pub struct JobRun {
    /// The job.
    pub id: JobId,
    /// Which try this is, from 1.
    pub attempt: u32,
    /// How many tries there are.
    pub max_attempts: u32,
    /// The fencing token of this try's lease: a later try has a higher one.
    pub fence: i64,
    /// When the try began.
    pub now: Timestamp,
}

impl JobRun {
    /// Tells whether no try follows this one.
    pub const fn is_last_attempt(self) -> bool {
        self.attempt >= self.max_attempts
    }
}

/// Why a try did not succeed. The author of a job must choose.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// Another try may succeed: a time-out, a full queue, a provider that is down.
    #[error("will be tried again")]
    Retry(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// No further try can succeed: the input is wrong, the thing is gone.
    #[error("cannot succeed")]
    Fail(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Enqueues a job each time it is due, once among all nodes. Its payload is `{}`.
#[derive(Debug, Clone, Copy)]
pub struct Schedule {
    /// The schedule's name, for example `mail.purge`.
    pub name: &'static str,
    /// When it is due.
    pub when: When,
    /// The name of the [`JobType`].
    pub job: &'static str,
}

/// When a schedule is due. What was missed while nothing ran is made up once.
#[derive(Debug, Clone, Copy)]
pub enum When {
    /// This long after it was last due.
    Every(Duration),
    /// By the calendar: five fields of cron (minute, hour, day of month, month, day of week), in UTC.
    Cron(&'static str),
}
