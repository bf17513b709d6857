//! A trial is of what was chosen for it, and had once.

use std::sync::atomic::Ordering;
use std::time::Duration;

use quoin_kernel::billing::Subject;
use serde_json::json;

use super::harness::{House, in_house};
use crate::PaymentsError;
use crate::model::{Interval, Status, Subscription};
use crate::port::ProviderError;
use crate::service::change_subscription::{ChangeWhen, Deed, Wished};

async fn plans(house: &House) {
    for (id, amount) in [("small", 100), ("large", 100_000), ("other", 200), ("tiny", 50)] {
        let price = |interval, amount| json!({"interval": interval, "amount": amount, "currency": "usd", "trial_days": 30});
        let prices = [price("month", amount), price("year", amount * 12)];
        house.plan(json!({"id": id, "name": id, "prices": prices})).await;
    }
}

async fn change(house: &House, one: &Subscription, wished: Wished) -> Result<Subscription, PaymentsError> {
    let wished = Wished { prorate: true, ..wished };
    house.room.change_subscription(one.subject, one.id, wished, house.entry()).await
}

fn to(plan: &str) -> Wished {
    Wished { plan: Some(plan.parse().unwrap()), ..Wished::default() }
}

#[tokio::test]
async fn a_change_to_more_ends_the_trial_and_is_paid_first_and_one_to_less_goes_on_trying() {
    in_house(|house| async move {
        plans(&house).await;
        let last = || house.provider.with(super::provider::Books::take_change);
        for wished in [to("large"), Wished { quantity: Some(50), ..Wished::default() }] {
            let one = house.subscribe(house.org(), "small").await;
            assert_eq!(one.status, Status::Trialing);
            let yearly = Wished { interval: Some(Interval::Year), ..Wished::default() };
            for less in [to("tiny"), yearly] {
                assert_eq!(change(&house, &one, less).await.unwrap().status, Status::Trialing);
                assert!(!last().ends_trial);
            }
            let before = house.only(one.subject).await;
            house.provider.declines.store(true, Ordering::SeqCst);
            let refused = change(&house, &one, wished.clone()).await.unwrap_err();
            assert!(matches!(refused, PaymentsError::Provider(ProviderError::Declined { .. })), "{refused}");
            house.learn(&one.remote_id).await;
            let still = house.only(one.subject).await;
            assert_eq!((still.status, still.amount, still.quantity), (Status::Trialing, before.amount, 1));
            let later = Wished { when: ChangeWhen::PeriodEnd, ..to("large") };
            assert_eq!(change(&house, &one, later).await.unwrap().status, Status::Trialing);
            house.provider.declines.store(false, Ordering::SeqCst);
            house
                .room
                .preview_change(one.subject, one.id, Wished { prorate: true, ..wished.clone() })
                .await
                .unwrap();
            assert!(house.provider.with(|books| books.previewed.pop().unwrap()).ends_trial);
            assert_eq!(change(&house, &one, wished).await.unwrap().status, Status::Active);
            let sent = last();
            assert!(sent.ends_trial && sent.paid_first);
        }
    })
    .await;
}

/// Buys a plan, and says how many days of trial the page offered.
async fn offered(house: &House, subject: Subject, plan: &str) -> (u32, String) {
    let order = House::order(plan);
    let started = house.room.start_checkout(&house.payer(subject), &order, house.entry()).await.unwrap();
    let days = house.provider.with(|books| books.wishes[&started.session_id].trial_days);
    (days, started.session_id)
}

#[tokio::test]
async fn a_trial_of_any_plan_is_had_once_and_a_page_that_nobody_finished_was_none() {
    in_house(|house| async move {
        plans(&house).await;
        let subject = house.org();
        let (days, _) = offered(&house, subject, "small").await;
        assert_eq!(days, 30);
        let (days, session) = offered(&house, subject, "other").await;
        assert_eq!(days, 30, "nothing was tried yet");
        let id = house.provider.pay(&session, house.now());
        house.learn(&id).await;
        house.test.clock.advance(Duration::from_hours(24));
        let tried = house.only(subject).await;
        let deed = Deed::Cancel { at_once: true };
        house.room.act_on_subscription(subject, tried.id, deed, house.entry()).await.unwrap();
        for plan in ["other", "small"] {
            let (days, session) = offered(&house, subject, plan).await;
            assert_eq!(days, 0, "{plan}");
            house.learn(&house.provider.pay(&session, house.now())).await;
            let live = house.room.list_subscriptions(subject).await.unwrap();
            let live: Vec<_> = live.into_iter().filter(Subscription::is_live).collect();
            assert_eq!((live.len(), live[0].status), (1, Status::Active), "{plan}");
            house.room.act_on_subscription(subject, live[0].id, deed, house.entry()).await.unwrap();
        }
        assert_eq!(offered(&house, house.org(), "small").await.0, 30, "somebody else has not tried");
    })
    .await;
}
