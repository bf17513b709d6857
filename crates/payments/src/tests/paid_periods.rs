//! Only a period that is paid, and whose money was kept, is evened out.

use serde_json::json;

use super::harness::{House, in_house};
use super::subscriptions::invoice;
use crate::PaymentsError;
use crate::model::remote::{RemoteDispute, RemoteRefund};
use crate::model::{ObjectKind, ObjectRef, Status, Subscription};
use crate::service::change_subscription::{ChangeWhen, Deed, Wished};

/// What became of the money for the running period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Money {
    Kept,
    Unheard,
    PausedInAPaidPeriod,
    PartlyBack,
    PastDue,
    Draft,
    PausedAndVoid,
    Disputed,
    Back,
}

use Money::{Back, Disputed, Draft, Kept, PartlyBack, PastDue, PausedAndVoid, PausedInAPaidPeriod, Unheard};

async fn fetch(house: &House, kind: ObjectKind, id: &str) {
    house.hear(kind, id).await;
    house.room.fetch_object(&house.port(), &ObjectRef::new(kind, id)).await.unwrap();
}

async fn bill(house: &House, one: &Subscription, status: &str) -> String {
    let customer = house.provider.with(|books| books.subscriptions[&one.remote_id].customer.clone());
    let mut made = invoice(house, &one.remote_id, &customer);
    (made.id, made.status) = (format!("in_{}", one.id), status.into());
    made.lines[0].period_start = one.current_period_start;
    let id = made.id.clone();
    house.provider.with(|books| books.invoices.insert(id.clone(), made));
    fetch(house, ObjectKind::Invoice, &id).await;
    id
}

async fn back(house: &House, invoice: &str, amount: i64) {
    let id = format!("re_{invoice}");
    let refund = RemoteRefund {
        id: id.clone(),
        invoice: Some(invoice.into()),
        amount,
        currency: "usd".parse().unwrap(),
        reason: None,
        status: "succeeded".into(),
        created_at: house.now(),
    };
    house.provider.with(|books| books.refunds.insert(id.clone(), refund));
    fetch(house, ObjectKind::Refund, &id).await;
}

/// Sells a month of `pro` whose money went this way.
async fn sold(house: &House, money: Money) -> Subscription {
    let subject = house.org();
    let one = house.subscribe(subject, "pro").await;
    let status = match money {
        Kept | PausedInAPaidPeriod | PartlyBack | Disputed | Back => "paid",
        PastDue => "open",
        Draft => "draft",
        PausedAndVoid => "void",
        Unheard => return one,
    };
    let invoice = bill(house, &one, status).await;
    match money {
        PartlyBack => back(house, &invoice, 100).await,
        Back => back(house, &invoice, 1900).await,
        PausedInAPaidPeriod | PausedAndVoid => {
            let deed = Deed::Pause { until: None };
            house.room.act_on_subscription(subject, one.id, deed, house.entry()).await.unwrap();
        }
        PastDue => {
            let now = house.now();
            house
                .provider
                .edit(&one.remote_id, |one| (one.status, one.unpaid_since) = (Status::PastDue, Some(now)));
            house.learn(&one.remote_id).await;
        }
        Disputed => {
            let (id, created_at) = (format!("dp_{}", one.id), house.now());
            let dispute = RemoteDispute {
                id: id.clone(),
                invoice: Some(invoice),
                stands: true,
                lost: false,
                created_at,
            };
            house.provider.with(|books| books.disputes.insert(id.clone(), dispute));
            fetch(house, ObjectKind::Dispute, &id).await;
        }
        Kept | Draft | Unheard => {}
    }
    house.only(subject).await
}

async fn plans(house: &House) {
    house.pro().await;
    for (id, amount) in [("mini", 200), ("team", 4900)] {
        let price = json!({"interval": "month", "amount": amount, "currency": "usd"});
        house.plan(json!({"id": id, "name": id, "prices": [price]})).await;
    }
}

fn to(plan: &str, when: ChangeWhen) -> Wished {
    Wished { plan: Some(plan.parse().unwrap()), prorate: true, when, ..Wished::default() }
}

#[tokio::test]
async fn a_change_to_less_credits_only_what_was_paid_and_kept() {
    in_house(|house| async move {
        plans(&house).await;
        for (money, credits) in [
            (Kept, true),
            (Unheard, true),
            (PausedInAPaidPeriod, true),
            (PartlyBack, false),
            (PastDue, false),
            (Draft, false),
            (PausedAndVoid, false),
            (Disputed, false),
            (Back, false),
        ] {
            let one = sold(&house, money).await;
            let wished = to("mini", ChangeWhen::Now);
            house.room.preview_change(one.subject, one.id, wished.clone()).await.unwrap();
            let shown = house.provider.with(|books| books.previewed.pop().unwrap());
            let changed =
                house.room.change_subscription(one.subject, one.id, wished, house.entry()).await.unwrap();
            assert_eq!(changed.amount, 200, "{money:?}");
            let sent = house.provider.with(super::provider::Books::take_change);
            assert_eq!((shown.prorate, sent.prorate), (credits, credits), "{money:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_change_to_more_is_not_paid_with_what_nobody_has_paid() {
    in_house(|house| async move {
        plans(&house).await;
        for (money, happens) in [
            (Kept, true),
            (Unheard, true),
            (PartlyBack, true),
            (PastDue, false),
            (Draft, false),
            (Disputed, false),
            (Back, false),
        ] {
            let one = sold(&house, money).await;
            let change = |wished| house.room.change_subscription(one.subject, one.id, wished, house.entry());
            let more = Wished { quantity: Some(5), prorate: true, ..Wished::default() };
            for wished in [to("team", ChangeWhen::Now), more] {
                let preview = house.room.preview_change(one.subject, one.id, wished.clone()).await;
                assert_eq!(preview.is_ok(), happens, "{money:?}");
                match change(wished).await {
                    Ok(_) => assert!(happens, "{money:?}"),
                    Err(PaymentsError::WrongState(_)) => assert!(!happens, "{money:?}"),
                    Err(other) => panic!("{money:?}: {other}"),
                }
            }
            let amount = house.only(one.subject).await.amount;
            assert_eq!(amount, if happens { 4900 } else { 1900 }, "{money:?}");
            if !happens {
                let waits = change(to("team", ChangeWhen::PeriodEnd)).await.unwrap();
                assert!(waits.scheduled_change.is_some(), "{money:?}");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn seats_that_go_in_a_period_that_nobody_paid_bring_no_credit() {
    in_house(|house| async move {
        let price = json!({"interval": "month", "amount": 1000, "currency": "usd", "per_seat": true});
        let rules = json!({"seats": "follow", "downgrade": "allow"});
        house.plan(json!({"id": "pro", "name": "Pro", "rules": rules, "prices": [price]})).await;
        for (money, credits) in [(Kept, true), (PastDue, false)] {
            let one = sold(&house, money).await;
            // Two seats are held, and only the owner is left.
            house.provider.edit(&one.remote_id, |one| one.items[0].quantity = 2);
            house.learn(&one.remote_id).await;
            house.room.follow_seats(one.subject).await.unwrap();
            assert_eq!(house.only(one.subject).await.quantity, 1, "{money:?}");
            let sent = house.provider.with(super::provider::Books::take_change);
            assert_eq!((sent.quantity, sent.prorate), (1, credits), "{money:?}");
        }
    })
    .await;
}
