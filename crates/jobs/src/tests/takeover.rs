//! Workers that are killed, or cut off, while others share their queue.

use quoin_db::migrate;
use quoin_db::testing::{fresh_postgres, on_each_engine};

use super::*;
use crate::model::WorkerId;
use crate::store::{claims_global, workers_global};
use crate::worker::Rhythm;

/// Much longer than any of these tests may take.
const LEASE: Duration = Duration::from_mins(3);

fn quick() -> Rhythm {
    let [beat, yields, gone] = [40, 400, 800].map(Duration::from_millis);
    Rhythm { beat, yields, gone }
}

fn quick_worker(db: &Db, kind: JobType) -> Worker {
    Worker::new(parts(db, vec![kind], Arc::new(SystemClock))).unwrap().with_rhythm(quick())
}

async fn workers(db: &Db) -> Vec<(WorkerId, i64)> {
    db.read::<_, DbError, _>("test.workers", workers_global::list).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_worker_was_running_is_run_by_another_long_before_its_lease_ends() {
    let Some(db) = fresh_postgres() else { return };
    migrate(&db, MODULES).await.unwrap();
    let (stuck, begun) = endless("test.job", LEASE);
    let victim = Running::worker(quick_worker(&db, stuck));
    let (kind, runs) = counting("test.job", 5, |run| {
        assert_eq!((run.attempt, run.fence), (2, 2));
        Ok(())
    });
    enqueue(&db, job("test.job", SystemClock.now())).await;
    eventually("the first try begins", async || begun.load(Ordering::SeqCst) == 1).await;
    let heir = Running::worker(quick_worker(&db.open_again(), kind));
    eventually("both are on the list", async || workers(&db).await.len() == 2).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(runs.load(Ordering::SeqCst), 0, "the first one lives");
    let killed = std::time::Instant::now();
    victim.kill().await;
    eventually("the second try runs", async || runs.load(Ordering::SeqCst) == 1).await;
    assert!(killed.elapsed() < Duration::from_secs(10), "after {:?}", killed.elapsed());
    eventually("the job is gone", async || jobs(&db).await.is_empty()).await;
    assert_eq!(workers(&db).await.len(), 1, "the dead are off the list");
    heir.stop().await;
    assert_eq!(workers(&db).await, [], "whoever stops says goodbye");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_is_cut_off_stops_its_tries_before_another_begins_them() {
    struct Ends(Arc<std::sync::Mutex<Vec<&'static str>>>);
    impl Drop for Ends {
        fn drop(&mut self) {
            self.0.lock().unwrap().push("stopped");
        }
    }
    let Some(db) = fresh_postgres() else { return };
    migrate(&db, MODULES).await.unwrap();
    let said = Arc::new(std::sync::Mutex::new(Vec::new()));
    let (first, second) = (said.clone(), said.clone());
    let cut_off = db.open_again();
    let stuck = JobType::new("test.job", 5, LEASE, move |_, _| {
        first.lock().unwrap().push("begun");
        let ends = Ends(first.clone());
        async move {
            std::future::pending::<()>().await;
            drop(ends);
            Ok(())
        }
    });
    let victim = Running::worker(quick_worker(&cut_off, stuck));
    enqueue(&db, job("test.job", SystemClock.now())).await;
    eventually("the try begins", async || said.lock().unwrap().len() == 1).await;
    let kind = JobType::new("test.job", 5, LEASE, move |_, _| {
        second.lock().unwrap().push("begun again");
        std::future::ready(Ok(()))
    });
    let heir = Running::worker(quick_worker(&db, kind));
    eventually("both are on the list", async || workers(&db).await.len() == 2).await;
    cut_off.close();
    eventually("the job is gone", async || jobs(&db).await.is_empty()).await;
    assert_eq!(*said.lock().unwrap(), ["begun", "stopped", "begun again"]);
    heir.stop().await;
    victim.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_was_given_up_in_error_stops_its_tries_and_comes_back() {
    let Some(db) = fresh_postgres() else { return };
    migrate(&db, MODULES).await.unwrap();
    let (stuck, begun) = endless("test.job", LEASE);
    let worker = Running::worker(quick_worker(&db, stuck));
    enqueue(&db, job("test.job", SystemClock.now())).await;
    eventually("the first try begins", async || begun.load(Ordering::SeqCst) == 1).await;
    let (id, _) = workers(&db).await[0];
    db.write::<_, DbError, _>("test.give_up", move |tx| workers_global::delete(tx, id)).await.unwrap();
    eventually("the job is run again", async || begun.load(Ordering::SeqCst) == 2).await;
    assert_eq!(workers(&db).await.len(), 1);
    worker.kill().await;
}

#[tokio::test]
async fn leases_of_those_who_are_not_on_the_list_end_and_no_others() {
    on_each_engine(MODULES, |db| async move {
        let now = fixed_clock().now();
        let ids = [1, 2].map(|number| WorkerId::from_uuid(uuid::Uuid::from_u128(number)));
        let types = json!({"test.job": [(now + LEASE).to_string(), 3]}).to_string();
        for _ in 0..2 {
            enqueue(&db, job("test.job", now)).await;
        }
        let (ended, known) = db
            .write_read_committed::<_, DbError, _>("test.sweep", move |tx| {
                assert!(!workers_global::beat(tx, ids[0])?, "the first sign makes it known");
                let known = workers_global::beat(tx, ids[0])?;
                for id in ids {
                    assert_eq!(claims_global::claim(tx, &types, now, 1, id)?.len(), 1);
                }
                assert!(!workers_global::delete_silent(tx, ids[0], 0)?, "it has given a sign since");
                Ok((workers_global::end_orphaned_leases(tx, now)?, known))
            })
            .await
            .unwrap();
        assert_eq!((ended, known), (1, true), "on {:?}", db.engine());
    })
    .await;
}
