//! Changes, cancellation, dunning, refunds.

use std::time::Duration;

use quoin_kernel::Timestamp;
use serde_json::json;

use super::harness::{House, in_house};
use crate::PaymentsError;
use crate::model::remote::RemoteInvoice;
use crate::model::{Access, ObjectKind, ObjectRef, Status};
use crate::service::change_subscription::{Deed, Wished};
use crate::service::refund::RefundWish;

const DAY: Duration = Duration::from_hours(24);

async fn team(house: &House) {
    house
        .plan(json!({"id": "team", "name": "Team", "entitlements": {"projects": {"limit": 30}},
        "prices": [{"interval": "month", "amount": 4900, "currency": "usd"}]}))
        .await;
}

#[tokio::test]
async fn a_change_of_plan_holds_when_it_is_answered() {
    in_house(|house| async move {
        house.pro().await;
        team(&house).await;
        let subject = house.org();
        let one = house.subscribe(subject, "pro").await;
        let wished = Wished { plan: Some("team".parse().unwrap()), prorate: true, ..Wished::default() };
        let preview = house.room.preview_change(subject, one.id, wished.clone()).await.unwrap();
        assert_eq!(preview.total, 1000);
        let changed = house.room.change_subscription(subject, one.id, wished, house.entry()).await.unwrap();
        assert_eq!(changed.plan.unwrap().0.as_str(), "team");
        assert_eq!(house.room.entitlements(subject).await.unwrap().entitlements["projects"]["limit"], 30);
        let stranger =
            house.room.change_subscription(house.org(), one.id, Wished::default(), house.entry()).await;
        assert!(matches!(stranger.unwrap_err(), PaymentsError::NoSuch(_)));
    })
    .await;
}

#[tokio::test]
async fn a_change_to_more_happens_only_if_it_is_paid_and_one_to_less_needs_no_money() {
    in_house(|house| async move {
        house.pro().await;
        team(&house).await;
        let subject = house.org();
        let one = house.subscribe(subject, "pro").await;
        let change = |plan: &str, quantity, prorate| {
            let wished = Wished { plan: Some(plan.parse().unwrap()), quantity, prorate, ..Wished::default() };
            house.room.change_subscription(subject, one.id, wished, house.entry())
        };
        for refused in [change("team", None, false).await, change("pro", Some(100), false).await] {
            let refused = refused.unwrap_err();
            assert!(matches!(refused, PaymentsError::Unusable { field: "prorate", .. }), "{refused}");
        }
        let wished = Wished { quantity: Some(100), ..Wished::default() };
        let preview = house.room.preview_change(subject, one.id, wished).await.unwrap_err();
        assert!(matches!(preview, PaymentsError::Unusable { field: "prorate", .. }), "{preview}");
        house.provider.declines.store(true, std::sync::atomic::Ordering::SeqCst);
        let refused = quoin_kernel::Problem::from(change("team", None, true).await.unwrap_err());
        assert_eq!((refused.status(), refused.code()), (402, "payment_declined"));
        house.learn(&one.remote_id).await;
        assert_eq!(house.only(subject).await.plan.unwrap().0.as_str(), "pro");
        assert_eq!(house.room.entitlements(subject).await.unwrap().entitlements["projects"]["limit"], 3);
        house.provider.declines.store(false, std::sync::atomic::Ordering::SeqCst);
        let more = change("team", Some(5), true).await.unwrap();
        assert_eq!((more.plan.unwrap().0.as_str(), more.quantity), ("team", 5));
        house.provider.declines.store(true, std::sync::atomic::Ordering::SeqCst);
        assert_eq!(change("team", Some(2), false).await.unwrap().quantity, 2);
        assert_eq!(change("pro", None, true).await.unwrap().plan.unwrap().0.as_str(), "pro");
    })
    .await;
}

#[tokio::test]
async fn it_ends_when_it_was_told_to_and_can_be_resumed_until_then() {
    in_house(|house| async move {
        house.pro().await;
        let subject = house.org();
        let one = house.subscribe(subject, "pro").await;
        let act = |deed| house.room.act_on_subscription(subject, one.id, deed, house.entry());
        assert!(matches!(act(Deed::Resume).await.unwrap_err(), PaymentsError::WrongState(_)));
        let later = act(Deed::Cancel { at_once: false }).await.unwrap();
        assert_eq!((later.access, later.cancel_at), (Access::Full, later.current_period_end));
        assert_eq!(act(Deed::Resume).await.unwrap().cancel_at, None);
        let until = house.now() + DAY * 5;
        let paused = act(Deed::Pause { until: Some(until) }).await.unwrap();
        assert_eq!(
            (paused.access, paused.resumes_at.map(Timestamp::as_seconds)),
            (Access::Restricted, Some(until.as_seconds()))
        );
        let resumed = act(Deed::Unpause).await.unwrap();
        assert_eq!((resumed.access, resumed.resumes_at), (Access::Full, None));
        let ended = act(Deed::Cancel { at_once: true }).await.unwrap();
        assert_eq!((ended.status, ended.access), (Status::Canceled, Access::None));
        assert!(matches!(act(Deed::Resume).await.unwrap_err(), PaymentsError::WrongState(_)));
        assert_eq!(house.room.entitlements(subject).await.unwrap().entitlements["export"], false);
    })
    .await;
}

