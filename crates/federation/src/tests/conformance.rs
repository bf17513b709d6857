//! The 39 modules of the conformance suite's plan for clients (`oidcc-client-test-plan`), by name: each a mutation of the
//! provider, accepted or refused as the suite says. What Quoin does not offer is never asked of a provider.

use serde_json::json;

use super::played::{Script, Signing, Stage, p256_key, rsa_key};
use quoin_identity::port::Upstream;

/// What becomes of a sign-in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Then {
    /// It succeeds.
    Accepted,
    /// The provider's answer is refused.
    Refused,
    /// The provider's configuration is refused, so nobody is sent there.
    NotAsked,
}

type Case = (&'static str, fn(&mut Script), Then);

fn claim(script: &mut Script, name: &str, value: serde_json::Value) {
    script.claims.insert(name.to_owned(), value);
}

/// Takes the address out of the token, so that userinfo is asked.
fn ask_userinfo(script: &mut Script) {
    script.claims.remove("email");
    script.claims.remove("email_verified");
}

static CASES: &[Case] = &[
    ("OIDCCClientTest", |_| {}, Then::Accepted),
    ("OIDCCClientTestNonceInvalid", |script| claim(script, "nonce", json!("another")), Then::Refused),
    // The played provider compares the header of the token request.
    ("OIDCCClientTestClientSecretBasic", |_| {}, Then::Accepted),
    ("OIDCCClientTestScopeUserInfoClaims", ask_userinfo, Then::Accepted),
    ("OIDCCClientTestKidAbsentSingleJwks", |script| script.kid = None, Then::Accepted),
    (
        "OIDCCClientTestKidAbsentMultipleMatchingKeysInJwks",
        |script| {
            script.kid = None;
            script.keys = vec![rsa_key("one"), rsa_key("two")];
        },
        Then::Refused,
    ),
    ("OIDCCClientTestMissingIatInIdToken", |script| drop(script.claims.remove("iat")), Then::Refused),
    ("OIDCCClientTestMissingAudInIdToken", |script| drop(script.claims.remove("aud")), Then::Refused),
    ("OIDCCClientTestInvalidAudInIdToken", |script| claim(script, "aud", json!("other")), Then::Refused),
    (
        "OIDCCClientTestIdTokenSigAlgNone",
        |script| {
            script.signing = Signing::None;
            script.kid = None;
        },
        Then::Refused,
    ),
    ("OIDCCClientTestIdTokenSignedUsingRS256", |script| script.signing = Signing::Rs256, Then::Accepted),
    ("OIDCCClientTestMissingSubInIdToken", |script| drop(script.claims.remove("sub")), Then::Refused),
    (
        "OIDCCClientTestInvalidIdTokenSignatureWithRS256",
        |script| script.broken_signature = true,
        Then::Refused,
    ),
    (
        "OIDCCClientTestInvalidIssuerInIdToken",
        |script| claim(script, "iss", json!("https://evil.example")),
        Then::Refused,
    ),
    (
        "OIDCCClientTestInvalidSubInUserinfoResponse",
        |script| {
            ask_userinfo(script);
            script.userinfo["sub"] = json!("somebody else");
        },
        Then::Refused,
    ),
    // The played provider demands the token in the header, and neither in a body nor in the query.
    ("OIDCCClientTestUserinfoBearerHeader", ask_userinfo, Then::Accepted),
    ("OIDCCClientTestUserinfoBearerBody", ask_userinfo, Then::Accepted),
    ("OIDCCClientTestNonce", |_| {}, Then::Accepted),
    // Only the code flow is used, where a code's hash is neither needed nor harmful.
    ("OIDCCClientTestMissingCHashInIdToken", |_| {}, Then::Accepted),
    ("OIDCCClientTestInvalidCHashInIdToken", |script| claim(script, "c_hash", json!("AAAA")), Then::Accepted),
    (
        "OIDCCClientTestInvalidAtHashInIdToken",
        |script| claim(script, "at_hash", json!("AAAA")),
        Then::Refused,
    ),
    // In the code flow the hash may be left out.
    ("OIDCCClientTestMissingAtHashInIdToken", |script| drop(script.claims.remove("at_hash")), Then::Accepted),
    // Answers come in the query; an error in it is told by `errors_of_the_provider_are_told_as_such`.
    ("OIDCCClientTestFormPostError", |_| {}, Then::Accepted),
    (
        "OIDCCClientTestInvalidIdTokenSignatureWithHS256",
        |script| {
            script.signing = Signing::Hs256;
            script.broken_signature = true;
        },
        Then::Refused,
    ),
    (
        "OIDCCClientTestInvalidIdTokenSignatureWithES256",
        |script| {
            script.signing = Signing::Es256;
            script.keys = vec![p256_key("one")];
            script.broken_signature = true;
        },
        Then::Refused,
    ),
    (
        "OIDCCClientTestAggregatedClaims",
        |script| {
            claim(script, "_claim_names", json!({"address": "src1"}));
            claim(script, "_claim_sources", json!({"src1": {"JWT": "e30.e30.e30"}}));
        },
        Then::Accepted,
    ),
    (
        "OIDCCClientTestDistributedClaims",
        |script| {
            claim(script, "_claim_names", json!({"address": "src1"}));
            claim(script, "_claim_sources", json!({"src1": {"endpoint": "https://idp.example/claims"}}));
        },
        Then::Accepted,
    ),
    (
        "OIDCCClientTestMtlsEndpointAliases",
        |script| {
            let aliases = json!({"token_endpoint": "https://mtls.idp.example/token"});
            script.configuration.insert("mtls_endpoint_aliases".to_owned(), aliases);
        },
        Then::Accepted,
    ),
    ("OIDCCClientTestDiscoveryOpenIDConfiguration", |_| {}, Then::Accepted),
    ("OIDCCClientTestDiscoveryJwksUriKeys", |_| {}, Then::Accepted),
    (
        "OIDCCClientTestDiscoveryIssuerMismatch",
        |script| {
            script.configuration.insert("issuer".to_owned(), json!("https://evil.example"));
        },
        Then::NotAsked,
    ),
    // Both rotations have a test of their own below; here the keys have been rotated before anybody came.
    ("OIDCCClientTestSigningKeyRotationNative", rotate, Then::Accepted),
    ("OIDCCClientTestSigningKeyRotation", rotate, Then::Accepted),
    // An issuer is configured, never looked up by address; a client is registered by its operator.
    ("OIDCCClientTestDiscoveryWebfingerAcct", |_| {}, Then::Accepted),
    ("OIDCCClientTestDiscoveryWebfingerURL", |_| {}, Then::Accepted),
    (
        "OIDCCClientTestDynamicRegistration",
        |script| {
            let endpoint = json!("https://idp.example/register");
            script.configuration.insert("registration_endpoint".to_owned(), endpoint);
        },
        Then::Accepted,
    ),
    // Request objects are never sent.
    ("OIDCCClientTestRequestUriSignedWithRS256", request_objects, Then::Accepted),
    ("OIDCCClientTestRequestUriSignedWithNone", request_objects, Then::Accepted),
    // Signed userinfo was never registered for, so a JWT in its place is refused.
    (
        "OIDCCClientTestSignedUserinfo",
        |script| {
            ask_userinfo(script);
            script.userinfo_type = "application/jwt";
            script.userinfo = json!("e30.e30.e30");
        },
        Then::Refused,
    ),
];

fn rotate(script: &mut Script) {
    script.kid = Some("two");
    script.keys = vec![rsa_key("two")];
}

fn request_objects(script: &mut Script) {
    script.configuration.insert("request_uri_parameter_supported".to_owned(), json!(true));
    script.configuration.insert("request_parameter_supported".to_owned(), json!(true));
}

#[tokio::test]
async fn every_module_of_the_plan_ends_as_the_suite_says() {
    assert_eq!(CASES.len(), 39);
    let mut wrong = Vec::new();
    for (name, mutate, then) in CASES {
        let stage = Stage::new();
        stage.change(mutate);
        let ended = match stage.sign_in().await {
            Ok(attested) => {
                assert_eq!((attested.subject.as_str(), attested.email_verified), ("248289761001", true));
                Then::Accepted
            }
            Err(Upstream::Refused(_)) => Then::Refused,
            Err(Upstream::Unreachable(_)) => Then::NotAsked,
            Err(Upstream::Denied(_)) => panic!("{name}: nobody said no"),
        };
        if ended != *then {
            wrong.push(format!("{name}: {ended:?}, not {then:?}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test]
async fn only_the_code_flow_with_pkce_is_asked_for_and_only_what_is_needed_is_fetched() {
    let stage = Stage::new();
    stage.change(ask_userinfo);
    stage.sign_in().await.unwrap();
    let url = stage.sent_to.lock().unwrap().clone().unwrap();
    let names: Vec<String> = url.query_pairs().map(|(name, _)| name.into_owned()).collect();
    for unwanted in ["request", "request_uri", "response_mode", "registration"] {
        assert!(!names.iter().any(|name| name == unwanted), "{unwanted}");
    }
    let value = |name: &str| url.query_pairs().find(|(key, _)| key == name).unwrap().1.into_owned();
    assert_eq!(
        (value("response_type"), value("code_challenge_method")),
        ("code".to_owned(), "S256".to_owned())
    );
    assert_eq!(value("scope"), "openid email profile");
    assert_eq!(
        stage.log(),
        ["GET /.well-known/openid-configuration", "GET /jwks", "POST /token", "GET /userinfo"]
    );
}

#[tokio::test]
async fn keys_that_are_rotated_between_two_sign_ins_are_read_again_and_not_too_often() {
    let stage = Stage::new();
    stage.sign_in().await.unwrap();
    stage.change(rotate);
    assert!(matches!(stage.sign_in().await, Err(Upstream::Refused(_))));
    stage.providers.of_operator.published.age();
    stage.sign_in().await.unwrap();
    let reads = stage.log().iter().filter(|line| *line == "GET /jwks").count();
    assert_eq!(reads, 2);
}
