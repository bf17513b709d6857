//! Keycloak. Shapes: its Server Administration Guide and Admin REST API, version 26.

use std::sync::Arc;

use quoin_identity::config::{UpstreamConfig, UpstreamKind};
use quoin_identity::model::FactorKind;
use quoin_identity::port::{PersonChanges, UserStore as _};
use quoin_kernel::Secret;
use serde_json::{Value, json};

use super::{Recorded, SUBJECT, attested, config, id_token, jane, keys, named, now, owed, person};
use crate::Keycloak;

const ISSUER: &str = "https://login.example.com/realms/demo";
const TOKEN: &str = "POST https://login.example.com/realms/demo/protocol/openid-connect/token";

fn opened(recorded: &Recorded) -> Keycloak {
    opened_with(recorded, |_| {})
}

fn opened_with(recorded: &Recorded, change: impl FnOnce(&mut UpstreamConfig)) -> Keycloak {
    let mut config = config(UpstreamKind::Keycloak);
    config.issuer = Some(ISSUER.to_owned());
    change(&mut config);
    let provider = config.as_provider(UpstreamKind::Keycloak);
    Keycloak::open(&config, provider, Arc::new(recorded.clone())).unwrap()
}

fn tokens(more: &Value) -> (u16, Value) {
    let body = json!({
        "access_token": "at", "expires_in": 300, "refresh_expires_in": 1800, "refresh_token": "rt",
        "token_type": "Bearer", "id_token": id_token(ISSUER, more), "not-before-policy": 0,
        "session_state": "9c1d", "scope": "openid email profile",
    });
    (200, body)
}

fn refusal(status: u16, error: &str, words: &str) -> (u16, Value) {
    (status, json!({"error": error, "error_description": words}))
}

fn administrator() -> (u16, Value) {
    (200, json!({"access_token": "admin", "expires_in": 60, "token_type": "Bearer"}))
}

#[tokio::test]
async fn a_direct_grant_attests_whoever_the_id_token_names() {
    let recorded =
        Recorded::answering([tokens(&json!({"preferred_username": "jane", "azp": "quoin"})), keys()]);
    let signed_in = attested(opened(&recorded).sign_in(&jane(), now()).await.unwrap());
    assert_eq!((signed_in.attested.issuer.as_str(), signed_in.attested.subject.as_str()), (ISSUER, SUBJECT));
    assert_eq!(signed_in.refresh_token.unwrap().expose(), "rt");
    let asked = recorded.asked();
    assert_eq!(asked[0].line, TOKEN);
    assert_eq!(
        asked[0].body,
        json!({
            "grant_type": "password", "username": "jane@example.com", "password": "walrus-teapot",
            "scope": "openid email profile", "client_id": "quoin", "client_secret": "quoin-secret",
        })
    );
    assert_eq!(asked[1].line, "GET https://login.example.com/realms/demo/protocol/openid-connect/certs");
}

#[tokio::test]
async fn refusals_are_told_apart_by_whose_fault_they_are() {
    let cases = [
        (refusal(401, "invalid_grant", "Invalid user credentials"), "InvalidCredentials"),
        (refusal(400, "invalid_grant", "Account disabled"), "InvalidCredentials"),
        (refusal(400, "invalid_grant", "Account is not fully set up"), "ActionRequired"),
        (refusal(401, "unauthorized_client", "Invalid client or Invalid client credentials"), "Unreachable"),
        (refusal(400, "unauthorized_client", "Client not allowed for direct access grants"), "Unreachable"),
        ((503, Value::Null), "Unreachable"),
        ((429, Value::Null), "Busy"),
        ((200, json!("no object")), "Refused"),
        ((200, json!({"access_token": "at"})), "Refused"),
    ];
    for (answer, expected) in cases {
        let recorded = Recorded::answering([answer]);
        assert_eq!(named(opened(&recorded).sign_in(&jane(), now()).await), expected);
    }
}

#[tokio::test]
async fn a_one_time_code_is_asked_for_once_the_password_alone_was_right() {
    let with_second_client = |config: &mut UpstreamConfig| {
        config.password_client_id = Some("quoin-password".to_owned());
        config.password_client_secret = Some(Secret::new("other".to_owned()));
    };
    let recorded = Recorded::answering([
        refusal(401, "invalid_grant", "Invalid user credentials"),
        tokens(&json!({"aud": "quoin-password"})),
        keys(),
        (204, Value::Null),
        tokens(&json!({})),
    ]);
    let store = opened_with(&recorded, with_second_client);
    let owed = owed(store.sign_in(&jane(), now()).await.unwrap());
    assert_eq!((owed.kind, owed.attested.subject.as_str()), (FactorKind::Totp, SUBJECT));
    let state = store.ask(&owed.state).await.unwrap();
    let shown = store.answer(&state, &Secret::new("123456".to_owned()), now()).await.unwrap();
    assert_eq!(shown.attested.subject, SUBJECT);
    let asked = recorded.asked();
    assert_eq!(asked[1].body["client_id"], "quoin-password");
    assert!(asked[3].line.ends_with("/protocol/openid-connect/logout"));
    assert_eq!(asked[4].body["totp"], "123456");

    // A token of the second client is none of the first's.
    let recorded = Recorded::answering([tokens(&json!({"aud": "quoin-password"})), keys()]);
    assert_eq!(named(opened(&recorded).sign_in(&jane(), now()).await), "Refused");
    // A wrong code, and a password that is wrong for both.
    let wrong = || refusal(401, "invalid_grant", "Invalid user credentials");
    let recorded = Recorded::answering([wrong()]);
    let answered = opened(&recorded).answer(&state, &Secret::new("0".to_owned()), now()).await;
    assert_eq!(named(answered), "CodeRefused");
    let recorded = Recorded::answering([wrong(), wrong()]);
    let twice = opened_with(&recorded, with_second_client);
    assert_eq!(named(twice.sign_in(&jane(), now()).await), "InvalidCredentials");
}

