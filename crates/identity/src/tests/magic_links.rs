//! Signing in by mail alone: a link, the code beside it, and the pages around them.

use quoin_web::testing::{TestAnswer, request, send};
use quoin_web::{Body, Method};
use serde_json::{Value, json};

use super::harness::{ANN, House, PASSWORD, claims, fragment, hidden_fields, pkce, plain_story, story, text};
use crate::config::IdentityConfig;

const OTP: &str = "/auth/v1/otp";

fn guess(email: &str, code: &str) -> Value {
    json!({"email": email, "token": code, "type": "email"})
}

/// Sends a page's form with further fields, as a browser does.
async fn submit(house: &House, page: &TestAnswer, path: &str, typed: &[(&str, &str)]) -> TestAnswer {
    let html = String::from_utf8_lossy(&page.body).into_owned();
    let cookie = page.header("set-cookie").split(';').next().unwrap_or_default().to_owned();
    let body = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(hidden_fields(&html))
        .extend_pairs(typed)
        .finish();
    let request = request(&Method::POST, path)
        .header("content-type", "application/x-www-form-urlencoded")
        .header("origin", "http://127.0.0.1:8080")
        .header("cookie", cookie);
    send(&house.front, request.body(Body::from(body)).unwrap()).await
}

fn passwordless(config: &mut IdentityConfig) {
    config.passwords = false;
}

#[tokio::test]
async fn a_newcomer_signs_in_by_link_with_an_account_of_their_own() {
    plain_story(|house| async move {
        let answer =
            house.post(OTP, json!({"email": ANN, "data": {"name": "Ann"}, "create_user": true})).await;
        assert_eq!((answer.status.as_u16(), answer.json()), (200, json!({})));
        assert_eq!(house.mail_to(ANN).await.template, "identity.magic_link");
        let landed = house.click(ANN).await;
        let tokens = fragment(&landed);
        assert_eq!(tokens["type"], "magiclink");
        let own = house.get("/auth/v1/user", &tokens["access_token"]).await.json();
        assert_eq!((text(&own, "email"), &own["user_metadata"]), (ANN, &json!({"name": "Ann"})));
        assert!(own["email_confirmed_at"].is_string());
        let claims = claims(&tokens["access_token"]);
        assert_eq!((&claims["amr"][0]["method"], &claims["aal"]), (&json!("otp"), &json!("aal1")));
    })
    .await;
}

#[tokio::test]
async fn known_unknown_banned_and_unwanted_addresses_are_answered_alike() {
    plain_story(|house| async move {
        house.person(ANN).await;
        let banned = house.person("banned@example.com").await;
        let path = format!("/auth/v1/admin/users/{}", text(&banned["user"], "id"));
        house.admin(Method::PUT, &path, json!({"ban_duration": "1h"})).await;
        let mut seen = Vec::new();
        for (email, create_user) in [
            (ANN, false),
            (ANN, true),
            ("new@example.com", true),
            ("no@example.com", false),
            ("banned@example.com", true),
        ] {
            let answer = house.post(OTP, json!({"email": email, "create_user": create_user})).await;
            seen.push((answer.status.as_u16(), answer.json()));
        }
        assert!(seen.iter().all(|answer| *answer == (200, json!({}))), "{seen:?}");
        assert!(house.mails_to("no@example.com").await.is_empty());
        assert!(house.mails_to("banned@example.com").await.is_empty());
        assert_eq!(house.mails_to(ANN).await.len(), 2);
        let all = house.admin(Method::GET, "/auth/v1/admin/users", json!({})).await.json();
        assert_eq!(all["users"].as_array().unwrap().len(), 3);
    })
    .await;
}

#[tokio::test]
async fn closed_sign_up_makes_no_account_by_link() {
    story(
        |config| config.sign_up = false,
        |house| async move {
            assert_eq!(house.post(OTP, json!({"email": ANN})).await.status, 200);
            assert!(house.mails_to(ANN).await.is_empty());
            house.person(ANN).await;
            assert_eq!(house.post(OTP, json!({"email": ANN})).await.status, 200);
            assert_eq!(house.click(ANN).await.status, 303);
        },
    )
    .await;
}

#[tokio::test]
async fn a_mailed_code_signs_in_once_and_ends_its_link() {
    plain_story(|house| async move {
        house.post(OTP, json!({"email": ANN})).await;
        let mail = house.mail_to(ANN).await;
        let session = house.post("/auth/v1/verify", guess(ANN, &mail.code)).await;
        assert_eq!(session.status, 200);
        assert_eq!(house.get("/auth/v1/user", text(&session.json(), "access_token")).await.status, 200);
        assert_eq!(house.post("/auth/v1/verify", guess(ANN, &mail.code)).await.code(), "otp_expired");
        let page = house.open_page(&mail.link.unwrap()).await;
        assert!(String::from_utf8_lossy(&page.body).contains("This link was used already"));
    })
    .await;
}

#[tokio::test]
async fn fifty_uses_of_one_code_or_link_open_one_session() {
    plain_story(|house| async move {
        for by_code in [true, false] {
            house.advance(1);
            house.post(OTP, json!({"email": ANN})).await;
            let mail = house.mail_to(ANN).await;
            let link = mail.link.unwrap();
            let token = link.query_pairs().find(|(name, _)| name == "token").unwrap().1.into_owned();
            let body = if by_code {
                guess(ANN, &mail.code)
            } else {
                json!({"token_hash": token, "type": "magiclink"})
            };
            let tries = (0..50).map(|_| house.post("/auth/v1/verify", body.clone()));
            let answers = futures_util::future::join_all(tries).await;
            assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
            assert!(answers.iter().all(|answer| answer.status == 200 || answer.code() == "otp_expired"));
        }
    })
    .await;
}

