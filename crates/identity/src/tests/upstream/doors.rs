//! Which doors are shut, whose account an attestation opens, and what is answered alike.

use quoin_web::Method;
use serde_json::{Value, json};

use super::played::{Directory, PASSWORD};
use super::sessions::payloads;
use super::{kept_elsewhere, session_of};
use crate::model::FactorKind;
use crate::port::StoreError;
use crate::service::upstream::later;
use crate::tests::harness::{ANN, claims, fragment, plain_story, text};
use crate::tests::oauth;

const BOB: &str = "bob@example.com";

#[tokio::test]
async fn a_password_that_was_kept_here_opens_nothing_any_more() {
    plain_story(|house| async move {
        let mine = house.person(ANN).await;
        let directory = Directory::default();
        house.identity.connect_user_store(directory.shared());
        assert_eq!(house.sign_in(ANN, crate::tests::harness::PASSWORD).await.code(), "invalid_credentials");
        // A link that was on its way, and one that is asked for now.
        let token = text(&mine, "access_token");
        for (path, body) in [
            ("/auth/v1/otp", json!({"email": ANN})),
            ("/auth/v1/magiclink", json!({"email": ANN})),
            ("/auth/v1/passkeys/authentication/options", json!({})),
        ] {
            assert_eq!(house.post(path, body).await.code(), "kept_by_provider", "{path}");
        }
        let moved = house.send(Method::PUT, "/auth/v1/user", token, json!({"email": BOB})).await;
        assert_eq!(moved.code(), "kept_by_provider");
        let verified = house.post("/auth/v1/verify", json!({"type": "recovery", "token_hash": "x"})).await;
        assert_eq!(verified.code(), "validation_failed");
    })
    .await;
}

#[tokio::test]
async fn a_link_that_was_mailed_before_opens_nothing_any_more() {
    plain_story(|house| async move {
        house.person(ANN).await;
        assert_eq!(house.post("/auth/v1/otp", json!({"email": ANN})).await.status, 200);
        let link = house.mail_to(ANN).await.link.unwrap();
        let page = house.open_page(&link).await;
        house.identity.connect_user_store(Directory::default().shared());
        let landed = house.press(&page).await;
        assert!(!String::from_utf8_lossy(&landed.body).contains("access_token"));
        assert!(!landed.header("location").contains("access_token"), "{}", landed.header("location"));
    })
    .await;
}

#[tokio::test]
async fn whom_the_provider_keeps_nobody_else_attests() {
    kept_elsewhere(|house, directory| async move {
        directory.keep(ANN);
        session_of(&house, ANN).await;
        // By the proved address this links, once; it opens nothing for all that.
        let said = json!({"sub": "ann-at-acme", "email": ANN, "email_verified": true});
        let landed = oauth::sign_in(&house, "acme", &said).await;
        assert!(
            landed.header("location").contains("error_code=provider_required"),
            "{}",
            landed.header("location")
        );
        // Whom the provider does not keep comes as before, and stays.
        let said = json!({"sub": "bob-at-acme", "email": BOB, "email_verified": true});
        let tokens = fragment(&oauth::sign_in(&house, "acme", &said).await);
        assert_eq!(house.refresh(&tokens["refresh_token"]).await.status, 200);
    })
    .await;
}

#[tokio::test]
async fn the_way_in_of_somebody_whom_the_provider_keeps_cannot_be_unlinked() {
    kept_elsewhere(|house, directory| async move {
        directory.keep(ANN);
        let session = session_of(&house, ANN).await;
        let id = text(&session["user"]["identities"][0], "identity_id").to_owned();
        let path = format!("/auth/v1/user/identities/{id}");
        let refused = house.send(Method::DELETE, &path, text(&session, "access_token"), json!({})).await;
        assert_eq!(refused.code(), "single_identity_not_deletable");
    })
    .await;
}

#[tokio::test]
async fn an_address_links_once_and_only_where_both_sides_have_proved_it() {
    plain_story(|house| async move {
        let mine = house.person(ANN).await["user"]["id"].clone();
        let directory = Directory::default();
        house.identity.connect_user_store(directory.shared());
        directory.keep(ANN);
        directory.change(ANN, |kept| kept.is_verified = false);
        let unproved = session_of(&house, ANN).await;
        assert_ne!(unproved["user"]["id"], mine);
        assert_eq!(unproved["user"]["email"], "");
        // The same subject proves the address later; somebody has it, so it stays theirs.
        directory.change(ANN, |kept| kept.is_verified = true);
        let proved = session_of(&house, ANN).await;
        assert_eq!((&proved["user"]["id"], &proved["user"]["email"]), (&unproved["user"]["id"], &json!("")));
        // A subject that proves it at once is linked; one more is somebody else.
        directory.change(ANN, |kept| kept.subject = "second".to_owned());
        assert_eq!(session_of(&house, ANN).await["user"]["id"], mine);
        directory.change(ANN, |kept| kept.subject = "third".to_owned());
        let third = session_of(&house, ANN).await;
        assert_ne!(third["user"]["id"], mine);
        assert_eq!(third["user"]["email"], "");
    })
    .await;
}

