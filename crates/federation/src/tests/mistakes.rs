//! What else can be wrong with an answer.

use serde_json::{Value, json};

use quoin_identity::port::{IdTokenWish, OpenId as _, Upstream};
use quoin_kernel::Secret;

use super::played::{ISSUER, Script, Signing, Stage, now, p256_key};

async fn refused(change: impl FnOnce(&mut Script)) -> bool {
    let stage = Stage::new();
    stage.change(change);
    matches!(stage.sign_in().await, Err(Upstream::Refused(_)))
}

fn with(name: &'static str, value: Value) -> impl FnOnce(&mut Script) {
    move |script| drop(script.claims.insert(name.to_owned(), value))
}

#[tokio::test]
async fn times_parties_and_subjects_are_compared() {
    let seconds = now().as_seconds();
    assert!(refused(with("exp", json!(seconds - 1))).await);
    assert!(refused(with("iat", json!(seconds + 3600))).await);
    assert!(refused(with("nbf", json!(seconds + 3600))).await);
    assert!(refused(with("azp", json!("other"))).await);
    assert!(refused(with("aud", json!(["quoin", "other"]))).await);
    assert!(refused(with("sub", json!(""))).await);
    assert!(refused(with("sub", json!("s".repeat(256)))).await);
    assert!(refused(with("nonce", json!(null))).await);
    assert!(refused(|script| drop(script.header.insert("crit".to_owned(), json!(["x"])))).await);
    assert!(!refused(with("azp", json!("quoin"))).await);
}

#[tokio::test]
async fn a_secret_that_is_shared_signs_nothing_even_rightly() {
    assert!(refused(|script| script.signing = Signing::Hs256).await);
}

#[tokio::test]
async fn elliptic_curves_sign_too() {
    let stage = Stage::new();
    stage.change(|script| {
        script.signing = Signing::Es256;
        script.keys = vec![p256_key("one")];
    });
    assert!(stage.sign_in().await.is_ok());
}

#[tokio::test]
async fn only_json_true_proves_an_address() {
    for (said, proved) in
        [(json!(true), true), (json!("true"), false), (json!(1), false), (json!(false), false)]
    {
        let stage = Stage::new();
        stage.change(with("email_verified", said.clone()));
        match stage.sign_in().await {
            Ok(attested) => assert_eq!(attested.email_verified, proved, "{said}"),
            Err(error) => assert!(!proved, "{said}: {error}"),
        }
    }
}

#[tokio::test]
async fn a_code_of_one_provider_is_never_shown_to_another() {
    let stage = Stage::new();
    assert!(stage.sign_in_with(|answer| answer.iss = Some(ISSUER.to_owned())).await.is_ok());
    let mixed = stage.sign_in_with(|answer| answer.iss = Some("https://evil.example".to_owned())).await;
    assert!(matches!(mixed, Err(Upstream::Refused(_))));
    let tokens = stage.log().iter().filter(|line| *line == "POST /token").count();
    assert_eq!(tokens, 1);
    // A provider that promises to say who it is must say it.
    let promising = Stage::new();
    promising.change(|script| {
        let promise = "authorization_response_iss_parameter_supported".to_owned();
        script.configuration.insert(promise, json!(true));
    });
    assert!(matches!(promising.sign_in().await, Err(Upstream::Refused(_))));
    assert!(promising.sign_in_with(|answer| answer.iss = Some(ISSUER.to_owned())).await.is_ok());
}

#[tokio::test]
async fn errors_of_the_provider_are_told_as_such() {
    let stage = Stage::new();
    let denied = stage.sign_in_with(|answer| {
        answer.code = None;
        answer.error = Some("access_denied".to_owned());
    });
    assert!(matches!(denied.await, Err(Upstream::Denied(error)) if error == "access_denied"));
    let nothing = stage.sign_in_with(|answer| answer.code = None).await;
    assert!(matches!(nothing, Err(Upstream::Refused(_))));
    stage.change(|script| script.token_status = 400);
    assert!(matches!(stage.sign_in().await, Err(Upstream::Refused(_))));
}

#[tokio::test]
async fn an_id_token_of_the_application_needs_its_nonce() {
    let stage = Stage::new();
    let read = |nonce: Option<&str>| {
        let wish = IdTokenWish {
            id_token: stage.id_token(),
            access_token: None,
            nonce: nonce.map(|nonce| Secret::new(nonce.to_owned())),
            now: now(),
        };
        stage.providers.read_id_token(&stage.provider, wish)
    };
    assert!(read(None).await.is_ok());
    assert!(read(Some("drawn")).await.is_err());
    stage.change(with("nonce", json!("drawn")));
    assert!(read(Some("drawn")).await.is_ok());
    assert!(read(None).await.is_err());
    assert!(read(Some("other")).await.is_err());
    let hashed = "67e2c5a2e63c4b1d0a1b9dc3b5dfbe0ea8dcc1b54fdd9ce08f2dbd0f9ae9f2e3";
    stage.change(with("nonce", json!(hashed)));
    assert!(read(Some("drawn")).await.is_err());
}

#[tokio::test]
async fn a_mobile_apps_client_id_is_taken_only_where_it_is_configured() {
    let mut stage = Stage::new();
    stage.change(with("aud", json!("the-app")));
    let wish = |stage: &Stage| IdTokenWish {
        id_token: stage.id_token(),
        access_token: None,
        nonce: None,
        now: now(),
    };
    assert!(stage.providers.read_id_token(&stage.provider, wish(&stage)).await.is_err());
    stage.provider.client_ids.push("the-app".to_owned());
    assert!(stage.providers.read_id_token(&stage.provider, wish(&stage)).await.is_ok());
}

#[tokio::test]
async fn an_organisations_provider_is_never_asked_by_the_operators_way_out() {
    let mut stage = Stage::new();
    assert!(stage.sign_in().await.is_ok(), "the operator's own");
    let asked = stage.log().len();
    // The same issuer, whose configuration and keys are remembered: not for this one.
    stage.provider.is_own = true;
    assert!(matches!(stage.sign_in().await, Err(Upstream::Unreachable(_))));
    assert_eq!(stage.log().len(), asked);
    assert!(Stage::of_organization().sign_in().await.is_ok(), "by its own way");
}

#[tokio::test]
async fn an_organisations_provider_is_asked_by_https_alone_whatever_it_names() {
    let names = ["authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri"];
    for name in names {
        let stage = Stage::of_organization();
        stage.change(|script| {
            // Without an address in the token, userinfo is asked for it.
            script.claims.remove("email");
            let plain = format!("http://idp.example/{name}");
            script.configuration.insert(name.to_owned(), json!(plain));
        });
        assert!(matches!(stage.sign_in().await, Err(Upstream::Unreachable(_))), "{name}");
        assert!(!stage.log().iter().any(|asked| asked.ends_with(name)), "{name}: {:?}", stage.log());
    }
    let mut stage = Stage::of_organization();
    "http://idp.example".clone_into(&mut stage.provider.issuer);
    assert!(matches!(stage.sign_in().await, Err(Upstream::Unreachable(_))));
    assert!(stage.log().is_empty());
}
