//! Where the engines differ without saying so: one test each. Either the difference is gone, or the test shows it
//! together with the rule that avoids it.

use crate::database::Db;
use crate::error::DbError;
use crate::migrate::{Migration, migrate};
use crate::params;
use crate::statement::Engine;
use crate::testing::{databases, execute, select};

const TABLE: Migration = Migration {
    module: "test",
    name: "0001_things",
    sql: "create table quoin.test_things (
              number {int} primary key, name {text}, size {int}, weight {real}, done {bool}, at {time}, detail {json}
          );",
    postgres: None,
};

async fn with_things() -> Vec<crate::testing::TestDatabase> {
    let made = databases();
    for db in &made {
        migrate(db, &[&[TABLE]]).await.unwrap();
        let rows = [
            (1_i64, Some("beta"), Some(10_i64)),
            (2, Some("Alpha"), None),
            (3, Some("alpha"), Some(7)),
            (4, None, Some(-7)),
        ];
        for (number, name, size) in rows {
            let insert = "insert into quoin.test_things (number, name, size, done) values (?1, ?2, ?3, ?4)";
            execute(db, insert, params![number, name, size, number % 2 == 0]).await.unwrap();
        }
    }
    made
}

/// Runs a query on every engine and returns what PostgreSQL says after what SQLite says (once, where only that runs).
async fn numbers(db: &Db, sql: &'static str) -> Vec<i64> {
    select(db, sql, []).await.unwrap()
}

#[tokio::test]
async fn like_tells_case_on_both() {
    for db in with_things().await {
        let like = "select number from quoin.test_things where name like 'a%' order by number";
        assert_eq!(numbers(&db, like).await, [3]);
    }
}

/// Rule: write `escape '\'` with every LIKE whose pattern holds a parameter.
#[tokio::test]
async fn like_escapes_by_itself_on_postgresql_only() {
    for db in with_things().await {
        execute(&db, r"insert into quoin.test_things (number, name) values (5, '50%'), (6, '50x')", [])
            .await
            .unwrap();
        let bare = r"select number from quoin.test_things where name like '50\%'";
        assert_eq!(numbers(&db, bare).await.len(), usize::from(db.engine() == Engine::Postgres));
        let explicit = r"select number from quoin.test_things where name like '50\%' escape '\'";
        assert_eq!(numbers(&db, explicit).await, [5]);
    }
}

/// Rule: compare without regard to case on a column that Rust has folded; SQLite folds ASCII only.
#[tokio::test]
async fn lower_knows_only_ascii_on_sqlite() {
    for db in databases() {
        let lower: Vec<String> = select(&db, "select lower('ÄB')", []).await.unwrap();
        let all = if db.engine() == Engine::Sqlite { "Äb" } else { "äb" };
        // Under the collation C, PostgreSQL folds ASCII only, too.
        assert!(lower[0] == all || lower[0] == "Äb", "{lower:?}");
    }
}

/// Rule: say `nulls first` or `nulls last` wherever an ordered column may be null.
#[tokio::test]
async fn nulls_sort_at_opposite_ends() {
    for db in with_things().await {
        let bare = numbers(&db, "select number from quoin.test_things order by size, number").await;
        let expected = if db.engine() == Engine::Sqlite { [2, 4, 3, 1] } else { [4, 3, 1, 2] };
        assert_eq!(bare, expected);
        let explicit = "select number from quoin.test_things order by size nulls last, number";
        assert_eq!(numbers(&db, explicit).await, [4, 3, 1, 2]);
    }
}

/// Rule: order texts, and compare them with < and >, with the dialect's `binary_order`.
#[tokio::test]
async fn texts_sort_by_bytes_when_asked_to() {
    for db in with_things().await {
        let order = db.engine().binary_order();
        let sql = format!("select name from quoin_things order by name {order}");
        let sql = sql.replace("quoin_things", &db.engine().system_table("test_things"));
        let names: Vec<Option<String>> = db
            .read::<_, DbError, _>("test", move |tx| {
                tx.query(&crate::statement::DynamicSql(format!("{sql} nulls first")), &[], |row| row.get(0))
            })
            .await
            .unwrap();
        assert_eq!(
            names.iter().map(Option::as_deref).collect::<Vec<_>>(),
            [None, Some("Alpha"), Some("alpha"), Some("beta")]
        );
    }
}

