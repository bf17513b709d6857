use quoin_db::testing::{execute, migrated, select};
use quoin_db::{Value, params};

use super::*;
use crate::rate_limit::Counter;
use crate::testing::{START, TestApp};

#[tokio::test]
async fn the_job_deletes_what_is_over_and_keeps_the_rest() {
    for db in migrated(&[MIGRATIONS]).await {
        let test = TestApp::new(db.clone());
        let counter = Counter::new("test.failed", 3, Duration::from_mins(1));
        counter.add(&db, "ann", START).await.unwrap();
        counter.add(&db, "bob", START + Duration::from_mins(1)).await.unwrap();
        for (key, expires_at) in [(b"a", START), (b"b", START + Duration::from_hours(1))] {
            let insert = "insert into quoin.web_idempotency (caller, key, request, claimed_at, expires_at)
                          values (?1, ?1, ?1, ?2, ?3)";
            let row: Vec<Value<'static>> = params![key.to_vec(), START, expires_at].into();
            execute(&db, insert, row).await.unwrap();
        }
        test.clock.advance(Duration::from_secs(90));
        purge(test.app.clone()).await.unwrap();
        let counters: Vec<i64> = select(&db, "select count from quoin.web_counters", []).await.unwrap();
        let keys: Vec<Vec<u8>> = select(&db, "select key from quoin.web_idempotency", []).await.unwrap();
        assert_eq!((counters, keys), (vec![1], vec![b"b".to_vec()]));
    }
}
