//! The worker: one task that turns the queue, and the tries it has running.
//!
//! Each turn is one short transaction that writes down how tries ended and takes the next jobs, so that both are
//! batched by themselves when there is much to do. A turn happens when something was enqueued in this process, when a
//! try has ended, when a delayed job, a lease or a schedule is due, and from time to time for what other processes
//! enqueue.
//!
//! Reading order: [`run`](Worker::run), then `turn`, `tries` and `schedules`.

mod schedules;
mod stats;
mod tries;
mod turn;

use std::collections::HashMap;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use quoin_db::{Db, DbError, Engine};
use quoin_kernel::job::{JobType, Schedule};
use quoin_kernel::{Clock, Rng, Timestamp};

use crate::config::JobsConfig;
use crate::model::{InvalidSchedule, Subscriptions, jitter};
use crate::service::TOPIC;
use crate::store::settlements_global::Settlement;
use schedules::Schedules;
pub use stats::{Stats, StatsSnapshot};
use tries::Tries;
use turn::{Plan, Turned};

/// How long a worker on SQLite sleeps at most: only this process enqueues, and it wakes the worker.
const SQLITE_POLL: Duration = Duration::from_secs(15);
/// How long a worker on PostgreSQL sleeps at most: other processes enqueue too.
const POSTGRES_POLL: Duration = Duration::from_secs(1);
/// How long to wait after a turn that failed.
const AFTER_FAILURE: Duration = Duration::from_secs(1);
/// How often finished jobs that were kept are removed.
const PURGE_EVERY: Duration = Duration::from_mins(1);

/// What a worker needs.
pub struct WorkerParts {
    /// Where the queue is.
    pub db: Db,
    /// The types this process runs; jobs of others are left alone.
    pub types: Vec<JobType>,
    /// What is enqueued by the calendar.
    pub schedules: Vec<Schedule>,
    /// What events become.
    pub subscriptions: Subscriptions,
    /// Limits and retention.
    pub config: JobsConfig,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness for ids and jitter.
    pub rng: Arc<dyn Rng>,
}

/// Works through the queue until told to stop.
pub struct Worker {
    db: Db,
    schedules: Schedules,
    subscriptions: Arc<Subscriptions>,
    config: JobsConfig,
    clock: Arc<dyn Clock>,
    rng: Arc<dyn Rng>,
    tries: Tries,
    stats: Arc<Stats>,
    /// The last turn took as many jobs as it could: more may be due already.
    more_due: bool,
    /// When the next job, lease or schedule is due, as the last look has shown.
    next_due: Option<Timestamp>,
    purged_at: Option<Timestamp>,
}

impl Worker {
    /// Prepares a worker.
    ///
    /// # Errors
    /// A schedule whose cron expression cannot be read.
    pub fn new(parts: WorkerParts) -> Result<Self, InvalidSchedule> {
        let WorkerParts { db, types, schedules, subscriptions, config, clock, rng } = parts;
        let types: HashMap<&'static str, JobType> = types.into_iter().map(|kind| (kind.name, kind)).collect();
        Ok(Self {
            db,
            schedules: Schedules::new(schedules)?,
            subscriptions: Arc::new(subscriptions),
            config,
            tries: Tries::new(types, clock.clone(), rng.clone()),
            clock,
            rng,
            stats: Arc::default(),
            more_due: true,
            next_due: None,
            purged_at: None,
        })
    }

    /// Returns the counters, for metrics.
    pub fn stats(&self) -> Arc<Stats> {
        self.stats.clone()
    }

    /// Works until `stop` ends, then finishes what runs within `drain_s` seconds and gives the rest back.
    ///
    /// Dropping the future is as safe as killing the process: leases end by themselves.
    pub async fn run(mut self, stop: impl Future<Output = ()> + Send) {
        let wake = self.db.subscribe(TOPIC);
        let mut stop = pin!(stop);
        let mut look = true;
        loop {
            while look || self.tries.has_ended() {
                self.turn_or_wait().await;
                look = self.more_due && self.free() > 0;
            }
            let sleep = self.until_next_look();
            tokio::select! {
                biased;
                () = &mut stop => break,
                () = self.tries.next_ended() => {}
                () = wake.notified() => look = true,
                () = tokio::time::sleep(sleep) => look = true,
            }
        }
        self.drain().await;
    }

