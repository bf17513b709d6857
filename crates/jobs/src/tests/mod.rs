//! The queue on both engines, with real workers and a clock that tests may move.

mod claims;
mod events;
mod schedules;
mod takeover;
mod workers;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use quoin_db::{Db, DbError, Migration};
use quoin_kernel::clock::{FixedClock, SystemClock};
use quoin_kernel::job::{JobError, JobRun, JobType};
use quoin_kernel::rng::SystemRng;
use quoin_kernel::{Clock, JobId, Timestamp};
use serde_json::json;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::config::JobsConfig;
use crate::model::{NewJob, QueuedJob, Subscriptions};
use crate::worker::{Worker, WorkerParts};

/// Everything that the queue's tests need in a database.
const MODULES: &[&[Migration]] = &[quoin_audit::MIGRATIONS, crate::MIGRATIONS];
/// How long a test waits for something that should happen at once.
const PATIENCE: Duration = Duration::from_secs(20);

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// Stands still at a moment in 2026.
fn fixed_clock() -> Arc<FixedClock> {
    Arc::new(FixedClock::at(time("2026-08-01T12:00:00Z")))
}

fn job(kind: &'static str, now: Timestamp) -> NewJob {
    NewJob::new(&SystemRng::default(), now, kind, json!({}))
}

async fn enqueue(db: &Db, job: NewJob) -> JobId {
    db.write::<_, DbError, _>("test.enqueue", move |tx| crate::enqueue(tx, &job)).await.unwrap()
}

async fn jobs(db: &Db) -> Vec<QueuedJob> {
    let page = quoin_kernel::page::Page { limit: 1000, after: None };
    crate::service::list(db, None, None, page).await.unwrap().data
}

/// A type whose tries count themselves and all end the same way.
fn counting(
    name: &'static str,
    max_attempts: u32,
    ending: fn(JobRun) -> Result<(), JobError>,
) -> (JobType, Arc<AtomicU32>) {
    let count = Arc::new(AtomicU32::new(0));
    let counted = count.clone();
    let kind = JobType::new(name, max_attempts, Duration::from_secs(30), move |run, _| {
        counted.fetch_add(1, Ordering::SeqCst);
        std::future::ready(ending(run))
    });
    (kind, count)
}

/// A type whose tries never end by themselves.
fn endless(name: &'static str, lease: Duration) -> (JobType, Arc<AtomicU32>) {
    let count = Arc::new(AtomicU32::new(0));
    let counted = count.clone();
    let kind = JobType::new(name, 5, lease, move |_, _| {
        counted.fetch_add(1, Ordering::SeqCst);
        std::future::pending()
    });
    (kind, count)
}

fn parts(db: &Db, types: Vec<JobType>, clock: Arc<dyn Clock>) -> WorkerParts {
    WorkerParts {
        db: db.clone(),
        types,
        schedules: Vec::new(),
        subscriptions: Subscriptions::default(),
        config: JobsConfig::default(),
        clock,
        rng: Arc::new(SystemRng::default()),
    }
}

/// A worker that runs until it is stopped, or dropped.
struct Running {
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

impl Running {
    fn start(parts: WorkerParts) -> Self {
        Self::worker(Worker::new(parts).unwrap())
    }

    fn worker(worker: Worker) -> Self {
        let (stop, stopped) = oneshot::channel();
        #[expect(clippy::disallowed_methods, reason = "the test ends the task itself")]
        let task = tokio::spawn(worker.run(async move { drop(stopped.await) }));
        Self { stop: Some(stop), task }
    }

    fn on(db: &Db, types: Vec<JobType>) -> Self {
        Self::start(parts(db, types, Arc::new(SystemClock)))
    }

    /// Stops it as SIGTERM would.
    async fn stop(mut self) {
        drop(self.stop.take());
        tokio::time::timeout(PATIENCE, &mut self.task).await.expect("the worker stops").unwrap();
    }

    /// Stops it as kill -9 would.
    async fn kill(self) {
        self.task.abort();
        assert!(self.task.await.unwrap_err().is_cancelled());
    }
}

/// Waits until `condition` holds, looking often.
async fn eventually(what: &str, condition: impl AsyncFn() -> bool) {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while !condition().await {
        assert!(tokio::time::Instant::now() < deadline, "never: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn every_statement_can_be_prepared_on_each_engine() {
    quoin_db::testing::on_each_engine(MODULES, |db| async move {
        let refused = quoin_db::testing::refused_statements(&db, crate::STATEMENTS).await.unwrap();
        assert!(refused.is_empty(), "{refused:#?}");
    })
    .await;
}
