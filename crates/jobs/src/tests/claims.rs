//! Enqueueing, claims, leases and fences, at the level of the store.

use std::collections::HashSet;

use quoin_db::testing::on_each_engine;

use super::*;
use crate::model::WorkerId;
use crate::store::claims_global::{self, Claimed};
use crate::store::settlements_global::{self, Ending, Settlement};

fn types(now: Timestamp, max_attempts: u32) -> String {
    json!({"test.job": [(now + Duration::from_mins(1)).to_string(), max_attempts]}).to_string()
}

async fn claim(db: &Db, now: Timestamp, limit: i64) -> Vec<Claimed> {
    let (types, worker) = (types(now, 3), WorkerId::from_uuid(uuid::Uuid::from_u128(1)));
    let claimed = db.write_read_committed::<_, DbError, _>("test.claim", move |tx| {
        claims_global::claim(tx, &types, now, limit, worker)
    });
    claimed.await.unwrap()
}

async fn settle(db: &Db, claimed: &Claimed, ending: Ending, now: Timestamp) -> u64 {
    let settlement = [Settlement { id: claimed.id, fence: claimed.fence, ending }];
    let held = db.write_read_committed::<_, DbError, _>("test.settle", move |tx| {
        settlements_global::settle(tx, &settlement, now, false)
    });
    held.await.unwrap()
}

async fn reap(db: &Db, now: Timestamp) -> u64 {
    let reaped =
        db.write_read_committed::<_, DbError, _>("test.reap", move |tx| claims_global::reap(tx, now));
    reaped.await.unwrap()
}

