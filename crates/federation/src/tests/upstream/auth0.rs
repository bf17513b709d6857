//! Auth0. Shapes: its Authentication API, MFA API and Management API v2.

use std::sync::Arc;

use quoin_identity::config::{UpstreamConfig, UpstreamKind};
use quoin_identity::model::{AttestedOrganization, FactorKind};
use quoin_identity::port::{PersonChanges, UserStore as _};
use quoin_kernel::Secret;
use serde_json::{Value, json};

use super::{Recorded, attested, config, id_token, jane, keys, named, now, owed, person};
use crate::Auth0;

const ISSUER: &str = "https://acme.eu.auth0.com/";
const JANE: &str = "auth0|507f1f77bcf86cd799439011";

fn opened(recorded: &Recorded) -> Auth0 {
    opened_with(recorded, |config| config.administer = false)
}

fn opened_with(recorded: &Recorded, change: impl FnOnce(&mut UpstreamConfig)) -> Auth0 {
    let mut config = config(UpstreamKind::Auth0);
    config.domain = Some("acme.eu.auth0.com".to_owned());
    change(&mut config);
    let provider = config.as_provider(UpstreamKind::Auth0);
    Auth0::open(&config, provider, Arc::new(recorded.clone())).unwrap()
}

fn tokens(more: &Value) -> (u16, Value) {
    let mut said = json!({"sub": JANE});
    for (name, value) in more.as_object().unwrap() {
        said[name] = value.clone();
    }
    let body = json!({
        "access_token": "at", "id_token": id_token(ISSUER, &said), "refresh_token": "v1.rt",
        "scope": "openid profile email offline_access", "expires_in": 86400, "token_type": "Bearer",
    });
    (200, body)
}

fn refusal(status: u16, error: &str, words: &str) -> (u16, Value) {
    (status, json!({"error": error, "error_description": words}))
}

fn administrator() -> (u16, Value) {
    (200, json!({"access_token": "management", "expires_in": 86400, "token_type": "Bearer"}))
}

fn account() -> Value {
    let identities = json!([{"connection": "Username-Password-Authentication", "provider": "auth0"}]);
    json!({"user_id": JANE, "email": "jane@example.com", "email_verified": true, "identities": identities})
}

#[tokio::test]
async fn the_password_realm_grant_names_the_connection() {
    let recorded = Recorded::answering([tokens(&json!({})), keys()]);
    let signed_in = attested(opened(&recorded).sign_in(&jane(), now()).await.unwrap());
    assert_eq!((signed_in.attested.issuer.as_str(), signed_in.attested.subject.as_str()), (ISSUER, JANE));
    assert!(signed_in.organizations.active.is_none() && signed_in.organizations.all.is_none());
    let asked = recorded.asked();
    assert_eq!(asked[0].line, "POST https://acme.eu.auth0.com/oauth/token");
    assert_eq!(
        asked[0].body,
        json!({
            "grant_type": "http://auth0.com/oauth/grant-type/password-realm",
            "realm": "Username-Password-Authentication", "username": "jane@example.com", "password": "walrus-teapot",
            "scope": "openid profile email offline_access", "client_id": "quoin", "client_secret": "quoin-secret",
        })
    );
    assert_eq!(asked[1].line, "GET https://acme.eu.auth0.com/.well-known/jwks.json");
}

#[tokio::test]
async fn refusals_are_told_apart_by_whose_fault_they_are() {
    let cases = [
        (refusal(403, "invalid_grant", "Wrong email or password."), "InvalidCredentials"),
        (refusal(401, "unauthorized", "user is blocked"), "InvalidCredentials"),
        (refusal(401, "unauthorized", "Please verify your email before logging in."), "Unconfirmed"),
        (refusal(403, "password_leaked", "This login attempt has been blocked"), "ActionRequired"),
        (refusal(429, "too_many_attempts", "Your account has been blocked"), "Busy"),
        (refusal(401, "access_denied", "Unauthorized"), "Unreachable"),
        (refusal(403, "unauthorized_client", "Grant type not allowed for the client."), "Unreachable"),
        ((502, Value::Null), "Unreachable"),
        ((200, json!([])), "Refused"),
    ];
    for (answer, expected) in cases {
        let recorded = Recorded::answering([answer]);
        assert_eq!(named(opened(&recorded).sign_in(&jane(), now()).await), expected);
    }
}

