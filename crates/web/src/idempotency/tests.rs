use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::body::Body;
use http::Method;
use quoin_db::testing::{TestDatabase, execute, migrated, refused_statements, select};
use serde_json::json;

use crate::Front;
use crate::testing::{TestAnswer, TestApp, request, send};
use crate::toy::{self, Toy};

struct Served {
    front: Front,
    toy: Toy,
    test: TestApp,
    db: TestDatabase,
}

async fn served() -> Vec<Served> {
    let mut all = Vec::new();
    for db in migrated(&[crate::purge::MIGRATIONS]).await {
        let test = TestApp::new(db.clone());
        let toy = toy::toy(&test);
        all.push(Served { front: test.front(toy::routes(&toy)), toy, test, db });
    }
    all
}

async fn make(served: &Served, key: &str, who: Option<&str>, name: &str) -> TestAnswer {
    let mut builder = request(&Method::POST, "/toy/v1/things")
        .header("content-type", "application/json")
        .header("idempotency-key", key);
    if let Some(who) = who {
        builder = builder.header("authorization", format!("Bearer {who}"));
    }
    send(&served.front, builder.body(Body::from(json!({"name": name}).to_string())).unwrap()).await
}

#[tokio::test]
async fn fifty_calls_with_one_key_make_one_thing() {
    for served in served().await {
        let calls = (0..50).map(|_| make(&served, "k1", None, "a"));
        let answers = futures_util::future::join_all(calls).await;
        assert_eq!(served.toy.made.load(Ordering::SeqCst), 1);
        for answer in &answers {
            assert!(matches!(answer.status.as_u16(), 201 | 409), "{answer:?}");
        }
        let replayed = make(&served, "k1", None, "a").await;
        assert_eq!((replayed.status.as_u16(), replayed.json()), (201, json!({"number": 1, "name": "a"})));
        assert_eq!(replayed.header("idempotency-replayed"), "true");
        assert_eq!(replayed.header("content-type"), "application/json");
    }
}

#[tokio::test]
async fn a_key_belongs_to_its_caller_and_its_request() {
    for served in served().await {
        let ann = Some("user:018f0000-0000-7000-8000-000000000001");
        let bob = Some("user:018f0000-0000-7000-8000-000000000002");
        assert_eq!(make(&served, "k", ann, "a").await.json()["number"], 1);
        assert_eq!(make(&served, "k", bob, "a").await.json()["number"], 2);
        let other = make(&served, "k", ann, "b").await;
        assert_eq!((other.status.as_u16(), other.code().as_str()), (422, "idempotency_key_reused"));
        assert_eq!(make(&served, "k", Some("wrong"), "a").await.status, 401);
        assert_eq!(make(&served, "", ann, "a").await.status, 400);
    }
}

#[tokio::test]
async fn a_refusal_gives_the_key_back() {
    for served in served().await {
        assert_eq!(make(&served, "k", None, "refused").await.code(), "thing_refused");
        assert_eq!(make(&served, "k", None, "fine").await.status, 201);
    }
}

#[tokio::test]
async fn an_answer_is_forgotten_after_a_day() {
    for served in served().await {
        make(&served, "k", None, "a").await;
        served.test.clock.advance(Duration::from_hours(24));
        assert_eq!(make(&served, "k", None, "b").await.json()["number"], 2);
    }
}

#[tokio::test]
async fn a_claim_without_an_answer_is_never_run_again() {
    for served in served().await {
        make(&served, "k", None, "a").await;
        execute(&served.db, "update quoin.web_idempotency set answer = null", []).await.unwrap();
        assert_eq!(make(&served, "k", None, "a").await.code(), "idempotency_in_progress");
        served.test.clock.advance(Duration::from_mins(3));
        let unknown = make(&served, "k", None, "a").await;
        assert_eq!((unknown.status.as_u16(), unknown.code().as_str()), (409, "idempotency_outcome_unknown"));
        assert_eq!(served.toy.made.load(Ordering::SeqCst), 1);
    }
}

#[tokio::test]
async fn a_call_that_panics_keeps_its_key() {
    for served in served().await {
        let broken = make(&served, "k", None, "broken").await;
        assert_eq!((broken.status.as_u16(), broken.code().as_str()), (500, "unexpected_failure"));
        assert_eq!(make(&served, "k", None, "broken").await.code(), "idempotency_in_progress");
        assert_eq!(make(&served, "k2", None, "fine").await.status, 201);
    }
}

#[tokio::test]
async fn kept_answers_are_sealed() {
    for served in served().await {
        make(&served, "k", None, "sesame").await;
        let kept: Vec<Vec<u8>> =
            select(&served.db, "select answer from quoin.web_idempotency", []).await.unwrap();
        assert!(!kept[0].windows(6).any(|part| part == b"sesame"));
    }
}

#[tokio::test]
async fn every_statement_of_this_room_is_prepared_on_both_engines() {
    for served in served().await {
        let refused = refused_statements(&served.db, &[crate::rate_limit::ALL, super::ALL]).await.unwrap();
        assert!(refused.is_empty(), "{refused:?}");
    }
}