#[tokio::test]
async fn the_address_follows_what_the_provider_has_proved() {
    kept_elsewhere(|house, directory| async move {
        directory.keep(ANN);
        let first = session_of(&house, ANN).await;
        directory.change(ANN, |kept| kept.email = Some(BOB.to_owned()));
        let second = session_of(&house, ANN).await;
        assert_eq!((&second["user"]["id"], &second["user"]["email"]), (&first["user"]["id"], &json!(BOB)));
        assert_eq!(house.mail_to(ANN).await.template, house.mail_to(BOB).await.template, "both are told");
        directory.change(ANN, |kept| (kept.email, kept.is_verified) = (Some(ANN.to_owned()), false));
        assert_eq!(session_of(&house, ANN).await["user"]["email"], BOB);
    })
    .await;
}

#[tokio::test]
async fn a_sign_up_is_answered_alike_and_what_was_said_waits_for_its_person() {
    kept_elsewhere(|house, directory| async move {
        let shape = |answer: Value| answer.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        let fresh = house.sign_up(ANN).await.json();
        let known = house.sign_up(ANN).await.json();
        assert_eq!(shape(fresh.clone()), shape(known.clone()));
        assert_ne!(fresh["id"], known["id"]);
        directory.change(ANN, |kept| kept.is_verified = true);
        let session = session_of(&house, ANN).await;
        assert_eq!(session["user"]["id"], fresh["id"], "the account that was made then");
        assert_eq!(session["user"]["user_metadata"]["name"], "Ann");
        assert_eq!(session["user"]["email"], ANN);
    })
    .await;
}

#[tokio::test]
async fn codes_of_the_provider_confirm_and_set_passwords() {
    kept_elsewhere(|house, _| async move {
        house.sign_up(ANN).await;
        let verify = |body: Value| house.post("/auth/v1/verify", body);
        let wrong = verify(json!({"type": "signup", "email": ANN, "token": "000000"})).await;
        let nobody = verify(json!({"type": "signup", "email": BOB, "token": "123456"})).await;
        assert_eq!((wrong.code(), nobody.code()), ("otp_expired".to_owned(), "otp_expired".to_owned()));
        let confirmed = verify(json!({"type": "signup", "email": ANN, "token": "123456"})).await;
        assert_eq!(confirmed.status, 200);
        assert!(confirmed.json()["access_token"].is_null());
        let reset =
            json!({"type": "recovery", "email": ANN, "token": "123456", "password": "lantern-walrus-teapot"});
        let session = verify(reset).await;
        assert_eq!(session.json()["user"]["email"], ANN);
        assert_eq!(house.sign_in(ANN, PASSWORD).await.code(), "invalid_credentials");
        assert_eq!(house.sign_in(ANN, "lantern-walrus-teapot").await.status, 200);
    })
    .await;
}

#[tokio::test]
async fn a_password_changes_at_the_provider_and_ends_other_sessions() {
    kept_elsewhere(|house, directory| async move {
        directory.keep(ANN);
        let (here, there) = (session_of(&house, ANN).await, session_of(&house, ANN).await);
        let change = |token: String, body: Value| {
            let house = house.clone();
            async move { house.send(Method::PUT, "/auth/v1/user", &token, body).await }
        };
        let token = text(&here, "access_token").to_owned();
        let wrong = json!({"password": "lantern-walrus-teapot", "current_password": "something-else-1"});
        assert_eq!(change(token.clone(), wrong).await.code(), "invalid_credentials");
        assert_eq!(directory.count("change_password"), 0);
        let right = json!({"password": "lantern-walrus-teapot", "current_password": PASSWORD});
        assert_eq!(change(token.clone(), right).await.status, 200);
        assert_eq!(directory.state.lock().unwrap().people[ANN].password, "lantern-walrus-teapot");
        assert_eq!(
            house.get("/auth/v1/user", text(&there, "access_token")).await.code(),
            "session_not_found"
        );
        assert_eq!(house.get("/auth/v1/user", &token).await.status, 200);
        assert_eq!(change(token, json!({"password": "password"})).await.code(), "weak_password");
    })
    .await;
}

