//! What a plan meters comes and goes with it.

use std::time::Duration;

use serde_json::json;

use super::harness::{House, in_house};
use super::provider::Trouble;
use crate::PaymentsError;
use crate::model::{Command, Status, Subscription};
use crate::service::change_subscription::{ChangeWhen, Deed, Wished};
use crate::service::manage_plans::PlanChange;
use crate::service::report_usage::Report;

/// Makes plans that meter runs, deals or nothing; and prices of other intervals, currencies and times beside them.
async fn plans(house: &House) {
    let metered = |amount: i64, interval: &str, currency: &str, meter: &str| json!({"interval": interval, "amount": amount, "currency": currency, "meter": meter});
    let advance =
        |amount: i64, interval: &str| json!({"interval": interval, "amount": amount, "currency": "usd"});
    for (id, prices) in [
        ("plain", json!([advance(900, "month")])),
        ("runs", json!([advance(1000, "month"), metered(7, "month", "usd", "runs")])),
        (
            "deals",
            json!([
                metered(2, "month", "eur", "deals"),
                advance(1500, "month"),
                metered(3, "month", "usd", "deals"),
                advance(15000, "year"),
                metered(4, "year", "usd", "deals"),
            ]),
        ),
    ] {
        house.plan(json!({"id": id, "name": id, "prices": prices})).await;
    }
}

fn to(plan: &str, when: ChangeWhen) -> Wished {
    Wished { plan: Some(plan.parse().unwrap()), when, prorate: true, ..Wished::default() }
}

/// Returns what the items at the provider cost each, the metered ones after the first.
fn amounts(house: &House, subscription: &str) -> Vec<i64> {
    house
        .provider
        .with(|books| books.subscriptions[subscription].items.iter().map(|item| item.amount).collect())
}

#[tokio::test]
async fn a_change_of_plan_changes_what_is_metered_and_a_change_of_seats_does_not() {
    in_house(|house| async move {
        plans(&house).await;
        let subject = house.org();
        let one = house.subscribe(subject, "runs").await;
        let change = |wished| house.room.change_subscription(subject, one.id, wished, house.entry());
        assert_eq!(amounts(&house, &one.remote_id), [1000, 7]);
        change(to("plain", ChangeWhen::Now)).await.unwrap();
        assert_eq!(amounts(&house, &one.remote_id), [900]);
        change(to("deals", ChangeWhen::Now)).await.unwrap();
        assert_eq!(
            amounts(&house, &one.remote_id),
            [1500, 3],
            "other intervals and currencies are not its own"
        );
        let yearly =
            Wished { interval: Some(crate::model::Interval::Year), prorate: true, ..Wished::default() };
        change(yearly).await.unwrap();
        assert_eq!(amounts(&house, &one.remote_id), [15000, 4]);
        let changed = change(to("runs", ChangeWhen::Now)).await;
        assert!(matches!(changed, Err(PaymentsError::NoSuchPrice)), "{changed:?}");
        let monthly = Wished { interval: Some(crate::model::Interval::Month), ..to("runs", ChangeWhen::Now) };
        change(monthly).await.unwrap();
        change(Wished { quantity: Some(3), prorate: true, ..Wished::default() }).await.unwrap();
        assert_eq!(amounts(&house, &one.remote_id), [1000, 7]);
    })
    .await;
}

#[tokio::test]
async fn a_change_that_waits_says_what_is_metered_then() {
    in_house(|house| async move {
        plans(&house).await;
        let subject = house.org();
        let one = house.subscribe(subject, "runs").await;
        let planned = async |plan: &str| {
            let wished = to(plan, ChangeWhen::PeriodEnd);
            house.room.change_subscription(subject, one.id, wished, house.entry()).await.unwrap();
            house.provider.with(|books| {
                let metered = books.scheduled[&one.remote_id].change.metered_prices.clone()?;
                let prices = books.products.values().flat_map(|product| &product.prices);
                Some(
                    prices
                        .filter(|price| metered.contains(&price.id))
                        .map(|price| price.amount)
                        .collect::<Vec<_>>(),
                )
            })
        };
        assert_eq!(planned("plain").await, Some(Vec::new()));
        assert_eq!(planned("deals").await, Some(vec![3]));
        assert_eq!(planned("runs").await, None, "on its price it stays as it is");
        assert_eq!(amounts(&house, &one.remote_id), [1000, 7], "until then it stays as it is");
    })
    .await;
}

