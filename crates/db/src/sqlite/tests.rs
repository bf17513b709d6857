use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::join_all;

use super::Shared;
use super::connection::Connected;
use super::writer::Writer;
use crate::statement::DynamicSql;
use crate::testing::{TestDatabase, fresh_sqlite, with_statement_timeout};
use crate::{Db, DbError, Options, SqliteOptions, copy_while_running, params};

fn sql(text: &str) -> DynamicSql {
    DynamicSql(text.to_owned())
}

async fn with_table() -> TestDatabase {
    let db = fresh_sqlite();
    db.write("make", |tx| tx.batch("create table t (n integer primary key, body text) strict"))
        .await
        .unwrap();
    db
}

async fn count(db: &Db) -> i64 {
    db.read("count", |tx| tx.query_one(&sql("select count(*) from t"), &[], |row| row.get(0))).await.unwrap()
}

async fn insert(db: &Db, n: i64) -> Result<u64, DbError> {
    db.write("insert", move |tx| {
        tx.execute(&sql("insert into t (n, body) values (?1, ?2)"), &params![n, "x"])
    })
    .await
}

/// Holds the writer until enough others wait, so that they share the next commit.
async fn with_a_full_queue<T>(db: &Db, others: impl Future<Output = T>) -> T {
    let hold = db.write::<_, DbError, _>("hold", |_| {
        std::thread::sleep(Duration::from_millis(60));
        Ok(())
    });
    let (outcome, answers) = tokio::join!(hold, others);
    outcome.unwrap();
    answers
}

#[tokio::test]
async fn writes_that_wait_together_share_one_commit() {
    let db = with_table().await;
    let before = db.stats();
    let answers = with_a_full_queue(&db, join_all((0..200).map(|n| insert(&db, n)))).await;
    assert!(answers.iter().all(Result::is_ok));
    let after = db.stats();
    assert_eq!(after.writes - before.writes, 201);
    assert!(after.commits - before.commits <= 3, "{} commits", after.commits - before.commits);
    assert_eq!(count(&db).await, 200);
}

#[tokio::test]
async fn a_refused_member_of_a_batch_harms_no_other() {
    let db = with_table().await;
    insert(&db, 7).await.unwrap();
    let answers = with_a_full_queue(&db, join_all((0..20).map(|n| insert(&db, n)))).await;
    let refused: Vec<usize> =
        answers.iter().enumerate().filter(|(_, a)| a.is_err()).map(|(n, _)| n).collect();
    assert_eq!(refused, [7]);
    assert!(matches!(&answers[7], Err(DbError::Unique { index, .. }) if index == "t_pkey"));
    assert_eq!(count(&db).await, 20);
}

#[tokio::test]
async fn a_member_that_is_refused_after_a_change_takes_back_only_its_own() {
    let db = with_table().await;
    let before = db.stats().commits;
    let change_and_refuse = |n: i64| {
        db.write::<(), DbError, _>("refuse", move |tx| {
            tx.execute(&sql("insert into t (n, body) values (?1, 'no')"), &params![n])?;
            Err(DbError::NoRow("refused"))
        })
    };
    let make_and_refuse = db.write::<(), DbError, _>("make", |tx| {
        tx.execute(&sql("create table never (n integer) strict"), &[])?;
        Err(DbError::NoRow("refused"))
    });
    let refusals = async { tokio::join!(change_and_refuse(100), make_and_refuse, change_and_refuse(101)) };
    let others = async { tokio::join!(join_all((0..10).map(|n| insert(&db, n))), refusals, insert(&db, 10)) };
    let (first, (a, b, c), last) = with_a_full_queue(&db, others).await;
    assert!(first.iter().all(Result::is_ok) && last.is_ok());
    assert!(a.is_err() && b.is_err() && c.is_err());
    assert_eq!(count(&db).await, 11);
    assert!(db.stats().commits - before <= 3, "the batch must not be taken apart");
    let made = db.read("look", |tx| {
        tx.query_opt(&sql("select 1 from sqlite_schema where name = 'never'"), &[], |_| Ok(()))
    });
    assert_eq!(made.await.unwrap(), None);
}

