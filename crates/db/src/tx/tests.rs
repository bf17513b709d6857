use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use tokio::task::JoinSet;

use crate::error::DbError;
use crate::migrate::{Migration, migrate};
use crate::statement::{DynamicSql, Statement};
use crate::testing::{TestDatabase, databases, execute, force_reruns, refused_statements, select};
use crate::{params, statements};

const TABLES: Migration = Migration {
    module: "test",
    name: "0001_rows",
    sql: "create table quoin.test_rows (
              number {int} primary key, name {text} not null, size {int}, unique (name, size),
              constraint test_rows_positive check (size >= 0)
          );
          create unique index test_rows_name on quoin.test_rows (name);
          create unique index test_rows_size on quoin.test_rows (size) where size > 100;
          create table quoin.test_parts (number {int} not null references quoin.test_rows (number));",
    postgres: None,
};

statements! {
    INSERT = "insert into quoin.test_rows (number, name, size) values (?1, ?2, ?3)";
    COUNT = "select count(*) from quoin.test_rows";
}

async fn with_rows() -> Vec<TestDatabase> {
    let made = databases();
    for db in &made {
        migrate(db, &[&[TABLES]]).await.unwrap();
        execute(db, "insert into quoin.test_rows values (1, 'one', 1), (2, 'two', 200)", []).await.unwrap();
    }
    made
}

async fn count(db: &TestDatabase) -> i64 {
    select::<i64>(db, "select count(*) from quoin.test_rows", []).await.unwrap()[0]
}

#[tokio::test]
async fn violated_constraints_say_the_same_on_both() {
    for db in with_rows().await {
        let engine = db.engine();
        let unique = [
            (1_i64, "three", 3_i64, "test_rows_pkey"),
            (3, "one", 9, "test_rows_name"),
            (3, "three", 200, "test_rows_size"),
        ];
        for (number, name, size, expected) in unique {
            let refused =
                execute(&db, "insert into quoin.test_rows values (?1, ?2, ?3)", params![number, name, size])
                    .await;
            assert!(
                matches!(&refused, Err(DbError::Unique { index, .. }) if index == expected),
                "{engine:?}: {refused:?}"
            );
        }
        let orphan = execute(&db, "insert into quoin.test_parts values (77)", []).await;
        assert!(matches!(orphan, Err(DbError::ForeignKey { .. })), "{engine:?}: {orphan:?}");
        execute(&db, "insert into quoin.test_parts values (1)", []).await.unwrap();
        let parent = execute(&db, "delete from quoin.test_rows where number = 1", []).await;
        assert!(matches!(parent, Err(DbError::ForeignKey { .. })), "{engine:?}: {parent:?}");
        let null = execute(&db, "insert into quoin.test_rows values (3, null, 3)", []).await;
        assert!(
            matches!(&null, Err(DbError::NotNull { column }) if column == "name"),
            "{engine:?}: {null:?}"
        );
        let check = execute(&db, "insert into quoin.test_rows values (3, 'three', -1)", []).await;
        let named =
            matches!(&check, Err(DbError::Check { constraint }) if constraint == "test_rows_positive");
        assert!(named, "{engine:?}: {check:?}");
    }
}

#[tokio::test]
async fn an_error_of_the_closure_undoes_everything() {
    for db in with_rows().await {
        let refused = db.write::<(), DbError, _>("test", |tx| {
            tx.execute(&INSERT, &params![3_i64, "three", 3_i64])?;
            Err(DbError::NoRow("on purpose"))
        });
        assert!(matches!(refused.await, Err(DbError::NoRow("on purpose"))));
        assert_eq!(count(&db).await, 2);
    }
}

#[tokio::test]
async fn a_panic_undoes_everything_and_the_database_lives_on() {
    for db in with_rows().await {
        for _ in 0..20 {
            let panicked = db.write::<(), DbError, _>("test", |tx| {
                tx.execute(&INSERT, &params![3_i64, "three", 3_i64])?;
                panic!("on purpose");
            });
            assert!(matches!(panicked.await, Err(DbError::Driver(_))));
        }
        assert_eq!(count(&db).await, 2);
        let panicked = db.read::<(), DbError, _>("test", |_| panic!("on purpose"));
        assert!(matches!(panicked.await, Err(DbError::Driver(_))));
        assert_eq!(count(&db).await, 2);
    }
}