#[tokio::test]
async fn a_user_name_opens_what_it_opens_at_the_provider() {
    kept_elsewhere(|house, directory| async move {
        directory.keep("bert");
        directory.change("bert", |kept| kept.email = Some(BOB.to_owned()));
        let grant = |body: Value| house.post("/auth/v1/token?grant_type=password", body);
        let session = grant(json!({"username": "bert", "password": PASSWORD})).await;
        assert_eq!(session.json()["user"]["email"], BOB);
        let bad = [json!(""), json!("x".repeat(400)), json!("a\u{0}b"), json!(7)];
        for username in bad {
            let refused = grant(json!({"username": username, "password": PASSWORD})).await;
            assert_eq!(refused.status, 400, "{username}");
        }
    })
    .await;
    plain_story(|house| async move {
        let body = json!({"username": "bert", "password": PASSWORD});
        assert_eq!(house.post("/auth/v1/token?grant_type=password", body).await.code(), "validation_failed");
    })
    .await;
}

#[tokio::test]
async fn the_owed_factor_of_a_newcomer_leaves_the_address_unproved_until_it_is_shown() {
    kept_elsewhere(|house, directory| async move {
        directory.keep(ANN);
        directory.change(ANN, |kept| kept.owes = Some(FactorKind::Email));
        let weak = session_of(&house, ANN).await;
        assert_eq!(weak["user"]["email"], "");
        assert_eq!(weak["user"]["factors"][0]["factor_type"], "email");
        assert_eq!(claims(text(&weak, "access_token"))["aal"], "aal1");
    })
    .await;
}

#[tokio::test]
async fn asking_for_a_mail_tells_nothing_of_whom_the_provider_knows_and_the_mail_comes_later() {
    kept_elsewhere(|house, directory| async move {
        directory.keep(ANN);
        let paths = [("/auth/v1/recover", json!({})), ("/auth/v1/resend", json!({"type": "signup"}))];
        let failures: [fn() -> StoreError; 4] = [
            || StoreError::NoSuchPerson,
            || StoreError::Refused("User is disabled".to_owned()),
            || StoreError::Unreachable("no mail server".to_owned()),
            || StoreError::Busy,
        ];
        for (path, mut body) in paths {
            for failure in failures {
                let mut answers = Vec::new();
                for (email, fails) in [(ANN, Some(failure)), (BOB, None)] {
                    directory.fail(fails);
                    body["email"] = json!(email);
                    let answer = house.post(path, body.clone()).await;
                    answers.push((answer.status, answer.body.clone()));
                }
                assert_eq!(answers[0].0, 200, "{path}");
                assert_eq!(answers[0], answers[1], "{path}");
            }
            // What nobody can do is said of everybody.
            directory.fail(Some(|| StoreError::NotOffered("nothing")));
            assert_eq!(house.post(path, body.clone()).await.code(), "provider_lacks_this", "{path}");
        }
        directory.fail(None);
        let waiting = payloads(&house, later::SEND_MAIL).await;
        assert_eq!(waiting.len(), 4, "those that the provider could not be asked for");
        let asked = directory.count("mail");
        for payload in waiting {
            assert!(!payload.to_string().contains("ann@"), "the address is sealed");
            directory.fail(Some(|| StoreError::Unreachable("no mail server".to_owned())));
            let retried = later::run_send_mail(&house.identity, &payload).await;
            assert!(matches!(retried, Err(quoin_kernel::job::JobError::Retry(_))));
            directory.fail(None);
            house.run(later::SEND_MAIL, payload).await;
        }
        assert_eq!(directory.count("mail"), asked + 8);
    })
    .await;
}

#[tokio::test]
async fn nothing_makes_an_account_here_that_its_person_could_never_open() {
    kept_elsewhere(|house, directory| async move {
        let post = |path: &'static str, body: Value| {
            let house = house.clone();
            async move { house.send(Method::POST, path, &house.secret, body).await }
        };
        let token = json!({"email": ANN, "token": "c1e5a0f4b6d24a0e9c1f0a7be6d35f20", "create_user": true});
        assert_eq!(post("/auth/v1/admin/verification_tokens", token).await.code(), "kept_by_provider");
        let acme = json!({"name": "Acme", "owner_email": ANN});
        assert_eq!(post("/admin/v1/orgs", acme.clone()).await.code(), "kept_by_provider");
        let users = house.get("/auth/v1/admin/users", &house.secret).await.json();
        assert_eq!(users["users"], json!([]), "nobody was made");
        assert!(house.mails_to(ANN).await.is_empty());
        // Whoever has come in once may own one.
        directory.keep(ANN);
        session_of(&house, ANN).await;
        let founded = post("/admin/v1/orgs", acme).await;
        assert_eq!(founded.json()["owner"]["email"], ANN);
        assert!(house.mails_to(ANN).await.is_empty(), "no link that opens nothing");
        let session = session_of(&house, ANN).await;
        let listed = house.get("/orgs/v1/orgs", text(&session, "access_token")).await.json();
        assert!(listed["data"].as_array().unwrap().iter().any(|org| org["id"] == founded.json()["id"]));
    })
    .await;
}
