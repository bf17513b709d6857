//! Which sites can have passkeys, and answers that prove nothing.

use quoin_identity::port::{KeyOwner, WebAuthn};
use quoin_kernel::UserId;
use serde_json::json;
use url::Url;

use super::{Passkeys, Site};

fn url(text: &str) -> Url {
    text.parse().unwrap()
}

fn owner() -> KeyOwner {
    KeyOwner {
        user_id: "01980000-0000-7000-8000-000000000001".parse::<UserId>().unwrap(),
        name: "ann@example.com".to_owned(),
        display_name: "Ann".to_owned(),
    }
}

#[test]
fn keys_belong_to_the_domain_of_the_site() {
    let site = Site::at(&url("https://app.example.com/x"), &url("https://api.app.example.com"), "A").unwrap();
    assert_eq!(site.rp_id, "app.example.com");
    assert_eq!(site.origins, [url("https://app.example.com/"), url("https://api.app.example.com/")]);
    let apart = Site::at(&url("https://app.example.com"), &url("https://auth.example.org"), "A").unwrap();
    assert_eq!(apart.origins, [url("https://app.example.com/")]);
    assert!(Passkeys::new(&apart).is_ok());
}

#[test]
fn loopback_is_localhost_and_other_numbers_have_no_passkeys() {
    let site = Site::at(&url("http://127.0.0.1:8080"), &url("http://127.0.0.1:8080"), "A").unwrap();
    assert_eq!((site.rp_id.as_str(), site.any_port), ("localhost", true));
    assert!(Passkeys::new(&site).is_ok());
    assert_eq!(Site::at(&url("https://192.0.2.7"), &url("https://192.0.2.7"), "A"), None);
}

#[test]
fn an_origin_of_another_domain_is_refused() {
    let site = Site {
        rp_id: "example.com".to_owned(),
        name: "A".to_owned(),
        origins: vec![url("https://evil.example.org")],
        any_port: false,
    };
    assert!(Passkeys::new(&site).is_err());
}

#[test]
fn a_key_is_asked_to_be_discoverable_and_to_verify_its_holder() {
    let site = Site::at(&url("http://localhost:3000"), &url("http://localhost:8080"), "A").unwrap();
    let passkeys = Passkeys::new(&site).unwrap();
    let asked = passkeys.begin_registration(&owner(), &[vec![1, 2, 3]]).unwrap();
    assert_eq!(asked.options["rp"]["id"], "localhost");
    assert_eq!(asked.options["authenticatorSelection"]["residentKey"], "required");
    assert_eq!(asked.options["authenticatorSelection"]["userVerification"], "required");
    assert_eq!(asked.options["excludeCredentials"][0]["id"], "AQID");
    let discovery = passkeys.begin_discovery().unwrap();
    assert!(discovery.options["allowCredentials"].as_array().is_none_or(Vec::is_empty));
}

#[test]
fn what_is_no_answer_is_refused() {
    let site = Site::at(&url("http://localhost:3000"), &url("http://localhost:8080"), "A").unwrap();
    let passkeys = Passkeys::new(&site).unwrap();
    let asked = passkeys.begin_registration(&owner(), &[]).unwrap();
    for answer in
        [json!(null), json!({}), json!({"id": "x", "rawId": "x", "response": {}, "type": "public-key"})]
    {
        assert!(passkeys.finish_registration(&answer, asked.state.expose()).is_err());
        assert!(passkeys.claimed_key(&answer).is_err());
        assert!(passkeys.finish_discovery(&answer, asked.state.expose(), &json!({})).is_err());
    }
}