#[tokio::test]
async fn the_log_is_carried_over_beside_a_writer_that_never_rests() {
    let db = with_table().await;
    let body = "x".repeat(3000);
    for round in 0..60_i64 {
        let write = |n: i64| {
            let body = body.clone();
            db.write("fill", move |tx| {
                (0..20).try_for_each(|m| {
                    let row = params![(round * 16 + n) * 20 + m, &body];
                    tx.execute(&sql("insert into t (n, body) values (?1, ?2)"), &row).map(|_| ())
                })
            })
        };
        let written: Vec<Result<(), DbError>> = join_all((0..16).map(write)).await;
        assert!(written.iter().all(Result::is_ok));
    }
    // On a busy machine the checkpointer may come late; what it needs is a commit after it, nothing else.
    let file = db.file().unwrap().to_owned();
    let mut extra = 0;
    while std::fs::metadata(&file).unwrap().len() < 40 << 20 {
        assert!(extra < 1000, "the file does not grow");
        extra += 1;
        insert(&db, -extra).await.unwrap();
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(count(&db).await, 60 * 16 * 20 + extra);
}

#[tokio::test]
async fn the_log_is_emptied_once_nobody_reads_from_it_any_more() {
    let db = with_table().await;
    let file = db.file().unwrap().to_owned();
    let log = || std::fs::metadata(file.with_extension("db-wal")).map_or(0, |log| log.len());
    insert(&db, 1).await.unwrap();
    let reader = rusqlite::Connection::open(&file).unwrap();
    reader.execute_batch("begin; select count(*) from t").unwrap();
    insert(&db, 2).await.unwrap();
    assert!(!db.empty_log().await.unwrap(), "what the reader may still look at stays");
    assert!(log() > 0);
    insert(&db, 3).await.unwrap();
    reader.execute_batch("commit").unwrap();
    assert!(db.empty_log().await.unwrap());
    assert_eq!(log(), 0);
    insert(&db, 4).await.unwrap();
    assert_eq!(count(&db).await, 4);
}

/// A writer on a fresh file whose sync is a test's own.
fn writer_with(sync: impl FnMut() -> std::io::Result<()> + Send + 'static) -> (TestDatabase, Writer) {
    let made = fresh_sqlite();
    let Options::Sqlite(options) = made.options().clone() else { panic!("this database is SQLite") };
    let shared = Shared { options: Arc::new(options), signals: Arc::default(), stats: Arc::default() };
    let connected = Connected::writer(&shared.options).unwrap();
    let writer = Writer::start_with(shared, connected, Box::new(sync)).unwrap();
    (made, writer)
}

#[tokio::test]
async fn nobody_is_answered_before_the_sync_and_the_next_batch_does_not_wait_for_it() {
    let (release, released) = std::sync::mpsc::channel::<()>();
    let (made, writer) = writer_with(move || {
        released.recv().unwrap();
        Ok(())
    });
    let ran = Arc::new(AtomicUsize::new(0));
    let write = |n: i64| {
        let ran = ran.clone();
        writer.write::<_, DbError, _>("write", move |tx| {
            ran.fetch_add(1, Ordering::SeqCst);
            tx.execute(&sql("create table if not exists t (n integer) strict"), &[])?;
            tx.execute(&sql("insert into t (n) values (?1)"), &params![n])
        })
    };
    let (mut first, mut second) = (Box::pin(write(1)), Box::pin(write(2)));
    let nobody = tokio::time::timeout(Duration::from_millis(100), &mut first).await;
    assert!(nobody.is_err(), "answered before the sync");
    let nobody = tokio::time::timeout(Duration::from_millis(100), &mut second).await;
    assert!(nobody.is_err(), "answered before the sync");
    assert_eq!(ran.load(Ordering::SeqCst), 2, "the second ran while the first was synced");
    release.send(()).unwrap();
    first.await.unwrap();
    release.send(()).unwrap();
    second.await.unwrap();
    drop((writer, made));
}

#[tokio::test]
async fn after_a_failed_sync_no_write_is_acknowledged_any_more() {
    let mut syncs = 0;
    let (made, writer) = writer_with(move || {
        syncs += 1;
        if syncs < 2 { Ok(()) } else { Err(std::io::Error::other("the disk is gone")) }
    });
    let write = || {
        writer.write::<_, DbError, _>("write", |tx| {
            tx.execute(&sql("create table if not exists t (n integer) strict"), &[])
        })
    };
    write().await.unwrap();
    for _ in 0..3 {
        assert!(matches!(write().await, Err(DbError::WritesStopped)));
    }
    drop((writer, made));
}

#[tokio::test]
async fn a_full_disk_refuses_the_large_write_and_lets_the_small_ones_pass() {
    let db = with_table().await;
    db.write("limit", |tx| tx.batch("pragma max_page_count = 64")).await.unwrap();
    let large = db.write("large", |tx| {
        let body = "x".repeat(1_000_000);
        tx.execute(&sql("insert into t (n, body) values (?1, ?2)"), &params![1_000_i64, &body])
    });
    let others = async { tokio::join!(large, join_all((0..20).map(|n| insert(&db, n)))) };
    let (large, small) = with_a_full_queue(&db, others).await;
    assert!(matches!(large, Err(DbError::Full)), "{large:?}");
    assert!(small.iter().all(Result::is_ok), "{small:?}");
    assert_eq!(count(&db).await, 20);
    db.write("free", |tx| tx.batch("pragma max_page_count = 100000")).await.unwrap();
    insert(&db, 500).await.unwrap();
}

#[tokio::test]
async fn a_closure_that_hides_the_end_of_its_transaction_is_not_acknowledged() {
    let db = with_table().await;
    let hidden = db.write::<_, DbError, _>("hide", |tx| {
        tx.execute(&sql("insert into t (n) values (?1)"), &params![1_i64])?;
        tx.batch("rollback").ok();
        Ok("done")
    });
    assert!(hidden.await.is_err());
    assert_eq!(count(&db).await, 0);
    insert(&db, 2).await.unwrap();
}

#[tokio::test]
async fn a_statement_that_runs_too_long_is_stopped_and_the_rest_of_its_batch_is_committed() {
    let made = with_table().await;
    let db = Db::open(&with_statement_timeout(made.options(), Duration::from_millis(80))).unwrap();
    let endless = db.write("endless", |tx| {
        let text = "insert into t (n) with recursive c(x) as (select 1000 union all select x + 1 from c) select x from c";
        tx.execute(&sql(text), &[])
    });
    let others = async { tokio::join!(endless, join_all((0..20).map(|n| insert(&db, n)))) };
    let (endless, small) = with_a_full_queue(&db, others).await;
    assert!(matches!(endless, Err(DbError::Timeout)), "{endless:?}");
    assert!(small.iter().all(Result::is_ok), "{small:?}");
    assert_eq!(count(&db).await, 20);
}

#[tokio::test]
async fn a_full_queue_refuses_at_once() {
    let made = fresh_sqlite();
    let Options::Sqlite(options) = made.options().clone() else { panic!("this database is SQLite") };
    let db = Db::open(&Options::Sqlite(SqliteOptions { write_queue: 4, ..options })).unwrap();
    let answers =
        with_a_full_queue(&db, join_all((0..50).map(|_| db.write::<_, DbError, _>("w", |_| Ok(()))))).await;
    let refused = answers.iter().filter(|answer| matches!(answer, Err(DbError::Overloaded))).count();
    assert!((40..50).contains(&refused), "{refused} of 50 were refused");
    assert!(db.stats().overloads >= 40);
}

#[tokio::test]
async fn a_long_read_moves_to_the_pool_and_still_answers() {
    let db = with_table().await;
    let runs = Arc::new(AtomicUsize::new(0));
    let counted = runs.clone();
    let text = "with recursive c(x) as (select 1 union all select x + 1 from c where x < 3000000) select max(x) from c";
    let answer: Result<i64, DbError> = db
        .read("long", move |tx| {
            counted.fetch_add(1, Ordering::SeqCst);
            tx.query_one(&sql(text), &[], |row| row.get(0))
        })
        .await;
    assert_eq!(answer.unwrap(), 3_000_000);
    assert_eq!(runs.load(Ordering::SeqCst), 2, "once within the budget of this thread, once on the pool");
}

#[tokio::test]
async fn a_write_that_nobody_waits_for_any_more_is_left_out_if_it_has_not_begun() {
    let db = with_table().await;
    let (start, mut begun) = tokio::sync::mpsc::channel::<()>(1);
    let (release, released) = std::sync::mpsc::channel::<()>();
    let released = std::sync::Mutex::new(released);
    let hold = db.write::<_, DbError, _>("hold", move |_| {
        start.try_send(()).unwrap();
        released.lock().unwrap().recv().unwrap();
        Ok(())
    });
    let abandoned = async {
        begun.recv().await.unwrap();
        let never = tokio::time::timeout(Duration::from_millis(5), insert(&db, 1)).await;
        assert!(never.is_err());
        release.send(()).unwrap();
    };
    let (outcome, ()) = tokio::join!(hold, abandoned);
    outcome.unwrap();
    insert(&db, 2).await.unwrap();
    assert_eq!(count(&db).await, 1);
}

#[tokio::test]
async fn a_backup_made_under_writes_is_whole_and_of_one_moment() {
    let db = with_table().await;
    // Two rows per transaction: a copy with an odd number of rows would be torn.
    let writer = db.clone();
    let stop = Arc::new(AtomicUsize::new(0));
    let stopped = stop.clone();
    let writing = tokio::task::spawn_blocking(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let mut n = 0_i64;
            while stopped.load(Ordering::SeqCst) == 0 {
                let pair = writer.write("pair", move |tx| {
                    tx.execute(
                        &sql("insert into t (n, body) values (?1, ?2)"),
                        &params![n, "x".repeat(500)],
                    )?;
                    tx.execute(
                        &sql("insert into t (n, body) values (?1, ?2)"),
                        &params![n + 1, "x".repeat(500)],
                    )
                });
                pair.await.unwrap();
                n += 2;
            }
        });
    });
    tokio::time::sleep(Duration::from_millis(100)).await;
    let from = db.file().unwrap().to_owned();
    let to = from.with_extension("backup");
    let copy = to.clone();
    let copied = tokio::task::spawn_blocking(move || copy_while_running(&from, &copy, |_| {})).await.unwrap();
    copied.unwrap();
    stop.store(1, Ordering::SeqCst);
    writing.await.unwrap();
    let backup = Db::open(&Options::Sqlite(SqliteOptions::at(to))).unwrap();
    let rows = count(&backup).await;
    assert!(rows > 0 && rows % 2 == 0, "{rows} rows");
    assert!(rows <= count(&db).await);
}

#[tokio::test]
async fn what_was_acknowledged_is_there_when_the_file_is_opened_again() {
    let db = with_table().await;
    join_all((0..50).map(|n| insert(&db, n))).await;
    let again = db.open_again();
    assert_eq!(count(&again).await, 50);
}