    /// Makes one turn; after a failed one, waits before the next.
    async fn turn_or_wait(&mut self) {
        if let Err(error) = self.turn(self.free()).await {
            tracing::error!(error = &error as &dyn std::error::Error, "the job queue cannot be turned");
            self.more_due = true;
            tokio::time::sleep(AFTER_FAILURE + jitter(AFTER_FAILURE, self.rng.as_ref())).await;
        }
    }

    /// Writes down what has ended, takes up to `limit` jobs that are due and starts them.
    async fn turn(&mut self, limit: u32) -> Result<(), DbError> {
        let now = self.clock.now();
        let settlements: Arc<[Settlement]> = self.tries.take_ended().into();
        let plan = Plan {
            now,
            settlements: settlements.clone(),
            types: self.tries.types_for_claim(now),
            limit,
            schedules: self.schedules.due(now),
            subscriptions: self.subscriptions.clone(),
            keep_done: self.config.keep_done_hours > 0,
            purge: self
                .purge_due(now)
                .then(|| (now - self.config.keep_done(), now - self.config.keep_dead())),
            rng: self.rng.clone(),
        };
        match self.db.write_read_committed("jobs.turn", move |tx| plan.turn(tx)).await {
            Ok(turned) => self.after_turn(now, limit, &settlements, turned),
            Err(error) => {
                // Nothing is lost: the endings are written by a later turn, and unknown claims end with their lease.
                self.tries.put_back(&settlements);
                return Err(error);
            }
        }
        Ok(())
    }

    fn after_turn(&mut self, now: Timestamp, limit: u32, settled: &[Settlement], turned: Turned) {
        self.stats.settled(settled, turned.held);
        self.stats.claimed(turned.claimed.len());
        self.schedules.learn(turned.schedules);
        if turned.purged {
            self.purged_at = Some(now);
        }
        if limit > 0 {
            self.more_due = turned.claimed.len() >= limit as usize || turned.more_events;
            self.next_due = [turned.next_due, self.schedules.next_due()].into_iter().flatten().min();
        }
        for job in turned.claimed {
            self.tries.start(job, now);
        }
    }

    /// Lets tries finish without taking new jobs, then gives back the leases of those that did not.
    async fn drain(&mut self) {
        let deadline = tokio::time::Instant::now() + Duration::from_secs(u64::from(self.config.drain_s));
        while !self.tries.is_empty() {
            let in_time = tokio::time::timeout_at(deadline, self.tries.wait_for_ending()).await;
            if in_time.is_err() {
                self.tries.stop_all().await;
            }
            if let Err(error) = self.turn(0).await {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "jobs that ended could not be settled"
                );
                return;
            }
        }
    }

    fn free(&self) -> u32 {
        self.config.concurrency.saturating_sub(self.tries.running())
    }

    fn purge_due(&self, now: Timestamp) -> bool {
        self.purged_at.is_none_or(|last| now.since(last) >= PURGE_EVERY)
    }

    /// Returns how long to sleep unless something wakes the worker.
    fn until_next_look(&self) -> Duration {
        let poll = match self.db.engine() {
            Engine::Sqlite => SQLITE_POLL,
            // Half fixed, half drawn: several processes do not look at the same moments.
            Engine::Postgres => POSTGRES_POLL / 2 + jitter(POSTGRES_POLL / 2, self.rng.as_ref()),
        };
        match self.next_due {
            // With no slot free, what is due must wait for a try to end, and that wakes the worker.
            Some(due) if self.free() > 0 => due.since(self.clock.now()).min(poll),
            _ => poll,
        }
    }
}
