//! Nothing that a client sends produces a 5xx, and every refusal has its code.

use quoin_web::Method;
use quoin_web::testing::{call, request, send};
use quoin_web::{Body, testing::TestAnswer};
use serde_json::{Value, json};

use super::harness::{ANN, House, PASSWORD, autoconfirm, plain_story, story, text};

#[tokio::test]
async fn bad_sign_ups_are_refused_with_their_code() {
    plain_story(|house| async move {
        let long = "x".repeat(300);
        let table: Vec<(&str, Value, u16, &str)> = vec![
            ("/auth/v1/signup", json!({}), 422, "anonymous_provider_disabled"),
            (
                "/auth/v1/signup",
                json!({"phone": "+123", "password": PASSWORD}),
                400,
                "phone_provider_disabled",
            ),
            ("/auth/v1/signup", json!({"email": ANN}), 400, "validation_failed"),
            ("/auth/v1/signup", json!({"email": "nonsense", "password": PASSWORD}), 400, "validation_failed"),
            (
                "/auth/v1/signup",
                json!({"email": format!("{long}@x.example"), "password": PASSWORD}),
                400,
                "validation_failed",
            ),
            ("/auth/v1/signup", json!({"email": ANN, "password": 5}), 400, "validation_failed"),
            ("/auth/v1/signup", json!({"email": ANN, "password": "short"}), 422, "weak_password"),
            ("/auth/v1/signup", json!({"email": ANN, "password": "password123"}), 422, "weak_password"),
            (
                "/auth/v1/signup",
                json!({"email": ANN, "password": PASSWORD, "data": []}),
                400,
                "validation_failed",
            ),
        ];
        refused(&house, table).await;
    })
    .await;
}

#[tokio::test]
async fn bad_grants_and_links_are_refused_with_their_code() {
    plain_story(|house| async move {
        let long = "x".repeat(300);
        let table: Vec<(&str, Value, u16, &str)> = vec![
            ("/auth/v1/token", json!({}), 400, "validation_failed"),
            ("/auth/v1/token?grant_type=magic", json!({}), 400, "validation_failed"),
            ("/auth/v1/token?grant_type=password", json!({"email": ANN}), 400, "validation_failed"),
            (
                "/auth/v1/token?grant_type=refresh_token",
                json!({"refresh_token": ""}),
                400,
                "refresh_token_not_found",
            ),
            (
                "/auth/v1/token?grant_type=refresh_token",
                json!({"refresh_token": long}),
                400,
                "refresh_token_not_found",
            ),
            (
                "/auth/v1/token?grant_type=pkce",
                json!({"auth_code": "x", "code_verifier": "y"}),
                404,
                "flow_state_not_found",
            ),
            ("/auth/v1/verify", json!({"type": "signup"}), 400, "validation_failed"),
            ("/auth/v1/verify", json!({"token": "x"}), 400, "validation_failed"),
            ("/auth/v1/verify", json!({"token": "x", "type": "nonsense"}), 403, "otp_expired"),
            ("/auth/v1/verify", json!({"token": "123", "email": ANN, "type": "email"}), 403, "otp_expired"),
            ("/auth/v1/resend", json!({"type": "sms", "email": ANN}), 400, "validation_failed"),
            ("/auth/v1/recover", json!({"email": null}), 400, "validation_failed"),
        ];
        refused(&house, table).await;
    })
    .await;
}

async fn refused(house: &House, table: Vec<(&str, Value, u16, &str)>) {
    for (path, body, status, code) in table {
        let answer = house.post(path, body.clone()).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (status, code), "{path} {body}");
    }
}

