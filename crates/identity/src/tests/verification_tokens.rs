//! Tokens that an application mails itself: kept, limited and used up like Quoin's own links.

use quoin_web::Method;
use quoin_web::testing::{TestAnswer, call};
use serde_json::{Value, json};

use super::harness::{ANN, House, plain_story, story, text};

const TOKENS: &str = "/auth/v1/admin/verification_tokens";
const FIRST: &str = "c1e5a0f4b6d24a0e9c1f0a7be6d35f20";
const SECOND: &str = "5f20c1e5a0f4b6d24a0e9c1f0a7be6d3";
const THIRD: &str = "a7be6d35f20c1e5a0f4b6d24a0e9c1f0";
const FRESH: &str = "0f4b6d24a0e9c1f0a7be6d35f20c1e5a";

async fn keep(house: &House, body: Value) -> TestAnswer {
    call(&house.front, &Method::POST, TOKENS, Some(&house.secret), Some(&body)).await
}

async fn redeem(house: &House, token: &str) -> TestAnswer {
    house.post("/auth/v1/verify", json!({"type": "magiclink", "token_hash": token})).await
}

#[tokio::test]
async fn fifty_uses_of_one_token_open_one_session_and_no_mail_is_sent() {
    plain_story(|house| async move {
        let kept = keep(&house, json!({"email": ANN, "token": FIRST})).await;
        assert_eq!(kept.status, 201);
        assert!(!kept.json().to_string().contains(FIRST));
        let answers = futures_util::future::join_all((0..50).map(|_| redeem(&house, FIRST))).await;
        let opened: Vec<_> = answers.iter().filter(|answer| answer.status == 200).collect();
        assert_eq!(opened.len(), 1);
        assert!(answers.iter().all(|answer| answer.status == 200 || answer.code() == "otp_expired"));
        let session = opened[0].json();
        assert_eq!(session["user"]["email"], ANN);
        assert!(session["user"]["email_confirmed_at"].is_string());
        assert!(house.mails_to(ANN).await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_token_is_dead_after_a_newer_one_and_after_its_time() {
    plain_story(|house| async move {
        keep(&house, json!({"email": ANN, "token": FIRST})).await;
        keep(&house, json!({"email": ANN, "token": SECOND})).await;
        assert_eq!(redeem(&house, FIRST).await.code(), "otp_expired");
        assert_eq!(redeem(&house, SECOND).await.status, 200);
        let far = "2036-08-01T12:00:00Z";
        let kept = keep(&house, json!({"email": ANN, "token": THIRD, "expires_at": far})).await.json();
        assert_eq!(
            text(&kept, "expires_at"),
            "2026-08-01T12:10:00.000000Z",
            "never later than Quoin's own links"
        );
        house.advance(601);
        assert_eq!(redeem(&house, THIRD).await.code(), "otp_expired");
        let over = json!({"email": ANN, "token": FRESH, "expires_at": "2020-01-01T00:00:00Z"});
        assert_eq!(keep(&house, over).await.status, 400);
        let again = keep(&house, json!({"email": "bob@example.com", "token": SECOND})).await;
        assert_eq!(
            (again.status.as_u16(), again.code().as_str()),
            (400, "validation_failed"),
            "a token is new"
        );
    })
    .await;
}

#[tokio::test]
async fn only_the_platforms_key_keeps_tokens_and_none_that_could_be_guessed() {
    plain_story(|house| async move {
        let body = json!({"email": ANN, "token": FIRST});
        assert_eq!(house.post(TOKENS, body.clone()).await.status, 401);
        let session = house.person("bob@example.com").await;
        let token = text(&session, "access_token");
        assert_eq!(house.send(Method::POST, TOKENS, token, body).await.status, 403);
        for short in ["", "1234", &FIRST[1..]] {
            assert_eq!(keep(&house, json!({"email": ANN, "token": short})).await.status, 400, "{short}");
        }
        assert_eq!(redeem(&house, FIRST).await.code(), "otp_expired");
    })
    .await;
}

#[tokio::test]
async fn unknown_and_banned_people_get_the_same_answer_and_no_way_in() {
    story(
        |config| config.sign_up = false,
        |house| async move {
            let unknown = keep(&house, json!({"email": ANN, "token": FIRST})).await;
            assert_eq!(unknown.status, 201);
            assert_eq!(redeem(&house, FIRST).await.code(), "otp_expired");
            let session = house.person("bob@example.com").await;
            let path = format!("/auth/v1/admin/users/{}", text(&session["user"], "id"));
            house.admin(Method::PUT, &path, json!({"ban_duration": "24h"})).await;
            let banned = keep(&house, json!({"email": "bob@example.com", "token": SECOND})).await;
            assert_eq!(banned.status, 201);
            assert_eq!(redeem(&house, SECOND).await.code(), "otp_expired");
        },
    )
    .await;
}

#[tokio::test]
async fn tokens_count_as_mails_of_their_address_and_of_whoever_asked() {
    story(
        |config| (config.mails_per_address, config.mails_per_ip) = (2, 3),
        |house| async move {
            let from = |email: &str, token: &str, ip: &str| json!({"email": email, "token": token, "ip": ip});
            for (token, status) in [(FIRST, 201), (SECOND, 201), (THIRD, 429)] {
                assert_eq!(keep(&house, from(ANN, token, "192.0.2.1")).await.status, status);
            }
            assert_eq!(
                keep(&house, from("bob@example.com", THIRD, "192.0.2.1")).await.code(),
                "over_email_send_rate_limit"
            );
            assert_eq!(keep(&house, from("bob@example.com", FRESH, "198.51.100.1")).await.status, 201);
        },
    )
    .await;
}
