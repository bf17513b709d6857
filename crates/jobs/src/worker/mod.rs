//! The worker: one task that turns the queue, and the tries it has running.
//!
//! Each turn is one short transaction that writes down how tries ended and takes the next jobs, so that both are
//! batched by themselves when there is much to do. A turn happens when something was enqueued in this process, when a
//! try has ended, when a delayed job, a lease or a schedule is due, and from time to time for what other processes
//! enqueue.
//!
//! Reading order: [`run`](Worker::run), then `turn`, `tries`, `heart` and `schedules`.

mod heart;
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
use tokio::time::Instant;

use crate::config::JobsConfig;
use crate::model::{InvalidSchedule, Subscriptions, WorkerId, jitter};
use crate::service::TOPIC;
use crate::store::settlements_global::Settlement;
use crate::store::workers_global;
use heart::Heart;
#[cfg(test)]
pub(crate) use heart::Rhythm;
use schedules::Schedules;
pub use stats::{Stats, StatsSnapshot};
use tries::Tries;
use turn::{Plan, Turned};

/// How long a worker on SQLite sleeps at most: only this process enqueues, and it wakes the worker. One that shares its
/// queue sleeps from one sign of life to the next, because other processes enqueue too.
const POLL_ALONE: Duration = Duration::from_secs(15);
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
    id: WorkerId,
    /// Beats where other workers may share the queue.
    heart: Option<Heart>,
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
        let id = WorkerId::new(clock.now(), rng.as_ref());
        let heart = (db.engine() == Engine::Postgres).then(|| Heart::new(id));
        Ok(Self {
            db,
            schedules: Schedules::new(schedules)?,
            subscriptions: Arc::new(subscriptions),
            config,
            tries: Tries::new(types, clock.clone(), rng.clone()),
            clock,
            rng,
            id,
            heart,
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
    /// Dropping the future is as safe as killing the process: others take over.
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
            self.rest(AFTER_FAILURE + jitter(AFTER_FAILURE, self.rng.as_ref())).await;
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
            sign: self.heart.as_ref().and_then(|heart| heart.due(Instant::now())),
            worker: self.id,
            schedules: self.schedules.due(now),
            subscriptions: self.subscriptions.clone(),
            keep_done: self.config.keep_done_hours > 0,
            purge: self
                .purge_due(now)
                .then(|| (now - self.config.keep_done(), now - self.config.keep_dead())),
            rng: self.rng.clone(),
        };
        match self.committed(plan).await {
            Ok(turned) => self.after_turn(now, limit, &settlements, turned).await,
            Err(error) => {
                // Nothing is lost: the endings are written by a later turn, and unknown claims end with their lease.
                self.tries.put_back(&settlements);
                return Err(error);
            }
        }
        Ok(())
    }

    /// Runs the turn's transaction. Where that takes so long that the others may give this worker up, its tries end.
    async fn committed(&mut self, plan: Plan) -> Result<Turned, DbError> {
        let mut write = pin!(self.db.write_read_committed("jobs.turn", move |tx| plan.turn(tx)));
        if let Some(deadline) = self.heart.as_ref().and_then(Heart::yields_at) {
            tokio::select! {
                biased;
                done = &mut write => return done,
                () = tokio::time::sleep_until(deadline) => self.tries.stop_all().await,
            }
        }
        write.await
    }

    /// Waits, and ends all tries once the last sign of life is so old that others may soon run them.
    async fn rest(&mut self, wait: Duration) {
        let until = Instant::now() + wait;
        let deadline = self.heart.as_ref().and_then(Heart::yields_at);
        if let Some(deadline) = deadline.filter(|deadline| *deadline < until) {
            tokio::time::sleep_until(deadline).await;
            self.tries.stop_all().await;
        }
        tokio::time::sleep_until(until).await;
    }

    async fn after_turn(&mut self, now: Timestamp, limit: u32, settled: &[Settlement], mut turned: Turned) {
        let unknown = turned.is_unknown();
        if unknown {
            // Given up while it slept: what it still runs belongs to others.
            self.tries.stop_all().await;
        }
        if let (Some(heart), Some(pulse)) = (&mut self.heart, turned.pulse.take()) {
            heart.learn(pulse);
        }
        self.stats.settled(settled, turned.held);
        self.stats.claimed(turned.claimed.len());
        self.schedules.learn(turned.schedules);
        if turned.purged == Some(true) {
            self.purged_at = Some(now);
        }
        if limit > 0 {
            let more_to_purge = turned.purged == Some(false);
            let full = turned.claimed.len() >= limit as usize;
            self.more_due = unknown || full || turned.more_events || more_to_purge;
            self.next_due = [turned.next_due, self.schedules.next_due()].into_iter().flatten().min();
        }
        for job in turned.claimed {
            self.tries.start(job, now);
        }
    }

    /// Lets tries finish without taking new jobs, gives back the leases of those that did not, and says goodbye.
    async fn drain(&mut self) {
        let deadline = Instant::now() + Duration::from_secs(u64::from(self.config.drain_s));
        while !self.tries.is_empty() {
            let beat = self.heart.as_ref().map(|heart| Instant::now() + heart.beat_every());
            let until = beat.map_or(deadline, |beat| beat.min(deadline));
            let in_time = tokio::time::timeout_at(until, self.tries.wait_for_ending()).await;
            if in_time.is_err() && Instant::now() >= deadline {
                self.tries.stop_all().await;
            }
            if let Err(error) = self.turn(0).await {
                let error = &error as &dyn std::error::Error;
                tracing::error!(error, "jobs that ended could not be settled");
                return;
            }
        }
        self.say_goodbye().await;
    }

    /// Takes this worker off the list, so that nobody waits for its signs of life.
    async fn say_goodbye(&self) {
        let Some(worker) = self.heart.as_ref().map(Heart::worker) else { return };
        let gone =
            self.db.write_read_committed("jobs.worker.leave", move |tx| workers_global::delete(tx, worker));
        if let Err(error) = gone.await {
            // The others will find out by themselves.
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "the worker could not say that it stops"
            );
        }
    }

    fn free(&self) -> u32 {
        self.config.concurrency.saturating_sub(self.tries.running())
    }

    #[cfg(test)]
    pub(crate) fn with_rhythm(mut self, rhythm: heart::Rhythm) -> Self {
        self.heart = self.heart.map(|heart| heart.with_rhythm(rhythm));
        self
    }

    fn purge_due(&self, now: Timestamp) -> bool {
        self.purged_at.is_none_or(|last| now.since(last) >= PURGE_EVERY)
    }

    /// Returns how long to sleep unless something wakes the worker.
    fn until_next_look(&self) -> Duration {
        let poll = self.poll();
        match self.next_due {
            // With no slot free, what is due must wait for a try to end, and that wakes the worker.
            Some(due) if self.free() > 0 => due.since(self.clock.now()).min(poll),
            _ => poll,
        }
    }

    fn poll(&self) -> Duration {
        let Some(heart) = &self.heart else { return POLL_ALONE };
        // Half fixed, half drawn: several processes do not look at the same moments.
        let half = heart.beat_every() / 2;
        half + jitter(half, self.rng.as_ref())
    }
}
