use crate::error::DbError;
use crate::params;
use crate::statement::DynamicSql;
use crate::testing::fresh_postgres;

#[tokio::test]
async fn a_read_cannot_write() {
    let Some(db) = fresh_postgres() else { return };
    db.write::<_, DbError, _>("test", |tx| tx.batch("create table t (id bigint)"))
        .await
        .unwrap();
    let insert = || DynamicSql("insert into t values ($1)".into());
    db.write::<_, DbError, _>("test", move |tx| tx.execute(&insert(), &params![1_i64]))
        .await
        .unwrap();
    let refused = db
        .read::<_, DbError, _>("test", move |tx| tx.execute(&insert(), &params![2_i64]))
        .await;
    assert!(
        matches!(refused, Err(DbError::Refused { ref code, .. }) if code == "25006"),
        "{refused:?}"
    );
}
