use std::time::{Duration, Instant};

use quoin_kernel::Timestamp;
use uuid::Uuid;

use super::{batch, code, database, one, open_with, run};
use crate::error::DbError;
use crate::statement::DynamicSql;
use crate::value::Value;
use crate::{params, testing};

#[tokio::test]
async fn a_read_cannot_write() {
    let Some(db) = database("create table t (id bigint)").await else {
        return;
    };
    let refused = db.read::<_, DbError, _>("test", |tx| tx.batch("insert into t values (2)")).await;
    assert_eq!(code(&refused), "25006");
    let outside = "select current_setting('default_transaction_read_only')";
    assert_eq!(one::<String>(&db, outside, &[]).await.unwrap(), "on");
}

#[tokio::test]
async fn each_kind_of_transaction_is_isolated_as_it_should_be() {
    let Some(db) = database("select 1").await else {
        return;
    };
    let level = || DynamicSql("select current_setting('transaction_isolation')".into());
    let read: String = one(&db, &level().0, &[]).await.unwrap();
    assert_eq!(read, "repeatable read");
    let write =
        db.write::<String, DbError, _>("test", move |tx| tx.query_one(&level(), &[], |row| row.get(0)));
    assert_eq!(write.await.unwrap(), "serializable");
    let claim = db.write_read_committed::<String, DbError, _>("test", move |tx| {
        tx.query_one(&level(), &[], |row| row.get(0))
    });
    assert_eq!(claim.await.unwrap(), "read committed");
}

/// A statement of the cache fails with "cached plan must not change result type" once its table has changed.
#[tokio::test]
async fn statements_prepared_before_a_change_of_the_schema_go_on_working() {
    let Some(db) = database("create table t (id bigint, name text); insert into t values (1, 'one')").await
    else {
        return;
    };
    let db = open_with(&db, |options| options.connections = 1);
    let all = || run(&db, "select * from t", &[]);
    assert_eq!(all().await.unwrap(), 1);
    batch(&db, "alter table t add column size bigint").await.unwrap();
    assert_eq!(all().await.unwrap(), 1);

    let by_id = |id: Value<'static>| {
        let db = db.clone();
        async move { one::<String>(&db, "select name from t where id = $1", &[id]).await }
    };
    assert_eq!(by_id(Value::Int(1)).await.unwrap(), "one");
    batch(&db, "alter table t alter column id type text").await.unwrap();
    assert_eq!(by_id(Value::Int(1)).await.unwrap(), "one");
    assert_eq!(by_id(Value::Text("1".into())).await.unwrap(), "one");

    let first: i64 = one(&db, "select count(*) from t", &[]).await.unwrap();
    assert_eq!(first, 1);
    batch(&db, "drop table t; create table t (id uuid)").await.unwrap();
    assert_eq!(one::<i64>(&db, "select count(*) from t", &[]).await.unwrap(), 0);
    assert_eq!(code(&by_id(Value::Id(Uuid::nil())).await), "42703");
    batch(&db, "deallocate all").await.unwrap();
    assert_eq!(one::<i64>(&db, "select count(*) from t", &[]).await.unwrap(), 0);
    db.close();
}

#[tokio::test]
async fn a_stream_of_ever_new_statements_does_not_fill_the_server() {
    let Some(db) = database("select 1").await else {
        return;
    };
    let db = open_with(&db, |options| options.connections = 1);
    for number in 0..1000_i64 {
        assert_eq!(one::<i64>(&db, &format!("select {number}::bigint"), &[]).await.unwrap(), number);
    }
    let kept: i64 = one(&db, "select count(*) from pg_prepared_statements", &[]).await.unwrap();
    assert!((500..=769).contains(&kept), "{kept}");
    db.close();
}

#[tokio::test]
async fn a_statement_that_takes_too_long_is_stopped() {
    let Some(db) = database("select 1").await else {
        return;
    };
    let hasty =
        crate::Db::open(&testing::with_statement_timeout(db.options(), Duration::from_millis(100))).unwrap();
    let started = Instant::now();
    let slept = hasty.write::<_, DbError, _>("test", |tx| tx.batch("select pg_sleep(5)")).await;
    assert!(matches!(slept, Err(DbError::Timeout)), "{slept:?}");
    assert!(started.elapsed() < Duration::from_secs(2));
    // A migration may ask for more, and the next transaction does not inherit it.
    let patient = hasty.write::<_, DbError, _>("test", |tx| {
        tx.allow_time(Duration::from_secs(5))?;
        tx.batch("select pg_sleep(0.3)")
    });
    patient.await.unwrap();
    let slept = hasty.read::<_, DbError, _>("test", |tx| tx.batch("select pg_sleep(5)")).await;
    assert!(matches!(slept, Err(DbError::Timeout)));
    hasty.close();
}

