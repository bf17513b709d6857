use quoin_kernel::Timestamp;
use uuid::Uuid;

use super::{FromValue, Value};
use crate::database::Db;
use crate::error::DbError;
use crate::migrate::{Migration, migrate};
use crate::testing::{TestDatabase, databases, execute, select};

const EVERY_TYPE: Migration = Migration {
    module: "test",
    name: "0001_types",
    sql: "create table quoin.test_types (
              number {int} primary key, i {id}, t {time}, b {bool}, j {json}, n {int}, r {real}, x {text}, y {bytes}
          );",
    postgres: None,
};

async fn with_types() -> Vec<TestDatabase> {
    let made = databases();
    for db in &made {
        migrate(db, &[&[EVERY_TYPE]]).await.unwrap();
    }
    made
}

/// Writes `written` with `insert`, reads it back with `read`, and finds it again by its value.
async fn round_trip<T>(db: &Db, column: &'static str, written: Value<'static>, expected: T)
where
    T: FromValue + PartialEq + std::fmt::Debug + Send + 'static,
{
    let sql = |text: String| -> &'static str { Box::leak(text.into_boxed_str()) };
    let engine = db.engine();
    execute(db, "delete from quoin.test_types", []).await.unwrap();
    let insert = sql(format!("insert into quoin.test_types (number, {column}) values (1, ?1)"));
    execute(db, insert, [written.clone()]).await.unwrap();
    let read: Vec<T> = select(db, sql(format!("select {column} from quoin.test_types")), []).await.unwrap();
    assert_eq!(read, [expected], "{column} on {engine:?}");
    let find = sql(format!("select number from quoin.test_types where {column} = ?1"));
    let found: Vec<i64> = select(db, find, [written.clone()]).await.unwrap();
    assert_eq!(found, [1], "{column} = {written:?} on {engine:?}");
}

#[tokio::test]
async fn every_type_round_trips_on_both_engines() {
    for db in with_types().await {
        for id in [Uuid::nil(), Uuid::max(), Uuid::from_u128(0x0192_0000_0000_7000_8000_0000_0000_0001)] {
            round_trip(&db, "i", Value::Id(id), id).await;
        }
        for text in [
            "0001-01-01T00:00:00Z",
            "1970-01-01T00:00:00.000001Z",
            "1999-12-31T23:59:59.999999Z",
            "9999-12-30T22:00:00.999999Z",
        ] {
            let time: Timestamp = text.parse().unwrap();
            round_trip(&db, "t", Value::Time(time), time).await;
        }
        for number in [0, 1, -1, i64::MAX, i64::MIN] {
            round_trip(&db, "n", Value::Int(number), number).await;
        }
        for real in [0.0, -1.5, f64::MAX, f64::MIN_POSITIVE, 0.1 + 0.2] {
            round_trip(&db, "r", Value::Real(real), real).await;
        }
        for text in ["", " ", "ä\u{1F600}'\"\\;--?1 $1", "\u{1}\t\n", "NULL"] {
            round_trip(&db, "x", Value::Text(text.into()), text.to_owned()).await;
        }
        for bytes in [vec![], vec![0, 255, 1], vec![0; 100_000]] {
            round_trip(&db, "y", Value::Bytes(bytes.clone().into()), bytes).await;
        }
        round_trip(&db, "b", Value::Bool(true), true).await;
        round_trip(&db, "b", Value::Bool(false), false).await;
    }
}

#[tokio::test]
async fn json_round_trips_on_both_engines() {
    for db in with_types().await {
        for text in ["null", "1", "-0.5", "\"\"", "[]", "{\"a\":{\"b\":[1,null,true,\"ä\"]}}"] {
            let json: serde_json::Value = serde_json::from_str(text).unwrap();
            execute(&db, "delete from quoin.test_types", []).await.unwrap();
            execute(
                &db,
                "insert into quoin.test_types (number, j) values (1, ?1)",
                params![&json].to_vec_static(),
            )
            .await
            .unwrap();
            let read: Vec<serde_json::Value> =
                select(&db, "select j from quoin.test_types", []).await.unwrap();
            assert_eq!(read, [json]);
        }
    }
}

/// Makes parameters outlive what they were made of.
trait ToVecStatic {
    fn to_vec_static(self) -> Vec<Value<'static>>;
}

impl<const N: usize> ToVecStatic for [Value<'_>; N] {
    fn to_vec_static(self) -> Vec<Value<'static>> {
        let keep = |value| match value {
            Value::Json(text) => Value::Json(text.into_owned().into()),
            Value::Text(text) => Value::Text(text.into_owned().into()),
            other => panic!("not needed here: {other:?}"),
        };
        self.into_iter().map(keep).collect()
    }
}

