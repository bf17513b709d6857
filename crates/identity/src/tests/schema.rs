//! Every statement fits the schema on each engine.

use quoin_db::testing::{on_each_engine, refused_statements};

use super::harness::MIGRATIONS;

#[tokio::test]
async fn every_statement_can_be_prepared_on_each_engine() {
    on_each_engine(MIGRATIONS, |db| async move {
        let refused = refused_statements(&db, crate::STATEMENTS).await.unwrap();
        assert!(refused.is_empty(), "{refused:#?}");
    })
    .await;
}

#[tokio::test]
async fn the_view_of_profiles_can_be_read_on_each_engine() {
    on_each_engine(MIGRATIONS, |db| async move {
        let view = crate::profiles_view();
        let read = quoin_db::Statement::new("PROFILES", view.select);
        let rows = db
            .read::<_, quoin_db::DbError, _>("testing.profiles", move |tx| tx.query(&read, &[], |_| Ok(())));
        assert!(rows.await.unwrap().is_empty());
        assert_eq!(view.columns.len(), 5);
    })
    .await;
}
