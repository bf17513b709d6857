//! What people change about themselves.

use quoin_web::Method;
use serde_json::{Value, json};

use super::harness::{ANN, House, PASSWORD, plain_story, text};

const NEW: &str = "velvet-compass-harbour";

async fn update(house: &House, session: &Value, body: Value) -> quoin_web::testing::TestAnswer {
    house.send(Method::PUT, "/auth/v1/user", text(session, "access_token"), body).await
}

/// Keeps a session whose sign-in lies a day and a second back.
async fn old_session(house: &House) -> Value {
    let session = house.person(ANN).await;
    house.advance(24 * 3600 + 1);
    house.refresh(text(&session, "refresh_token")).await.json()
}

#[tokio::test]
async fn metadata_is_merged_key_by_key_and_null_removes() {
    plain_story(|house| async move {
        let session = house.person(ANN).await;
        update(&house, &session, json!({"data": {"name": "Ann", "theme": "dark"}})).await;
        let user = update(&house, &session, json!({"data": {"theme": null, "tags": [1]}})).await.json();
        assert_eq!(user["user_metadata"], json!({"name": "Ann", "tags": [1]}));
        let huge = "x".repeat(5000);
        assert_eq!(update(&house, &session, json!({"data": {"huge": huge}})).await.status, 400);
        assert_eq!(update(&house, &session, json!({"app_metadata": {"admin": true}})).await.status, 200);
        let own = house.get("/auth/v1/user", text(&session, "access_token")).await.json();
        assert!(own["app_metadata"].get("admin").is_none());
    })
    .await;
}

#[tokio::test]
async fn a_new_password_ends_the_other_sessions_and_every_link() {
    plain_story(|house| async move {
        let session = house.person(ANN).await;
        let other = house.sign_in(ANN, PASSWORD).await.json();
        house.post("/auth/v1/recover", json!({"email": ANN})).await;
        let link = house.mail_to(ANN).await.link.unwrap();
        house.advance(1);
        assert_eq!(update(&house, &session, json!({"password": PASSWORD})).await.code(), "same_password");
        let weak = update(&house, &session, json!({"password": "password1"})).await;
        assert_eq!((weak.status.as_u16(), weak.code().as_str()), (422, "weak_password"));
        assert_eq!(weak.json()["weak_password"]["reasons"], json!(["pwned"]));
        assert_eq!(update(&house, &session, json!({"password": NEW})).await.status, 200);
        assert_eq!(house.mail_to(ANN).await.template, "identity.password_changed_notice");
        assert_eq!(house.get("/auth/v1/user", text(&session, "access_token")).await.status, 200);
        assert_eq!(
            house.get("/auth/v1/user", text(&other, "access_token")).await.code(),
            "session_not_found"
        );
        assert_eq!(house.refresh(text(&other, "refresh_token")).await.status, 400);
        assert_eq!(house.open_page(&link).await.status, 403);
        assert_eq!(house.sign_in(ANN, PASSWORD).await.code(), "invalid_credentials");
        assert_eq!(house.sign_in(ANN, NEW).await.status, 200);
    })
    .await;
}

#[tokio::test]
async fn an_old_session_needs_the_mailed_code_or_the_present_password() {
    plain_story(|house| async move {
        let session = old_session(&house).await;
        assert_eq!(
            update(&house, &session, json!({"password": NEW})).await.code(),
            "reauthentication_needed"
        );
        assert_eq!(
            update(&house, &session, json!({"email": "b@example.com"})).await.code(),
            "reauthentication_needed"
        );
        let wrong = json!({"password": NEW, "current_password": "wrong"});
        assert_eq!(update(&house, &session, wrong).await.code(), "invalid_credentials");
        let invented = json!({"password": NEW, "nonce": "12345678"});
        assert_eq!(update(&house, &session, invented.clone()).await.code(), "reauthentication_not_valid");
        let token = text(&session, "access_token");
        assert_eq!(house.get("/auth/v1/reauthenticate", token).await.status, 200);
        let code = house.mail_to(ANN).await.code;
        assert_eq!(update(&house, &session, json!({"password": NEW, "nonce": code})).await.status, 200);
        let again = json!({"password": PASSWORD, "nonce": code});
        assert_eq!(update(&house, &session, again).await.code(), "reauthentication_not_valid");
        assert_eq!(update(&house, &session, json!({"password": PASSWORD})).await.status, 200);
    })
    .await;
}