fn mfa_required() -> (u16, Value) {
    let words = "Multifactor authentication required";
    (403, json!({"error": "mfa_required", "error_description": words, "mfa_token": "Fe26.2*"}))
}

#[tokio::test]
async fn an_app_is_preferred_and_answered_with_its_code() {
    let authenticators = json!([
        {"id": "sms|dev_2", "authenticator_type": "oob", "active": true, "oob_channel": "sms", "name": "+1X"},
        {"id": "recovery-code|dev_3", "authenticator_type": "recovery-code", "active": true},
        {"id": "totp|dev_0", "authenticator_type": "otp", "active": false},
        {"id": "totp|dev_1", "authenticator_type": "otp", "active": true},
    ]);
    let recorded = Recorded::answering([
        mfa_required(),
        (200, authenticators),
        administrator(),
        (200, json!([account()])),
        (200, json!({"challenge_type": "otp"})),
        tokens(&json!({})),
        keys(),
        (200, json!([])),
    ]);
    let store = opened_with(&recorded, |_| {});
    let owed = owed(store.sign_in(&jane(), now()).await.unwrap());
    assert_eq!((owed.kind, owed.attested.subject.as_str()), (FactorKind::Totp, JANE));
    let state = store.ask(&owed.state).await.unwrap();
    store.answer(&state, &Secret::new("123456".to_owned()), now()).await.unwrap();
    let asked = recorded.asked();
    assert_eq!(asked[1].authorization, "Bearer Fe26.2*");
    assert_eq!(asked[2].body["audience"], "https://acme.eu.auth0.com/api/v2/");
    assert!(asked[3].line.ends_with("/api/v2/users-by-email?email=jane%40example.com"));
    assert_eq!(asked[4].body["authenticator_id"], "totp|dev_1");
    assert_eq!(asked[5].body["grant_type"], "http://auth0.com/oauth/grant-type/mfa-otp");
    assert_eq!((&asked[5].body["otp"], &asked[5].body["mfa_token"]), (&json!("123456"), &json!("Fe26.2*")));
}

#[tokio::test]
async fn a_code_that_was_sent_is_answered_with_what_belongs_to_it() {
    let authenticators =
        json!([{"id": "email|dev_5", "authenticator_type": "oob", "active": true, "oob_channel": "email"}]);
    let sent = json!({"challenge_type": "oob", "oob_code": "asdae35fdt5", "binding_method": "prompt"});
    let recorded = Recorded::answering([
        mfa_required(),
        (200, authenticators),
        administrator(),
        (200, json!([account()])),
        (200, sent),
        refusal(403, "invalid_grant", "Invalid binding_code."),
        refusal(403, "expired_token", "mfa_token is expired"),
    ]);
    let store = opened_with(&recorded, |_| {});
    let owed = owed(store.sign_in(&jane(), now()).await.unwrap());
    assert_eq!(owed.kind, FactorKind::Email);
    let state = store.ask(&owed.state).await.unwrap();
    let code = Secret::new("000000".to_owned());
    assert_eq!(named(store.answer(&state, &code, now()).await), "CodeRefused");
    assert_eq!(named(store.answer(&state, &code, now()).await), "CodeExpired");
    let asked = recorded.asked();
    assert_eq!(asked[5].body["grant_type"], "http://auth0.com/oauth/grant-type/mfa-oob");
    assert_eq!(asked[5].body["oob_code"], "asdae35fdt5");
    assert_eq!(asked[5].body["binding_code"], "000000");
}

