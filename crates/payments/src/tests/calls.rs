//! Calls of the API, counted in blocks: never one too many, over all nodes.

use std::sync::Arc;
use std::time::Duration;

use quoin_db::Statement;
use quoin_kernel::billing::Subject;
use quoin_kernel::port::CallMeter;
use serde_json::{Value, json};

use super::harness::{House, in_house};
use crate::Entitled;
use crate::service::manage_plans::PlanChange;

async fn calls(house: &House, limit: Value) {
    house
        .plan(json!({"id": "calls", "name": "Calls", "entitlements": {"api_calls": limit}, "prices":
        [{"interval": "month", "amount": 900, "currency": "usd"}]}))
        .await;
}

/// Calls once on a node.
async fn call(node: &Entitled, house: &House, subject: Subject) -> bool {
    let now = house.now();
    match node.count(subject, now) {
        Some(counted) => counted.is_ok(),
        None => node.reserve(subject, now).await.is_ok(),
    }
}

/// Calls fifty at a time until every node refuses; returns how many were let through.
async fn until_refused(nodes: &[Entitled], house: &Arc<House>, subject: Subject) -> usize {
    let mut through = 0;
    loop {
        let mut set = tokio::task::JoinSet::new();
        for number in 0..50 {
            let (node, house) = (nodes[number % nodes.len()].clone(), house.clone());
            set.spawn(async move { call(&node, &house, subject).await });
        }
        let more = set.join_all().await.into_iter().filter(|through| *through).count();
        if more == 0 {
            return through;
        }
        through += more;
    }
}

async fn used(house: &House, subject: Subject) -> i64 {
    house.room.entitlements(subject).await.unwrap().entitlements["api_calls"]["used"].as_i64().unwrap()
}

#[tokio::test]
async fn fifty_at_once_on_two_nodes_are_let_through_to_the_limit_and_not_one_more() {
    in_house(|house| async move {
        calls(&house, json!({"limit": 730, "per": "day"})).await;
        let subject = house.org();
        house.subscribe(subject, "calls").await;
        let other = Entitled::new(&house.test.app, house.room.config());
        other.reload().await.unwrap();
        let nodes = [house.room.entitled().clone(), other];
        let house = Arc::new(house);
        assert_eq!(until_refused(&nodes, &house, subject).await, 730);
        assert_eq!(used(&house, subject).await, 730);
        let refused = nodes[0].count(subject, house.now()).unwrap().unwrap_err();
        assert_eq!((refused.limit, refused.used, refused.wanted), (730, 730, 1));
        assert!(!refused.upgrade_url.is_empty());
        // The next day begins anew.
        house.test.clock.advance(Duration::from_hours(24));
        assert_eq!(until_refused(&nodes, &house, subject).await, 730);
    })
    .await;
}

#[tokio::test]
async fn most_calls_write_nothing_and_what_is_held_in_reserve_is_not_shown_as_used() {
    in_house(|house| async move {
        calls(&house, json!({"limit": 100_000, "per": "month"})).await;
        let subject = house.org();
        house.subscribe(subject, "calls").await;
        let node = house.room.entitled().clone();
        let mut asked = 0;
        for _ in 0..400 {
            if node.count(subject, house.now()).is_none() {
                asked += 1;
                node.reserve(subject, house.now()).await.unwrap();
            }
        }
        assert!(asked <= 3, "{asked} of 400 calls asked the database");
        assert_eq!(used(&house, subject).await, 400);
        house.test.clock.advance(Duration::from_mins(2));
        node.give_back_all_calls(house.now()).await.unwrap();
        let kept = "select used from quoin.payments_entitlements where name = 'api_calls'";
        assert_eq!(house.count(kept).await, 400);
    })
    .await;
}

#[tokio::test]
async fn a_change_of_plan_holds_with_the_next_call() {
    in_house(|house| async move {
        calls(&house, json!({"limit": 5})).await;
        let subject = house.org();
        house.subscribe(subject, "calls").await;
        let node = house.room.entitled().clone();
        let house = Arc::new(house);
        let nodes = [node.clone()];
        assert_eq!(until_refused(&nodes, &house, subject).await, 5);
        let plan = "calls".parse().unwrap();
        let change = |limit: Value| {
            let entitlements = serde_json::from_value(json!({"api_calls": limit})).unwrap();
            let change =
                PlanChange { entitlements: Some(entitlements), for_everybody: true, ..PlanChange::default() };
            house.room.change_plan(&plan, change, house.entry())
        };
        change(json!({"limit": 8})).await.unwrap();
        assert_eq!(until_refused(&nodes, &house, subject).await, 3);
        change(json!({"limit": null})).await.unwrap();
        for _ in 0..50 {
            assert!(call(&node, &house, subject).await, "nothing is limited any more");
        }
        change(json!({"limit": 2})).await.unwrap();
        assert!(!call(&node, &house, subject).await, "more than that was used");
    })
    .await;
}