#[tokio::test]
async fn integers_divide_towards_zero_on_both() {
    for db in with_things().await {
        let halves = "select size / 2 from quoin.test_things where size is not null order by number";
        assert_eq!(numbers(&db, halves).await, [5, 3, -3]);
        let rests = "select size % 3 from quoin.test_things where size is not null order by number";
        assert_eq!(numbers(&db, rests).await, [1, 1, -1]);
    }
}

/// Rule: guard every divisor with `nullif(x, 0)`.
#[tokio::test]
async fn division_by_zero_is_null_on_sqlite_and_an_error_on_postgresql() {
    for db in with_things().await {
        let divided = select::<Option<i64>>(
            &db,
            "select size / (number - 1) from quoin.test_things where number = 1",
            [],
        )
        .await;
        match db.engine() {
            Engine::Sqlite => assert_eq!(divided.unwrap(), [None]),
            Engine::Postgres => {
                assert!(matches!(divided, Err(DbError::Refused { code, .. }) if code == "22012"));
            }
        }
        let guarded = "select size / nullif(number - 1, 0) from quoin.test_things where number = 1";
        assert_eq!(select::<Option<i64>>(&db, guarded, []).await.unwrap(), [None]);
    }
}

/// Rule: `cast(sum(x) as {int})`, because PostgreSQL sums `bigint` as `numeric`.
#[tokio::test]
async fn sums_of_integers_are_cast() {
    for db in with_things().await {
        let bare = select::<i64>(&db, "select sum(size) from quoin.test_things", []).await;
        assert_eq!(bare.is_ok(), db.engine() == Engine::Sqlite);
        assert_eq!(numbers(&db, "select cast(sum(size) as bigint) from quoin.test_things").await, [10]);
        assert_eq!(numbers(&db, "select count(*) from quoin.test_things").await, [4]);
    }
}

#[tokio::test]
async fn text_parameters_become_numbers_where_a_number_is_stored() {
    for db in with_things().await {
        let update = "update quoin.test_things set size = ?1 where number = 1";
        execute(&db, update, params!["12"]).await.unwrap();
        assert_eq!(numbers(&db, "select size from quoin.test_things where number = 1").await, [12]);
        execute(&db, update, params![13.0]).await.unwrap();
        assert_eq!(numbers(&db, "select size from quoin.test_things where number = 1").await, [13]);
        for wrong in [params!["twelve"], params![1.5]] {
            let refused = execute(&db, update, wrong).await;
            assert!(matches!(&refused, Err(DbError::Refused { code, .. }) if code == "22P02"), "{refused:?}");
        }
        execute(&db, "update quoin.test_things set name = ?1 where number = 1", params![5_i64])
            .await
            .unwrap();
        assert_eq!(
            select::<String>(&db, "select name from quoin.test_things where number = 1", []).await.unwrap(),
            ["5"]
        );
    }
}

/// Rule: never compare a text literal with a number; a parameter takes the column's type on both.
#[tokio::test]
async fn a_quoted_number_equals_a_number_on_postgresql_only() {
    for db in with_things().await {
        let literal = numbers(&db, "select number from quoin.test_things where 1 = '1' and number = 1").await;
        assert_eq!(literal.len(), usize::from(db.engine() == Engine::Postgres));
        let by_parameter = "select number from quoin.test_things where size = ?1";
        assert_eq!(select::<i64>(&db, by_parameter, params!["10"]).await.unwrap(), [1]);
    }
}

#[tokio::test]
async fn booleans_are_conditions_on_both() {
    for db in with_things().await {
        for condition in [
            "select number from quoin.test_things where done order by number",
            "select number from quoin.test_things where done = true order by number",
            "select number from quoin.test_things where not (done = false) order by number",
        ] {
            assert_eq!(numbers(&db, condition).await, [2, 4], "{condition}");
        }
        let by_parameter = "select number from quoin.test_things where done = ?1 order by number";
        assert_eq!(select::<i64>(&db, by_parameter, params![true]).await.unwrap(), [2, 4]);
        assert_eq!(
            select::<bool>(&db, "select 1 = 1 from quoin.test_things limit 1", []).await.unwrap(),
            [true]
        );
    }
}

