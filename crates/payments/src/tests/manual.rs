//! The provider without a provider.

use std::sync::Arc;
use std::time::Duration;

use quoin_kernel::billing::Subject;
use serde_json::json;

use super::harness::{House, MODULES};
use crate::adapters::manual::Manual;
use crate::config::ProviderName;
use crate::model::{Access, Status, Subscription};
use crate::port::Provider;
use crate::service::change_subscription::{ChangeWhen, Deed, Wished};
use crate::service::reconcile::Reach;
use crate::service::serve_manually::Grant;
use crate::{PaymentsConfig, PaymentsError};

const DAY: Duration = Duration::from_hours(24);

async fn in_house<F: Future<Output = ()>>(body: impl Fn(House) -> F) {
    let config = PaymentsConfig { provider: ProviderName::Manual, ..PaymentsConfig::default() };
    quoin_db::testing::on_each_engine(MODULES, |db| body(House::new(db, config.clone()))).await;
}

async fn pass(house: &House, time: Duration) {
    house.test.clock.advance(time);
    house.room.manual().advance(house.now()).await.unwrap();
    house.room.reconcile(Reach::Everything).await.unwrap();
}

/// Orders the plan `pro`, and lets its transfer arrive.
async fn bought(house: &House, subject: Subject) -> Subscription {
    let order = House::order("pro");
    house.room.start_checkout(&house.payer(subject), &order, house.entry()).await.unwrap();
    house.room.reconcile(Reach::Everything).await.unwrap();
    confirm(house, house.only(subject).await.remote_id.replace("sub_", "in_")).await;
    house.only(subject).await
}

async fn confirm(house: &House, invoice: String) {
    let now = house.now();
    house.write(move |tx| Manual::confirm(tx, &invoice, now).map(drop)).await.unwrap();
    house.room.reconcile(Reach::Everything).await.unwrap();
}

#[tokio::test]
async fn an_order_opens_when_its_transfer_is_confirmed_and_not_before() {
    in_house(|house| async move {
        house.pro().await;
        let subject = house.org();
        let started = house
            .room
            .start_checkout(&house.payer(subject), &House::order("pro"), house.entry())
            .await
            .unwrap();
        assert!(started.url.contains("/payments/v1/transfers/"), "{}", started.url);
        house.room.reconcile(Reach::Everything).await.unwrap();
        let one = house.only(subject).await;
        assert_eq!((one.status, one.access), (Status::Incomplete, Access::None));
        let manual: Arc<dyn Provider> = house.room.manual().clone();
        let invoice = one.remote_id.replace("sub_", "in_");
        house
            .room
            .refresh(
                &manual,
                &crate::model::ObjectRef::new(crate::model::ObjectKind::Invoice, invoice),
                "test",
            )
            .await
            .unwrap();
        let page = quoin_kernel::page::Page { limit: 10, after: None };
        let invoices = house.room.list_invoices(subject, page).await.unwrap().data;
        assert_eq!((invoices[0].status.as_str(), invoices[0].amount_remaining), ("open", 1900));
        let paid = house.room.confirm_transfer(invoices[0].id, house.entry()).await.unwrap();
        assert_eq!((paid.status.as_str(), paid.amount_remaining), ("paid", 0));
        assert_eq!(house.only(subject).await.access, Access::Full);
        // The period ends without money: a new invoice, grace, restriction, and a payment opens it again.
        pass(&house, DAY * 31).await;
        assert_eq!(house.only(subject).await.access, Access::Grace);
        pass(&house, DAY * 8).await;
        house.room.dun().await.unwrap();
        assert_eq!(house.only(subject).await.access, Access::Restricted);
    })
    .await;
}

