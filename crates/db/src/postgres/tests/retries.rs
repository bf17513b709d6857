use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use futures_util::future::join_all;

use super::{batch, database, one, open_with, run};
use tokio::task::JoinSet;

use crate::error::DbError;
use crate::params;
use crate::statement::DynamicSql;

const COUNTER: &str = "create table counter (n bigint not null); insert into counter values (0)";

#[tokio::test(flavor = "multi_thread")]
async fn no_update_is_lost_among_colliding_writers() {
    let Some(db) = database(COUNTER).await else { return };
    let writes = (0..200).map(|_| {
        db.write::<_, DbError, _>("test", |tx| {
            let read = DynamicSql("select n from counter".into());
            let n: i64 = tx.query_one(&read, &[], |row| row.get(0))?;
            tx.execute(&DynamicSql("update counter set n = $1".into()), &params![n + 1])
        })
    });
    for outcome in join_all(writes).await {
        outcome.unwrap();
    }
    assert_eq!(one::<i64>(&db, "select n from counter", &[]).await.unwrap(), 200);
    assert!(db.stats().reruns > 0, "the writers never met");
    assert_eq!(db.stats().commits, 201);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_that_each_read_what_the_other_writes_cannot_both_win() {
    let Some(db) = database("create table doctors (id bigint primary key, on_call boolean not null)").await
    else {
        return;
    };
    for _ in 0..20 {
        batch(&db, "delete from doctors; insert into doctors values (1, true), (2, true)").await.unwrap();
        let leave = |id: i64| {
            db.write::<_, DbError, _>("test", move |tx| {
                let count = DynamicSql("select count(*) from doctors where on_call".into());
                if tx.query_one::<i64>(&count, &[], |row| row.get(0))? > 1 {
                    tx.execute(
                        &DynamicSql("update doctors set on_call = false where id = $1".into()),
                        &params![id],
                    )?;
                }
                Ok(())
            })
        };
        let (first, second) = futures_util::future::join(leave(1), leave(2)).await;
        first.unwrap();
        second.unwrap();
        assert_eq!(one::<i64>(&db, "select count(*) from doctors where on_call", &[]).await.unwrap(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn writers_of_different_rows_of_a_small_table_do_not_collide() {
    let made = "create table t (id bigint primary key, n bigint not null) with (fillfactor = 50);
        insert into t select id, 0 from generate_series(1, 32) as id";
    let Some(db) = database(made).await else { return };
    let before = db.stats().reruns;
    for _ in 0..10 {
        let writes = (1..=32_i64).map(|id| {
            db.write::<_, DbError, _>("test", move |tx| {
                tx.execute(&DynamicSql("update t set n = n + 1 where id = $1".into()), &params![id])
            })
        });
        for outcome in join_all(writes).await {
            assert_eq!(outcome.unwrap(), 1);
        }
    }
    let reruns = db.stats().reruns - before;
    assert!(reruns < 16, "{reruns} of 320 writes were run again");
    assert_eq!(one::<i64>(&db, "select sum(n)::bigint from t", &[]).await.unwrap(), 320);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deadlock_is_run_again() {
    let Some(db) =
        database("create table t (id bigint primary key, n bigint); insert into t values (1, 0), (2, 0)")
            .await
    else {
        return;
    };
    let both = |first: i64, second: i64| {
        db.write_read_committed::<_, DbError, _>("test", move |tx| {
            let update = DynamicSql("update t set n = n + 1 where id = $1".into());
            tx.execute(&update, &params![first])?;
            std::thread::sleep(Duration::from_millis(50));
            tx.execute(&update, &params![second])
        })
    };
    for outcome in join_all([both(1, 2), both(2, 1)]).await {
        outcome.unwrap();
    }
    assert_eq!(one::<i64>(&db, "select n from t where id = 1", &[]).await.unwrap(), 2);
}

#[tokio::test]
async fn an_endless_collision_is_reported_after_a_bounded_number_of_runs() {
    let Some(db) = database("create table t (id bigint)").await else {
        return;
    };
    let runs = Arc::new(AtomicU32::new(0));
    let inside = runs.clone();
    let outcome = db.write::<(), DbError, _>("test", move |tx| {
        inside.fetch_add(1, Ordering::Relaxed);
        // The closure hides the error; the transaction must be run again all the same.
        drop(tx.batch("do $$ begin raise exception 'no' using errcode = '40001'; end $$"));
        Err(DbError::NoRow("hidden"))
    });
    assert!(matches!(outcome.await, Err(DbError::Serialization)));
    assert_eq!(runs.load(Ordering::Relaxed), 41);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_row_is_claimed_once_with_skip_locked() {
    let Some(db) =
        database("create table job (id bigint primary key, taken bigint not null default 0)").await
    else {
        return;
    };
    run(&db, "insert into job select generate_series(1, 200)", &[]).await.unwrap();
    let claims = (0..40).map(|_| {
        db.write_read_committed::<Vec<i64>, DbError, _>("test", |tx| {
            let claim = "update job set taken = taken + 1 where id in
                (select id from job where taken = 0 order by id limit 5 for update skip locked) returning id";
            tx.query(&DynamicSql(claim.into()), &[], |row| row.get(0))
        })
    });
    let mut claimed: Vec<i64> = join_all(claims).await.into_iter().flat_map(Result::unwrap).collect();
    claimed.sort_unstable();
    let mut unique = claimed.clone();
    unique.dedup();
    assert_eq!(claimed, unique, "a row was claimed twice");
    assert_eq!(db.stats().reruns, 0, "claims must not collide");
    assert_eq!(one::<i64>(&db, "select count(*) from job where taken > 1", &[]).await.unwrap(), 0);
}

#[tokio::test]
async fn a_closure_that_hides_a_failed_statement_does_not_look_like_success() {
    let Some(db) = database("create table t (id bigint primary key)").await else {
        return;
    };
    let outcome = db.write::<_, DbError, _>("test", |tx| {
        tx.batch("insert into t values (1)")?;
        drop(tx.batch("insert into t values (1)"));
        Ok(())
    });
    assert_eq!(super::code(&outcome.await), "25P02");
    assert_eq!(one::<i64>(&db, "select count(*) from t", &[]).await.unwrap(), 0);
}

#[tokio::test]
async fn a_constraint_that_fails_at_commit_is_reported() {
    let Some(db) = database("create table t (id bigint unique deferrable initially deferred)").await else {
        return;
    };
    let outcome = db.write::<_, DbError, _>("test", |tx| tx.batch("insert into t values (1), (1)"));
    assert!(matches!(outcome.await, Err(DbError::Unique { .. })));
    assert_eq!(one::<i64>(&db, "select count(*) from t", &[]).await.unwrap(), 0);
}

#[tokio::test]
async fn more_than_may_wait_is_refused_at_once() {
    let Some(db) = database("create table t (id bigint)").await else {
        return;
    };
    let small = open_with(&db, |options| {
        options.connections = 1;
        options.queue = 2;
    });
    let (release, released) = std::sync::mpsc::channel::<()>();
    let (start, mut started) = tokio::sync::mpsc::channel::<()>(1);
    let released = std::sync::Mutex::new(released);
    let mut tasks = JoinSet::new();
    let holder = small.clone();
    tasks.spawn(async move {
        let hold = move |_: &mut crate::Tx<'_>| {
            start.try_send(()).unwrap();
            released.lock().unwrap().recv().unwrap();
            Ok(1)
        };
        holder.write::<u64, DbError, _>("test", hold).await
    });
    started.recv().await.unwrap();
    for _ in 0..5 {
        let small = small.clone();
        tasks.spawn(async move { run(&small, "insert into t values (1)", &[]).await });
    }
    while small.stats().overloads < 3 {
        tokio::task::yield_now().await;
    }
    release.send(()).unwrap();
    let outcomes = tasks.join_all().await;
    let refused = outcomes.iter().filter(|outcome| matches!(outcome, Err(DbError::Overloaded))).count();
    let done = outcomes.iter().filter(|outcome| matches!(outcome, Ok(1))).count();
    assert_eq!((refused, done), (3, 3));
    small.close();
    assert_eq!(one::<i64>(&db, "select count(*) from t", &[]).await.unwrap(), 2);
}
