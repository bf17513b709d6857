//! What a dispute does to access until it is decided, and after it is lost.

use std::time::Duration;

use quoin_kernel::billing::Subject;

use super::credit::sold;
use super::harness::{House, in_house};
use super::subscriptions::invoice;
use crate::model::remote::RemoteDispute;
use crate::model::{Access, ObjectKind, ObjectRef, Status};

async fn fetch(house: &House, kind: ObjectKind, id: &str) {
    house.hear(kind, id).await;
    house.room.fetch_object(&house.port(), &ObjectRef::new(kind, id)).await.unwrap();
}

/// Lets the dispute of an invoice stand so, and returns what the subscription opens then.
async fn decide(house: &House, subject: Subject, (stands, lost): (bool, bool)) -> (bool, Access) {
    let (invoice, created_at) = (Some("in_1".to_owned()), house.now());
    let dispute = RemoteDispute { id: "dp_1".into(), invoice, stands, lost, created_at };
    house.provider.with(|books| books.disputes.insert("dp_1".into(), dispute));
    fetch(house, ObjectKind::Dispute, "dp_1").await;
    let one = house.only(subject).await;
    (one.disputed, one.access)
}

/// Bills the next period.
async fn bill(house: &House, subject: Subject, (id, status): (&str, &str)) -> (bool, Access) {
    let one = house.only(subject).await;
    let customer = house.provider.with(|books| books.customers.keys().next().cloned().unwrap());
    let mut next = invoice(house, &one.remote_id, &customer);
    (next.id, next.status, next.issued_at) = (id.into(), status.into(), house.now());
    house.provider.with(|books| books.invoices.insert(id.into(), next));
    fetch(house, ObjectKind::Invoice, id).await;
    let one = house.only(subject).await;
    (one.disputed, one.access)
}

const UNDECIDED: (bool, bool) = (true, false);
const LOST: (bool, bool) = (true, true);
const WON: (bool, bool) = (false, false);

#[tokio::test]
async fn a_lost_dispute_restricts_until_a_later_period_is_paid_and_an_undecided_one_beyond_that() {
    in_house(|house| async move {
        let (subject, _) = sold(&house, "paid").await;
        let remote = house.only(subject).await.remote_id;
        assert_eq!(decide(&house, subject, UNDECIDED).await, (true, Access::Restricted));
        assert_eq!(decide(&house, subject, WON).await, (false, Access::Full));
        assert_eq!(decide(&house, subject, LOST).await, (true, Access::Restricted));
        house.learn(&remote).await;
        assert_eq!(house.only(subject).await.access, Access::Restricted, "a fetch changes nothing");
        house.test.clock.advance(Duration::from_hours(24 * 30));
        assert_eq!(bill(&house, subject, ("in_2", "open")).await, (true, Access::Restricted), "not paid");
        // What fails besides gives nothing back.
        let now = house.now();
        house.provider.edit(&remote, |one| (one.status, one.unpaid_since) = (Status::PastDue, Some(now)));
        house.learn(&remote).await;
        assert_eq!(house.only(subject).await.access, Access::Restricted);
        house.provider.edit(&remote, |one| (one.status, one.unpaid_since) = (Status::Active, None));
        house.learn(&remote).await;
        assert_eq!(bill(&house, subject, ("in_2", "paid")).await, (false, Access::Full));
        house.learn(&remote).await;
        assert_eq!(house.only(subject).await.access, Access::Full, "nor does it take that back");
        // The bank opens it once more.
        assert_eq!(decide(&house, subject, UNDECIDED).await, (true, Access::Restricted));
        assert_eq!(decide(&house, subject, LOST).await, (false, Access::Full));
    })
    .await;
}
