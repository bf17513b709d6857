//! What survives a crash between the words and the deed.

use std::time::Duration;

use super::harness::in_house;
use super::provider::Trouble;
use crate::model::Command;
use crate::port::Provider;
use crate::{Payments, PaymentsError};

fn portal() -> Command {
    Command::OpenPortal { customer: "cus".into(), return_url: "https://app.example.com".into() }
}

#[tokio::test]
async fn what_was_written_down_before_a_crash_is_done_after_it() {
    in_house(|house| async move {
        let intent = house.room.intent(house.provider.as_ref() as &dyn Provider, "portal:x".into(), portal());
        let id = house.write(move |tx| Payments::write_down(tx, &intent)).await.unwrap();
        // The process was killed here; another one finds it a minute later.
        house.test.clock.advance(Duration::from_mins(2));
        assert_eq!(house.room.resume_intents().await.unwrap(), 1);
        assert!(house.room.carry_out(id).await.is_ok());
        assert_eq!(house.provider.calls.load(std::sync::atomic::Ordering::SeqCst), 1);
    })
    .await;
}

#[tokio::test]
async fn one_target_is_changed_in_one_way_at_a_time() {
    in_house(|house| async move {
        let provider = house.provider.as_ref() as &dyn Provider;
        let first = house.room.intent(provider, "subscription:x".into(), portal());
        let same = house.room.intent(provider, "subscription:x".into(), portal());
        let other = Command::ResumeSubscription { subscription: "x".into() };
        let other = house.room.intent(provider, "subscription:x".into(), other);
        let id = house.write(move |tx| Payments::write_down(tx, &first)).await.unwrap();
        assert_eq!(house.write(move |tx| Payments::write_down(tx, &same)).await.unwrap(), id);
        let refused = house.write(move |tx| Payments::write_down(tx, &other)).await.unwrap_err();
        assert!(matches!(refused, PaymentsError::OtherChange), "{refused}");
    })
    .await;
}

#[tokio::test]
async fn an_intent_whose_answer_was_lost_is_asked_again_under_the_same_key() {
    in_house(|house| async move {
        *house.provider.troubles.lock().unwrap() = vec![Trouble::After, Trouble::Before];
        let intent = house.room.intent(house.provider.as_ref() as &dyn Provider, "portal:y".into(), portal());
        let id = house.write(move |tx| Payments::write_down(tx, &intent)).await.unwrap();
        assert!(house.room.carry_out(id).await.is_err());
        assert!(house.room.carry_out(id).await.is_err());
        // The provider would complain if the key came with another command.
        assert!(house.room.carry_out(id).await.is_ok());
        assert_eq!(house.count("select count(*) from quoin.payments_intents where state = 'done'").await, 1);
    })
    .await;
}