#[tokio::test]
async fn where_no_plan_names_calls_nothing_is_counted_and_a_crash_loses_a_block_at_most() {
    in_house(|house| async move {
        house.pro().await;
        assert!(!house.room.entitled().is_limited());
        calls(&house, json!({"limit": 100})).await;
        let subject = house.org();
        house.subscribe(subject, "calls").await;
        assert!(house.room.entitled().is_limited());
        let crashed = Entitled::new(&house.test.app, house.room.config());
        assert!(call(&crashed, &house, subject).await);
        drop(crashed);
        let house = Arc::new(house);
        let left = until_refused(&[house.room.entitled().clone()], &house, subject).await;
        assert!((90..=99).contains(&left), "{left} of 99");
    })
    .await;
}

#[tokio::test]
async fn other_rooms_hear_once_that_a_limit_is_reached() {
    in_house(|house| async move {
        calls(&house, json!({"limit": 3, "per": "day"})).await;
        let subject = house.org();
        house.subscribe(subject, "calls").await;
        let (node, house) = (house.room.entitled().clone(), Arc::new(house));
        let told = "select count(*) from quoin.jobs_events where name = 'payments.limit.reached'";
        for days in 1..=2 {
            until_refused(std::slice::from_ref(&node), &house, subject).await;
            node.tell_of_limits().await.unwrap();
            call(&node, &house, subject).await;
            node.tell_of_limits().await.unwrap();
            assert_eq!(house.count(told).await, days);
            house.test.clock.advance(Duration::from_hours(24));
        }
    })
    .await;
}

/// Takes a column away or gives it back, so that writes fail in between.
async fn rename(house: &House, statement: &'static Statement) {
    house.write(move |tx| tx.execute(statement, &[])).await.unwrap();
}

static TAKE_USED: Statement =
    Statement::new("TAKE_USED", "alter table quoin.payments_entitlements rename column used to gone");
static RETURN_USED: Statement =
    Statement::new("RETURN_USED", "alter table quoin.payments_entitlements rename column gone to used");
static TAKE_NAME: Statement =
    Statement::new("TAKE_NAME", "alter table quoin.jobs_events rename column name to gone");
static RETURN_NAME: Statement =
    Statement::new("RETURN_NAME", "alter table quoin.jobs_events rename column gone to name");

#[tokio::test]
async fn a_write_that_fails_loses_no_call_that_was_held() {
    in_house(|house| async move {
        calls(&house, json!({"limit": 100})).await;
        let subject = house.org();
        house.subscribe(subject, "calls").await;
        let node = house.room.entitled().clone();
        assert!(call(&node, &house, subject).await);
        rename(&house, &TAKE_USED).await;
        assert!(node.give_back_all_calls(house.now()).await.is_err());
        assert!(node.reserve(subject, house.now()).await.is_err());
        rename(&house, &RETURN_USED).await;
        node.give_back_all_calls(house.now()).await.unwrap();
        let kept = "select used from quoin.payments_entitlements where name = 'api_calls'";
        assert_eq!(house.count(kept).await, 1);
        let house = Arc::new(house);
        assert_eq!(until_refused(&[node], &house, subject).await, 99);
    })
    .await;
}

#[tokio::test]
async fn calls_that_come_while_blocks_are_given_back_are_not_lost() {
    in_house(|house| async move {
        calls(&house, json!({"limit": 1_000_000})).await;
        let subject = house.org();
        house.subscribe(subject, "calls").await;
        let (node, house) = (house.room.entitled().clone(), Arc::new(house));
        let mut set = tokio::task::JoinSet::new();
        for number in 0..300 {
            let (node, house) = (node.clone(), house.clone());
            set.spawn(async move {
                if number % 3 == 0 {
                    node.give_back_all_calls(house.now()).await.unwrap();
                }
                call(&node, &house, subject).await
            });
        }
        assert!(set.join_all().await.into_iter().all(|through| through));
        node.give_back_all_calls(house.now()).await.unwrap();
        let kept = "select used from quoin.payments_entitlements where name = 'api_calls'";
        assert_eq!(house.count(kept).await, 300);
    })
    .await;
}

#[tokio::test]
async fn news_of_a_limit_that_could_not_be_written_is_told_later() {
    in_house(|house| async move {
        calls(&house, json!({"limit": 1, "per": "day"})).await;
        let (node, house) = (house.room.entitled().clone(), Arc::new(house));
        for subject in [house.org(), house.org()] {
            house.subscribe(subject, "calls").await;
            until_refused(std::slice::from_ref(&node), &house, subject).await;
        }
        rename(&house, &TAKE_NAME).await;
        assert!(node.tell_of_limits().await.is_err());
        rename(&house, &RETURN_NAME).await;
        node.tell_of_limits().await.unwrap();
        let told = "select count(*) from quoin.jobs_events where name = 'payments.limit.reached'";
        assert_eq!(house.count(told).await, 2);
    })
    .await;
}