#[tokio::test]
async fn a_granted_plan_is_in_force_until_its_day() {
    in_house(|house| async move {
        house.plan(json!({"id": "gift", "name": "Gift", "entitlements": {"export": true}})).await;
        let subject = house.org();
        let until = Some(house.now() + DAY * 10);
        let grant = Grant { subject, plan: "gift".parse().unwrap(), quantity: 1, until };
        let one = house.room.grant_plan(grant.clone(), house.entry()).await.unwrap();
        assert_eq!((one.access, one.cancel_at), (Access::Full, until));
        assert_eq!(house.room.entitlements(subject).await.unwrap().entitlements["export"], true);
        pass(&house, DAY * 11).await;
        assert_eq!(house.room.get_subscription(subject, one.id).await.unwrap().access, Access::None);
        assert_eq!(house.room.entitlements(subject).await.unwrap().entitlements["export"], false);
        let nothing = Grant { plan: "nothing".parse().unwrap(), ..grant };
        let refused = house.room.grant_plan(nothing, house.entry()).await.unwrap_err();
        assert!(matches!(refused, PaymentsError::NoSuchPlan), "{refused}");
    })
    .await;
}

#[tokio::test]
async fn by_hand_more_is_given_with_the_next_invoice_and_less_at_once() {
    in_house(|house| async move {
        house.pro().await;
        for (id, amount) in [("team", 90_000), ("mini", 900)] {
            let price = json!({"interval": "month", "amount": amount, "currency": "usd"});
            house.plan(json!({"id": id, "name": id, "prices": [price]})).await;
        }
        let subject = house.org();
        let one = bought(&house, subject).await;
        assert_eq!(one.access, Access::Full);
        let change = |plan: &str, quantity, when| {
            let plan = Some(plan.parse().unwrap());
            let wished = Wished { plan, quantity, prorate: true, when, ..Wished::default() };
            house.room.change_subscription(subject, one.id, wished, house.entry())
        };
        for (plan, quantity) in [("team", None), ("pro", Some(100))] {
            let refused = change(plan, quantity, ChangeWhen::Now).await.unwrap_err();
            assert!(matches!(refused, PaymentsError::WrongState(_)), "{refused}");
        }
        assert_eq!(house.only(subject).await.quantity, 1);
        let waits = change("team", Some(100), ChangeWhen::PeriodEnd).await.unwrap();
        assert_eq!((waits.scheduled_change.unwrap().quantity, waits.amount), (100, 1900));
        assert_eq!(change("mini", None, ChangeWhen::Now).await.unwrap().amount, 900);
    })
    .await;
}

#[tokio::test]
async fn by_hand_no_period_begins_during_a_pause_and_the_next_one_has_its_invoice() {
    in_house(|house| async move {
        house.pro().await;
        let one = bought(&house, house.org()).await;
        let act = |deed| house.room.act_on_subscription(one.subject, one.id, deed, house.entry());
        let invoices = "select count(*) from quoin.payments_manual_invoices";
        act(Deed::Pause { until: Some(house.now() + DAY * 40) }).await.unwrap();
        pass(&house, DAY * 35).await;
        let paused = house.only(one.subject).await;
        assert_eq!((paused.access, paused.current_period_end), (Access::Restricted, one.current_period_end));
        assert_eq!(house.count(invoices).await, 1);
        pass(&house, DAY * 6).await;
        let (began, goes_on) = (house.now(), house.only(one.subject).await);
        assert_eq!((goes_on.paused, goes_on.status), (false, Status::PastDue));
        assert_eq!((goes_on.past_due_since, goes_on.access), (Some(began), Access::Grace));
        // Further pauses begin no further grace.
        act(Deed::Pause { until: None }).await.unwrap();
        pass(&house, DAY * 8).await;
        act(Deed::Unpause).await.unwrap();
        house.room.dun().await.unwrap();
        assert_eq!(house.only(one.subject).await.access, Access::Restricted);
        assert_eq!(house.count(invoices).await, 2);
        confirm(&house, format!("{}_{}", one.remote_id.replace("sub_", "in_"), began.as_seconds())).await;
        let paid = house.only(one.subject).await;
        assert_eq!((paid.access, paid.current_period_end), (Access::Full, Some(house.now() + DAY * 30)));
        // What is paid for goes on after a pause within it.
        act(Deed::Pause { until: None }).await.unwrap();
        pass(&house, DAY * 5).await;
        let goes_on = act(Deed::Unpause).await.unwrap();
        assert_eq!((goes_on.access, goes_on.current_period_end), (Access::Full, paid.current_period_end));
        assert_eq!(house.count(invoices).await, 2);
    })
    .await;
}