#[tokio::test]
async fn a_savepoint_undoes_only_its_part_and_nests() {
    for db in with_rows().await {
        let written = db.write::<_, DbError, _>("test", |tx| {
            tx.execute(&INSERT, &params![3_i64, "three", 3_i64])?;
            let inner = tx.savepoint::<(), DbError>(|tx| {
                tx.execute(&INSERT, &params![4_i64, "four", 4_i64])?;
                tx.savepoint::<(), DbError>(|tx| {
                    tx.execute(&INSERT, &params![5_i64, "five", 5_i64])?;
                    Ok(())
                })?;
                tx.execute(&INSERT, &params![1_i64, "again", 1_i64])?;
                Ok(())
            });
            assert!(matches!(inner, Err(DbError::Unique { .. })));
            assert_eq!(tx.query_one(&COUNT, &[], |row| row.get::<i64>(0))?, 3);
            tx.savepoint::<_, DbError>(|tx| tx.execute(&INSERT, &params![6_i64, "six", 6_i64]))?;
            tx.savepoint::<_, DbError>(|_| Ok(()))
        });
        written.await.unwrap();
        let numbers: Vec<i64> =
            select(&db, "select number from quoin.test_rows order by number", []).await.unwrap();
        assert_eq!(numbers, [1, 2, 3, 6]);
    }
}

#[tokio::test]
async fn a_failed_part_at_the_very_end_does_not_hurt_the_commit() {
    for db in with_rows().await {
        db.write::<_, DbError, _>("test", |tx| {
            tx.execute(&INSERT, &params![3_i64, "three", 3_i64])?;
            let failed =
                tx.savepoint::<_, DbError>(|tx| tx.execute(&INSERT, &params![1_i64, "again", 1_i64]));
            assert!(failed.is_err());
            Ok(())
        })
        .await
        .unwrap();
        assert_eq!(count(&db).await, 3);
    }
}

#[tokio::test]
async fn a_read_sees_one_state_and_may_not_write() {
    for db in with_rows().await {
        let other = db.open_again();
        let (seen, told) = (Arc::new(AtomicU32::new(0)), tokio::runtime::Handle::current());
        let seen_inside = seen.clone();
        let (start, started) = std::sync::mpsc::channel::<()>();
        let (go, gone) = std::sync::mpsc::channel::<()>();
        let write = move || {
            started.recv().unwrap();
            told.block_on(execute(&other, "delete from quoin.test_rows", [])).unwrap();
            other.close();
            go.send(()).unwrap();
        };
        let writing = std::thread::Builder::new().spawn(write).unwrap();
        let gone = std::sync::Mutex::new(gone);
        let reading = db.read::<_, DbError, _>("test", move |tx| {
            let before: i64 = tx.query_one(&COUNT, &[], |row| row.get(0))?;
            if seen_inside.fetch_add(1, Ordering::Relaxed) == 0 {
                start.send(()).unwrap();
                gone.lock().unwrap().recv().unwrap();
            }
            let after: i64 = tx.query_one(&COUNT, &[], |row| row.get(0))?;
            Ok((before, after))
        });
        assert_eq!(reading.await.unwrap(), (2, 2), "on {:?}", db.engine());
        writing.join().unwrap();
        assert_eq!(count(&db).await, 0);
        let written =
            db.read::<_, DbError, _>("test", |tx| tx.execute(&INSERT, &params![3_i64, "three", 3_i64]));
        assert!(written.await.is_err());
    }
}

#[tokio::test]
async fn topics_hear_of_commits_and_of_nothing_else() {
    for db in with_rows().await {
        let topic = db.subscribe("test.rows");
        let told = db.write::<(), DbError, _>("test", |tx| {
            tx.notify_on_commit("test.rows");
            Err(DbError::NoRow("on purpose"))
        });
        told.await.unwrap_err();
        assert_eq!(topic.version(), 0);
        db.write::<_, DbError, _>("test", |tx| {
            tx.notify_on_commit("test.rows");
            tx.execute(&INSERT, &params![3_i64, "three", 3_i64])
        })
        .await
        .unwrap();
        assert_eq!(topic.version(), 1, "on {:?}", db.engine());
        topic.notified().await;
    }
}

