//! Why an administrator's wish about a job is refused.

use quoin_db::DbError;
use quoin_kernel::Problem;

/// A refusal of the queue's administration.
#[derive(Debug, thiserror::Error)]
pub enum JobsError {
    /// There is no such job.
    #[error("no such job")]
    NoSuchJob,
    /// Only dead jobs can be retried.
    #[error("the job is not dead")]
    JobNotDead,
    /// A worker holds the job.
    #[error("the job is running")]
    JobRunning,
    /// Another job with the same unique key waits or runs.
    #[error("another job with this unique key waits or runs")]
    JobReplaced,
    /// The database failed.
    #[error(transparent)]
    Db(DbError),
}

impl From<DbError> for JobsError {
    fn from(error: DbError) -> Self {
        match error {
            DbError::Unique { index, .. } if index == "jobs_queue_unique_key" => Self::JobReplaced,
            other => Self::Db(other),
        }
    }
}

impl From<JobsError> for Problem {
    fn from(error: JobsError) -> Self {
        match error {
            JobsError::NoSuchJob => Self::not_found("job"),
            JobsError::JobNotDead => Self::new(409, "job_not_dead", "Only a dead job can be retried"),
            JobsError::JobRunning => Self::new(409, "job_running", "A running job cannot be deleted")
                .hint("Wait until its try ends, then delete it."),
            JobsError::JobReplaced => {
                Self::new(409, "job_replaced", "Another job with the same unique key waits or runs already")
            }
            JobsError::Db(error) => error.into(),
        }
    }
}
