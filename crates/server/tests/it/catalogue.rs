//! Every statement is understood by both engines, and both have the same schema.

use quoin_db::testing::{describe_schema, fresh_postgres, fresh_sqlite, refused_statements};
use quoin_db::{Db, migrate};
use quoin_server::modules::{MIGRATIONS, statements};

async fn migrated(db: &Db) {
    migrate(db, MIGRATIONS).await.expect("an empty database takes every migration");
}

#[tokio::test]
async fn every_statement_can_be_prepared_on_each_engine() {
    quoin_db::testing::on_each_engine(MIGRATIONS, |db| async move {
        let refused = refused_statements(&db, &statements()).await.unwrap();
        assert!(refused.is_empty(), "{refused:#?}");
    })
    .await;
}

#[tokio::test]
async fn both_engines_have_the_same_schema() {
    let sqlite = fresh_sqlite();
    migrated(&sqlite).await;
    let Some(postgres) = fresh_postgres() else { return };
    migrated(&postgres).await;
    assert_eq!(describe_schema(&sqlite).await.unwrap(), describe_schema(&postgres).await.unwrap());
}
