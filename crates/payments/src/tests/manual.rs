//! The provider without a provider.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::harness::{House, MODULES};
use crate::config::ProviderName;
use crate::model::{Access, Status};
use crate::port::Provider;
use crate::service::change_subscription::{ChangeWhen, Wished};
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
        let order = House::order("pro");
        house.room.start_checkout(&house.payer(subject), &order, house.entry()).await.unwrap();
        house.room.reconcile(Reach::Everything).await.unwrap();
        let invoice = house.only(subject).await.remote_id.replace("sub_", "in_");
        let now = house.now();
        let confirm = move |tx: &mut quoin_db::Tx<'_>| {
            crate::adapters::manual::Manual::confirm(tx, &invoice, now).map(drop)
        };
        house.write(confirm).await.unwrap();
        house.room.reconcile(Reach::Everything).await.unwrap();
        let one = house.only(subject).await;
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
