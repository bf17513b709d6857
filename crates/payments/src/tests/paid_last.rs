//! While a payment is missing nobody has more than what was paid for last.

use std::time::Duration;

use quoin_kernel::billing::Subject;
use quoin_web::entitlements::SEATS;
use serde_json::{Value, json};

use super::harness::{House, in_house, in_house_with};
use super::manual::{bought, confirm, pass};
use crate::PaymentsConfig;
use crate::config::ProviderName;
use crate::model::remote::LatestInvoice;
use crate::model::{Access, Status};
use crate::service::change_subscription::{ChangeWhen, Wished};

async fn plans(house: &House) {
    for (id, amount, projects) in [("pro", 1900, 3), ("team", 90_000, 300)] {
        let price = json!({"interval": "month", "amount": amount, "currency": "usd", "per_seat": true});
        house
            .plan(json!({"id": id, "name": id, "prices": [price],
                "entitlements": {"projects": {"limit": projects}, SEATS: {"limit": 10_000}}}))
            .await;
    }
}

fn team_with(quantity: i64) -> Wished {
    let plan = Some("team".parse().unwrap());
    Wished { plan, quantity: Some(quantity), prorate: true, when: ChangeWhen::PeriodEnd, ..Wished::default() }
}

/// Lets the provider begin a period of this plan, whose invoice and subscription stand so.
async fn begin(house: &House, id: &str, (plan, quantity): (&str, i64), (status, invoice): (Status, &str)) {
    let price = house.provider.with(|books| {
        let mut products = books.products.values();
        products.find(|product| product.name == plan).unwrap().prices[0].clone()
    });
    let latest = LatestInvoice { id: "in_2".into(), status: invoice.into() };
    let since = (status == Status::PastDue).then(|| house.now());
    house.provider.edit(id, |one| {
        (one.status, one.unpaid_since, one.latest_invoice, one.waiting) = (status, since, Some(latest), None);
        let item = &mut one.items[0];
        (item.price, item.amount, item.quantity) = (price.id, price.amount, quantity);
        one.metadata.insert("quoin_plan".into(), plan.to_owned());
    });
    house.learn(id).await;
}

/// Says what a subject has: the access, the projects, and the seats that are paid for.
async fn has(house: &House, subject: Subject) -> (Access, Value, Value) {
    let access = house.only(subject).await.access;
    let found = house.room.entitlements(subject).await.unwrap();
    (access, found.entitlements["projects"]["limit"].clone(), found.entitlements[SEATS]["limit"].clone())
}

#[tokio::test]
async fn a_plan_that_waited_is_not_given_in_grace_before_it_is_paid() {
    in_house(|house| async move {
        plans(&house).await;
        let subject = house.org();
        let one = house.subscribe(subject, "pro").await;
        let of_pro = |access| (access, json!(3), json!(1));
        assert_eq!(has(&house, subject).await, of_pro(Access::Full));
        house.room.change_subscription(subject, one.id, team_with(5000), house.entry()).await.unwrap();
        for standing in [(Status::Active, "draft"), (Status::PastDue, "open"), (Status::PastDue, "open")] {
            begin(&house, &one.remote_id, ("team", 5000), standing).await;
        }
        assert_eq!(has(&house, subject).await, of_pro(Access::Grace));
        let plan = house.room.entitlements(subject).await.unwrap().plan;
        assert_eq!(plan.as_deref(), Some("pro"));
        house.test.clock.advance(Duration::from_hours(24 * 8));
        house.room.dun().await.unwrap();
        assert_eq!(house.only(subject).await.access, Access::Restricted);
        begin(&house, &one.remote_id, ("team", 5000), (Status::Active, "paid")).await;
        assert_eq!(has(&house, subject).await, (Access::Full, json!(300), json!(5000)));
        // What was paid is what grace gives the next time.
        begin(&house, &one.remote_id, ("team", 5000), (Status::PastDue, "open")).await;
        assert_eq!(has(&house, subject).await, (Access::Grace, json!(300), json!(5000)));
        assert_eq!(house.only(subject).await.paid_last, None);
    })
    .await;
}

#[tokio::test]
async fn by_hand_a_plan_that_waited_is_given_when_its_transfer_arrives() {
    let config = PaymentsConfig { provider: ProviderName::Manual, ..PaymentsConfig::default() };
    in_house_with(config, |house| async move {
        plans(&house).await;
        let subject = house.org();
        let one = bought(&house, subject).await;
        house.room.change_subscription(subject, one.id, team_with(50), house.entry()).await.unwrap();
        pass(&house, Duration::from_hours(24 * 31)).await;
        let owing = house.only(subject).await;
        assert_eq!((owing.status, owing.amount), (Status::PastDue, 90_000), "that is what is asked for");
        assert_eq!(has(&house, subject).await, (Access::Grace, json!(3), json!(1)));
        let end = one.current_period_end.unwrap().as_seconds();
        confirm(&house, format!("{}_{end}", one.remote_id.replace("sub_", "in_"))).await;
        assert_eq!(has(&house, subject).await, (Access::Full, json!(300), json!(50)));
    })
    .await;
}