#[tokio::test]
async fn each_way_in_which_a_link_fails_is_told_on_its_page() {
    plain_story(|house| async move {
        house.post(OTP, json!({"email": ANN})).await;
        let first = house.mail_to(ANN).await.link.unwrap();
        for _ in 0..20 {
            assert_eq!(house.open_page(&first).await.status, 200);
        }
        house.advance(1);
        house.post(OTP, json!({"email": ANN})).await;
        let second = house.mail_to(ANN).await.link.unwrap();
        let mut invented = second.clone();
        invented.set_query(Some("token=invented&type=magiclink"));
        let page_of = async |link| String::from_utf8_lossy(&house.open_page(link).await.body).into_owned();
        assert!(page_of(&first).await.contains("There is a newer link"));
        assert!(page_of(&invented).await.contains("The link or code does not work"));
        house.advance(600);
        let expired = page_of(&second).await;
        assert!(expired.contains("This link has expired"));
    })
    .await;
}

#[tokio::test]
async fn the_pages_lead_from_an_address_to_a_session() {
    plain_story(|house| async move {
        let open = |path: String| {
            let house = house.clone();
            async move { send(&house.front, request(&Method::GET, &path).body(Body::empty()).unwrap()).await }
        };
        let (verifier, challenge) = pkce();
        let ask = open(format!(
            "/auth/v1/magiclink?redirect_to=http://localhost:3000/in&code_challenge={challenge}&code_challenge_method=s256"
        ))
        .await;
        assert_eq!(ask.status, 200);
        let check = submit(&house, &ask, "/auth/v1/magiclink", &[("email", ANN)]).await;
        assert_eq!(check.status, 200);
        assert!(check.header("content-security-policy").contains("form-action 'self' http://localhost:3000"));
        let code = house.mail_to(ANN).await.code;
        let landed = submit(&house, &check, "/auth/v1/verify", &[("token", &code)]).await;
        let location: url::Url = landed.header("location").parse().unwrap();
        assert_eq!((landed.status.as_u16(), location.path()), (303, "/in"));
        let auth_code = location.query_pairs().find(|(name, _)| name == "code").unwrap().1.into_owned();
        let exchange = json!({"auth_code": auth_code, "code_verifier": verifier});
        assert_eq!(house.post("/auth/v1/token?grant_type=pkce", exchange).await.status, 200);
    })
    .await;
}

#[tokio::test]
async fn a_forged_form_mails_nothing() {
    plain_story(|house| async move {
        let body = url::form_urlencoded::Serializer::new(String::new()).append_pair("email", ANN).finish();
        let forged = request(&Method::POST, "/auth/v1/magiclink")
            .header("content-type", "application/x-www-form-urlencoded")
            .header("origin", "https://evil.example");
        assert_eq!(send(&house.front, forged.body(Body::from(body)).unwrap()).await.status, 403);
        assert!(house.mails_to(ANN).await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn links_are_limited_per_address_for_known_and_unknown_alike() {
    story(
        |config| config.mails_per_address = 2,
        |house| async move {
            house.person(ANN).await;
            for email in [ANN, "nobody@example.com"] {
                for _ in 0..2 {
                    assert_eq!(
                        house.post(OTP, json!({"email": email, "create_user": false})).await.status,
                        200
                    );
                }
                let refused = house.post(OTP, json!({"email": email, "create_user": false})).await;
                assert_eq!(
                    (refused.status.as_u16(), refused.code().as_str()),
                    (429, "over_email_send_rate_limit")
                );
            }
        },
    )
    .await;
}

#[tokio::test]
async fn a_link_takes_an_unproved_account_from_whoever_made_it() {
    story(super::harness::restricted, |house| async move {
        let squatter = house.sign_up(ANN).await.json();
        house.advance(1);
        house.post(OTP, json!({"email": ANN})).await;
        assert_eq!(house.click(ANN).await.status, 303);
        assert_eq!(house.sign_in(ANN, PASSWORD).await.code(), "invalid_credentials");
        let refused = house.get("/auth/v1/user", text(&squatter, "access_token")).await;
        assert_eq!(refused.code(), "session_not_found");
    })
    .await;
}

#[tokio::test]
async fn without_passwords_mail_is_the_only_way_in() {
    story(passwordless, |house| async move {
        for (path, body) in [
            ("/auth/v1/signup", json!({"email": ANN, "password": PASSWORD})),
            ("/auth/v1/token?grant_type=password", json!({"email": ANN, "password": PASSWORD})),
            ("/auth/v1/recover", json!({"email": ANN})),
        ] {
            assert_eq!(house.post(path, body).await.code(), "email_provider_disabled", "{path}");
        }
        house.post(OTP, json!({"email": ANN})).await;
        let tokens = fragment(&house.click(ANN).await);
        let token = &tokens["access_token"];
        let change = house.send(Method::PUT, "/auth/v1/user", token, json!({"password": PASSWORD})).await;
        assert_eq!(change.code(), "email_provider_disabled");
        assert_eq!(house.get("/auth/v1/user", token).await.status, 200);
    })
    .await;
}

#[tokio::test]
async fn telephones_and_nobody_are_refused() {
    plain_story(|house| async move {
        assert_eq!(house.post(OTP, json!({"phone": "+15550100"})).await.code(), "phone_provider_disabled");
        assert_eq!(house.post(OTP, json!({})).await.code(), "validation_failed");
        assert_eq!(
            house.post(OTP, json!({"email": ANN, "create_user": "maybe"})).await.code(),
            "validation_failed"
        );
    })
    .await;
}
