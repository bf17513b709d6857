//! Signing up, and what a known address gives away: nothing.

use quoin_web::Method;
use serde_json::{Value, json};

use super::harness::{ANN, PASSWORD, autoconfirm, claims, fragment, plain_story, restricted, story, text};
use crate::config::IdentityConfig;

#[tokio::test]
async fn a_person_signs_up_confirms_and_signs_in() {
    plain_story(|house| async move {
        let answer = house.sign_up(ANN).await;
        assert_eq!(answer.status, 200);
        let user = answer.json();
        assert_eq!(text(&user, "email"), ANN);
        assert!(user.get("access_token").is_none() && user.get("email_confirmed_at").is_none());
        assert_eq!(house.sign_in(ANN, PASSWORD).await.code(), "email_not_confirmed");

        let landed = house.click(ANN).await;
        assert_eq!(landed.status, 303);
        assert!(landed.header("location").starts_with("https://app.example.com/#access_token="));
        let tokens = fragment(&landed);
        assert_eq!((tokens["type"].as_str(), tokens["token_type"].as_str()), ("signup", "bearer"));
        let own = house.get("/auth/v1/user", &tokens["access_token"]).await.json();
        assert_eq!(own["id"], user["id"]);
        assert_eq!(own["user_metadata"], json!({"name": "Ann"}));
        assert_eq!(own["app_metadata"], json!({"provider": "email", "providers": ["email"]}));
        assert_eq!(own["identities"][0]["identity_data"]["email_verified"], true);

        let session = house.sign_in(ANN, PASSWORD).await.json();
        let claims = claims(text(&session, "access_token"));
        assert_eq!(claims["org_role"], "owner");
        assert_eq!(claims["email_verified"], true);
        assert_eq!(claims["amr"][0]["method"], "password");
    })
    .await;
}

#[tokio::test]
async fn a_known_address_is_answered_like_a_new_one() {
    plain_story(|house| async move {
        house.person("known@example.com").await;
        house.sign_up("waiting@example.com").await;
        let answers = [
            house.sign_up("newone@example.com").await,
            house.sign_up("known@example.com").await,
            house.sign_up("waiting@example.com").await,
        ];
        let shapes: Vec<(u16, Value)> =
            answers.iter().map(|answer| (answer.status.as_u16(), shape(answer.json()))).collect();
        assert_eq!(shapes[0], shapes[1]);
        assert_eq!(shapes[0], shapes[2]);
        assert_eq!(house.mail_to("known@example.com").await.template, "identity.account_exists");
        assert_eq!(house.mail_to("waiting@example.com").await.template, "identity.confirm");
    })
    .await;
}

/// Blots out what differs between any two accounts.
fn shape(mut user: Value) -> Value {
    user["id"] = Value::Null;
    user["email"] = Value::Null;
    let identity = &mut user["identities"][0];
    for field in ["id", "identity_id", "user_id", "email"] {
        assert!(identity[field].is_string());
        identity[field] = Value::Null;
    }
    identity["identity_data"]["sub"] = Value::Null;
    identity["identity_data"]["email"] = Value::Null;
    user
}

