//! Passkeys and security keys, with a device in software: what they open, and what does not pass for one.

use http::Method;
use quoin_testkit::{Answer, Authenticator, Person, TestServer, on_each_engine};
use serde_json::{Value, json};

const ORIGIN: &str = "http://localhost:8080";

async fn register(server: &TestServer, person: &Person, device: &mut Authenticator) -> Answer {
    let path = "/auth/v1/passkeys/registration/options";
    let asked = person.call(server, Method::POST, path, None).await.expect(200).json();
    let body = json!({"challenge_id": asked["challenge_id"], "credential": device.create(&asked["options"])});
    person.call(server, Method::POST, "/auth/v1/passkeys/registration/verify", Some(&body)).await
}

async fn ask(server: &TestServer) -> Value {
    server.anon(Method::POST, "/auth/v1/passkeys/authentication/options", None).await.expect(200).json()
}

async fn answer(server: &TestServer, asked: &Value, credential: &Value) -> Answer {
    let body = json!({"challenge_id": asked["challenge_id"], "credential": credential});
    server.anon(Method::POST, "/auth/v1/passkeys/authentication/verify", Some(&body)).await
}

async fn sign_in(server: &TestServer, device: &mut Authenticator) -> Answer {
    let asked = ask(server).await;
    let credential = device.get(&asked["options"]);
    answer(server, &asked, &credential).await
}

#[tokio::test]
async fn a_passkey_signs_in_by_itself_with_both_factors() {
    on_each_engine(|server| async move {
        let ann = server.person("ann").await;
        let mut device = Authenticator::new("localhost", ORIGIN);
        let made = register(&server, &ann, &mut device).await.expect(200).json();
        let session = sign_in(&server, &mut device).await.expect(200).json();
        assert_eq!(session["user"]["id"], ann.id.as_str());
        let opened = Person::of(&session, &ann.password);
        let claims = quoin_testkit::claims(&opened.token);
        assert_eq!((&claims["aal"], &claims["amr"][0]["method"]), (&json!("aal2"), &json!("passkey")));
        let list = opened.call(&server, Method::GET, "/auth/v1/passkeys", None).await.expect(200).json();
        assert_eq!((&list[0]["id"], list[0]["last_used_at"].is_string()), (&made["id"], true));
        let path = format!("/auth/v1/passkeys/{}", made["id"].as_str().unwrap());
        let named = json!({"friendly_name": "blue key"});
        opened.call(&server, Method::PATCH, &path, Some(&named)).await.expect(200);
        opened.call(&server, Method::DELETE, &path, None).await.expect(204);
        assert_eq!(sign_in(&server, &mut device).await.code(), "webauthn_verification_failed");
    })
    .await;
}

#[tokio::test]
async fn what_is_no_answer_of_a_registered_device_opens_nothing() {
    on_each_engine(|server| async move {
        let (ann, eve) = (server.person("ann").await, server.person("eve").await);
        let mut device = Authenticator::new("localhost", ORIGIN);
        register(&server, &ann, &mut device).await.expect(200);
        let asked = ask(&server).await;
        let right = device.get(&asked["options"]);
        // Another device that claims to be Ann's.
        let mut theirs = Authenticator::new("localhost", ORIGIN);
        theirs.pretend(right["response"]["userHandle"].as_str().unwrap());
        let forged = theirs.get(&asked["options"]);
        // Ann's device on a page elsewhere, without a check of its holder, and with an answer to another question.
        device.origin = "https://evil.example".to_owned();
        let phished = device.get(&asked["options"]);
        device.origin = ORIGIN.to_owned();
        device.verifies = false;
        let unlocked = device.get(&asked["options"]);
        device.verifies = true;
        let stale = device.get(&ask(&server).await["options"]);
        // Ann's signature under Eve's name.
        let mut renamed = right.clone();
        let mut eves = Authenticator::new("localhost", ORIGIN);
        register(&server, &eve, &mut eves).await.expect(200);
        renamed["response"]["userHandle"] = eves.get(&asked["options"])["response"]["userHandle"].clone();
        for wrong in [forged, phished, unlocked, stale, renamed, json!({}), json!(null)] {
            assert_eq!(
                answer(&server, &asked, &wrong).await.code(),
                "webauthn_verification_failed",
                "{wrong}"
            );
        }
        answer(&server, &asked, &right).await.expect(200);
        assert_eq!(answer(&server, &asked, &right).await.code(), "webauthn_challenge_not_found");
    })
    .await;
}

