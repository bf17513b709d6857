//! What survives a crash between the words and the deed.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::harness::{House, in_house};
use super::provider::Trouble;
use crate::model::{Command, ObjectKind};
use crate::port::{Provider, ProviderError, Refusal};
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
        assert_eq!(house.provider.calls.load(Ordering::SeqCst), 1);
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

async fn wish(house: &House, target: &str, command: Command) -> Result<uuid::Uuid, PaymentsError> {
    let intent = house.room.intent(house.provider.as_ref() as &dyn Provider, target.into(), command);
    house.write(move |tx| Payments::write_down(tx, &intent)).await
}

#[tokio::test]
async fn what_is_not_answered_is_tried_after_growing_pauses_until_it_is() {
    in_house(|house| async move {
        *house.provider.troubles.lock().unwrap() = vec![Trouble::Before; 3];
        wish(&house, "portal:z", portal()).await.unwrap();
        let mut calls = 0;
        // Whoever was asking may still be; then half a minute, one, and two.
        for pause in [60, 30, 60, 120] {
            for (seconds, more) in [(pause - 2, 0), (4, 1)] {
                house.test.clock.advance(Duration::from_secs(seconds));
                house.room.resume_intents().await.unwrap();
                calls += more;
                assert_eq!(house.provider.calls.load(Ordering::SeqCst), calls, "{pause}: {seconds}");
            }
        }
        assert_eq!(house.count("select count(*) from quoin.payments_intents where state = 'done'").await, 1);
    })
    .await;
}

#[tokio::test]
async fn no_further_try_begins_when_the_time_is_up_and_the_next_run_goes_on() {
    in_house(|house| async move {
        for number in 0..3 {
            wish(&house, &format!("portal:{number}"), portal()).await.unwrap();
        }
        house.test.clock.advance(Duration::from_mins(2));
        assert_eq!(house.room.resume_intents_within(Duration::ZERO).await.unwrap(), 0);
        assert_eq!(house.provider.calls.load(Ordering::SeqCst), 0);
        assert_eq!(house.room.resume_intents().await.unwrap(), 3);
    })
    .await;
}

#[tokio::test]
async fn what_is_answered_with_nonsense_is_given_up_in_the_end_and_does_not_block_its_target() {
    let answers: [fn() -> ProviderError; 2] =
        [|| ProviderError::Unauthorized, || ProviderError::Garbled("nonsense".into())];
    for answer in answers {
        in_house(|house| async move {
            *house.provider.answers.lock().unwrap() = Some(answer);
            let command = |paused| Command::PauseSubscription {
                subscription: "sub_x".into(),
                paused,
                resumes_at_s: None,
            };
            let id = wish(&house, "subscription:sub_x", command(true)).await.unwrap();
            let erase = Command::EraseCustomer { customer: "cus_x".into() };
            wish(&house, "erase:cus_x", erase).await.unwrap();
            for tries in 1..=8 {
                let other = wish(&house, "subscription:sub_x", command(false)).await.unwrap_err();
                assert!(matches!(other, PaymentsError::OtherChange), "{tries}: {other}");
                house.test.clock.advance(Duration::from_mins(61));
                house.room.resume_intents().await.unwrap();
            }
            let ended = house.room.carry_out(id).await.unwrap_err();
            assert_eq!(quoin_kernel::Problem::from(ended).code(), "provider_failed");
            let told = "select count(*) from quoin.audit_entries where action = 'payments.intent.given_up'";
            assert_eq!(house.count(told).await, 1);
            let now = house.now();
            let behind = move |tx: &mut quoin_db::Tx<'_>| {
                crate::store::objects_global::list_behind(tx, "stripe", now, 10)
            };
            let behind = house.write(behind).await.unwrap();
            assert_eq!((behind.len(), behind[0].kind), (1, ObjectKind::Subscription));
            assert!(wish(&house, "subscription:sub_x", command(false)).await.is_ok(), "the target is free");
            // Nobody would ask again that somebody be erased.
            let pending = "select count(*) from quoin.payments_intents where state = 'pending' and target = 'erase:cus_x'";
            assert_eq!(house.count(pending).await, 1);
        })
        .await;
    }
}

#[tokio::test]
async fn what_is_given_up_and_was_done_all_the_same_is_found() {
    in_house(|house| async move {
        house.provider.troubles.lock().unwrap().push(Trouble::After);
        let id = wish(&house, "portal:w", portal()).await.unwrap();
        house.room.carry_out(id).await.unwrap_err();
        *house.provider.answers.lock().unwrap() = Some(|| ProviderError::Garbled("nonsense".into()));
        for _ in 0..8 {
            house.test.clock.advance(Duration::from_mins(61));
            house.room.resume_intents().await.unwrap();
        }
        assert!(house.room.carry_out(id).await.is_ok());
    })
    .await;
}

#[tokio::test]
async fn a_refusal_is_the_same_whoever_reads_it_later_and_so_is_one_of_an_earlier_version() {
    in_house(|house| async move {
        let refusals: [(fn() -> ProviderError, u16); 2] = [
            (|| ProviderError::Declined { code: "card_declined".into(), message: "No.".into() }, 402),
            (|| ProviderError::Refused { code: "not_now".into(), message: "No.".into() }, 422),
        ];
        for (answer, status) in refusals {
            *house.provider.answers.lock().unwrap() = Some(answer);
            let id = wish(&house, &format!("portal:{status}"), portal()).await.unwrap();
            for _ in 0..2 {
                let refused = house.room.carry_out(id).await.unwrap_err();
                assert_eq!(quoin_kernel::Problem::from(refused).status(), status);
            }
        }
        assert_eq!(house.provider.calls.load(Ordering::SeqCst), 2, "each was asked once");
        let earlier: Refusal = serde_json::from_value(serde_json::json!(["not_now", "No."])).unwrap();
        assert_eq!((earlier.code.as_str(), earlier.declined), ("not_now", false));
    })
    .await;
}
