//! What a refund does to access, by rule.

use quoin_kernel::billing::Subject;

use super::credit::sold;
use super::harness::{House, in_house_with};
use super::subscriptions::invoice;
use crate::PaymentsConfig;
use crate::config::Consequence;
use crate::model::invoice::InvoiceId;
use crate::model::{Access, ObjectKind, ObjectRef};
use crate::service::issue_credit_note::{CreditWish, GiveBack};
use crate::service::refund::RefundWish;

fn ruled(on_refund: Consequence) -> PaymentsConfig {
    PaymentsConfig { on_refund, ..PaymentsConfig::default() }
}

async fn refund(house: &House, invoice_id: InvoiceId, amount: i64) {
    let wish = RefundWish { invoice_id, amount: Some(amount), reason: None };
    house.room.refund(wish, None, house.entry()).await.unwrap();
}

async fn stands(house: &House, subject: Subject) -> (bool, Access, bool) {
    let one = house.only(subject).await;
    let exports = house.room.entitlements(subject).await.unwrap().entitlements["export"] == true;
    (one.refunded, one.access, exports)
}

async fn fetch(house: &House, kind: ObjectKind, id: &str) {
    house.hear(kind, id).await;
    house.room.fetch_object(&house.port(), &ObjectRef::new(kind, id)).await.unwrap();
}

#[tokio::test]
async fn where_the_rule_restricts_a_period_that_was_given_back_opens_nothing_until_another_one_is_paid() {
    in_house_with(ruled(Consequence::Restrict), |house| async move {
        let (subject, paid) = sold(&house, "paid").await;
        refund(&house, paid.id, 1000).await;
        assert_eq!(stands(&house, subject).await, (false, Access::Full, true), "a part is not all");
        refund(&house, paid.id, 900).await;
        assert_eq!(stands(&house, subject).await, (true, Access::Restricted, false));
        let remote = house.only(subject).await.remote_id;
        house.learn(&remote).await;
        assert_eq!(
            stands(&house, subject).await,
            (true, Access::Restricted, false),
            "a fetch changes nothing"
        );
        // The bank sends one of them back.
        let last = house.provider.with(|books| {
            let (id, refund) = books.refunds.iter_mut().last().unwrap();
            refund.status = "failed".into();
            id.clone()
        });
        fetch(&house, ObjectKind::Refund, &last).await;
        assert_eq!(stands(&house, subject).await, (false, Access::Full, true));
        refund(&house, paid.id, 900).await;
        assert_eq!(stands(&house, subject).await, (true, Access::Restricted, false));
        house.test.clock.advance(std::time::Duration::from_hours(24 * 30));
        let customer = house.provider.with(|books| books.customers.keys().next().cloned().unwrap());
        let mut next = invoice(&house, &remote, &customer);
        (next.id, next.issued_at) = ("in_2".into(), house.now());
        house.provider.with(|books| books.invoices.insert("in_2".into(), next));
        fetch(&house, ObjectKind::Invoice, "in_2").await;
        assert_eq!(stands(&house, subject).await, (false, Access::Full, true));
    })
    .await;
}

#[tokio::test]
async fn without_the_rule_a_refund_is_seen_and_leaves_the_plan() {
    in_house_with(ruled(PaymentsConfig::default().on_refund), |house| async move {
        let (subject, paid) = sold(&house, "paid").await;
        refund(&house, paid.id, 1900).await;
        assert_eq!(stands(&house, subject).await, (true, Access::Full, true));
    })
    .await;
}

#[tokio::test]
async fn what_was_given_back_elsewhere_counts_and_what_became_balance_does_not() {
    in_house_with(ruled(Consequence::Restrict), |house| async move {
        house.pro().await;
        for (way, restricted) in [(GiveBack::Balance, false), (GiveBack::OutOfBand, true)] {
            let subject = house.org();
            let one = house.subscribe(subject, "pro").await;
            let customer = house.provider.with(|books| books.subscriptions[&one.remote_id].customer.clone());
            let id = format!("in_{}", one.id);
            let mut made = invoice(&house, &one.remote_id, &customer);
            made.id.clone_from(&id);
            house.provider.with(|books| books.invoices.insert(id.clone(), made));
            fetch(&house, ObjectKind::Invoice, &id).await;
            let invoice_id = super::credit::newest(&house, subject).await.id;
            let wish =
                CreditWish { invoice_id, amount: 1900, reason: None, memo: None, give_back: Some(way) };
            house.room.issue_credit_note(wish, None, house.entry()).await.unwrap();
            assert_eq!(house.only(subject).await.access == Access::Restricted, restricted, "{way:?}");
        }
    })
    .await;
}
