//! Customers that somebody deletes at the provider.

use super::harness::{House, in_house};
use crate::PaymentsError;
use crate::model::{Access, ObjectKind, ObjectRef, Status};
use crate::port::ProviderError;

async fn fetch(house: &House, customer: &str) {
    house.hear(ObjectKind::Customer, customer).await;
    let object = ObjectRef::new(ObjectKind::Customer, customer);
    house.room.fetch_object(&house.port(), &object).await.unwrap();
}

#[tokio::test]
async fn after_a_customer_was_deleted_the_next_checkout_makes_another_one_and_history_stays() {
    in_house(|house| async move {
        house.pro().await;
        let (subject, other) = (house.org(), house.org());
        let one = house.subscribe(subject, "pro").await;
        let kept = house.subscribe(other, "pro").await;
        let of = |id: &str| house.provider.with(|books| books.subscriptions[id].customer.clone());
        let (customer, untouched) = (of(&one.remote_id), of(&kept.remote_id));
        // An event that is not true changes nothing.
        fetch(&house, &untouched).await;
        house.provider.with(|books| books.customers.remove(&customer));
        house.provider.edit(&one.remote_id, |one| one.status = Status::Canceled);
        for _ in 0..2 {
            fetch(&house, &customer).await;
        }
        house.learn(&one.remote_id).await;
        let ended = house.only(subject).await;
        assert_eq!((ended.status, ended.mismatch), (Status::Canceled, None), "it is still theirs");
        let id = house.buy(subject, "pro").await;
        house.learn(&id).await;
        let all = house.room.list_subscriptions(subject).await.unwrap();
        let new = all.iter().find(|one| one.remote_id == id).unwrap();
        assert_eq!((all.len(), new.access, new.mismatch.as_deref()), (2, Access::Full, None));
        assert_ne!(of(&id), customer);
        let again = house.room.customer(&house.port(), &house.payer(other)).await.unwrap();
        assert_eq!(again, untouched);
    })
    .await;
}

#[tokio::test]
async fn a_customer_whose_end_no_event_told_is_found_gone_by_the_checkout_that_it_refuses() {
    in_house(|house| async move {
        house.pro().await;
        let subject = house.org();
        let payer = house.payer(subject);
        let customer = house.room.customer(&house.port(), &payer).await.unwrap();
        house.provider.with(|books| books.customers.remove(&customer));
        let start = || async { house.room.start_checkout(&payer, &House::order("pro"), house.entry()).await };
        let refused = start().await.unwrap_err();
        assert!(matches!(refused, PaymentsError::Provider(ProviderError::Refused { .. })), "{refused}");
        let object = ObjectRef::new(ObjectKind::Customer, &customer);
        house.room.fetch_object(&house.port(), &object).await.unwrap();
        start().await.unwrap();
        assert_ne!(house.room.customer(&house.port(), &payer).await.unwrap(), customer);
    })
    .await;
}

#[tokio::test]
async fn a_session_of_a_customer_who_is_gone_is_not_found_again() {
    in_house(|house| async move {
        house.pro().await;
        let payer = house.payer(house.org());
        let start = || async { house.room.start_checkout(&payer, &House::order("pro"), house.entry()).await };
        let first = start().await.unwrap();
        assert_eq!(start().await.unwrap(), first);
        let customer = house.provider.with(|books| books.customers.keys().next().cloned().unwrap());
        house.provider.with(|books| books.customers.clear());
        fetch(&house, &customer).await;
        assert_ne!(start().await.unwrap(), first);
    })
    .await;
}