#[tokio::test]
async fn a_refresh_ends_the_session_only_where_the_provider_says_so() {
    let token = Secret::new("rt".to_owned());
    let cases = [
        (refusal(400, "invalid_grant", "Token is not active"), "Ended"),
        (refusal(400, "invalid_grant", "Session not active"), "Ended"),
        (refusal(401, "invalid_client", "Invalid client credentials"), "Unreachable"),
        ((502, Value::Null), "Unreachable"),
        ((200, Value::Null), "Refused"),
        ((200, json!({"access_token": "at", "refresh_token": "rt"})), "Refused"),
    ];
    for (answer, expected) in cases {
        let recorded = Recorded::answering([answer]);
        assert_eq!(named(opened(&recorded).refresh(&token, now()).await), expected);
    }
    let recorded = Recorded::answering([tokens(&json!({})), keys()]);
    let upheld = opened(&recorded).refresh(&token, now()).await.unwrap();
    assert_eq!(upheld.subject, SUBJECT);
    assert_eq!(recorded.asked()[0].body["refresh_token"], "rt");
    // A session that is gone needs no end.
    let recorded = Recorded::answering([refusal(400, "invalid_grant", "Invalid refresh token")]);
    opened(&recorded).end(&token).await.unwrap();
}

#[tokio::test]
async fn accounts_are_administered_below_the_realm_with_a_token_of_our_own() {
    let users = "https://login.example.com/admin/realms/demo/users";
    let recorded = Recorded::answering([administrator()])
        .then_at(&format!("{users}/{SUBJECT}"))
        .then(204, Value::Null)
        .then(200, json!({"id": SUBJECT, "enabled": true}))
        .then(204, Value::Null)
        .then(204, Value::Null)
        .then(404, json!({"error": "User not found"}))
        .then(404, json!({"error": "User not found"}));
    let store = opened(&recorded);
    assert_eq!(store.sign_up(&person()).await.unwrap().subject, SUBJECT);
    assert!(store.is_enabled(SUBJECT).await.unwrap());
    let off = PersonChanges { is_enabled: Some(false), ..PersonChanges::default() };
    store.change(SUBJECT, &off).await.unwrap();
    assert!(!store.is_enabled("gone/../elsewhere").await.unwrap());
    store.delete(SUBJECT).await.unwrap();
    let asked = recorded.asked();
    let lines: Vec<String> = asked.iter().skip(1).map(|asked| asked.line.replace(users, "")).collect();
    assert_eq!(
        lines,
        [
            "POST ".to_owned(),
            format!("PUT /{SUBJECT}/send-verify-email"),
            format!("GET /{SUBJECT}"),
            format!("PUT /{SUBJECT}"),
            format!("POST /{SUBJECT}/logout"),
            "GET /gone%2F..%2Felsewhere".to_owned(),
            format!("DELETE /{SUBJECT}"),
        ]
    );
    assert_eq!(asked[1].authorization, "Bearer admin");
    assert_eq!(
        asked[1].body,
        json!({
            "username": "jane@example.com", "email": "jane@example.com", "emailVerified": false, "enabled": true,
            "credentials": [{"type": "password", "value": "walrus-teapot", "temporary": false}],
        })
    );
    assert_eq!(asked[4].body, json!({"enabled": false}));
}

#[tokio::test]
async fn what_the_administration_refuses_is_told_apart() {
    let cases = [
        ((409, json!({"errorMessage": "User exists with same email"})), "Exists"),
        (
            (
                400,
                json!({"error": "invalidPasswordMinLengthMessage", "error_description": "Minimum length 8."}),
            ),
            "WeakPassword",
        ),
        ((400, json!({"errorMessage": "Password policy not met"})), "WeakPassword"),
        ((403, json!({"error": "HTTP 403 Forbidden"})), "Unreachable"),
    ];
    for (answer, expected) in cases {
        let recorded = Recorded::answering([administrator(), answer]);
        assert_eq!(named(opened(&recorded).create(&person()).await), expected);
    }
    // A token that was taken back is fetched again, once.
    let denied = || (401, json!({"error": "HTTP 401 Unauthorized"}));
    let recorded =
        Recorded::answering([administrator(), denied(), administrator(), (200, json!({"enabled": true}))]);
    assert!(opened(&recorded).is_enabled(SUBJECT).await.unwrap());
    let recorded = Recorded::answering([administrator(), denied(), administrator(), denied()]);
    assert_eq!(named(opened(&recorded).is_enabled(SUBJECT).await), "Unreachable");
    // Nobody administers where nobody shall.
    let recorded = Recorded::default();
    let store = opened_with(&recorded, |config| config.administer = false);
    assert_eq!(named(store.create(&person()).await), "NotOffered");
    assert!(recorded.asked().is_empty());
}

#[tokio::test]
async fn a_reset_is_mailed_to_the_one_account_that_has_exactly_this_address() {
    let found = json!([{"id": SUBJECT, "email": "jane@example.com"}]);
    let recorded = Recorded::answering([administrator(), (200, found), (204, Value::Null)]);
    opened(&recorded).request_reset("jane@example.com").await.unwrap();
    let asked = recorded.asked();
    assert!(asked[1].line.ends_with("/users?email=jane%40example.com&exact=true"));
    assert_eq!(asked[2].body, json!(["UPDATE_PASSWORD"]));
    let recorded = Recorded::answering([administrator(), (200, json!([]))]);
    assert_eq!(named(opened(&recorded).request_reset("nobody@example.com").await), "NoSuchPerson");
}
