//! The provider's second factor through ours, and ours beside it.

use futures_util::future::join_all;
use quoin_web::Method;
use quoin_web::testing::TestAnswer;
use serde_json::{Value, json};

use super::played::{CODE, Directory};
use super::{access, kept_elsewhere, session_of};
use crate::model::FactorKind;
use crate::tests::factors::{enrol, show};
use crate::tests::harness::{ANN, House, claims, text};

/// Somebody who owes the provider the code of their app.
async fn owing(house: &House, directory: &Directory) -> (String, String) {
    directory.keep(ANN);
    directory.change(ANN, |kept| kept.owes = Some(FactorKind::Totp));
    let weak = session_of(house, ANN).await;
    let factor = text(&weak["user"]["factors"][0], "id").to_owned();
    (text(&weak, "access_token").to_owned(), factor)
}

async fn ask(house: &House, token: &str, factor: &str) -> Value {
    let path = format!("/auth/v1/factors/{factor}/challenge");
    let asked = house.send(Method::POST, &path, token, json!({})).await;
    assert_eq!(asked.status, 200, "{}", String::from_utf8_lossy(&asked.body));
    asked.json()
}

async fn answer(house: &House, token: &str, factor: &str, challenge: &Value, code: &str) -> TestAnswer {
    let path = format!("/auth/v1/factors/{factor}/verify");
    let body = json!({"challenge_id": challenge["id"], "code": code});
    house.send(Method::POST, &path, token, body).await
}

#[tokio::test]
async fn the_code_of_the_provider_opens_a_strong_session_in_place_of_the_weak_one() {
    kept_elsewhere(|house, directory| async move {
        let (token, factor) = owing(&house, &directory).await;
        assert_eq!(house.get("/auth/v1/sessions", &token).await.code(), "insufficient_aal");
        let asked = ask(&house, &token, &factor).await;
        assert_eq!(answer(&house, &token, &factor, &asked, "000000").await.code(), "mfa_verification_failed");
        let strong = answer(&house, &token, &factor, &asked, CODE).await.json();
        let said = claims(text(&strong, "access_token"));
        assert_eq!((&said["aal"], &said["email"]), (&json!("aal2"), &json!(ANN)));
        assert!(strong["user"]["factors"].is_null(), "it is owed no more");
        assert_eq!(access(&house, &token).await.code(), "session_not_found");
        assert_eq!(house.refresh(text(&strong, "refresh_token")).await.status, 200);
        assert_eq!(directory.count("refresh"), 1);
    })
    .await;
}

#[tokio::test]
async fn fifty_answers_at_once_open_one_session_and_leave_none_at_the_provider() {
    kept_elsewhere(|house, directory| async move {
        let (token, factor) = owing(&house, &directory).await;
        let asked = ask(&house, &token, &factor).await;
        let answers = join_all((0..50).map(|_| answer(&house, &token, &factor, &asked, CODE))).await;
        assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
        assert_eq!(directory.state.lock().unwrap().tokens.len(), 1, "the others were given back");
    })
    .await;
}

#[tokio::test]
async fn nothing_of_ours_stands_in_for_the_factor_of_the_provider() {
    kept_elsewhere(|house, directory| async move {
        directory.keep(ANN);
        let before = session_of(&house, ANN).await;
        let app = enrol(&house, text(&before, "access_token")).await;
        let strong = show(&house, text(&before, "access_token"), &app).await.json();
        let path = "/auth/v1/factors/recovery_codes";
        let made = house.send(Method::POST, path, text(&strong, "access_token"), json!({})).await.json();
        let (token, owed) = owing(&house, &directory).await;
        assert_ne!(owed, app.factor_id);
        let path = format!("/auth/v1/factors/{}/challenge", app.factor_id);
        assert_eq!(house.send(Method::POST, &path, &token, json!({})).await.code(), "mfa_factor_not_found");
        let code = json!({"code": made["codes"][0]});
        let path = "/auth/v1/factors/recovery_codes/verify";
        assert_eq!(house.send(Method::POST, path, &token, code).await.code(), "insufficient_aal");
        let another = json!({"factor_type": "totp", "friendly_name": "mine"});
        assert_eq!(
            house.send(Method::POST, "/auth/v1/factors", &token, another).await.code(),
            "insufficient_aal"
        );
    })
    .await;
}

#[tokio::test]
async fn somebody_elses_attestation_opens_nothing() {
    kept_elsewhere(|house, directory| async move {
        let (token, factor) = owing(&house, &directory).await;
        let asked = ask(&house, &token, &factor).await;
        directory.change(ANN, |kept| kept.subject = "somebody-else".to_owned());
        assert_eq!(answer(&house, &token, &factor, &asked, CODE).await.code(), "mfa_verification_failed");
        assert!(directory.state.lock().unwrap().tokens.is_empty());
    })
    .await;
}

#[tokio::test]
async fn wrong_codes_are_limited_in_front_of_the_provider() {
    kept_elsewhere(|house, directory| async move {
        let (token, factor) = owing(&house, &directory).await;
        let asked = ask(&house, &token, &factor).await;
        for _ in 0..3 {
            let answered = answer(&house, &token, &factor, &asked, "000000").await;
            assert_eq!(answered.code(), "mfa_verification_failed");
        }
        house.advance(301);
        let late = answer(&house, &token, &factor, &asked, CODE).await;
        assert_eq!(late.code(), "mfa_challenge_expired");
    })
    .await;
}

#[tokio::test]
async fn our_factor_shown_beside_keeps_what_upholds_the_session() {
    kept_elsewhere(|house, directory| async move {
        directory.keep(ANN);
        let weak = session_of(&house, ANN).await;
        let app = enrol(&house, text(&weak, "access_token")).await;
        let strong = show(&house, text(&weak, "access_token"), &app).await.json();
        assert_eq!((directory.count("end"), directory.count("refresh")), (0, 1));
        let refreshed = house.refresh(text(&strong, "refresh_token")).await.json();
        assert_eq!(directory.count("refresh"), 2);
        assert_eq!(claims(text(&refreshed, "access_token"))["aal"], "aal2");
        directory.change(ANN, |kept| kept.is_enabled = false);
        let ended = house.refresh(text(&refreshed, "refresh_token")).await;
        assert_eq!(ended.code(), "refresh_token_not_found");
    })
    .await;
}

#[tokio::test]
async fn a_session_that_owes_a_factor_is_upheld_by_a_look_at_the_account() {
    kept_elsewhere(|house, directory| async move {
        directory.keep(ANN);
        directory.change(ANN, |kept| kept.owes = Some(FactorKind::Phone));
        let weak = session_of(&house, ANN).await;
        let again = house.refresh(text(&weak, "refresh_token")).await.json();
        assert_eq!(claims(text(&again, "access_token"))["aal"], "aal1");
        assert_eq!(again["user"]["factors"][0]["factor_type"], "phone");
        assert_eq!(
            house.get("/auth/v1/sessions", text(&again, "access_token")).await.code(),
            "insufficient_aal"
        );
        directory.change(ANN, |kept| kept.is_enabled = false);
        let ended = house.refresh(text(&again, "refresh_token")).await;
        assert_eq!(ended.code(), "refresh_token_not_found");
    })
    .await;
}