#[tokio::test]
async fn parameters_take_the_type_that_the_server_expects() {
    let table = "create type mood as enum ('sad', 'glad'); create domain small as smallint check (value < 100);
        create table t (i2 smallint, i4 integer, i8 bigint, f4 real, f8 double precision, n numeric, d date,
                        ts timestamp, v varchar(9), c char(3), m mood, s small, a text[], j json, b bytea, u uuid)";
    let Some(db) = database(table).await else { return };
    let time: Timestamp = "2026-08-01T12:00:00Z".parse().unwrap();
    let cases: [(&str, Value<'static>, &str); 22] = [
        ("i2", Value::Int(-5), "-5"),
        ("i4", Value::Int(70_000), "70000"),
        ("i8", Value::Text("9".into()), "9"),
        ("i8", Value::Real(3.0), "3"),
        ("f4", Value::Int(3), "3"),
        ("f4", Value::Real(0.5), "0.5"),
        ("f8", Value::Int(-3), "-3"),
        ("n", Value::Int(i64::MAX), "9223372036854775807"),
        ("n", Value::Real(1.25), "1.25"),
        ("n", Value::Text("12345678901234567890.5".into()), "12345678901234567890.5"),
        ("d", Value::Text("2026-08-01".into()), "2026-08-01"),
        ("d", Value::Time(time), "2026-08-01"),
        ("ts", Value::Time(time), "2026-08-01 12:00:00"),
        ("v", Value::Id(Uuid::nil()), ""),
        ("v", Value::Int(7), "7"),
        ("v", Value::Bool(true), "true"),
        ("c", Value::Text("ab".into()), "ab "),
        ("m", Value::Text("glad".into()), "glad"),
        ("s", Value::Int(99), "99"),
        ("a", Value::Text("{x,y}".into()), "{x,y}"),
        ("j", Value::Json("{\"a\": 1}".into()), "{\"a\": 1}"),
        ("b", Value::Bytes(vec![1, 255].into()), "\\x01ff"),
    ];
    for (column, value, expected) in cases {
        let written =
            run(&db, &format!("insert into t ({column}) values ($1)"), std::slice::from_ref(&value)).await;
        if expected.is_empty() {
            assert_eq!(code(&written), "22001", "a uuid is longer than the column");
            continue;
        }
        written.unwrap_or_else(|error| panic!("{column} {value:?}: {error:?}"));
        let text: String = one(&db, &format!("select {column}::text from t"), &[]).await.unwrap();
        assert_eq!(text.trim_end(), expected.trim_end(), "{column} {value:?}");
        batch(&db, "delete from t").await.unwrap();
    }
}

#[tokio::test]
async fn values_that_do_not_fit_are_refused_with_the_servers_codes() {
    let Some(db) =
        database("create table t (i2 smallint, i4 integer, x text, u uuid, b bytea, o boolean)").await
    else {
        return;
    };
    let cases: [(&str, Value<'static>, &str); 8] = [
        ("i2", Value::Int(32_768), "22003"),
        ("i4", Value::Int(i64::MIN), "22003"),
        ("i4", Value::Text("99999999999".into()), "22003"),
        ("i4", Value::Text("x".into()), "22P02"),
        ("u", Value::Text("x".into()), "22P02"),
        ("u", Value::Bytes(vec![0; 16].into()), "42804"),
        ("x", Value::Text("a\0".into()), "22021"),
        ("o", Value::Int(2), "22P02"),
    ];
    for (column, value, expected) in cases {
        let refused =
            run(&db, &format!("insert into t ({column}) values ($1)"), std::slice::from_ref(&value)).await;
        assert_eq!(code(&refused), expected, "{column} {value:?}: {refused:?}");
    }
    let refused = run(&db, "select 'a\0b'", &[]).await;
    assert_eq!(code(&refused), "22021", "{refused:?}");
}

#[tokio::test]
async fn a_refused_parameter_leaves_the_connection_as_it_was() {
    let Some(db) = database("create table t (x text)").await else {
        return;
    };
    let db = open_with(&db, |options| options.connections = 1);
    let process = "select pg_backend_pid()::bigint";
    let before: i64 = one(&db, process, &[]).await.unwrap();
    for _ in 0..3 {
        run(&db, "insert into t values ($1)", &[Value::Text("a\0".into())]).await.unwrap_err();
        run(&db, "insert\0", &[]).await.unwrap_err();
        run(&db, "nonsense", &[]).await.unwrap_err();
        run(&db, "insert into t values ($1)", &[]).await.unwrap_err();
    }
    assert_eq!(one::<i64>(&db, process, &[]).await.unwrap(), before);
    // A text refused before it was sent does not spoil the transaction either.
    let written = db.write::<_, DbError, _>("test", |tx| {
        let insert = DynamicSql("insert into t values ($1)".into());
        assert!(tx.execute(&insert, &params!["a\0"]).is_err());
        tx.execute(&insert, &params!["fine"])
    });
    assert_eq!(written.await.unwrap(), 1);
    db.close();
}

#[tokio::test]
async fn columns_that_hold_something_else_are_reported_by_number() {
    let Some(db) = database("select 1").await else {
        return;
    };
    let wrong = [
        one::<i64>(&db, "select 'x'::text", &[]).await.map(|_| ()),
        one::<i64>(&db, "select 1::numeric", &[]).await.map(|_| ()),
        one::<String>(&db, "select 1::bigint", &[]).await.map(|_| ()),
        one::<Uuid>(&db, "select 'x'::text", &[]).await.map(|_| ()),
        one::<bool>(&db, "select 1::bigint", &[]).await.map(|_| ()),
        one::<Timestamp>(&db, "select 'infinity'::timestamptz", &[]).await.map(|_| ()),
        one::<Timestamp>(&db, "select '0044-03-15 BC'::timestamptz", &[]).await.map(|_| ()),
    ];
    for (case, outcome) in wrong.into_iter().enumerate() {
        assert!(matches!(outcome, Err(DbError::Column { index: 0, .. })), "{case}: {outcome:?}");
    }
    let missing = db.read::<i64, DbError, _>("test", |tx| {
        tx.query_one(&DynamicSql("select 1::bigint".into()), &[], |row| row.get(3))
    });
    assert!(matches!(missing.await, Err(DbError::Column { index: 3, .. })));
}