#[tokio::test]
async fn bad_administrators_input_is_refused_with_its_code() {
    plain_story(|house| async move {
        let users = "/auth/v1/admin/users";
        let table = [
            (Method::POST, users.to_owned(), json!({}), 400),
            (Method::POST, users.to_owned(), json!({"email": ANN, "ban_duration": "forever"}), 400),
            (Method::POST, users.to_owned(), json!({"email": ANN, "password_hash": "plain"}), 400),
            (Method::POST, users.to_owned(), json!({"email": ANN, "id": "5"}), 400),
            (Method::GET, format!("{users}?page=0"), Value::Null, 400),
            (Method::GET, format!("{users}?per_page=1001"), Value::Null, 400),
            (Method::GET, format!("{users}?page=4294967295&per_page=1000"), Value::Null, 200),
            (Method::GET, format!("{users}/nonsense"), Value::Null, 400),
            (Method::PUT, format!("{users}/018f0000-0000-7000-8000-000000000000"), json!({}), 404),
            (Method::DELETE, format!("{users}/018f0000-0000-7000-8000-000000000000"), json!({}), 404),
            (
                Method::DELETE,
                format!("{users}/018f0000-0000-7000-8000-000000000000"),
                json!({"should_soft_delete": true}),
                400,
            ),
            (
                Method::POST,
                "/auth/v1/admin/generate_link".to_owned(),
                json!({"type": "reauthentication", "email": ANN}),
                400,
            ),
            (
                Method::POST,
                "/auth/v1/admin/generate_link".to_owned(),
                json!({"type": "email_change_new", "email": ANN}),
                400,
            ),
            (Method::GET, "/auth/v1/admin/audit?limit=0".to_owned(), Value::Null, 400),
        ];
        for (method, path, body, status) in table {
            let answer = call(&house.front, &method, &path, Some(&house.secret), Some(&body)).await;
            assert_eq!(
                answer.status.as_u16(),
                status,
                "{method} {path} {}",
                String::from_utf8_lossy(&answer.body)
            );
        }
    })
    .await;
}

#[tokio::test]
async fn addresses_are_compared_in_one_form() {
    story(autoconfirm, |house| async move {
        assert_eq!(house.sign_up("Ann@Bücher.Example").await.status, 200);
        assert_eq!(house.sign_up("ann@xn--bcher-kva.example").await.code(), "user_already_exists");
        assert_eq!(house.sign_in(" ANN@bücher.example ", PASSWORD).await.status, 200);
    })
    .await;
}

#[tokio::test]
async fn passwords_of_every_code_point_and_length_work() {
    story(autoconfirm, |house| async move {
        for (number, password) in
            ["пароль-с-котом-и-луной", &"long passphrase ".repeat(20), "🦊🦉🐢🐳🦔🦇🐝🦋"].iter().enumerate()
        {
            let email = format!("p{number}@example.com");
            let made = house.post("/auth/v1/signup", json!({"email": email, "password": password})).await;
            assert_eq!(made.status, 200, "{}", String::from_utf8_lossy(&made.body));
            assert_eq!(house.sign_in(&email, password).await.status, 200);
            let cut: String = password.chars().take(password.chars().count() - 1).collect();
            assert_eq!(house.sign_in(&email, &cut).await.status, 400);
        }
    })
    .await;
}

#[tokio::test]
async fn a_session_can_be_asked_for_with_a_form_and_in_spite_of_a_stale_header() {
    plain_story(|house| async move {
        let session = house.person(ANN).await;
        let body = format!("refresh_token={}", text(&session, "refresh_token"));
        assert_eq!(with_stale_header(&house, body).await.status, 200);
    })
    .await;
}

async fn with_stale_header(house: &House, body: String) -> TestAnswer {
    let request = request(&Method::POST, "/auth/v1/token?grant_type=refresh_token")
        .header("content-type", "application/x-www-form-urlencoded")
        .header("authorization", "Bearer stale");
    send(&house.front, request.body(Body::from(body)).unwrap()).await
}

#[tokio::test]
async fn settings_and_health_answer_everybody() {
    plain_story(|house| async move {
        let settings = house.get("/auth/v1/settings", "quoin_pub_whatever").await;
        assert_eq!(settings.json()["external"]["email"], true);
        assert_eq!(settings.header("x-supabase-api-version"), "2024-01-01");
        assert_eq!(house.get("/auth/v1/health", "").await.json()["name"], "Quoin");
    })
    .await;
}
