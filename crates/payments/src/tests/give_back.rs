//! Money goes back once, however often it is asked, and never more than was paid, however many ask at once.

use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::future::join_all;
use http::Method;
use quoin_kernel::Problem;
use quoin_web::testing::{call, request, send};
use serde_json::json;
use uuid::Uuid;

use super::credit::{newest, sold};
use super::harness::{House, in_house};
use super::provider::Trouble;
use crate::PaymentsError;
use crate::model::command::{CreditNoteCommand, RefundCommand};
use crate::model::invoice::InvoiceId;
use crate::model::{Command, ObjectKind, ObjectRef};
use crate::port::{IntentKey, Provider, ProviderError};
use crate::service::give_back::{CallId, unsettled};
use crate::service::issue_credit_note::{CreditWish, GiveBack};
use crate::service::refund::RefundWish;

fn key(text: &str) -> CallId {
    CallId::of(Uuid::nil(), text, "wish")
}

fn part(invoice_id: InvoiceId, amount: i64) -> RefundWish {
    RefundWish { invoice_id, amount: Some(amount), reason: None }
}

fn note(invoice_id: InvoiceId, amount: i64, memo: &str) -> CreditWish {
    let give_back = Some(GiveBack::Balance);
    CreditWish { invoice_id, amount, reason: None, memo: Some(memo.into()), give_back }
}

fn refunded(house: &House) -> i64 {
    house.provider.with(|books| books.refunds.values().map(|refund| refund.amount).sum())
}

fn given(house: &House) -> i64 {
    refunded(house) + house.provider.with(|books| books.notes.values().map(|note| note.amount).sum::<i64>())
}

#[tokio::test]
async fn a_call_whose_answer_was_lost_gives_back_once_when_it_is_repeated() {
    in_house(|house| async move {
        let (subject, paid) = sold(&house, "paid").await;
        house.provider.troubles.lock().unwrap().push(Trouble::Before);
        let lost = house.room.refund(part(paid.id, 400), Some(key("a")), house.entry()).await.unwrap_err();
        assert!(matches!(lost, PaymentsError::Unsettled(_)), "{lost}");
        let lost = Problem::from(lost);
        assert_eq!((lost.status(), lost.code()), (503, "provider_unavailable"));
        // Another one is not this one repeated, and waits for it.
        let other = house.room.refund(part(paid.id, 400), Some(key("b")), house.entry()).await.unwrap_err();
        assert!(matches!(other, PaymentsError::OtherChange), "{other}");
        house.test.clock.advance(Duration::from_mins(2));
        assert_eq!(house.room.resume_intents().await.unwrap(), 1);
        house.room.refund(part(paid.id, 400), Some(key("a")), house.entry()).await.unwrap();
        assert_eq!(refunded(&house), 400);
        house.room.refund(part(paid.id, 400), Some(key("b")), house.entry()).await.unwrap();
        assert_eq!((refunded(&house), newest(&house, subject).await.amount_refunded), (800, 800));
        let refused = ProviderError::Refused { code: "no".into(), message: "no".into() };
        for (error, status) in [
            (PaymentsError::InProgress, 503),
            (ProviderError::Busy.into(), 503),
            (PaymentsError::OtherChange, 503),
            (refused.into(), 422),
        ] {
            assert_eq!(Problem::from(unsettled(error)).status(), status);
        }
    })
    .await;
}

