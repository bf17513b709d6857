//! The tries that run, and how they ended.

use std::collections::HashMap;
use std::sync::Arc;

use quoin_kernel::job::{JobError, JobRun, JobType};
use quoin_kernel::{Clock, Rng, Timestamp};
use serde_json::json;
use tokio::task::{Id, JoinError, JoinSet};

use crate::model::{Backoff, last_error};
use crate::store::claims_global::Claimed;
use crate::store::settlements_global::{Ending, Settlement};

/// The tries of one worker.
pub(super) struct Tries {
    types: HashMap<&'static str, JobType>,
    backoff: Backoff,
    clock: Arc<dyn Clock>,
    rng: Arc<dyn Rng>,
    running: JoinSet<Result<(), Failure>>,
    leases: HashMap<Id, Lease>,
    ended: Vec<Settlement>,
}

struct Lease {
    kind: &'static str,
    run: JobRun,
}

/// Why a try has failed.
enum Failure {
    Job(JobError),
    /// It ran longer than its lease.
    Timeout,
}

impl Tries {
    pub(super) fn new(
        types: HashMap<&'static str, JobType>,
        clock: Arc<dyn Clock>,
        rng: Arc<dyn Rng>,
    ) -> Self {
        Self {
            types,
            backoff: Backoff::default(),
            clock,
            rng,
            running: JoinSet::new(),
            leases: HashMap::new(),
            ended: Vec::new(),
        }
    }

    /// Writes `{"type": ["end of a lease taken now", max_attempts]}` for every type.
    pub(super) fn types_for_claim(&self, now: Timestamp) -> String {
        let types = self.types.values().map(|kind| {
            let lease_until = (now + kind.lease).to_string();
            (kind.name.to_owned(), json!([lease_until, kind.max_attempts.max(1)]))
        });
        serde_json::Value::Object(types.collect()).to_string()
    }

    /// Starts a try. Its time ends with its lease, so that no two tries of a job run at once.
    pub(super) fn start(&mut self, job: Claimed, claimed_at: Timestamp) {
        let Some(kind) = self.types.get(job.kind.as_str()) else {
            // Only known types are claimed, so this lease simply ends.
            tracing::error!(job = %job.id, kind = job.kind, "a job of an unknown type was claimed");
            return;
        };
        let run = JobRun {
            id: job.id,
            attempt: u32::try_from(job.attempt).unwrap_or(u32::MAX),
            max_attempts: u32::try_from(job.max_attempts).unwrap_or(u32::MAX),
            fence: job.fence,
            now: self.clock.now(),
        };
        let time_left = kind.lease.saturating_sub(run.now.since(claimed_at));
        let start = kind.run.clone();
        let handle = self.running.spawn(async move {
            // Called in here, so that a panic before the first await is the try's too, and not the worker's.
            match tokio::time::timeout(time_left, start(run, job.payload)).await {
                Ok(result) => result.map_err(Failure::Job),
                Err(_) => Err(Failure::Timeout),
            }
        });
        self.leases.insert(handle.id(), Lease { kind: kind.name, run });
    }

    /// Returns how many tries run.
    pub(super) fn running(&self) -> u32 {
        u32::try_from(self.running.len()).unwrap_or(u32::MAX)
    }

    /// Tells whether nothing runs and nothing waits to be written down.
    pub(super) fn is_empty(&self) -> bool {
        self.running.is_empty() && self.ended.is_empty()
    }

    /// Tells whether endings wait to be written down.
    pub(super) fn has_ended(&self) -> bool {
        !self.ended.is_empty()
    }

    /// Waits until a try ends; for ever where none runs. Cancelling it loses nothing.
    pub(super) async fn next_ended(&mut self) {
        match self.running.join_next_with_id().await {
            Some(joined) => self.note(joined),
            None => std::future::pending().await,
        }
    }

    /// Returns at once where an ending waits to be written down, else when a try ends.
    pub(super) async fn wait_for_ending(&mut self) {
        if !self.has_ended() {
            self.next_ended().await;
        }
    }

    /// Takes every ending that has not been written down.
    pub(super) fn take_ended(&mut self) -> Vec<Settlement> {
        while let Some(joined) = self.running.try_join_next_with_id() {
            self.note(joined);
        }
        std::mem::take(&mut self.ended)
    }

    /// Keeps endings whose turn failed.
    pub(super) fn put_back(&mut self, settlements: &[Settlement]) {
        self.ended.extend_from_slice(settlements);
    }

    /// Stops every try; each gives its lease back.
    pub(super) async fn stop_all(&mut self) {
        self.running.abort_all();
        while let Some(joined) = self.running.join_next_with_id().await {
            self.note(joined);
        }
    }

    fn note(&mut self, joined: Result<(Id, Result<(), Failure>), JoinError>) {
        let (task, ending) = match joined {
            Ok((task, result)) => (task, Ok(result)),
            Err(error) => (error.id(), Err(error)),
        };
        let Some(lease) = self.leases.remove(&task) else {
            return;
        };
        let ending = match ending {
            Ok(Ok(())) => Ending::Done,
            Ok(Err(failure)) => self.after_failure(&lease, failure),
            Err(error) if error.is_cancelled() => Ending::Released,
            Err(_) => self.retry_or_bury(&lease, "the job panicked".into()),
        };
        self.ended.push(Settlement { id: lease.run.id, fence: lease.run.fence, ending });
    }

    fn after_failure(&self, lease: &Lease, failure: Failure) -> Ending {
        match failure {
            Failure::Job(JobError::Retry(error)) => self.retry_or_bury(lease, last_error(error.as_ref())),
            Failure::Job(JobError::Fail(error)) => bury(lease, last_error(error.as_ref())),
            Failure::Timeout => self.retry_or_bury(lease, "the try took longer than its lease".into()),
        }
    }

    fn retry_or_bury(&self, lease: &Lease, error: String) -> Ending {
        if lease.run.is_last_attempt() {
            return bury(lease, error);
        }
        let wait = self.backoff.draw(lease.run.attempt, self.rng.as_ref());
        tracing::warn!(
            job = %lease.run.id, kind = lease.kind, attempt = lease.run.attempt, error,
            wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX), "a job failed and will be tried again"
        );
        Ending::Retry(self.clock.now() + wait, error)
    }
}

fn bury(lease: &Lease, error: String) -> Ending {
    tracing::error!(
        job = %lease.run.id, kind = lease.kind, attempt = lease.run.attempt, error, "a job failed for good"
    );
    Ending::Dead(error)
}