#[tokio::test]
async fn whose_factor_is_owed_is_known_only_to_the_connection_of_ours() {
    let authenticators = json!([{"id": "totp|dev_1", "authenticator_type": "otp", "active": true}]);
    let mut elsewhere = account();
    elsewhere["identities"] = json!([{"connection": "google-oauth2"}]);
    let recorded = Recorded::answering([
        mfa_required(),
        (200, authenticators),
        administrator(),
        (200, json!([elsewhere])),
    ]);
    assert_eq!(named(opened_with(&recorded, |_| {}).sign_in(&jane(), now()).await), "NoSuchPerson");
    let recorded = Recorded::answering([mfa_required(), (200, json!([]))]);
    assert_eq!(named(opened(&recorded).sign_in(&jane(), now()).await), "ActionRequired");
}

#[tokio::test]
async fn organisations_are_those_of_the_token_and_of_the_account() {
    let organization =
        |id: &str, name: &str| AttestedOrganization { id: id.to_owned(), name: Some(name.to_owned()) };
    let listed =
        json!([{"id": "org_1", "name": "acme", "display_name": "Acme"}, {"id": "org_2", "name": "other"}]);
    let recorded = Recorded::answering([
        tokens(&json!({"org_id": "org_1", "org_name": "acme"})),
        keys(),
        administrator(),
        (200, listed),
    ]);
    let signed_in = attested(opened_with(&recorded, |_| {}).sign_in(&jane(), now()).await.unwrap());
    assert_eq!(signed_in.organizations.active, Some(organization("org_1", "acme")));
    assert_eq!(
        signed_in.organizations.all.unwrap(),
        [organization("org_1", "Acme"), organization("org_2", "other")]
    );
    let line = &recorded.asked()[3].line;
    assert!(
        line.ends_with("/api/v2/users/auth0%7C507f1f77bcf86cd799439011/organizations?page=0&per_page=100&include_totals=true"),
        "{line}"
    );
    // An administration that refuses is not an account that belongs nowhere.
    let denied = json!({"statusCode": 403, "error": "Forbidden", "message": "Insufficient scope"});
    let recorded = Recorded::answering([tokens(&json!({})), keys(), administrator(), (403, denied)]);
    assert_eq!(named(opened_with(&recorded, |_| {}).sign_in(&jane(), now()).await), "Unreachable");
}

fn page(ids: std::ops::Range<usize>, total: Option<usize>) -> (u16, Value) {
    let start = ids.start;
    let list: Vec<Value> = ids.map(|id| json!({"id": format!("org_{id}"), "name": "acme"})).collect();
    match total {
        Some(total) => (200, json!({"organizations": list, "start": start, "limit": 100, "total": total})),
        None => (200, json!(list)),
    }
}

#[tokio::test]
async fn a_list_of_organisations_is_read_to_its_end_or_not_at_all() {
    let listed = |pages: Vec<(u16, Value)>| async move {
        let recorded = Recorded::answering([tokens(&json!({})), keys(), administrator()]);
        let recorded =
            pages.into_iter().fold(recorded, |recorded, (status, body)| recorded.then(status, body));
        let signed_in = opened_with(&recorded, |_| {}).sign_in(&jane(), now()).await;
        (signed_in, recorded.asked())
    };
    // A server that gives fewer at once than it was asked for says how many there are.
    let whole = [
        vec![page(0..100, Some(250)), page(100..200, Some(250)), page(200..250, Some(250))],
        vec![page(0..50, Some(101)), page(50..100, Some(101)), page(100..101, Some(101))],
        vec![page(0..100, None), page(100..101, None)],
        vec![page(0..100, None), page(100..100, None)],
        vec![page(0..100, Some(100))],
        vec![page(0..0, Some(0))],
    ];
    let counts = [250, 101, 101, 100, 100, 0];
    for (pages, count) in whole.into_iter().zip(counts) {
        let (signed_in, asked) = listed(pages).await;
        assert_eq!(attested(signed_in.unwrap()).organizations.all.unwrap().len(), count);
        assert!(asked.last().unwrap().line.contains(&format!("?page={}&", asked.len() - 4)));
    }
    let endless = (0..10).map(|at| page(at * 100..at * 100 + 100, Some(1001))).collect();
    let parts = [
        endless,
        (0..10).map(|_| page(0..100, None)).collect(),
        vec![page(0..100, Some(150)), page(100..100, Some(150))],
    ];
    for pages in parts {
        assert_eq!(named(listed(pages).await.0), "Unreachable");
    }
    let failing = vec![page(0..100, Some(150)), (403, json!({"message": "Insufficient scope"}))];
    assert_eq!(named(listed(failing).await.0), "Unreachable");
}