#[tokio::test]
async fn the_same_key_sent_again_through_the_door_gives_back_nothing_more() {
    in_house(|house| async move {
        let (_, paid) = sold(&house, "paid").await;
        let front = house.test.front(house.room.module().routes);
        let refund = async |key: &str| {
            let body = json!({"invoice": paid.id, "amount": 400}).to_string();
            let wish = request(&Method::POST, "/payments/v1/refunds")
                .header("content-type", "application/json")
                .header("authorization", "Bearer key")
                .header("idempotency-key", key);
            send(&front, wish.body(body.into()).unwrap()).await
        };
        house.provider.troubles.lock().unwrap().push(Trouble::After);
        let lost = refund("k1").await;
        assert_eq!((lost.status.as_u16(), lost.code().as_str()), (503, "provider_unavailable"));
        assert!(lost.json()["hint"].as_str().unwrap().contains("Look at the invoice"), "{lost:?}");
        assert_eq!(refund("k1").await.status, 409, "the key stays with the first call");
        // Without a key the pending one is joined.
        let body = json!({"invoice": paid.id, "amount": 400});
        let joined = call(&front, &Method::POST, "/payments/v1/refunds", Some("key"), Some(&body)).await;
        assert_eq!((joined.status.as_u16(), refunded(&house)), (200, 400));
        assert_eq!(refund("k1").await.status, 409);
        let second = refund("k2").await;
        assert_eq!((second.status.as_u16(), refunded(&house)), (200, 800));
        assert_eq!(refund("k2").await.header("idempotency-replayed"), "true");
        assert_eq!(refunded(&house), 800);
    })
    .await;
}

#[tokio::test]
async fn a_note_that_can_not_be_fetched_yet_is_issued_and_answered_once() {
    in_house(|house| async move {
        let (subject, paid) = sold(&house, "paid").await;
        house.provider.is_down.store(true, Ordering::SeqCst);
        let issue =
            || house.room.issue_credit_note(note(paid.id, 1000, "Sorry"), Some(key("a")), house.entry());
        let first = issue().await.unwrap();
        assert_eq!((first.amount, first.credited, first.number.as_deref()), (1000, 1000, None));
        assert_eq!(issue().await.unwrap(), first);
        house.provider.is_down.store(false, Ordering::SeqCst);
        let seen = issue().await.unwrap();
        assert_eq!((seen.id, seen.number.is_some()), (first.id, true));
        assert_eq!((given(&house), newest(&house, subject).await.amount_credited), (1000, 1000));
    })
    .await;
}

#[tokio::test]
async fn what_is_done_and_not_fetched_yet_counts_as_given_back() {
    in_house(|house| async move {
        let (_, paid) = sold(&house, "paid").await;
        house.provider.is_down.store(true, Ordering::SeqCst);
        house.room.refund(part(paid.id, 1000), None, house.entry()).await.unwrap();
        for error in [
            house.room.refund(part(paid.id, 1000), None, house.entry()).await.unwrap_err(),
            house.room.issue_credit_note(note(paid.id, 901, "x"), None, house.entry()).await.unwrap_err(),
        ] {
            assert!(matches!(error, PaymentsError::Unusable { field: "amount", .. }), "{error}");
        }
        house.room.issue_credit_note(note(paid.id, 400, "x"), None, house.entry()).await.unwrap();
        house.provider.is_down.store(false, Ordering::SeqCst);
        let rest = RefundWish { invoice_id: paid.id, amount: None, reason: None };
        house.room.refund(rest.clone(), None, house.entry()).await.unwrap();
        assert_eq!((refunded(&house), given(&house)), (1500, 1900), "all that was left is said");
        assert!(house.room.refund(rest, None, house.entry()).await.is_err());
    })
    .await;
}

#[tokio::test]
async fn refunds_and_notes_at_once_give_back_no_more_than_was_paid() {
    in_house(|house| async move {
        let (_, paid) = sold(&house, "paid").await;
        let refunds = (0..8).map(|n| {
            let house = &house;
            async move {
                let call = Some(key(&format!("r{n}")));
                house.room.refund(part(paid.id, 1000), call, house.entry()).await.is_ok()
            }
        });
        let notes = (0..8).map(|n| {
            let house = &house;
            async move {
                let wish = note(paid.id, 1000, &format!("memo {n}"));
                house.room.issue_credit_note(wish, None, house.entry()).await.is_ok()
            }
        });
        let (refunds, notes) = tokio::join!(join_all(refunds), join_all(notes));
        let happened = refunds.iter().chain(&notes).filter(|happened| **happened).count();
        assert_eq!((happened, given(&house)), (1, 1000));
        house.room.refund(part(paid.id, 900), None, house.entry()).await.unwrap();
        assert_eq!(given(&house), 1900);
    })
    .await;
}