#[tokio::test]
async fn sign_in_recovery_and_resend_say_nothing_about_who_exists() {
    plain_story(|house| async move {
        house.person(ANN).await;
        let wrong = house.sign_in(ANN, "not the password").await;
        let unknown = house.sign_in("nobody@example.com", "not the password").await;
        assert_eq!((wrong.status, wrong.code()), (unknown.status, unknown.code()));
        assert_eq!(wrong.json()["message"], unknown.json()["message"]);
        for path in ["/auth/v1/recover", "/auth/v1/resend"] {
            let known = house.post(path, json!({"email": ANN, "type": "signup"})).await;
            let unknown = house.post(path, json!({"email": "nobody@example.com", "type": "signup"})).await;
            assert_eq!((known.status, &known.body), (unknown.status, &unknown.body));
        }
        assert!(house.mails_to("nobody@example.com").await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn of_sign_ups_that_disagree_no_password_counts_whoever_came_last() {
    for squatter_comes_last in [false, true] {
        plain_story(move |house| async move {
            let squat = json!({"email": ANN, "password": "squatters-own-secret", "data": {"name": "Squat"}});
            house.post("/auth/v1/signup", squat.clone()).await;
            let first = house.mail_to(ANN).await.link.unwrap();
            house.advance(1);
            house.sign_up(ANN).await;
            if squatter_comes_last {
                house.advance(1);
                house.post("/auth/v1/signup", squat).await;
            }
            assert_eq!(house.open_page(&first).await.status, 403, "older links are dead");
            let landed = house.click(ANN).await;
            assert_eq!(landed.status, 303);
            let tokens = fragment(&landed);
            assert_eq!(tokens["type"], "recovery", "the application asks for a new password");
            for password in ["squatters-own-secret", PASSWORD] {
                assert_eq!(house.sign_in(ANN, password).await.code(), "invalid_credentials");
            }
            let own = house.get("/auth/v1/user", &tokens["access_token"]).await.json();
            assert_eq!(own["user_metadata"], json!({}), "nobody's words count either");
            let wish = json!({"password": "lighthouse-otter-marble"});
            let set = house.send(Method::PUT, "/auth/v1/user", &tokens["access_token"], wish).await;
            assert_eq!(set.status, 200, "{}", String::from_utf8_lossy(&set.body));
            assert_eq!(house.sign_in(ANN, "lighthouse-otter-marble").await.status, 200);
        })
        .await;
    }
}

#[tokio::test]
async fn a_sign_up_that_is_repeated_keeps_its_password() {
    plain_story(|house| async move {
        house.sign_up(ANN).await;
        house.advance(1);
        house.sign_up(ANN).await;
        let landed = house.click(ANN).await;
        assert_eq!(fragment(&landed)["type"], "signup");
        assert_eq!(house.sign_in(ANN, PASSWORD).await.status, 200);
    })
    .await;
}

#[tokio::test]
async fn a_restricted_sign_up_gets_a_session_and_reveals_known_addresses() {
    story(restricted, |house| async move {
        let session = house.sign_up(ANN).await.json();
        assert_eq!(claims(text(&session, "access_token"))["email_verified"], false);
        assert!(claims(text(&session, "access_token"))["org_id"].is_string());
        let again = house.sign_up(ANN).await;
        assert_eq!((again.status.as_u16(), again.code().as_str()), (422, "user_already_exists"));
        house.click(ANN).await;
        let refreshed = house.refresh(text(&session, "refresh_token")).await.json();
        assert_eq!(claims(text(&refreshed, "access_token"))["email_verified"], true);
    })
    .await;
}

#[tokio::test]
async fn an_unconfirmed_account_belongs_to_whoever_reads_its_address() {
    story(restricted, |house| async move {
        let squatter = house.sign_up(ANN).await.json();
        house.advance(1);
        house.post("/auth/v1/recover", json!({"email": ANN})).await;
        assert_eq!(house.click(ANN).await.status, 303);
        assert_eq!(
            house.get("/auth/v1/user", text(&squatter, "access_token")).await.code(),
            "session_not_found"
        );
        assert_eq!(house.refresh(text(&squatter, "refresh_token")).await.status, 400);
        assert_eq!(house.sign_in(ANN, PASSWORD).await.code(), "invalid_credentials");
    })
    .await;
}

#[tokio::test]
async fn fifty_sign_ups_at_once_make_one_account() {
    plain_story(|house| async move {
        let tries = (0..50).map(|_| house.sign_up(ANN));
        for answer in futures_util::future::join_all(tries).await {
            assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
        }
        let listed = house.admin(Method::GET, "/auth/v1/admin/users", json!({})).await;
        assert_eq!(listed.header("x-total-count"), "1");
        // The mails are all of one moment; the link that works is any of them.
        for mail in house.mails_to(ANN).await {
            let page = house.open_page(&mail.link.unwrap()).await;
            if page.status == 200 {
                assert_eq!(fragment(&house.press(&page).await)["type"], "signup", "all of them agree");
            }
        }
        assert_eq!(house.sign_in(ANN, PASSWORD).await.status, 200);
    })
    .await;
}

#[tokio::test]
async fn too_many_mails_are_refused_for_known_and_unknown_addresses_alike() {
    story(
        |config| config.mails_per_address = 2,
        |house| async move {
            house.person(ANN).await;
            for email in [ANN, "nobody@example.com"] {
                for _ in 0..2 {
                    assert_eq!(house.post("/auth/v1/recover", json!({"email": email})).await.status, 200);
                }
                let refused = house.post("/auth/v1/recover", json!({"email": email})).await;
                assert_eq!(
                    (refused.status.as_u16(), refused.code().as_str()),
                    (429, "over_email_send_rate_limit")
                );
                assert!(!refused.header("retry-after").is_empty());
            }
            house.advance(3601);
            assert_eq!(house.post("/auth/v1/recover", json!({"email": ANN})).await.status, 200);
        },
    )
    .await;
}

#[tokio::test]
async fn wrong_passwords_make_an_account_wait_whether_or_not_it_exists() {
    story(
        |config| config.failures_per_account = 3,
        |house| async move {
            house.person(ANN).await;
            for email in [ANN, "nobody@example.com"] {
                for _ in 0..3 {
                    assert_eq!(house.sign_in(email, "wrong").await.code(), "invalid_credentials");
                }
                assert_eq!(house.sign_in(email, PASSWORD).await.status, 429);
            }
            let restarted = house.restarted().await;
            house.advance(901);
            assert_eq!(restarted.sign_in(ANN, PASSWORD).await.status, 200);
        },
    )
    .await;
}

#[tokio::test]
async fn sign_ups_that_open_a_session_are_limited_by_address_of_the_network() {
    let believed: fn(&mut IdentityConfig) = |config| {
        autoconfirm(config);
        config.sign_ups_per_ip = 3;
    };
    let unproved: fn(&mut IdentityConfig) = |config| {
        restricted(config);
        config.sign_ups_per_ip = 3;
    };
    for at_once in [believed, unproved] {
        story(at_once, |house| async move {
            let tries = (0..20).map(|number| {
                let house = house.clone();
                async move { house.sign_up(&format!("p{number}@example.com")).await.status.as_u16() }
            });
            let answers = futures_util::future::join_all(tries).await;
            assert_eq!(answers.iter().filter(|status| **status == 200).count(), 3, "{answers:?}");
            assert_eq!(answers.iter().filter(|status| **status == 429).count(), 17, "{answers:?}");
            house.advance(3601);
            assert_eq!(house.sign_up("later@example.com").await.status, 200);
        })
        .await;
    }
}

#[tokio::test]
async fn a_long_password_counts_to_its_last_character() {
    plain_story(|house| async move {
        // Some hashes stop reading at 72 bytes; whoever knew those would know the password.
        let long = format!("{}end", "lantern-".repeat(16));
        let body = json!({"email": ANN, "password": long, "email_confirm": true});
        house.admin(Method::POST, "/auth/v1/admin/users", body).await;
        let cut = &long[..72];
        let other = format!("{}and", "lantern-".repeat(16));
        for wrong in [cut, &long[..long.len() - 1], other.as_str()] {
            assert_eq!(house.sign_in(ANN, wrong).await.code(), "invalid_credentials", "{wrong}");
        }
        assert_eq!(house.sign_in(ANN, &long).await.status, 200);
    })
    .await;
}