#[tokio::test]
async fn whoever_pays_an_archived_metered_price_keeps_it_and_nobody_new_gets_it() {
    in_house(|house| async move {
        plans(&house).await;
        let (old, new) = (house.org(), house.org());
        let (held, other) = (house.subscribe(old, "runs").await, house.subscribe(new, "plain").await);
        let prices = json!([{"interval": "month", "amount": 1000, "currency": "usd"}]);
        let archiving =
            PlanChange { prices: Some(serde_json::from_value(prices).unwrap()), ..PlanChange::default() };
        house.room.change_plan(&"runs".parse().unwrap(), archiving, house.entry()).await.unwrap();
        let seats = Wished { quantity: Some(2), prorate: true, ..Wished::default() };
        house.room.change_subscription(old, held.id, seats, house.entry()).await.unwrap();
        assert_eq!(amounts(&house, &held.remote_id), [1000, 7]);
        let comes = to("runs", ChangeWhen::Now);
        house.room.change_subscription(new, other.id, comes, house.entry()).await.unwrap();
        assert_eq!(amounts(&house, &other.remote_id), [1000]);
    })
    .await;
}

impl House {
    async fn uses(&self, one: &Subscription, key: &str, amount: i64) {
        let report = Report { subject: one.subject, meter: "runs".into(), amount, key: key.into() };
        self.room.report_usage(vec![report]).await.unwrap();
    }

    /// Returns what was told of use before the subscription ended, in the order of the books.
    fn told_before_the_end(&self) -> Vec<i64> {
        self.provider.with(|books| {
            let mut before = Vec::new();
            for command in &books.done {
                match command {
                    Command::ReportUsage(report) => before.push(report.amount),
                    Command::CancelSubscription { .. } => return before,
                    _ => {}
                }
            }
            panic!("it did not end: {:?}", books.done)
        })
    }
}

#[tokio::test]
async fn what_was_used_is_told_before_a_subscription_ends_at_once_and_not_before_it_ends_later() {
    in_house(|house| async move {
        plans(&house).await;
        let one = house.subscribe(house.org(), "runs").await;
        let cancel = |at_once| {
            let deed = Deed::Cancel { at_once };
            house.room.act_on_subscription(one.subject, one.id, deed, house.entry())
        };
        house.uses(&one, "a", 4).await;
        cancel(false).await.unwrap();
        assert_eq!(house.told_before_the_end(), Vec::<i64>::new(), "the job tells it in time");
        house.provider.with(|books| books.done.clear());
        // A report whose answer was lost, and use since then.
        house.provider.troubles.lock().unwrap().push(Trouble::After);
        house.room.report_to_provider().await.unwrap();
        house.uses(&one, "b", 3).await;
        assert_eq!(cancel(true).await.unwrap().status, Status::Canceled);
        assert_eq!(house.told_before_the_end(), [4, 3]);
        assert_eq!(house.room.entitlements(one.subject).await.unwrap().usage[0].reported, 7);
    })
    .await;
}

#[tokio::test]
async fn a_subscription_does_not_end_at_once_before_its_use_is_told_and_ends_where_that_is_refused() {
    in_house(|house| async move {
        plans(&house).await;
        let one = house.subscribe(house.org(), "runs").await;
        let other = house.subscribe(house.org(), "runs").await;
        let cancel = |one: &Subscription| {
            let deed = Deed::Cancel { at_once: true };
            house.room.act_on_subscription(one.subject, one.id, deed, house.entry())
        };
        house.uses(&one, "a", 4).await;
        house.provider.troubles.lock().unwrap().push(Trouble::Before);
        let waits = cancel(&one).await.unwrap_err();
        assert!(matches!(waits, PaymentsError::Provider(_)), "{waits}");
        assert_eq!(house.only(one.subject).await.status, Status::Active);
        house.test.clock.advance(Duration::from_mins(2));
        assert_eq!(house.room.resume_intents().await.unwrap(), 1);
        assert_eq!(house.told_before_the_end(), [4]);
        house.uses(&other, "b", 5).await;
        *house.provider.refuses_reports.lock().unwrap() = Some("resource_missing");
        assert_eq!(cancel(&other).await.unwrap().status, Status::Canceled);
        assert_eq!(house.room.entitlements(other.subject).await.unwrap().usage[0].reported, 0);
    })
    .await;
}
