//! Whole workers: wake-ups, retries, dead letters, crashes and stops.

use quoin_audit::{Actor, Entry};
use quoin_db::Statement;
use quoin_db::testing::on_each_engine;
use quoin_kernel::Rng;

use super::*;
use crate::error::JobsError;
use crate::model::State;

fn now() -> Timestamp {
    SystemClock.now()
}

fn entry() -> Entry {
    Entry::new(&SystemRng::default(), now(), Actor::System("test"), "jobs.job.retried")
}

fn retry_error() -> JobError {
    JobError::Retry("the peer alice@example.com is down".into())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_wakes_the_worker_without_polling() {
    on_each_engine(MODULES, |db| async move {
        let (kind, runs) = counting("test.job", 3, |_| Ok(()));
        let worker = Running::on(&db, vec![kind]);
        tokio::time::sleep(Duration::from_millis(300)).await;
        let started = std::time::Instant::now();
        enqueue(&db, job("test.job", now())).await;
        eventually("the job runs", async || runs.load(Ordering::SeqCst) == 1).await;
        assert!(started.elapsed() < Duration::from_millis(450), "{:?}", started.elapsed());
        eventually("the job is gone", async || jobs(&db).await.is_empty()).await;
        worker.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delayed_job_runs_when_its_time_comes() {
    on_each_engine(MODULES, |db| async move {
        let (kind, runs) = counting("test.job", 3, |_| Ok(()));
        let worker = Running::on(&db, vec![kind]);
        enqueue(&db, job("test.job", now()).not_before(now() + Duration::from_millis(600))).await;
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert_eq!(runs.load(Ordering::SeqCst), 0);
        eventually("the job runs", async || runs.load(Ordering::SeqCst) == 1).await;
        worker.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_job_is_tried_again_and_then_kept_as_a_dead_letter() {
    on_each_engine(MODULES, |db| async move {
        let (kind, runs) = counting("test.job", 2, |_| Err(retry_error()));
        let worker = Running::on(&db, vec![kind]);
        let id = enqueue(&db, job("test.job", now())).await;
        let is_dead = async || jobs(&db).await.first().is_some_and(|job| job.state == State::Dead);
        eventually("the job is dead", is_dead).await;
        assert_eq!(runs.load(Ordering::SeqCst), 2);
        let dead = jobs(&db).await.remove(0);
        assert_eq!(dead.last_error.as_deref(), Some("the peer [address] is down"));
        crate::service::retry(&db, id, now(), entry()).await.unwrap();
        eventually("it was tried twice more", async || runs.load(Ordering::SeqCst) == 4).await;
        eventually("the job is dead again", is_dead).await;
        worker.stop().await;
        crate::service::delete(&db, id, entry()).await.unwrap();
        assert!(matches!(crate::service::delete(&db, id, entry()).await, Err(JobsError::NoSuchJob)));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_that_is_final_is_not_tried_again() {
    on_each_engine(MODULES, |db| async move {
        let (kind, runs) = counting("test.job", 9, |_| Err(JobError::Fail("no such thing".into())));
        let worker = Running::on(&db, vec![kind]);
        let id = enqueue(&db, job("test.job", now())).await;
        eventually("the job is dead", async || {
            jobs(&db).await.first().is_some_and(|job| job.state == State::Dead)
        })
        .await;
        assert_eq!(runs.load(Ordering::SeqCst), 1);
        worker.stop().await;
        enqueue(&db, job("test.job", now())).await;
        let waiting = jobs(&db).await.into_iter().find(|job| job.id != id).unwrap();
        assert!(matches!(
            crate::service::retry(&db, waiting.id, now(), entry()).await,
            Err(JobsError::JobNotDead)
        ));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_costs_one_try_and_not_the_worker() {
    on_each_engine(MODULES, |db| async move {
        let (broken, _) = counting("test.broken", 1, |_| panic!("on purpose"));
        let (sound, runs) = counting("test.sound", 1, |_| Ok(()));
        let worker = Running::on(&db, vec![broken, sound]);
        enqueue(&db, job("test.broken", now())).await;
        eventually("the broken job is dead", async || {
            jobs(&db).await.iter().any(|job| job.state == State::Dead)
        })
        .await;
        enqueue(&db, job("test.sound", now())).await;
        eventually("the sound job runs", async || runs.load(Ordering::SeqCst) == 1).await;
        worker.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_whose_worker_was_killed_is_run_by_another() {
    on_each_engine(MODULES, |db| async move {
        let (stuck, begun) = endless("test.job", Duration::from_millis(400));
        let victim = Running::on(&db, vec![stuck]);
        enqueue(&db, job("test.job", now())).await;
        eventually("the first try begins", async || begun.load(Ordering::SeqCst) == 1).await;
        victim.kill().await;
        let (kind, runs) = counting("test.job", 5, |run| {
            assert_eq!((run.attempt, run.fence), (2, 2));
            Ok(())
        });
        let heir = Running::on(&db, vec![kind]);
        eventually("the second try runs", async || runs.load(Ordering::SeqCst) == 1).await;
        eventually("the job is gone", async || jobs(&db).await.is_empty()).await;
        heir.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_try_ends_with_its_lease_and_counts() {
    on_each_engine(MODULES, |db| async move {
        let (stuck, _) = endless("test.job", Duration::from_millis(100));
        let worker = Running::on(&db, vec![stuck]);
        enqueue(&db, job("test.job", now())).await;
        eventually("the try is over", async || {
            jobs(&db).await.first().is_some_and(|job| job.last_error.is_some())
        })
        .await;
        let failed = jobs(&db).await.remove(0);
        assert!(failed.last_error.unwrap().contains("lease"));
        worker.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_lets_tries_finish_and_gives_back_those_that_do_not() {
    on_each_engine(MODULES, |db| async move {
        let (stuck, begun) = endless("test.stuck", Duration::from_mins(1));
        let finished = Arc::new(AtomicU32::new(0));
        let counted = finished.clone();
        let slow = JobType::new("test.slow", 3, Duration::from_mins(1), move |_, _| {
            let counted = counted.clone();
            async move {
                tokio::time::sleep(Duration::from_millis(300)).await;
                counted.fetch_add(1, Ordering::SeqCst);
                Ok(())
            }
        });
        let mut parts = parts(&db, vec![stuck, slow], Arc::new(SystemClock));
        parts.config.drain_s = 1;
        let worker = Running::start(parts);
        enqueue(&db, job("test.slow", now())).await;
        let id = enqueue(&db, job("test.stuck", now())).await;
        eventually("both run", async || begun.load(Ordering::SeqCst) == 1).await;
        worker.stop().await;
        assert_eq!(finished.load(Ordering::SeqCst), 1, "the slow one was waited for");
        let left = jobs(&db).await;
        assert_eq!(left.len(), 1);
        assert_eq!(
            (left[0].id, left[0].state, left[0].attempt),
            (id, State::Waiting, 0),
            "the try does not count"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_jobs_on_two_workers_run_once_each() {
    on_each_engine(MODULES, |db| async move {
        let runs = Arc::new(std::sync::Mutex::new(Vec::new()));
        let kind = || {
            let runs = runs.clone();
            JobType::new("test.job", 3, Duration::from_mins(1), move |run, _| {
                runs.lock().unwrap().push(run.id);
                std::future::ready(Ok(()))
            })
        };
        let workers = [Running::on(&db, vec![kind()]), Running::on(&db, vec![kind()])];
        let mut enqueuers = tokio::task::JoinSet::new();
        for _ in 0..50 {
            let db = db.clone();
            enqueuers.spawn(async move {
                for _ in 0..20 {
                    enqueue(&db, job("test.job", now())).await;
                }
            });
        }
        enqueuers.join_all().await;
        eventually("the queue is empty", async || jobs(&db).await.is_empty()).await;
        for worker in workers {
            worker.stop().await;
        }
        let mut ids = runs.lock().unwrap().clone();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!((ids.len(), runs.lock().unwrap().len()), (1000, 1000));
    })
    .await;
}

#[tokio::test]
async fn what_is_kept_of_finished_jobs_goes_in_time() {
    on_each_engine(MODULES, |db| async move {
        let clock = fixed_clock();
        let mut parts = parts(&db, vec![counting("test.job", 1, |_| Ok(())).0], clock.clone());
        parts.config.keep_done_hours = 2;
        enqueue(&db, job("test.job", clock.now())).await;
        Running::start(parts).stop_after(&db, |jobs| jobs[0].state == State::Done).await;
        clock.advance(Duration::from_hours(3));
        let mut parts = super::parts(&db, Vec::new(), clock);
        parts.config.keep_done_hours = 2;
        Running::start(parts).stop_after(&db, <[_]>::is_empty).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_finished_jobs_go_at_once_when_their_time_is_over() {
    on_each_engine(MODULES, |db| async move {
        let clock = fixed_clock();
        let kind = || vec![counting("test.job", 1, |_| Ok(())).0];
        let mut keeping = parts(&db, kind(), clock.clone());
        keeping.config.keep_done_hours = 1;
        let now = clock.now();
        db.write::<_, DbError, _>("test.enqueue", move |tx| {
            (0..2500).try_for_each(|_| crate::enqueue(tx, &job("test.job", now)).map(drop))
        })
        .await
        .unwrap();
        let worker = Running::start(keeping);
        eventually("all are done", async || left(&db, "done").await == 2500).await;
        worker.stop().await;
        clock.advance(Duration::from_hours(2));
        let mut forgetting = parts(&db, kind(), clock);
        forgetting.config.keep_done_hours = 1;
        let worker = Running::start(forgetting);
        eventually("all are gone", async || left(&db, "done").await == 0).await;
        worker.stop().await;
    })
    .await;
}

/// Counts the jobs in a state.
async fn left(db: &Db, state: &'static str) -> i64 {
    let count = Statement::new("COUNT", "select count(*) from quoin.jobs_queue where state = ?1");
    let counted = db.read::<_, DbError, _>("test.count", move |tx| {
        tx.query_one(&count, &quoin_db::params![state], |row| row.get(0))
    });
    counted.await.unwrap()
}

impl Running {
    async fn stop_after(self, db: &Db, condition: fn(&[QueuedJob]) -> bool) {
        eventually("the queue is as expected", async || condition(&jobs(db).await)).await;
        self.stop().await;
    }
}

/// Prints how many jobs a second are enqueued, run and completed, each durably. Run by hand, with `--ignored`.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement, not a test"]
async fn throughput() {
    on_each_engine(MODULES, |db| async move {
        const JOBS: u32 = 60_000;
        let (kind, runs) = counting("test.job", 3, |_| Ok(()));
        let worker = Running::on(&db, vec![kind]);
        let started = std::time::Instant::now();
        let mut enqueuers = tokio::task::JoinSet::new();
        for _ in 0..64 {
            let db = db.clone();
            enqueuers.spawn(async move {
                for _ in 0..JOBS / 64 {
                    enqueue(&db, job("test.job", now())).await;
                }
            });
        }
        enqueuers.join_all().await;
        let enqueued = started.elapsed();
        eventually("all run", async || runs.load(Ordering::SeqCst) >= JOBS / 64 * 64).await;
        eventually("all gone", async || jobs(&db).await.is_empty()).await;
        let elapsed = started.elapsed();
        worker.stop().await;
        let per_second = f64::from(JOBS) / elapsed.as_secs_f64();
        println!(
            "{:?}: {per_second:.0} jobs/s (enqueued in {enqueued:?}, all done in {elapsed:?})",
            db.engine()
        );
    })
    .await;
}

#[test]
fn jitter_never_exceeds_its_ceiling() {
    struct Highest;
    impl Rng for Highest {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(0xff);
        }
    }
    assert!(crate::model::jitter(Duration::from_secs(1), &Highest) <= Duration::from_secs(1));
    assert_eq!(crate::model::jitter(Duration::ZERO, &Highest), Duration::ZERO);
}
