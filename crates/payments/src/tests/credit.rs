//! What is taken off invoices after they were issued.

use std::sync::Arc;
use std::time::Duration;

use quoin_kernel::billing::Subject;
use quoin_kernel::page::Page;

use super::harness::{House, in_house, in_house_with};
use super::provider::Trouble;
use super::subscriptions::invoice;
use crate::config::ProviderName;
use crate::model::credit_note::CreditNote;
use crate::model::invoice::InvoiceId;
use crate::model::{Access, Invoice, ObjectKind, ObjectRef};
use crate::port::Provider;
use crate::service::issue_credit_note::{CreditWish, GiveBack};
use crate::service::reconcile::Reach;
use crate::service::refund::RefundWish;
use crate::{PaymentsConfig, PaymentsError};

const PAGE: Page = Page { limit: 10, after: None };

async fn credit(
    house: &House,
    invoice_id: InvoiceId,
    amount: i64,
    give_back: Option<GiveBack>,
) -> Result<CreditNote, PaymentsError> {
    let reason = Some("order_change".to_owned());
    let wish = CreditWish { invoice_id, amount, reason, memo: Some("Sorry".into()), give_back };
    house.room.issue_credit_note(wish, None, house.entry()).await
}

pub(super) async fn newest(house: &House, subject: Subject) -> Invoice {
    house.room.list_invoices(subject, PAGE).await.unwrap().data.remove(0)
}

/// Sells the plan that most tests sell, with an invoice in this state.
pub(super) async fn sold(house: &House, status: &str) -> (Subject, Invoice) {
    house.pro().await;
    let subject = house.org();
    let one = house.subscribe(subject, "pro").await;
    let customer = house.provider.with(|books| books.customers.keys().next().cloned().unwrap());
    let mut made = invoice(house, &one.remote_id, &customer);
    if status == "open" {
        (made.status, made.amount_paid, made.amount_remaining) = ("open".into(), 0, 1900);
    }
    house.provider.with(|books| books.invoices.insert("in_1".into(), made));
    house.hear(ObjectKind::Invoice, "in_1").await;
    house.room.fetch_object(&house.port(), &ObjectRef::new(ObjectKind::Invoice, "in_1")).await.unwrap();
    (subject, newest(house, subject).await)
}

#[tokio::test]
async fn what_was_paid_is_given_back_as_balance_or_by_refund_and_never_more_than_was_paid() {
    in_house(|house| async move {
        let (subject, paid) = sold(&house, "paid").await;
        assert!(house.room.balance(subject).await.unwrap().is_none());
        let note = credit(&house, paid.id, 500, None).await.unwrap();
        assert_eq!((note.amount, note.credited, note.refunded, note.out_of_band), (500, 500, 0, 0));
        assert_eq!((note.reason.as_deref(), note.memo.as_deref()), (Some("order_change"), Some("Sorry")));
        assert_eq!(house.room.balance(subject).await.unwrap().unwrap().amount, 500);
        assert_eq!(newest(&house, subject).await.amount_credited, 500);
        house.test.clock.advance(Duration::from_secs(1));
        let by_hand = credit(&house, paid.id, 400, Some(GiveBack::OutOfBand)).await.unwrap();
        assert_eq!(by_hand.out_of_band, 400);
        let too_much = credit(&house, paid.id, 1001, None).await.unwrap_err();
        assert!(matches!(too_much, PaymentsError::Unusable { field: "amount", .. }), "{too_much}");
        let refund = |amount| {
            let wish = RefundWish { invoice_id: paid.id, amount, reason: None };
            house.room.refund(wish, None, house.entry())
        };
        assert!(refund(Some(1001)).await.is_err());
        refund(Some(1000)).await.unwrap();
        let nothing = credit(&house, paid.id, 1, None).await.unwrap_err();
        assert!(matches!(nothing, PaymentsError::NothingToRefund), "{nothing}");
        let listed = house.room.list_credit_notes(subject, PAGE).await.unwrap().data;
        assert_eq!(listed.iter().map(|note| note.amount).collect::<Vec<_>>(), [400, 500]);
        assert!(house.room.list_credit_notes(house.org(), PAGE).await.unwrap().data.is_empty());
    })
    .await;
}