#[tokio::test]
async fn fifty_uses_of_one_answer_open_one_session() {
    on_each_engine(|server| async move {
        let ann = server.person("ann").await;
        let mut device = Authenticator::new("localhost", ORIGIN);
        register(&server, &ann, &mut device).await.expect(200);
        let asked = ask(&server).await;
        let credential = device.get(&asked["options"]);
        let tries = (0..50).map(|_| answer(&server, &asked, &credential));
        let answers = futures_util::future::join_all(tries).await;
        assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
        assert!(answers.iter().all(|answer| answer.status.as_u16() < 500));
    })
    .await;
}

#[tokio::test]
async fn a_copied_key_is_noticed_by_its_counter() {
    on_each_engine(|server| async move {
        let ann = server.person("ann").await;
        let mut device = Authenticator::new("localhost", ORIGIN);
        register(&server, &ann, &mut device).await.expect(200);
        device.counter = 7;
        sign_in(&server, &mut device).await.expect(200);
        device.counter = 3;
        assert_eq!(sign_in(&server, &mut device).await.code(), "webauthn_verification_failed");
    })
    .await;
}

#[tokio::test]
async fn one_key_belongs_to_one_person() {
    on_each_engine(|server| async move {
        let (ann, eve) = (server.person("ann").await, server.person("eve").await);
        let mut device = Authenticator::new("localhost", ORIGIN);
        register(&server, &ann, &mut device).await.expect(200);
        assert_eq!(register(&server, &eve, &mut device).await.code(), "webauthn_verification_failed");
        let path = "/auth/v1/passkeys/registration/options";
        let asked = ann.call(&server, Method::POST, path, None).await.expect(200).json();
        let mut theirs = Authenticator::new("localhost", ORIGIN);
        let body =
            json!({"challenge_id": asked["challenge_id"], "credential": theirs.create(&asked["options"])});
        let taken =
            eve.call(&server, Method::POST, "/auth/v1/passkeys/registration/verify", Some(&body)).await;
        assert_eq!(taken.code(), "webauthn_challenge_not_found");
    })
    .await;
}

#[tokio::test]
async fn a_security_key_is_a_second_factor() {
    on_each_engine(|server| async move {
        let ann = server.person("ann").await;
        let mut device = Authenticator::new("localhost", ORIGIN);
        let wish = json!({"factor_type": "webauthn", "friendly_name": "key"});
        let factor =
            ann.call(&server, Method::POST, "/auth/v1/factors", Some(&wish)).await.expect(200).json();
        let id = factor["id"].as_str().unwrap();
        let strong = show(&server, &ann, id, &mut device).await;
        let weak = Person::of(&strong.sign_in(&server).await.expect(200).json(), &ann.password);
        let refused = weak.call(&server, Method::GET, "/orgs/v1/orgs", None).await;
        assert_eq!((refused.status.as_u16(), refused.code().as_str()), (403, "insufficient_aal"));
        let strong = show(&server, &weak, id, &mut device).await;
        strong.call(&server, Method::GET, "/orgs/v1/orgs", None).await.expect(200);
        let claims = quoin_testkit::claims(&strong.token);
        assert_eq!((&claims["aal"], &claims["amr"][0]["method"]), (&json!("aal2"), &json!("mfa/webauthn")));
    })
    .await;
}

async fn show(server: &TestServer, person: &Person, factor: &str, device: &mut Authenticator) -> Person {
    let path = format!("/auth/v1/factors/{factor}/challenge");
    let asked = person.call(server, Method::POST, &path, Some(&json!({}))).await.expect(200).json();
    let ceremony = asked["webauthn"]["type"].as_str().unwrap();
    let options = &asked["webauthn"]["credential_options"]["publicKey"];
    let credential = if ceremony == "create" { device.create(options) } else { device.get(options) };
    let body = json!({"challenge_id": asked["id"], "webauthn": {"type": ceremony, "credential_response": credential}});
    let path = format!("/auth/v1/factors/{factor}/verify");
    let session = person.call(server, Method::POST, &path, Some(&body)).await.expect(200);
    Person::of(&session.json(), &person.password)
}