/// Rule: a failed statement inside a transaction that shall go on belongs into `Tx::savepoint`.
#[tokio::test]
async fn a_failed_statement_ends_the_transaction_on_postgresql_only() {
    for db in with_things().await {
        let outcome = db.write::<_, DbError, _>("test", |tx| {
            let insert =
                crate::Statement::new("INSERT", "insert into quoin.test_things (number) values (?1)");
            assert!(matches!(tx.execute(&insert, &params![1_i64]), Err(DbError::Unique { .. })));
            tx.execute(&insert, &params![9_i64]).ok();
            Ok(())
        });
        match db.engine() {
            Engine::Sqlite => outcome.await.unwrap(),
            Engine::Postgres => {
                assert!(matches!(outcome.await, Err(DbError::Refused { code, .. }) if code == "25P02"));
            }
        }
    }
}

#[tokio::test]
async fn upsert_and_returning_are_the_same_on_both() {
    for db in with_things().await {
        let upsert = "insert into quoin.test_things as t (number, size) values (?1, ?2)
            on conflict (number) do update set size = t.size + excluded.size";
        assert_eq!(execute(&db, upsert, params![1_i64, 5_i64]).await.unwrap(), 1);
        let returning = crate::Statement::new(
            "R",
            "update quoin.test_things set size = 1 where number < 3 returning number",
        );
        let mut returned: Vec<i64> = db
            .write::<_, DbError, _>("test", move |tx| tx.query(&returning, &[], |row| row.get(0)))
            .await
            .unwrap();
        returned.sort_unstable();
        assert_eq!(returned, [1, 2]);
    }
}

#[tokio::test]
async fn json_keeps_its_meaning_though_postgresql_reorders_it() {
    let json: serde_json::Value =
        serde_json::from_str(r#"{"b": 1, "a": [null, "\u00e4\ud83d\ude00", 1.5e3], "n": {}}"#).unwrap();
    for db in with_things().await {
        execute(&db, "update quoin.test_things set detail = ?1 where number = 1", params![json.to_string()])
            .await
            .unwrap();
        let read: Vec<serde_json::Value> =
            select(&db, "select detail from quoin.test_things where number = 1", []).await.unwrap();
        assert_eq!(read.as_slice(), std::slice::from_ref(&json));
    }
}

/// Rule: let a parameter meet its column before it meets `is null`; PostgreSQL fixes the type where it first can.
#[tokio::test]
async fn a_parameter_is_typed_by_its_first_use_on_postgresql() {
    for db in with_things().await {
        let null_first =
            "select number from quoin.test_things where (?1 is null or size = ?1) order by number";
        let untyped = select::<i64>(&db, null_first, params![7_i64]).await;
        assert_eq!(untyped.is_ok(), db.engine() == Engine::Sqlite, "{untyped:?}");
        let column_first =
            "select number from quoin.test_things where (size = ?1 or ?1 is null) order by number";
        assert_eq!(select::<i64>(&db, column_first, params![7_i64]).await.unwrap(), [3]);
        assert_eq!(select::<i64>(&db, column_first, params![None::<i64>]).await.unwrap(), [1, 2, 3, 4]);
    }
}

#[tokio::test]
async fn parameters_take_the_columns_type_in_insert_from_select_and_in_row_comparisons() {
    for db in with_things().await {
        let unless_there = "insert into quoin.test_things (number, name, done, at) select ?1, ?2, ?3, ?4
            where not exists (select 1 from quoin.test_things where number = ?1)";
        let at: quoin_kernel::Timestamp = "2026-08-01T12:00:00Z".parse().unwrap();
        assert_eq!(execute(&db, unless_there, params![5_i64, "five", true, at]).await.unwrap(), 1);
        assert_eq!(execute(&db, unless_there, params![5_i64, "five", true, at]).await.unwrap(), 0);
        let after = "select number from quoin.test_things where (at, number) >= (?1, ?2)";
        assert_eq!(select::<i64>(&db, after, params![at, 5_i64]).await.unwrap(), [5]);
        let page = "select number from quoin.test_things order by number limit ?1 offset ?2";
        assert_eq!(select::<i64>(&db, page, params![2_i64, 1_i64]).await.unwrap(), [2, 3]);
        let there = "select exists (select 1 from quoin.test_things where number in (?1, ?2))";
        assert_eq!(select::<bool>(&db, there, params![5_i64, 77_i64]).await.unwrap(), [true]);
        let filled = "select coalesce(name, ?1) from quoin.test_things where number = 4";
        assert_eq!(select::<String>(&db, filled, params!["nobody"]).await.unwrap(), ["nobody"]);
    }
}