#[tokio::test]
async fn an_open_invoice_asks_for_less_and_a_lost_answer_credits_once() {
    in_house(|house| async move {
        let (subject, open) = sold(&house, "open").await;
        let refused = credit(&house, open.id, 100, Some(GiveBack::Refund)).await.unwrap_err();
        assert!(matches!(refused, PaymentsError::Unusable { field: "give_back", .. }), "{refused}");
        house.provider.troubles.lock().unwrap().push(Trouble::After);
        assert!(credit(&house, open.id, 700, None).await.is_err());
        house.test.clock.advance(Duration::from_mins(2));
        assert_eq!(house.room.resume_intents().await.unwrap(), 1);
        for id in house.provider.with(|books| books.notes.keys().cloned().collect::<Vec<_>>()) {
            let object = ObjectRef::new(ObjectKind::CreditNote, id);
            house.room.refresh(&house.port(), &object, "test").await.unwrap();
        }
        house
            .room
            .refresh(&house.port(), &ObjectRef::new(ObjectKind::Invoice, "in_1"), "test")
            .await
            .unwrap();
        let now = newest(&house, subject).await;
        assert_eq!((now.amount_remaining, now.amount_credited), (1200, 700));
        assert!(credit(&house, open.id, 1201, None).await.is_err());
        assert!(credit(&house, open.id, 0, None).await.is_err());
        assert!(credit(&house, open.id, -5, None).await.is_err());
    })
    .await;
}

#[tokio::test]
async fn by_hand_credit_pays_the_next_invoice() {
    let config = PaymentsConfig { provider: ProviderName::Manual, ..PaymentsConfig::default() };
    in_house_with(config, |house| async move {
        house.pro().await;
        let subject = house.org();
        let order = House::order("pro");
        house.room.start_checkout(&house.payer(subject), &order, house.entry()).await.unwrap();
        house.room.reconcile(Reach::Everything).await.unwrap();
        let manual: Arc<dyn Provider> = house.room.manual().clone();
        let one = house.only(subject).await;
        let seen = async |kind, id: &str| {
            house.room.refresh(&manual, &ObjectRef::new(kind, id), "test").await.unwrap();
        };
        seen(ObjectKind::Invoice, &one.remote_id.replace("sub_", "in_")).await;
        let first = newest(&house, subject).await;
        // Less is asked for, and what is left is paid.
        credit(&house, first.id, 900, None).await.unwrap();
        assert_eq!(newest(&house, subject).await.amount_remaining, 1000);
        house.room.confirm_transfer(first.id, house.entry()).await.unwrap();
        let paid = newest(&house, subject).await;
        assert_eq!((paid.status.as_str(), paid.amount_paid), ("paid", 1000));
        assert!(credit(&house, first.id, 1001, None).await.is_err(), "only what was paid");
        credit(&house, first.id, 1000, None).await.unwrap();
        assert_eq!(house.room.balance(subject).await.unwrap().unwrap().amount, 1000);
        house.test.clock.advance(Duration::from_hours(24 * 31));
        house.room.manual().advance(house.now()).await.unwrap();
        seen(ObjectKind::Subscription, &one.remote_id).await;
        assert_eq!(house.only(subject).await.access, Access::Grace);
        let id = quoin_db::testing::select::<String>(
            house.room.db(),
            "select id from quoin.payments_objects where kind = 'invoice' and known < news",
            [],
        );
        seen(ObjectKind::Invoice, &id.await.unwrap()[0]).await;
        let next = newest(&house, subject).await;
        assert_eq!((next.total, next.amount_remaining), (1900, 900));
        assert_eq!(house.room.balance(subject).await.unwrap().unwrap().amount, 0);
    })
    .await;
}
