//! Seats follow the members, both ways, and a change that waits goes along.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use quoin_db::{Statement, params};
use quoin_kernel::UserId;
use quoin_kernel::billing::Subject;
use quoin_kernel::rng::SystemRng;
use quoin_web::entitlements::{Denied, Entitlements, SEATS, Wish};
use serde_json::json;

use super::harness::{House, in_house};
use super::provider::Trouble;
use crate::PaymentsError;
use crate::model::Subscription;
use crate::port::ProviderError;
use crate::service::change_subscription::{ChangeWhen, Wished};

static ORGANIZATION: Statement = Statement::new(
    "ORGANIZATION",
    "insert into quoin.tenancy_organizations (id, name, created_at, updated_at) values (?1, 'Team', ?2, ?2)",
);
static JOIN: Statement = Statement::new(
    "JOIN",
    "insert into quoin.tenancy_memberships (org_id, user_id, role, version, created_at)
        values (?1, ?2, 'member', 1, ?3)",
);
static LEAVE: Statement =
    Statement::new("LEAVE", "delete from quoin.tenancy_memberships where org_id = ?1 and user_id = ?2");

/// Lets somebody join.
async fn join(house: &House, subject: Subject) -> UserId {
    let (org, now, user) = (subject.uuid(), house.now(), UserId::new(house.now(), &SystemRng::default()));
    house.write(move |tx| tx.execute(&JOIN, &params![org, user, now])).await.unwrap();
    user
}

#[tokio::test]
async fn seats_follow_members_both_ways_and_what_waits_goes_along() {
    in_house(|house| async move {
        for (id, amount) in [("team", 1000), ("basic", 400)] {
            let price = json!({"interval": "month", "amount": amount, "currency": "usd", "per_seat": true});
            let rules = json!({"seats": "follow", "downgrade": "allow"});
            house.plan(json!({"id": id, "name": id, "rules": rules, "prices": [price]})).await;
        }
        let (subject, now) = (house.org(), house.now());
        let org = subject.uuid();
        house.write(move |tx| tx.execute(&ORGANIZATION, &params![org, now])).await.unwrap();
        join(&house, subject).await;
        let second = join(&house, subject).await;
        let one = house.subscribe(subject, "team").await;
        assert_eq!(one.quantity, 2, "a checkout begins with the members there are");
        let later =
            Wished { plan: Some("basic".parse().unwrap()), when: ChangeWhen::PeriodEnd, ..Wished::default() };
        house.room.change_subscription(subject, one.id, later, house.entry()).await.unwrap();
        join(&house, subject).await;
        house.room.follow_seats(subject).await.unwrap();
        let more = house.only(subject).await;
        let waits = more.scheduled_change.unwrap();
        assert_eq!((more.quantity, waits.quantity, waits.plan.unwrap().as_str()), (3, 3, "basic"));
        let gone = second;
        house.write(move |tx| tx.execute(&LEAVE, &params![org, gone])).await.unwrap();
        house.room.follow_seats(subject).await.unwrap();
        let fewer = house.only(subject).await;
        assert_eq!((fewer.quantity, fewer.scheduled_change.unwrap().quantity), (2, 2));
        house.room.follow_seats(subject).await.unwrap();
        assert_eq!(house.only(subject).await.quantity, 2);
    })
    .await;
}

/// Lets somebody join, where a seat is free.
async fn accept(house: &House, subject: Subject) -> bool {
    let (entitled, org, now) = (house.room.entitled().clone(), subject.uuid(), house.now());
    let user = UserId::new(now, &SystemRng::default());
    let joined: Result<(), Denied> = house
        .write(move |tx| {
            entitled.take(tx, &Wish { subject, meter: SEATS, amount: 1, now })?;
            Ok(tx.execute(&JOIN, &params![org, user, now]).map(drop)?)
        })
        .await;
    joined.is_ok()
}

/// Sells five seats to an organisation of one.
async fn five_seats(house: &House) -> (Subject, Subscription) {
    let price = json!({"interval": "month", "amount": 1000, "currency": "usd", "per_seat": true});
    house
        .plan(
            json!({"id": "team", "name": "Team", "entitlements": {SEATS: {"limit": 100}}, "prices": [price]}),
        )
        .await;
    let (subject, now) = (house.org(), house.now());
    let org = subject.uuid();
    house.write(move |tx| tx.execute(&ORGANIZATION, &params![org, now])).await.unwrap();
    join(house, subject).await;
    let one = house.subscribe(subject, "team").await;
    let more = Wished { quantity: Some(5), prorate: true, ..Wished::default() };
    (subject, house.room.change_subscription(subject, one.id, more, house.entry()).await.unwrap())
}

fn one_seat() -> Wished {
    Wished { quantity: Some(1), prorate: true, ..Wished::default() }
}

#[tokio::test]
async fn a_seat_that_is_about_to_go_cannot_be_taken_until_the_provider_has_refused() {
    in_house(|house| async move {
        let (subject, one) = five_seats(&house).await;
        let change = || house.room.change_subscription(subject, one.id, one_seat(), house.entry());
        // Nobody knows yet whether it is done: the answer is lost.
        house.provider.troubles.lock().unwrap().push(Trouble::After);
        change().await.unwrap_err();
        assert_eq!(house.only(subject).await.quantity, 5);
        assert!(!accept(&house, subject).await, "it is asked for");
        // It is done, and how the subscription stands cannot be fetched.
        house.provider.is_down.store(true, Ordering::SeqCst);
        assert_eq!(change().await.unwrap().quantity, 5);
        house.room.entitlements(subject).await.unwrap();
        assert!(!accept(&house, subject).await, "it is done");
        house.provider.is_down.store(false, Ordering::SeqCst);
        house.learn(&one.remote_id).await;
        assert!(!accept(&house, subject).await, "it is known");
        // What is refused gives them back.
        let more = Wished { quantity: Some(3), prorate: true, ..Wished::default() };
        house.room.change_subscription(subject, one.id, more, house.entry()).await.unwrap();
        *house.provider.answers.lock().unwrap() =
            Some(|| ProviderError::Refused { code: "no".into(), message: "no".into() });
        change().await.unwrap_err();
        assert!(accept(&house, subject).await && accept(&house, subject).await);
        assert!(!accept(&house, subject).await, "three are paid for");
        *house.provider.answers.lock().unwrap() = None;
        assert!(matches!(change().await.unwrap_err(), PaymentsError::UsesMore { used: 3, .. }));
        // Seats that somebody adds elsewhere are there as soon as that is known.
        house.provider.edit(&one.remote_id, |one| one.items[0].quantity = 4);
        house.learn(&one.remote_id).await;
        assert!(accept(&house, subject).await);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_joins_while_seats_are_given_up_has_a_seat_that_is_paid_for() {
    in_house(|house| async move {
        let (subject, one) = five_seats(&house).await;
        let house = Arc::new(house);
        let mut joining = tokio::task::JoinSet::new();
        for _ in 0..4 {
            let house = house.clone();
            joining.spawn(async move { accept(&house, subject).await });
        }
        let fewer = house.room.change_subscription(subject, one.id, one_seat(), house.entry()).await;
        let joined = i64::try_from(joining.join_all().await.into_iter().filter(|joined| *joined).count());
        let billed = house.provider.with(|books| books.subscriptions[&one.remote_id].items[0].quantity);
        assert_eq!((billed, billed == 1), (if fewer.is_ok() { 1 } else { 5 }, joined.unwrap() == 0));
    })
    .await;
}
