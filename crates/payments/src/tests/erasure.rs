//! Whoever is erased here is erased at the provider, and nothing brings them back.

use std::time::Duration;

use quoin_kernel::billing::Subject;

use super::harness::{House, in_house};
use super::provider::Trouble;
use crate::PaymentsError;
use crate::model::remote::CheckoutState;
use crate::model::{Access, Command, ObjectKind, ObjectRef, Status};
use crate::port::ProviderError;
use crate::service::reconcile::Reach;

async fn kept(house: &House, subject: Subject) -> i64 {
    let mut rows = 0;
    for table in ["entitlements", "standings", "usage", "usage_reports"] {
        let sql = format!("select count(*) from quoin.payments_{table} where subject_id = ?1");
        let sql: &'static str = sql.leak();
        rows +=
            quoin_db::testing::select::<i64>(house.room.db(), sql, [subject.uuid().into()]).await.unwrap()[0];
    }
    rows
}

#[tokio::test]
async fn the_customer_is_erased_subscriptions_end_and_late_events_bring_nothing_back() {
    in_house(|house| async move {
        house.pro().await;
        let subject = house.org();
        let one = house.subscribe(subject, "pro").await;
        house.room.entitlements(subject).await.unwrap();
        assert!(kept(&house, subject).await > 0);
        let customer = house.provider.with(|books| books.customers.keys().next().cloned().unwrap());
        house.room.forget(subject).await.unwrap();
        assert!(house.provider.with(|books| books.customers.is_empty()));
        let ended = house.only(subject).await;
        assert_eq!((ended.status, ended.access), (Status::Canceled, Access::None));
        assert_eq!(kept(&house, subject).await, 0);
        let address =
            "select count(*) from quoin.payments_intents where cast(command as text) like '%payer@%'";
        assert_eq!(house.count(address).await, 0, "nothing holds the address");
        // A subscription of the customer that nobody knew of, and the old one again.
        house.provider.with(|books| {
            let mut other = books.subscriptions[&one.remote_id].clone();
            (other.id, other.status) = ("sub_late".into(), Status::Active);
            assert_eq!(other.customer, customer);
            books.subscriptions.insert("sub_late".into(), other);
        });
        house.learn("sub_late").await;
        house.learn(&one.remote_id).await;
        house.room.reconcile(Reach::Everything).await.unwrap();
        assert_eq!(house.only(subject).await.status, Status::Canceled);
        assert_eq!(kept(&house, subject).await, 0);
        let again =
            house.room.start_checkout(&house.payer(subject), &House::order("pro"), house.entry()).await;
        assert!(matches!(again.unwrap_err(), PaymentsError::NoCustomer));
        house.room.forget(subject).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn an_erasure_that_the_provider_did_not_answer_is_done_later() {
    in_house(|house| async move {
        house.pro().await;
        let subject = house.org();
        house.subscribe(subject, "pro").await;
        for trouble in [Trouble::Before, Trouble::After] {
            house.provider.troubles.lock().unwrap().push(trouble);
            assert!(house.room.forget(subject).await.is_err());
        }
        house.test.clock.advance(Duration::from_mins(2));
        // The checkout that could still be paid, and the customer.
        assert_eq!(house.room.resume_intents().await.unwrap(), 2);
        assert!(house.provider.with(|books| books.customers.is_empty()));
        house.room.forget(subject).await.unwrap();
        assert_eq!(house.only(subject).await.status, Status::Canceled);
    })
    .await;
}

#[tokio::test]
async fn a_customer_who_is_made_while_whoever_it_stands_for_is_erased_goes_again() {
    in_house(|house| async move {
        house.pro().await;
        let subject = house.org();
        house.provider.troubles.lock().unwrap().push(Trouble::After);
        let order = House::order("pro");
        let lost = house.room.start_checkout(&house.payer(subject), &order, house.entry()).await;
        assert!(matches!(lost.unwrap_err(), PaymentsError::Provider(_)));
        house.room.forget(subject).await.unwrap();
        assert!(!house.provider.with(|books| books.customers.is_empty()), "its answer was lost");
        for _ in 0..2 {
            house.test.clock.advance(Duration::from_mins(2));
            house.room.resume_intents().await.unwrap();
        }
        assert!(house.provider.with(|books| books.customers.is_empty()));
        let address =
            "select count(*) from quoin.payments_intents where cast(command as text) like '%payer@%'";
        assert_eq!(house.count(address).await, 0);
    })
    .await;
}

#[tokio::test]
async fn the_address_of_whoever_buys_for_an_organisation_is_kept_until_the_provider_has_answered() {
    in_house(|house| async move {
        house.pro().await;
        let kept = "select count(*) from quoin.payments_intents where cast(command as text) like '%payer@%'";
        let wishes = "select count(*) from quoin.payments_intents where target like 'customer:org:%'";
        let subject = house.org();
        let buy = |subject| {
            let (room, payer, entry) = (house.room.clone(), house.payer(subject), house.entry());
            async move { room.start_checkout(&payer, &House::order("pro"), entry).await }
        };
        house.provider.troubles.lock().unwrap().push(Trouble::Before);
        assert!(buy(subject).await.is_err());
        assert_eq!(house.count(kept).await, 1, "it is asked again, so it must know the address");
        house.test.clock.advance(Duration::from_mins(2));
        assert_eq!(house.room.resume_intents().await.unwrap(), 1);
        let told = house.provider.with(|books| {
            let told = |command: &Command| match command {
                Command::CreateCustomer(wish) => wish.email.clone(),
                _ => None,
            };
            books.done.iter().find_map(told)
        });
        assert_eq!(told.as_deref(), Some("payer@example.com"));
        assert_eq!((house.count(kept).await, house.count(wishes).await), (0, 1));
        buy(subject).await.unwrap();
        let refuse = || ProviderError::Refused { code: "email_invalid".into(), message: "no".into() };
        *house.provider.answers.lock().unwrap() = Some(refuse);
        assert!(buy(house.org()).await.is_err());
        assert_eq!((house.count(kept).await, house.count(wishes).await), (0, 2));
    })
    .await;
}

#[tokio::test]
async fn an_open_checkout_of_somebody_who_is_erased_can_not_be_paid() {
    in_house(|house| async move {
        house.pro().await;
        let subject = house.org();
        let order = House::order("pro");
        let started = house.room.start_checkout(&house.payer(subject), &order, house.entry()).await.unwrap();
        house.room.forget(subject).await.unwrap();
        let state = house.provider.with(|books| books.checkouts[&started.session_id].state);
        assert_eq!(state, CheckoutState::Expired);
        house.hear(ObjectKind::Checkout, &started.session_id).await;
        let object = ObjectRef::new(ObjectKind::Checkout, &started.session_id);
        house.room.fetch_object(&house.port(), &object).await.unwrap();
        assert_eq!(kept(&house, subject).await, 0);
    })
    .await;
}

#[tokio::test]
async fn whoever_stops_right_after_forgetting_leaves_no_session_that_can_be_paid_and_no_customer() {
    in_house(|house| async move {
        house.pro().await;
        let (erased, stays) = (house.org(), house.org());
        let order = House::order("pro");
        let mut sessions = Vec::new();
        for subject in [erased, stays] {
            let started = house.room.start_checkout(&house.payer(subject), &order, house.entry()).await;
            sessions.push(started.unwrap().session_id);
        }
        assert_eq!(house.room.write_down_erasure(erased).await.unwrap().len(), 2);
        // The process was killed here; another one finds what is left a minute later.
        let state = |at: usize| house.provider.with(|books| books.checkouts[&sessions[at]].state);
        assert_eq!(state(0), CheckoutState::Open);
        house.test.clock.advance(Duration::from_mins(2));
        assert_eq!(house.room.resume_intents().await.unwrap(), 2);
        assert_eq!((state(0), state(1)), (CheckoutState::Expired, CheckoutState::Open));
        assert_eq!(house.provider.with(|books| books.customers.len()), 1);
        house.room.forget(erased).await.unwrap();
        assert_eq!(house.provider.with(|books| books.customers.len()), 1);
    })
    .await;
}

#[tokio::test]
async fn a_session_that_is_opened_while_whoever_it_is_for_is_erased_is_closed() {
    in_house(|house| async move {
        house.pro().await;
        let subject = house.org();
        house.room.customer(&house.port(), &house.payer(subject)).await.unwrap();
        house.provider.troubles.lock().unwrap().push(Trouble::After);
        let order = House::order("pro");
        let lost = house.room.start_checkout(&house.payer(subject), &order, house.entry()).await;
        assert!(matches!(lost.unwrap_err(), PaymentsError::Provider(_)));
        house.room.forget(subject).await.unwrap();
        let open = |state| {
            house.provider.with(|books| books.checkouts.values().filter(|one| one.state == state).count())
        };
        assert_eq!(open(CheckoutState::Open), 1, "its answer was lost");
        for _ in 0..2 {
            house.test.clock.advance(Duration::from_mins(2));
            house.room.resume_intents().await.unwrap();
        }
        assert_eq!((open(CheckoutState::Open), open(CheckoutState::Expired)), (0, 1));
    })
    .await;
}