#[tokio::test]
async fn the_manual_books_give_back_no_more_than_was_paid_whoever_asks() {
    in_house(|house| async move {
        let mut invoice = super::subscriptions::invoice(&house, "sub_1", "cus_1");
        (invoice.id, invoice.amount_paid) = ("in_1".into(), 1000);
        let mut open = invoice.clone();
        (open.id, open.status, open.amount_paid) = ("in_2".into(), "open".into(), 0);
        open.amount_remaining = 1000;
        let now = house.now();
        house
            .write(move |tx| {
                crate::store::manual_books_global::put_invoice(tx, &invoice, now)?;
                crate::store::manual_books_global::put_invoice(tx, &open, now)
            })
            .await
            .unwrap();
        let refund = |amount| Command::Refund(RefundCommand { invoice: "in_1".into(), amount, reason: None });
        let credit = |invoice: &str, (amount, balance): (i64, i64), memo: u128| {
            let memo = Some(memo.to_string());
            let invoice = invoice.to_owned();
            let (refund, out_of_band) = (0, 0);
            Command::CreateCreditNote(CreditNoteCommand {
                invoice,
                amount,
                refund,
                balance,
                out_of_band,
                reason: None,
                memo,
            })
        };
        let perform = async |number: u128, command: Command| {
            let key = IntentKey { intent: Uuid::from_u128(number), key: format!("k{number}") };
            house.room.manual().perform(&command, &key).await
        };
        let refunds = join_all((0..12).map(|n| perform(n, refund(Some(600))))).await;
        assert_eq!(refunds.iter().filter(|done| done.is_ok()).count(), 1, "{refunds:?}");
        let again = refunds.iter().position(Result::is_ok).unwrap();
        assert!(perform(again as u128, refund(Some(600))).await.is_ok(), "the same intent finds its refund");
        let notes = join_all((0..12).map(|n| perform(100 + n, credit("in_1", (400, 400), n)))).await;
        assert_eq!(notes.iter().filter(|done| done.is_ok()).count(), 1, "{notes:?}");
        assert!(perform(200, refund(None)).await.is_err(), "nothing is left");
        let less = join_all((0..12).map(|n| perform(300 + n, credit("in_2", (700, 0), n)))).await;
        assert_eq!(less.iter().filter(|done| done.is_ok()).count(), 1, "{less:?}");
        assert!(perform(400, credit("in_2", (301, 0), 0)).await.is_err());
        assert!(perform(401, credit("in_2", (100, 100), 0)).await.is_err(), "nothing was paid");
        assert!(perform(402, credit("in_2", (300, 0), 0)).await.is_ok());
        let object = ObjectRef::new(ObjectKind::Invoice, "in_2");
        let Some(crate::model::remote::Remote::Invoice(open)) =
            house.room.manual().fetch(&object).await.unwrap()
        else {
            panic!("the invoice is there")
        };
        assert_eq!((open.status.as_str(), open.amount_remaining), ("paid", 0));
    })
    .await;
}

#[tokio::test]
async fn money_that_may_have_gone_back_before_it_was_given_up_goes_back_no_second_time() {
    let answers: [(fn() -> ProviderError, i64); 2] =
        [(|| ProviderError::Garbled("nonsense".into()), 1500), (|| ProviderError::Unauthorized, 1900)];
    for (answer, left) in answers {
        in_house(|house| async move {
            let (_, paid) = sold(&house, "paid").await;
            let refund =
                |amount, name| house.room.refund(part(paid.id, amount), Some(key(name)), house.entry());
            *house.provider.answers.lock().unwrap() = Some(answer);
            refund(400, "a").await.unwrap_err();
            for _ in 0..8 {
                house.test.clock.advance(Duration::from_mins(61));
                house.room.resume_intents().await.unwrap();
            }
            *house.provider.answers.lock().unwrap() = None;
            let more = refund(left + 1, "b").await.unwrap_err();
            assert!(matches!(more, PaymentsError::Unusable { .. }), "{more}");
            refund(left, "c").await.unwrap();
            assert_eq!(refunded(&house), left);
        })
        .await;
    }
}
