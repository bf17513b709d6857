//! Somebody of whom nothing is known, and how they become somebody.

use quoin_web::Method;
use serde_json::{Value, json};

use super::harness::{ANN, House, PASSWORD, claims, fragment, plain_story, story, text};
use crate::config::{IdentityConfig, Unverified};

fn open(config: &mut IdentityConfig) {
    config.anonymous = true;
}

async fn arrive(house: &House) -> Value {
    let answer = house.post("/auth/v1/signup", json!({"data": {"theme": "dark"}})).await;
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    answer.json()
}

#[tokio::test]
async fn nobody_comes_in_where_that_is_closed() {
    plain_story(|house| async move {
        assert_eq!(house.post("/auth/v1/signup", json!({})).await.code(), "anonymous_provider_disabled");
    })
    .await;
}

#[tokio::test]
async fn somebody_anonymous_becomes_somebody_and_keeps_their_id() {
    story(open, |house| async move {
        let session = arrive(&house).await;
        let (token, id) = (text(&session, "access_token"), text(&session["user"], "id").to_owned());
        let told = claims(token);
        assert_eq!(
            (&told["is_anonymous"], &told["email"], &told["amr"][0]["method"]),
            (&json!(true), &json!(""), &json!("anonymous"))
        );
        assert!(told["org_id"].is_string());
        assert_eq!(session["user"]["user_metadata"], json!({"theme": "dark"}));

        let early = house.send(Method::PUT, "/auth/v1/user", token, json!({"password": PASSWORD})).await;
        assert_eq!((early.status.as_u16(), early.code().as_str()), (422, "validation_failed"));
        let wished = house.send(Method::PUT, "/auth/v1/user", token, json!({"email": ANN})).await.json();
        assert_eq!((&wished["new_email"], &wished["is_anonymous"]), (&json!(ANN), &json!(true)));
        let landed = fragment(&house.click(ANN).await);
        let own = house.get("/auth/v1/user", &landed["access_token"]).await.json();
        assert_eq!(
            (text(&own, "id"), text(&own, "email"), &own["is_anonymous"]),
            (id.as_str(), ANN, &json!(false))
        );
        // The browser that was anonymous goes on, and may have a password now.
        assert_eq!(
            house.send(Method::PUT, "/auth/v1/user", token, json!({"password": PASSWORD})).await.status,
            200
        );
        let signed_in = house.sign_in(ANN, PASSWORD).await.json();
        assert_eq!(text(&signed_in["user"], "id"), id);
        assert_eq!(claims(text(&signed_in, "access_token"))["is_anonymous"], false);
    })
    .await;
}

#[tokio::test]
async fn a_taken_address_is_not_given_to_somebody_anonymous() {
    story(open, |house| async move {
        house.person(ANN).await;
        let session = arrive(&house).await;
        let token = text(&session, "access_token");
        assert_eq!(house.send(Method::PUT, "/auth/v1/user", token, json!({"email": ANN})).await.status, 200);
        assert_eq!(house.mail_to(ANN).await.template, "identity.account_exists");
        assert_eq!(house.get("/auth/v1/user", token).await.json()["email"], "");
    })
    .await;
}

#[tokio::test]
async fn where_every_address_is_believed_the_change_is_at_once() {
    story(
        |config| {
            config.anonymous = true;
            config.unverified = Unverified::Autoconfirm;
        },
        |house| async move {
            house.person("bob@example.com").await;
            let session = arrive(&house).await;
            let token = text(&session, "access_token");
            let refused =
                house.send(Method::PUT, "/auth/v1/user", token, json!({"email": "bob@example.com"})).await;
            assert_eq!(refused.code(), "email_exists");
            let change = json!({"email": ANN, "password": PASSWORD});
            let user = house.send(Method::PUT, "/auth/v1/user", token, change).await.json();
            assert_eq!((text(&user, "email"), &user["is_anonymous"]), (ANN, &json!(false)));
            assert_eq!(house.sign_in(ANN, PASSWORD).await.json()["user"]["id"], session["user"]["id"]);
        },
    )
    .await;
}

#[tokio::test]
async fn anonymous_accounts_are_limited_by_address_of_the_network() {
    story(
        |config| {
            config.anonymous = true;
            config.anonymous_per_ip = 3;
        },
        |house| async move {
            let tries = (0..20).map(|_| house.post("/auth/v1/signup", json!({})));
            let answers = futures_util::future::join_all(tries).await;
            assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 3);
            assert!(answers.iter().all(|answer| answer.status == 200 || answer.status == 429));
        },
    )
    .await;
}

#[tokio::test]
async fn a_ban_ends_an_anonymous_session_too() {
    story(open, |house| async move {
        let session = arrive(&house).await;
        let path = format!("/auth/v1/admin/users/{}", text(&session["user"], "id"));
        house.admin(Method::PUT, &path, json!({"ban_duration": "1h"})).await;
        assert_eq!(
            house.get("/auth/v1/user", text(&session, "access_token")).await.code(),
            "session_not_found"
        );
        assert_eq!(house.refresh(text(&session, "refresh_token")).await.code(), "refresh_token_not_found");
    })
    .await;
}

#[tokio::test]
async fn sessions_are_listed_with_device_and_place_and_ended_one_by_one() {
    plain_story(|house| async move {
        let first = house.person(ANN).await;
        house.advance(1);
        let second = house.sign_in(ANN, PASSWORD).await.json();
        let token = text(&second, "access_token");
        let listed = house.get("/auth/v1/sessions", token).await.json();
        let data = listed["data"].as_array().unwrap();
        assert_eq!(data.len(), 2);
        assert_eq!((&data[0]["current"], &data[1]["current"]), (&json!(true), &json!(false)));
        assert_eq!(data[0]["ip"], "127.0.0.1");
        let other = text(&data[1], "id").to_owned();
        let bob = house.person("bob@example.com").await;
        let path = format!("/auth/v1/sessions/{other}");
        let stranger = house.send(Method::DELETE, &path, text(&bob, "access_token"), json!({})).await;
        assert_eq!(stranger.status, 404);
        assert_eq!(house.send(Method::DELETE, &path, token, json!({})).await.status, 204);
        assert_eq!(
            house.get("/auth/v1/user", text(&first, "access_token")).await.code(),
            "session_not_found"
        );
        assert_eq!(house.get("/auth/v1/user", token).await.status, 200);
    })
    .await;
}