#[tokio::test]
async fn a_job_exists_only_if_its_transaction_commits() {
    on_each_engine(MODULES, |db| async move {
        let new = job("test.job", fixed_clock().now());
        let rolled_back: Result<(), DbError> = db
            .write("test.rollback", move |tx| {
                crate::enqueue(tx, &new)?;
                Err(DbError::NoRow("on purpose"))
            })
            .await;
        assert!(rolled_back.is_err());
        assert!(jobs(&db).await.is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_workers_claim_each_job_once() {
    on_each_engine(MODULES, |db| async move {
        let now = fixed_clock().now();
        for _ in 0..200 {
            enqueue(&db, job("test.job", now)).await;
        }
        let mut claims = tokio::task::JoinSet::new();
        for _ in 0..50 {
            let db = db.clone();
            claims.spawn(async move { claim(&db, now, 10).await });
        }
        let claimed: Vec<Claimed> = claims.join_all().await.into_iter().flatten().collect();
        let ids: HashSet<JobId> = claimed.iter().map(|job| job.id).collect();
        assert_eq!(claimed.len(), ids.len(), "no job was claimed twice");
        assert_eq!(ids.len() + claim(&db, now, 1000).await.len(), 200, "no job was passed over");
        assert!(claimed.iter().all(|job| (job.attempt, job.max_attempts, job.fence) == (1, 3, 1)));
    })
    .await;
}

#[tokio::test]
async fn whoever_lost_the_lease_changes_nothing() {
    on_each_engine(MODULES, |db| async move {
        let now = fixed_clock().now();
        let id = enqueue(&db, job("test.job", now)).await;
        let first = claim(&db, now, 1).await.remove(0);
        assert_eq!(reap(&db, now + Duration::from_secs(59)).await, 0, "the lease still holds");
        let later = now + Duration::from_mins(1);
        assert_eq!(reap(&db, later).await, 1);
        let second = claim(&db, later, 1).await.remove(0);
        assert_eq!((second.id, second.attempt, second.fence), (id, 2, 2));
        for ending in
            [Ending::Done, Ending::Dead("late".into()), Ending::Retry(later, "late".into()), Ending::Released]
        {
            assert_eq!(settle(&db, &first, ending, later).await, 0);
        }
        assert_eq!(jobs(&db).await[0].state, crate::model::State::Running);
        assert_eq!(settle(&db, &second, Ending::Done, later).await, 1);
        assert!(jobs(&db).await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn whoever_takes_over_gets_the_jobs_of_a_killed_process_at_once() {
    on_each_engine(MODULES, |db| async move {
        let now = fixed_clock().now();
        enqueue(&db, job("test.job", now)).await;
        let killed = claim(&db, now, 1).await;
        let later = now + Duration::from_secs(1);
        assert_eq!(crate::take_over(&db, later).await.unwrap(), 1);
        assert_eq!(reap(&db, later).await, 1);
        let again = claim(&db, later, 1).await;
        assert_eq!((again[0].id, again[0].attempt), (killed[0].id, 2));
        assert_eq!(settle(&db, &killed[0], Ending::Done, later).await, 0, "the old fence is over");
    })
    .await;
}

#[tokio::test]
async fn a_lease_that_ends_in_the_last_try_leaves_a_dead_letter() {
    on_each_engine(MODULES, |db| async move {
        let mut now = fixed_clock().now();
        enqueue(&db, job("test.job", now)).await;
        for attempt in 1..=3 {
            assert_eq!(claim(&db, now, 1).await[0].attempt, attempt);
            now = now + Duration::from_mins(1);
            assert_eq!(reap(&db, now).await, 1);
        }
        assert!(claim(&db, now, 1).await.is_empty());
        let dead = jobs(&db).await.remove(0);
        assert_eq!(dead.state, crate::model::State::Dead);
        assert_eq!(dead.finished_at, Some(now));
        assert!(dead.last_error.unwrap().contains("lease"));
    })
    .await;
}

#[tokio::test]
async fn a_job_is_not_claimed_before_its_time_or_by_who_does_not_know_its_type() {
    on_each_engine(MODULES, |db| async move {
        let now = fixed_clock().now();
        let later = now + Duration::from_secs(5);
        enqueue(&db, job("test.other", now)).await;
        let id = enqueue(&db, job("test.job", now).not_before(later)).await;
        assert!(claim(&db, now, 10).await.is_empty());
        let claimed = claim(&db, later, 10).await;
        assert_eq!(claimed.iter().map(|job| job.id).collect::<Vec<_>>(), [id]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_job_with_a_unique_key_waits_or_runs_at_a_time() {
    on_each_engine(MODULES, |db| async move {
        let now = fixed_clock().now();
        let mut tries = tokio::task::JoinSet::new();
        for _ in 0..50 {
            let db = db.clone();
            tries.spawn(async move { enqueue(&db, job("test.job", now).unique("customer-7")).await });
        }
        let ids: HashSet<JobId> = tries.join_all().await.into_iter().collect();
        assert_eq!(ids.len(), 1, "everybody got the id of the one job");
        assert_eq!(jobs(&db).await.len(), 1);
        let claimed = claim(&db, now, 10).await.remove(0);
        assert_eq!(enqueue(&db, job("test.job", now).unique("customer-7")).await, claimed.id, "it runs");
        enqueue(&db, job("test.job", now).unique("customer-8")).await;
        assert_eq!(settle(&db, &claimed, Ending::Done, now).await, 1);
        let next = enqueue(&db, job("test.job", now).unique("customer-7")).await;
        assert_ne!(next, claimed.id, "the key is free again");
    })
    .await;
}

#[tokio::test]
async fn many_endings_are_written_at_once_and_each_by_its_own_fence() {
    on_each_engine(MODULES, |db| async move {
        let now = fixed_clock().now();
        for _ in 0..20 {
            enqueue(&db, job("test.job", now)).await;
        }
        let claimed = claim(&db, now, 100).await;
        let settlements: Vec<Settlement> = claimed
            .iter()
            .enumerate()
            .map(|(index, job)| {
                let fence = if index < 5 { job.fence - 1 } else { job.fence };
                Settlement { id: job.id, fence, ending: Ending::Done }
            })
            .collect();
        for keep in [true, false] {
            let settlements = settlements.clone();
            let held = db.write_read_committed::<_, DbError, _>("test.settle", move |tx| {
                settlements_global::settle(tx, &settlements, now, keep)
            });
            assert_eq!(held.await.unwrap(), if keep { 15 } else { 0 });
        }
        let left = jobs(&db).await;
        assert_eq!(left.iter().filter(|job| job.state == crate::model::State::Done).count(), 15);
        assert_eq!(left.iter().filter(|job| job.state == crate::model::State::Running).count(), 5);
    })
    .await;
}
