use quoin_kernel::{Id, Timestamp};
use serde_json::{Map, Value, json};

use super::AccessClaims;

fn claims(org_claims: Map<String, Value>) -> AccessClaims {
    let rng = quoin_kernel::rng::SystemRng::default();
    let now = Timestamp::from_micros(1);
    AccessClaims {
        iss: "https://id.example/auth/v1".into(),
        sub: Id::new(now, &rng),
        aud: super::AUDIENCE.into(),
        exp: 2,
        iat: 1,
        email: String::new(),
        phone: String::new(),
        role: "authenticated".into(),
        aal: quoin_kernel::Aal::Aal1,
        amr: Vec::new(),
        session_id: Id::new(now, &rng),
        app_metadata: Map::new(),
        user_metadata: Map::new(),
        is_anonymous: false,
        email_verified: true,
        needs_second_factor: true,
        org_id: Some(Id::new(now, &rng)),
        org_role: Some("owner".into()),
        sso_org_id: Some(Id::new(now, &rng)),
        org_version: Some(1),
        org_claims,
    }
}

#[test]
fn no_metadata_may_say_what_a_token_says_itself() {
    let Value::Object(said) = json!(claims(Map::new())) else { panic!("claims are an object") };
    let sayable: Vec<&String> = said.keys().filter(|name| !quoin_tenancy::model::is_reserved(name)).collect();
    assert!(sayable.is_empty(), "{sayable:?}");
}

#[test]
fn metadata_stands_beside_the_other_claims_and_comes_back() {
    let Value::Object(metadata) = json!({"tier": "gold", "limits": {"seats": 5}}) else { panic!() };
    let written = json!(claims(metadata.clone()));
    assert_eq!((&written["tier"], &written["limits"]["seats"]), (&json!("gold"), &json!(5)));
    let read: AccessClaims = serde_json::from_value(written).unwrap();
    assert_eq!(read.org_claims, metadata);
}
