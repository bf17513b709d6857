//! Schedules: once per due time among all workers.

use quoin_db::testing::on_each_engine;
use quoin_kernel::job::{Schedule, When};

use super::*;

const EVERY_MINUTE: Schedule =
    Schedule { name: "test.minutely", when: When::Cron("* * * * *"), job: "test.job" };

fn scheduled(db: &Db, kind: JobType, clock: &Arc<FixedClock>) -> WorkerParts {
    let mut parts = parts(db, vec![kind], clock.clone());
    parts.schedules = vec![EVERY_MINUTE];
    parts
}

/// Starts workers one after the other, at one moment of the clock, until each has looked at the schedule.
async fn look_once_each(db: &Db, kinds: Vec<JobType>, clock: &Arc<FixedClock>) {
    let workers: Vec<Running> =
        kinds.into_iter().map(|kind| Running::start(scheduled(db, kind, clock))).collect();
    tokio::time::sleep(Duration::from_millis(150)).await;
    for worker in workers {
        worker.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_fires_once_per_due_time_among_many_workers() {
    on_each_engine(MODULES, |db| async move {
        let clock = fixed_clock();
        let (kind, runs) = counting("test.job", 1, |_| Ok(()));
        look_once_each(&db, vec![kind.clone(); 5], &clock).await;
        assert_eq!(runs.load(Ordering::SeqCst), 0, "a new schedule is first due at its next time");
        for minute in 1..=3 {
            clock.advance(Duration::from_mins(1));
            look_once_each(&db, vec![kind.clone(); 5], &clock).await;
            assert_eq!(runs.load(Ordering::SeqCst), minute);
        }
        clock.advance(Duration::from_hours(1));
        look_once_each(&db, vec![kind.clone(); 5], &clock).await;
        assert_eq!(runs.load(Ordering::SeqCst), 4, "a long pause is made up once");
    })
    .await;
}

#[test]
fn a_schedule_that_cannot_be_read_stops_the_start() {
    let db = quoin_db::testing::fresh_sqlite();
    let mut parts = parts(&db, Vec::new(), fixed_clock());
    parts.schedules = vec![Schedule { when: When::Cron("61 * * * *"), ..EVERY_MINUTE }];
    assert!(Worker::new(parts).is_err());
}