#[tokio::test]
async fn a_refresh_rotates_and_ends_only_where_the_provider_says_so() {
    let token = Secret::new("v1.rt".to_owned());
    let recorded = Recorded::answering([tokens(&json!({})), keys()]);
    let upheld = opened(&recorded).refresh(&token, now()).await.unwrap();
    assert_eq!((upheld.subject.as_str(), upheld.refresh_token.is_some()), (JANE, true));
    let cases = [
        (refusal(403, "invalid_grant", "Unknown or invalid refresh token."), "Ended"),
        (refusal(401, "unauthorized", "user is blocked"), "Ended"),
        (refusal(401, "access_denied", "Unauthorized"), "Unreachable"),
        ((200, Value::Null), "Refused"),
    ];
    for (answer, expected) in cases {
        let recorded = Recorded::answering([answer]);
        assert_eq!(named(opened(&recorded).refresh(&token, now()).await), expected);
    }
}

#[tokio::test]
async fn a_database_signs_people_up_without_an_administrator() {
    let made =
        json!({"_id": "507f1f77bcf86cd799439011", "email_verified": false, "email": "jane@example.com"});
    let recorded = Recorded::answering([(200, made)]);
    assert_eq!(opened(&recorded).sign_up(&person()).await.unwrap().subject, JANE);
    assert_eq!(recorded.asked()[0].line, "POST https://acme.eu.auth0.com/dbconnections/signup");
    let cases = [
        (
            (
                400,
                json!({"name": "BadRequestError", "code": "invalid_signup", "description": "Invalid sign up"}),
            ),
            "Exists",
        ),
        ((400, json!({"code": "user_exists", "description": "The user already exists."})), "Exists"),
        (
            (400, json!({"name": "PasswordStrengthError", "policy": "* At least 8 characters"})),
            "WeakPassword",
        ),
        ((403, json!({"code": "signup_disabled"})), "Unreachable"),
    ];
    for (answer, expected) in cases {
        let recorded = Recorded::answering([answer]);
        assert_eq!(named(opened(&recorded).sign_up(&person()).await), expected);
    }
    // The answer is a sentence, and no JSON object.
    let recorded =
        Recorded::answering([(200, json!("We've just sent you an email to reset your password."))]);
    opened(&recorded).request_reset("jane@example.com").await.unwrap();
}

#[tokio::test]
async fn accounts_are_changed_one_thing_at_a_time() {
    let recorded = Recorded::answering([
        administrator(),
        (200, account()),
        (200, account()),
        (200, account()),
        (204, Value::Null),
    ]);
    let store = opened_with(&recorded, |_| {});
    let changes = PersonChanges {
        email: Some("new@example.com".parse().unwrap()),
        password: Some(Secret::new("another-teapot".to_owned())),
        is_enabled: Some(false),
    };
    store.change(JANE, &changes).await.unwrap();
    store.delete(JANE).await.unwrap();
    let asked = recorded.asked();
    assert_eq!(asked[1].body["email_verified"], true);
    assert_eq!(
        asked[2].body,
        json!({"connection": "Username-Password-Authentication", "password": "another-teapot"})
    );
    assert_eq!(asked[3].body, json!({"blocked": true}));
    assert!(asked[4].line.starts_with("DELETE "));
    let blocked = json!({"user_id": JANE, "blocked": true});
    let recorded = Recorded::answering([
        administrator(),
        (200, blocked),
        (404, json!({"message": "The user does not exist."})),
    ]);
    let store = opened_with(&recorded, |_| {});
    assert!(!store.is_enabled(JANE).await.unwrap());
    assert!(!store.is_enabled(JANE).await.unwrap());
}