#[tokio::test]
async fn null_is_none_in_every_type() {
    for db in with_types().await {
        let nulls = params![
            1_i64,
            None::<Uuid>,
            None::<Timestamp>,
            None::<bool>,
            None::<&str>,
            None::<i64>,
            None::<f64>,
            None::<String>,
            None::<Vec<u8>>
        ];
        execute(&db, "insert into quoin.test_types values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)", nulls)
            .await
            .unwrap();
        assert_eq!(select::<Option<Uuid>>(&db, "select i from quoin.test_types", []).await.unwrap(), [None]);
        assert_eq!(
            select::<Option<Timestamp>>(&db, "select t from quoin.test_types", []).await.unwrap(),
            [None]
        );
        assert_eq!(select::<Option<bool>>(&db, "select b from quoin.test_types", []).await.unwrap(), [None]);
        assert_eq!(
            select::<Option<serde_json::Value>>(&db, "select j from quoin.test_types", []).await.unwrap(),
            [None]
        );
        assert_eq!(select::<Option<i64>>(&db, "select n from quoin.test_types", []).await.unwrap(), [None]);
        assert_eq!(select::<Option<f64>>(&db, "select r from quoin.test_types", []).await.unwrap(), [None]);
        assert_eq!(
            select::<Option<String>>(&db, "select x from quoin.test_types", []).await.unwrap(),
            [None]
        );
        assert_eq!(
            select::<Option<Vec<u8>>>(&db, "select y from quoin.test_types", []).await.unwrap(),
            [None]
        );
        let not_null = select::<String>(&db, "select x from quoin.test_types", []).await;
        assert!(matches!(not_null, Err(DbError::Column { index: 0, .. })));
    }
}

#[tokio::test]
async fn texts_take_the_type_of_the_column_they_meet() {
    for db in with_types().await {
        let id = Uuid::from_u128(7);
        let time: Timestamp = "2026-08-01T12:00:00Z".parse().unwrap();
        round_trip(&db, "i", Value::Text(id.to_string().into()), id).await;
        round_trip(&db, "t", Value::Text(time.to_string().into()), time).await;
        round_trip(&db, "n", Value::Text("42".into()), 42_i64).await;
        round_trip(&db, "r", Value::Text("0.5".into()), 0.5).await;
    }
}

#[tokio::test]
async fn ids_times_and_json_can_be_read_as_texts_in_the_same_spelling() {
    for db in with_types().await {
        let insert = "insert into quoin.test_types (number, i, t, j) values (1, ?1, ?2, ?3)";
        let time: Timestamp = "2026-08-01T12:00:00.5Z".parse().unwrap();
        execute(&db, insert, params![Uuid::from_u128(7), time, "[]"]).await.unwrap();
        let read: Vec<String> = select(&db, "select i from quoin.test_types", []).await.unwrap();
        assert_eq!(read, ["00000000-0000-0000-0000-000000000007"]);
        let read: Vec<String> = select(&db, "select t from quoin.test_types", []).await.unwrap();
        assert_eq!(read, ["2026-08-01T12:00:00.500000Z"]);
        let read: Vec<String> = select(&db, "select j from quoin.test_types", []).await.unwrap();
        assert_eq!(read, ["[]"]);
    }
}

#[tokio::test]
async fn times_compare_in_time_order() {
    for db in with_types().await {
        for (number, text) in
            [(1, "0999-01-01T00:00:00Z"), (2, "2026-01-01T00:00:00.1Z"), (3, "2026-01-01T00:00:00.09Z")]
        {
            let time: Timestamp = text.parse().unwrap();
            execute(
                &db,
                "insert into quoin.test_types (number, t) values (?1, ?2)",
                params![i64::from(number), time],
            )
            .await
            .unwrap();
        }
        let order: Vec<i64> =
            select(&db, "select number from quoin.test_types order by t", []).await.unwrap();
        assert_eq!(order, [1, 3, 2]);
        let limit: Timestamp = "2026-01-01T00:00:00.1Z".parse().unwrap();
        let before: Vec<i64> =
            select(&db, "select number from quoin.test_types where t < ?1 order by t", params![limit])
                .await
                .unwrap();
        assert_eq!(before, [1, 3]);
    }
}

#[tokio::test]
async fn a_nul_in_a_text_is_refused_alike_and_harms_nothing() {
    for db in with_types().await {
        for hostile in [Value::Text("a\0b".into()), Value::Json("\"\0\"".into())] {
            let refused =
                execute(&db, "insert into quoin.test_types (number, x) values (1, ?1)", [hostile]).await;
            assert!(matches!(&refused, Err(DbError::Refused { code, .. }) if code == "22021"), "{refused:?}");
        }
        assert_eq!(
            execute(&db, "delete from quoin.test_types where x = ?1", params!["ok"]).await.unwrap(),
            0
        );
    }
}

#[tokio::test]
async fn a_wrong_number_of_parameters_is_refused_alike() {
    for db in with_types().await {
        for params in [params![1_i64].to_vec(), params![1_i64, 2_i64, 3_i64].to_vec()] {
            let refused = select::<i64>(
                &db,
                "select number from quoin.test_types where n = ?1 and number = ?2",
                params,
            )
            .await;
            assert!(matches!(&refused, Err(DbError::Refused { code, .. }) if code == "08P01"), "{refused:?}");
        }
    }
}
