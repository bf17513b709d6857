//! What upholds a session, and what ends it.

use futures_util::future::join_all;
use quoin_kernel::Clock as _;
use quoin_web::Method;
use serde_json::{Value, json};

use super::played::{Directory, PASSWORD};
use super::{access, ban, kept_elsewhere, session_of};
use crate::port::StoreError;
use crate::service::upstream::later;
use crate::tests::harness::{ANN, House, claims, plain_story, text};

#[tokio::test]
async fn whoever_is_disabled_at_the_provider_loses_the_session_at_the_next_refresh() {
    kept_elsewhere(|house, directory| async move {
        directory.keep(ANN);
        let first = session_of(&house, ANN).await;
        let second = house.refresh(text(&first, "refresh_token")).await;
        assert_eq!(second.status, 200, "an enabled person's session goes on");
        let second = second.json();
        directory.change(ANN, |kept| kept.is_enabled = false);
        assert_eq!(house.refresh(text(&second, "refresh_token")).await.code(), "refresh_token_not_found");
        assert_eq!(access(&house, text(&second, "access_token")).await.code(), "session_not_found");
        directory.change(ANN, |kept| kept.is_enabled = true);
        assert_eq!(house.refresh(text(&second, "refresh_token")).await.code(), "refresh_token_not_found");
        session_of(&house, ANN).await;
    })
    .await;
}

#[tokio::test]
async fn a_provider_that_does_not_answer_ends_nothing_and_opens_nothing() {
    kept_elsewhere(|house, directory| async move {
        directory.keep(ANN);
        let session = session_of(&house, ANN).await;
        let failures: [fn() -> StoreError; 4] = [
            || StoreError::Unreachable("no answer".to_owned()),
            || StoreError::Refused("garbage".to_owned()),
            || StoreError::Busy,
            || StoreError::NotOffered("nothing"),
        ];
        for failure in failures {
            directory.fail(Some(failure));
            let refreshed = house.refresh(text(&session, "refresh_token")).await;
            assert_eq!((refreshed.status.as_u16(), refreshed.code().as_str()), (503, "provider_unreachable"));
            assert_ne!(house.sign_in(ANN, PASSWORD).await.status, 200);
        }
        directory.fail(None);
        assert_eq!(house.refresh(text(&session, "refresh_token")).await.status, 200);
    })
    .await;
}

#[tokio::test]
async fn fifty_refreshes_at_once_ask_the_provider_once_and_have_one_child() {
    kept_elsewhere(|house, directory| async move {
        directory.keep(ANN);
        let session = session_of(&house, ANN).await;
        let token = text(&session, "refresh_token");
        let answers = join_all((0..50).map(|_| house.refresh(token))).await;
        let children: std::collections::HashSet<String> =
            answers.iter().map(|answer| text(&answer.json(), "refresh_token").to_owned()).collect();
        assert_eq!(children.len(), 1);
        assert_eq!(directory.count("refresh"), 1);
        // The token that the provider has put in the place of the old one was kept.
        let child = children.into_iter().next().unwrap();
        assert_eq!(house.refresh(&child).await.status, 200);
        assert_eq!(directory.count("refresh"), 2);
    })
    .await;
}

#[tokio::test]
async fn a_copy_of_a_used_token_ends_the_session_without_asking_the_provider() {
    kept_elsewhere(|house, directory| async move {
        directory.keep(ANN);
        let session = session_of(&house, ANN).await;
        let token = text(&session, "refresh_token");
        assert_eq!(house.refresh(token).await.status, 200);
        let asked = directory.count("refresh");
        assert_eq!(house.refresh_as(token, "a thief").await.code(), "refresh_token_already_used");
        assert_eq!(directory.count("refresh"), asked);
        assert_eq!(waiting(&house, later::END_SESSION).await, 1, "the provider is told that it has ended");
    })
    .await;
}

#[tokio::test]
async fn without_a_token_the_provider_is_asked_about_the_account() {
    kept_elsewhere(|house, directory| async move {
        directory.keep(ANN);
        directory.state.lock().unwrap().gives_tokens = false;
        let session = session_of(&house, ANN).await;
        let session = house.refresh(text(&session, "refresh_token")).await.json();
        assert_eq!((directory.count("is_enabled"), directory.count("refresh")), (1, 0));
        directory.change(ANN, |kept| kept.is_enabled = false);
        assert_eq!(house.refresh(text(&session, "refresh_token")).await.code(), "refresh_token_not_found");
    })
    .await;
}