#[tokio::test]
async fn a_recovery_link_opens_a_session_that_may_set_a_password() {
    plain_story(|house| async move {
        house.person(ANN).await;
        house.post("/auth/v1/recover", json!({"email": ANN})).await;
        let landed = house.click(ANN).await;
        let tokens = super::harness::fragment(&landed);
        assert_eq!(tokens["type"], "recovery");
        let body = json!({"password": NEW});
        assert_eq!(house.send(Method::PUT, "/auth/v1/user", &tokens["access_token"], body).await.status, 200);
        assert_eq!(house.sign_in(ANN, NEW).await.status, 200);
    })
    .await;
}

#[tokio::test]
async fn an_address_changes_once_both_have_agreed_and_both_are_told() {
    plain_story(|house| async move {
        let session = house.person(ANN).await;
        let user = update(&house, &session, json!({"email": "Beth@Example.com"})).await.json();
        assert_eq!((text(&user, "email"), text(&user, "new_email")), (ANN, "beth@example.com"));
        let half = house.click("beth@example.com").await;
        assert!(super::harness::fragment(&half)["message"].contains("other address"));
        assert_eq!(house.sign_in("beth@example.com", PASSWORD).await.code(), "invalid_credentials");
        house.advance(1);
        let landed = house.click(ANN).await;
        assert_eq!(super::harness::fragment(&landed)["type"], "email_change");
        assert_eq!(house.sign_in("beth@example.com", PASSWORD).await.status, 200);
        assert_eq!(house.sign_in(ANN, PASSWORD).await.code(), "invalid_credentials");
        for address in [ANN, "beth@example.com"] {
            assert_eq!(house.mail_to(address).await.template, "identity.email_changed_notice");
        }
    })
    .await;
}

#[tokio::test]
async fn a_taken_address_is_answered_like_a_free_one_and_never_taken_over() {
    plain_story(|house| async move {
        house.person("taken@example.com").await;
        let session = house.person(ANN).await;
        let free = update(&house, &session, json!({"email": "freed@example.com"})).await;
        house.advance(1);
        let taken = update(&house, &session, json!({"email": "taken@example.com"})).await;
        assert_eq!(free.status, taken.status);
        assert_eq!(text(&taken.json(), "new_email"), "taken@example.com");
        assert_eq!(house.mail_to("taken@example.com").await.template, "identity.account_exists");
        house.click(ANN).await;
        assert_eq!(house.sign_in(ANN, PASSWORD).await.status, 200);
    })
    .await;
}

#[tokio::test]
async fn whoever_asks_for_the_links_of_a_change_again_voids_no_consent() {
    plain_story(|house| async move {
        let session = house.person(ANN).await;
        update(&house, &session, json!({"email": "beth@example.com"})).await;
        house.click("beth@example.com").await;
        house.advance(1);
        let before = house.mails_to("beth@example.com").await.len();
        let again = json!({"type": "email_change", "email": ANN});
        assert_eq!(house.post("/auth/v1/resend", again).await.status, 200);
        // The new address has agreed and is left alone; the present one gets another link, which ends the change.
        assert_eq!(house.mails_to("beth@example.com").await.len(), before);
        house.advance(1);
        let landed = house.click(ANN).await;
        assert_eq!(super::harness::fragment(&landed)["type"], "email_change");
        assert_eq!(house.sign_in("beth@example.com", PASSWORD).await.status, 200);
    })
    .await;
}

#[tokio::test]
async fn a_change_that_nobody_has_agreed_to_is_asked_of_both_again() {
    plain_story(|house| async move {
        let session = house.person(ANN).await;
        update(&house, &session, json!({"email": "beth@example.com"})).await;
        let old = house.mail_to("beth@example.com").await.link.unwrap();
        house.advance(1);
        house.post("/auth/v1/resend", json!({"type": "email_change", "email": ANN})).await;
        assert_eq!(house.open_page(&old).await.status, 403, "a newer link has replaced it");
        house.click("beth@example.com").await;
        house.advance(1);
        house.click(ANN).await;
        assert_eq!(house.sign_in("beth@example.com", PASSWORD).await.status, 200);
    })
    .await;
}
