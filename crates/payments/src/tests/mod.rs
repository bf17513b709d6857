//! The room on both engines, with a provider that does what the test says.

mod calls;
mod checkout;
mod conformance;
mod credit;
mod customers;
mod disputes;
mod entitlements;

mod erasure;
mod give_back;
mod harness;
mod http;
mod intents;
mod manual;
mod metered;
mod paid_last;
mod paid_periods;
mod pauses;
mod plans;
mod provider;
mod refunds;
mod replay;
mod scheduled;
mod seats;
mod subscriptions;
mod trials;
mod truth;

use quoin_db::testing::{describe_schema, fresh_postgres, fresh_sqlite, on_each_engine, refused_statements};

#[tokio::test]
async fn every_statement_can_be_prepared_on_each_engine() {
    on_each_engine(harness::MODULES, |db| async move {
        let refused = refused_statements(&db, super::STATEMENTS).await.unwrap();
        assert!(refused.is_empty(), "{refused:#?}");
    })
    .await;
}

#[tokio::test]
async fn both_engines_have_the_same_tables() {
    let sqlite = fresh_sqlite();
    quoin_db::migrate(&sqlite, harness::MODULES).await.unwrap();
    let Some(postgres) = fresh_postgres() else { return };
    quoin_db::migrate(&postgres, harness::MODULES).await.unwrap();
    assert_eq!(describe_schema(&sqlite).await.unwrap(), describe_schema(&postgres).await.unwrap());
}