#[tokio::test]
async fn a_missing_payment_reminds_then_restricts_and_a_payment_ends_both_at_once() {
    in_house(|house| async move {
        house.pro().await;
        let subject = house.org();
        let one = house.subscribe(subject, "pro").await;
        let since = house.now();
        house
            .provider
            .edit(&one.remote_id, |one| (one.status, one.unpaid_since) = (Status::PastDue, Some(since)));
        house.learn(&one.remote_id).await;
        assert_eq!(house.only(subject).await.access, Access::Grace);
        let mails = "select count(*) from quoin.mail_outbox where template = 'payments.payment_missing'";
        for (days, mails_by_then, access) in
            [(0, 1, Access::Grace), (3, 2, Access::Grace), (3, 3, Access::Grace), (1, 3, Access::Restricted)]
        {
            house.test.clock.advance(DAY * days);
            house.room.dun().await.unwrap();
            house.room.dun().await.unwrap();
            assert_eq!(house.count(mails).await, mails_by_then);
            assert_eq!(house.only(subject).await.access, access);
        }
        let steps = house.room.dunning(subject, one.id).await.unwrap();
        assert_eq!((steps.since, steps.reminded_at.len()), (Some(since), 3));
        assert_eq!((steps.next_reminder_at, steps.restricted_at), (None, Some(since + DAY * 7)));
        assert_eq!(house.room.entitlements(subject).await.unwrap().entitlements["export"], false);
        house.provider.edit(&one.remote_id, |one| (one.status, one.unpaid_since) = (Status::Active, None));
        house.learn(&one.remote_id).await;
        let recovered = house.only(subject).await;
        assert_eq!((recovered.access, recovered.reminders), (Access::Full, 0));
        assert_eq!(house.room.dunning(subject, one.id).await.unwrap().since, None);
        assert_eq!(house.room.entitlements(subject).await.unwrap().entitlements["export"], true);
    })
    .await;
}

#[tokio::test]
async fn a_further_unpaid_invoice_begins_no_further_grace_and_a_debt_after_a_payment_does() {
    in_house(|house| async move {
        house.pro().await;
        let subject = house.org();
        let one = house.subscribe(subject, "pro").await;
        let owe = async |status, since| {
            house.provider.edit(&one.remote_id, |one| (one.status, one.unpaid_since) = (status, since));
            house.learn(&one.remote_id).await;
            house.room.dun().await.unwrap();
            house.only(subject).await
        };
        let first = house.now();
        assert_eq!(owe(Status::PastDue, Some(first)).await.reminders, 1);
        house.test.clock.advance(DAY * 8);
        // The next period has begun, and its invoice is not paid either.
        for status in [Status::PastDue, Status::Unpaid, Status::PastDue] {
            let still = owe(status, Some(house.now())).await;
            assert_eq!((still.past_due_since, still.access), (Some(first), Access::Restricted), "{status:?}");
            assert_eq!(still.reminders, 3, "{status:?}");
        }
        assert_eq!(owe(Status::Active, None).await.access, Access::Full);
        let second = house.now();
        let anew = owe(Status::PastDue, Some(second)).await;
        assert_eq!((anew.past_due_since, anew.access, anew.reminders), (Some(second), Access::Grace, 1));
    })
    .await;
}

pub(super) fn invoice(house: &House, subscription: &str, customer: &str) -> RemoteInvoice {
    RemoteInvoice {
        id: "in_1".into(),
        customer: customer.into(),
        subscription: Some(subscription.into()),
        number: Some("A-1".into()),
        status: "paid".into(),
        currency: "usd".parse().unwrap(),
        subtotal: 1900,
        total: 1900,
        amount_paid: 1900,
        amount_remaining: 0,
        lines: vec![crate::model::InvoiceLine {
            description: None,
            amount: 1900,
            quantity: Some(1),
            period_start: None,
            period_end: None,
            proration: false,
        }],
        hosted_url: Some("https://pay.example.com/in_1".into()),
        pdf_url: None,
        issued_at: house.now(),
        due_at: None,
        paid_at: Some(house.now()),
        next_attempt_at: None,
        live: false,
    }
}

#[tokio::test]
async fn money_goes_back_in_parts_and_never_more_than_was_paid() {
    in_house(|house| async move {
        house.pro().await;
        let subject = house.org();
        let one = house.subscribe(subject, "pro").await;
        let customer = house.provider.with(|books| books.customers.keys().next().cloned().unwrap());
        let invoice = invoice(&house, &one.remote_id, &customer);
        house.provider.with(|books| books.invoices.insert("in_1".into(), invoice));
        house.hear(ObjectKind::Invoice, "in_1").await;
        house.room.fetch_object(&house.port(), &ObjectRef::new(ObjectKind::Invoice, "in_1")).await.unwrap();
        let page = quoin_kernel::page::Page { limit: 10, after: None };
        let listed = house.room.list_invoices(subject, page).await.unwrap().data;
        assert_eq!((listed[0].total, listed[0].mismatch.as_deref()), (1900, None));
        let refund = |amount| {
            let wish = RefundWish { invoice_id: listed[0].id, amount, reason: None };
            house.room.refund(wish, None, house.entry())
        };
        assert_eq!(refund(Some(400)).await.unwrap().amount_refunded, 400);
        assert!(matches!(refund(Some(1501)).await.unwrap_err(), PaymentsError::Unusable { .. }));
        assert_eq!(refund(Some(1500)).await.unwrap().amount_refunded, 1900);
        assert!(matches!(refund(None).await.unwrap_err(), PaymentsError::NothingToRefund));
        assert!(house.room.list_invoices(house.org(), page).await.unwrap().data.is_empty());
    })
    .await;
}