#[tokio::test]
async fn forced_reruns_run_every_closure_twice_and_count_once() {
    for db in with_rows().await {
        force_reruns(&db, true);
        let runs = Arc::new(AtomicU32::new(0));
        let inside = runs.clone();
        db.write::<_, DbError, _>("test", move |tx| {
            inside.fetch_add(1, Ordering::Relaxed);
            tx.execute(&INSERT, &params![3_i64, "three", 3_i64])
        })
        .await
        .unwrap();
        assert_eq!(runs.load(Ordering::Relaxed), 2);
        assert_eq!(count(&db).await, 3);
        let refused = execute(&db, "insert into quoin.test_rows values (1, 'one', 1)", []).await;
        assert!(matches!(refused, Err(DbError::Unique { .. })));
        force_reruns(&db, false);
        assert_eq!(count(&db).await, 3);
    }
}

#[tokio::test]
async fn rows_can_be_left_unread() {
    for db in with_rows().await {
        for number in 10..20_i64 {
            let names = "insert into quoin.test_rows (number, name) values (?1, ?2)";
            execute(&db, names, params![number, number.to_string()]).await.unwrap();
        }
        let many = Statement::new(
            "MANY",
            "select a.number from quoin.test_rows a, quoin.test_rows b, quoin.test_rows c, quoin.test_rows d",
        );
        db.read::<_, DbError, _>("test", move |tx| {
            let mut left = 3000;
            let stopped = tx.for_each::<DbError>(&many, &[], |_| {
                left -= 1;
                if left == 0 { Err(DbError::NoRow("enough")) } else { Ok(()) }
            });
            assert!(matches!(stopped, Err(DbError::NoRow("enough"))));
            let all = tx.query(&many, &[], |row| row.get::<i64>(0))?;
            assert_eq!(all.len(), 12_usize.pow(4));
            assert_eq!(tx.query_one(&COUNT, &[], |row| row.get::<i64>(0))?, 12);
            Ok(())
        })
        .await
        .unwrap();
    }
}

#[tokio::test]
async fn a_closed_database_finishes_what_waits_and_refuses_the_rest() {
    for db in with_rows().await {
        let mut writes = JoinSet::new();
        for number in 10..40_i64 {
            let db = (*db).clone();
            let params = params![number, number.to_string()];
            let insert = "insert into quoin.test_rows (number, name) values (?1, ?2)";
            writes.spawn(async move { execute(&db, insert, params).await });
        }
        tokio::task::yield_now().await;
        db.close();
        for write in writes.join_all().await {
            assert_eq!(write.unwrap(), 1);
        }
        assert!(matches!(
            execute(&db, "delete from quoin.test_rows", []).await,
            Err(DbError::Unreachable(_))
        ));
        let again = db.open_again();
        assert_eq!(select::<i64>(&again, "select count(*) from quoin.test_rows", []).await.unwrap(), [32]);
        again.close();
    }
}

#[tokio::test]
async fn every_statement_is_understood_by_both_engines() {
    static WRONG: Statement = Statement::new("WRONG", "select nothing from quoin.test_rows");
    static WRONGS: &[&Statement] = &[&WRONG];
    for db in with_rows().await {
        let catalogue = [ALL, crate::migrate::STATEMENTS];
        assert!(refused_statements(&db, &catalogue).await.unwrap().is_empty());
        let refused = refused_statements(&db, &[WRONGS]).await.unwrap();
        assert_eq!(refused.len(), 1, "on {:?}", db.engine());
        assert_eq!(refused[0].0, "WRONG");
    }
}

#[tokio::test]
async fn commands_that_travel_with_the_next_statement_come_before_it_and_fail_it() {
    for db in databases() {
        let made = db.write::<_, DbError, _>("travel", |tx| {
            tx.batch_with_next("create table travelled (n integer)")?;
            tx.execute(&DynamicSql("insert into travelled values (1)".into()), &[])
        });
        assert_eq!(made.await.unwrap(), 1);
        let refused = db.write::<_, DbError, _>("fail", |tx| {
            tx.execute(&DynamicSql("insert into travelled values (2)".into()), &[])?;
            tx.batch_with_next("drop table there_is_none")?;
            tx.execute(&DynamicSql("insert into travelled values (3)".into()), &[])
        });
        assert!(refused.await.is_err());
        let rows = db.read("count", |tx| {
            tx.query_one(&DynamicSql("select count(*) from travelled".into()), &[], |row| row.get::<i64>(0))
        });
        assert_eq!(rows.await.unwrap(), 1);
    }
}
