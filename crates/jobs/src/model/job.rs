//! A job before it is enqueued, and as administrators see it.

use quoin_kernel::{JobId, OrgId, Rng, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Work to be done later, made outside the transaction that enqueues it.
#[derive(Debug, Clone)]
pub struct NewJob {
    pub(crate) id: JobId,
    pub(crate) kind: &'static str,
    pub(crate) payload: Value,
    pub(crate) created_at: Timestamp,
    pub(crate) run_at: Timestamp,
    pub(crate) unique_key: Option<String>,
    pub(crate) org_id: Option<OrgId>,
}

impl NewJob {
    /// Describes a job of the named [`quoin_kernel::job::JobType`], to be run at once. The payload holds no secret.
    pub fn new(rng: &dyn Rng, now: Timestamp, kind: &'static str, payload: Value) -> Self {
        let id = JobId::new(now, rng);
        Self { id, kind, payload, created_at: now, run_at: now, unique_key: None, org_id: None }
    }

    /// Returns the id it will have, unless another job with its unique key is there already.
    pub const fn id(&self) -> JobId {
        self.id
    }

    /// Does not run it before `run_at`.
    #[must_use]
    pub const fn not_before(mut self, run_at: Timestamp) -> Self {
        self.run_at = run_at;
        self
    }

    /// Enqueues it only while no other job of its type with this key waits or runs.
    #[must_use]
    pub fn unique(mut self, key: impl Into<String>) -> Self {
        self.unique_key = Some(key.into());
        self
    }

    /// Says whose job it is.
    #[must_use]
    pub const fn in_org(mut self, org_id: OrgId) -> Self {
        self.org_id = Some(org_id);
        self
    }
}

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Will be run when its time comes.
    Waiting,
    /// A worker holds its lease.
    Running,
    /// Has succeeded and is kept for a while.
    Done,
    /// Has failed for good; an administrator may retry or delete it.
    Dead,
}

impl State {
    /// Returns the name that rows and JSON carry.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Done => "done",
            Self::Dead => "dead",
        }
    }

    /// Reads the name back.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Waiting, Self::Running, Self::Done, Self::Dead]
            .into_iter()
            .find(|state| state.as_str() == name)
    }
}

/// A job as administrators see it. The payload is not shown: it may name people.
#[derive(Debug, Clone, Serialize, schemars::JsonSchema)]
pub struct QueuedJob {
    /// The job.
    pub id: JobId,
    /// Its type, for example `mail.send`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Where it stands.
    pub state: State,
    /// How many tries have begun.
    pub attempt: i64,
    /// How many tries there are, known from the first one on.
    pub max_attempts: Option<i64>,
    /// When it will be, or was to be, run.
    pub run_at: Timestamp,
    /// When the present try's lease ends.
    pub lease_until: Option<Timestamp>,
    /// Why the last try failed, without secrets and cut short.
    pub last_error: Option<String>,
    /// Whose job it is.
    pub org_id: Option<OrgId>,
    /// When it was enqueued.
    pub created_at: Timestamp,
    /// When it was done, or given up.
    pub finished_at: Option<Timestamp>,
}