#[tokio::test]
async fn signing_out_ends_the_session_at_the_provider_too() {
    kept_elsewhere(|house, directory| async move {
        directory.keep(ANN);
        let session = session_of(&house, ANN).await;
        let path = "/auth/v1/logout?scope=local";
        let ended = house.send(Method::POST, path, text(&session, "access_token"), json!({})).await;
        assert_eq!(ended.status, 204);
        let [payload] = payloads(&house, later::END_SESSION).await.try_into().unwrap();
        assert!(!payload.to_string().contains("token-1"), "the queue holds no secret");
        later::run_end_session(&house.identity, &payload).await.unwrap();
        assert_eq!(directory.count("end"), 1);
        assert!(directory.state.lock().unwrap().tokens.is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_session_that_is_refused_here_does_not_go_on_there() {
    kept_elsewhere(|house, directory| async move {
        directory.keep(ANN);
        let session = session_of(&house, ANN).await;
        ban(&house, text(&session["user"], "id"), "24h").await;
        assert_eq!(house.sign_in(ANN, PASSWORD).await.code(), "user_banned");
        assert_eq!(directory.count("end"), 1, "the session that the provider has just opened");
    })
    .await;
}

#[tokio::test]
async fn a_ban_is_carried_over_and_so_is_its_end() {
    kept_elsewhere(|house, directory| async move {
        directory.keep(ANN);
        let session = session_of(&house, ANN).await;
        let id = text(&session["user"], "id").to_owned();
        ban(&house, &id, "1h").await;
        assert_eq!(access(&house, text(&session, "access_token")).await.code(), "session_not_found");
        assert_eq!(waiting(&house, later::CARRY_STANDING).await, 2, "now, and when it lapses");
        carry(&house, &id).await;
        assert!(!directory.state.lock().unwrap().people[ANN].is_enabled);
        house.advance(3601);
        carry(&house, &id).await;
        assert!(directory.state.lock().unwrap().people[ANN].is_enabled);
        // While the provider is away the job is tried again.
        directory.fail(Some(|| StoreError::Unreachable("no answer".to_owned())));
        let payload = json!({"user_id": id});
        let run = later::run_carry_standing(&house.identity, &payload, house.clock.now()).await;
        assert!(matches!(run, Err(quoin_kernel::job::JobError::Retry(_))));
    })
    .await;
}

#[tokio::test]
async fn an_account_is_erased_at_the_provider_first_or_not_at_all() {
    kept_elsewhere(|house, directory| async move {
        directory.keep(ANN);
        let session = session_of(&house, ANN).await;
        let path = format!("/auth/v1/admin/users/{}", text(&session["user"], "id"));
        directory.fail(Some(|| StoreError::Unreachable("no answer".to_owned())));
        let refused = house.send(Method::DELETE, &path, &house.secret, json!({})).await;
        assert_eq!(refused.code(), "provider_unreachable");
        directory.fail(None);
        assert_eq!(access(&house, text(&session, "access_token")).await.status, 200);
        house.admin(Method::DELETE, &path, json!({})).await;
        assert!(directory.state.lock().unwrap().people.is_empty());
        assert_eq!(house.sign_in(ANN, PASSWORD).await.code(), "invalid_credentials");
    })
    .await;
}

#[tokio::test]
async fn what_was_opened_before_a_provider_kept_people_ends_at_the_next_refresh() {
    plain_story(|house| async move {
        let session = house.person(ANN).await;
        let directory = Directory::default();
        house.identity.connect_user_store(directory.shared());
        assert_eq!(house.refresh(text(&session, "refresh_token")).await.code(), "refresh_token_not_found");
        // The provider proves the address, so the account is the same.
        directory.keep(ANN);
        let again = session_of(&house, ANN).await;
        assert_eq!(again["user"]["id"], session["user"]["id"]);
        assert_eq!(claims(text(&again, "access_token"))["amr"][0]["method"], "password");
    })
    .await;
}

async fn carry(house: &House, id: &str) {
    let payload = json!({"user_id": id});
    later::run_carry_standing(&house.identity, &payload, house.clock.now()).await.unwrap();
}

async fn waiting(house: &House, kind: &'static str) -> usize {
    payloads(house, kind).await.len()
}

/// Reads what waits in the queue.
pub(super) async fn payloads(house: &House, kind: &'static str) -> Vec<Value> {
    static QUEUE: quoin_db::Statement =
        quoin_db::Statement::new("QUEUE", "select payload from quoin.jobs_queue where type = ?1");
    let rows = house.identity.db().read::<_, quoin_db::DbError, _>("testing.queue", move |tx| {
        tx.query(&QUEUE, &quoin_db::params![kind], |row| row.get(0))
    });
    rows.await.unwrap()
}
