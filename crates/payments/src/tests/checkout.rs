//! Beginning to pay: once, whoever clicks how often, whatever fails in between.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures::all;
use serde_json::json;

use super::harness::{House, in_house};
use super::provider::Trouble;
use crate::PaymentsError;
use crate::model::remote::CheckoutState;
use crate::model::{Access, ObjectKind, ObjectRef};
use crate::port::ProviderError;
use crate::service::start_checkout::Started;

mod futures {
    /// Runs everything at once and returns every answer.
    pub(super) async fn all<T: Send + 'static>(
        wishes: impl IntoIterator<Item = impl Future<Output = T> + Send + 'static>,
    ) -> Vec<T> {
        let mut set = tokio::task::JoinSet::new();
        for wish in wishes {
            set.spawn(wish);
        }
        set.join_all().await
    }
}

async fn start(house: &House, subject: quoin_kernel::billing::Subject) -> Result<Started, PaymentsError> {
    house.room.start_checkout(&house.payer(subject), &House::order("pro"), house.entry()).await
}

#[tokio::test]
async fn fifty_clicks_at_once_open_one_session_for_one_customer() {
    in_house(|house| async move {
        house.pro().await;
        let subject = house.org();
        let house = Arc::new(house);
        let clicks = (0..50).map(|_| {
            let house = house.clone();
            async move { start(&house, subject).await }
        });
        let mut urls: Vec<String> =
            all(clicks).await.into_iter().map(|started| started.unwrap().url).collect();
        urls.sort();
        urls.dedup();
        assert_eq!(urls.len(), 1, "{urls:?}");
        assert_eq!(house.provider.with(|books| (books.customers.len(), books.checkouts.len())), (1, 1));
    })
    .await;
}

#[tokio::test]
async fn a_lost_answer_is_found_again_under_the_same_key() {
    in_house(|house| async move {
        house.pro().await;
        let subject = house.org();
        // Last in, first out: the customer's answer is lost, then the line is dead, then the session's answer is lost.
        *house.provider.troubles.lock().unwrap() = vec![Trouble::After, Trouble::Before, Trouble::After];
        for _ in 0..3 {
            let lost = start(&house, subject).await.unwrap_err();
            assert!(matches!(lost, PaymentsError::Provider(ProviderError::Unavailable(_))), "{lost}");
            if house.provider.troubles.lock().unwrap().is_empty() {
                break;
            }
        }
        let started = start(&house, subject).await.unwrap();
        assert!(!started.url.is_empty());
        assert_eq!(house.provider.with(|books| (books.customers.len(), books.checkouts.len())), (1, 1));
    })
    .await;
}

#[tokio::test]
async fn after_a_day_what_was_done_is_looked_up_before_anything_is_made_again() {
    in_house(|house| async move {
        house.pro().await;
        let subject = house.org();
        *house.provider.troubles.lock().unwrap() = vec![Trouble::After];
        start(&house, subject).await.unwrap_err();
        // The provider has forgotten the key by now.
        house.provider.keys_forgotten.store(true, Ordering::SeqCst);
        house.test.clock.advance(Duration::from_hours(25));
        house.room.resume_intents().await.unwrap();
        assert_eq!(house.provider.with(|books| books.customers.len()), 1);
        start(&house, subject).await.unwrap();
        assert_eq!(house.provider.with(|books| (books.customers.len(), books.checkouts.len())), (1, 1));
    })
    .await;
}

#[tokio::test]
async fn another_wish_closes_the_session_that_was_open() {
    in_house(|house| async move {
        house.pro().await;
        house.plan(json!({"id": "team", "name": "Team", "prices": [{"interval": "month", "amount": 900, "currency": "usd"}]})).await;
        let subject = house.org();
        let first = start(&house, subject).await.unwrap();
        let second = house.room.start_checkout(&house.payer(subject), &House::order("team"), house.entry()).await.unwrap();
        assert_ne!(first.url, second.url);
        let states = house.provider.with(|books| books.checkouts.values().map(|one| one.state).collect::<Vec<_>>());
        assert_eq!(states, [CheckoutState::Expired, CheckoutState::Open]);
    })
    .await;
}

#[tokio::test]
async fn whoever_paid_in_one_tab_cannot_buy_again_in_another_before_the_event_has_come() {
    in_house(|house| async move {
        house.pro().await;
        house.plan(json!({"id": "team", "name": "Team", "prices": [{"interval": "month", "amount": 900, "currency": "usd"}]})).await;
        let subject = house.org();
        let first = start(&house, subject).await.unwrap();
        house.provider.pay(&first.session_id, house.now());
        let refused = house.room.start_checkout(&house.payer(subject), &House::order("team"), house.entry()).await.unwrap_err();
        assert!(matches!(refused, PaymentsError::AlreadySubscribed), "{refused}");
        // Looking how the session ended has told what the event would have told.
        assert_eq!(house.only(subject).await.access, Access::Full);
    })
    .await;
}

#[tokio::test]
async fn opening_the_success_page_without_paying_grants_nothing() {
    in_house(|house| async move {
        house.pro().await;
        let subject = house.org();
        let started = start(&house, subject).await.unwrap();
        house.hear(ObjectKind::Checkout, &started.session_id).await;
        house
            .room
            .fetch_object(&house.port(), &ObjectRef::new(ObjectKind::Checkout, &started.session_id))
            .await
            .unwrap();
        assert!(house.room.list_subscriptions(subject).await.unwrap().is_empty());
        assert_eq!(house.room.entitlements(subject).await.unwrap().entitlements["export"], false);
    })
    .await;
}

#[tokio::test]
async fn a_session_that_ended_lets_the_next_one_begin() {
    in_house(|house| async move {
        house.pro().await;
        let subject = house.org();
        let first = start(&house, subject).await.unwrap();
        house
            .provider
            .with(|books| books.checkouts.get_mut(&first.session_id).unwrap().state = CheckoutState::Expired);
        house.hear(ObjectKind::Checkout, &first.session_id).await;
        house
            .room
            .fetch_object(&house.port(), &ObjectRef::new(ObjectKind::Checkout, &first.session_id))
            .await
            .unwrap();
        assert_ne!(start(&house, subject).await.unwrap().session_id, first.session_id);
    })
    .await;
}

#[tokio::test]
async fn one_subscription_stands_in_the_way_of_another_unless_the_plan_says_otherwise() {
    in_house(|house| async move {
        house.pro().await;
        let rules = json!({"several": true});
        let prices = json!([{"interval": "month", "amount": 500, "currency": "usd"}]);
        house.plan(json!({"id": "addon", "name": "Add-on", "prices": prices, "rules": rules})).await;
        let subject = house.org();
        house.subscribe(subject, "pro").await;
        assert!(matches!(start(&house, subject).await.unwrap_err(), PaymentsError::AlreadySubscribed));
        let id = house.buy(subject, "addon").await;
        house.learn(&id).await;
        assert_eq!(house.room.list_subscriptions(subject).await.unwrap().len(), 2);
    })
    .await;
}
