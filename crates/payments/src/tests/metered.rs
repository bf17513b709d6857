//! What a plan meters comes and goes with it.

use serde_json::json;

use super::harness::{House, in_house};
use crate::PaymentsError;
use crate::service::change_subscription::{ChangeWhen, Wished};
use crate::service::manage_plans::PlanChange;

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
