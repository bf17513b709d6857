//! The pure rules: bans, metadata, refresh tokens, links, purposes.

use std::time::Duration;

use quoin_kernel::rng::SeededRng;
use quoin_kernel::seal::MasterKey;
use quoin_kernel::{Id, Timestamp};
use quoin_web::testing::{START, origin};
use serde_json::{Map, Value, json};

use crate::model::ban::BanDuration;
use crate::model::refresh_token::Standing;
use crate::model::session::UsedToken;
use crate::model::{AuthMethod, Client, CodeChallenge, LinkSecrets, Metadata, Purpose, RefreshKeys, Session};

#[test]
fn bans_are_written_as_durations_with_units() {
    let seconds = |text: &str| match BanDuration::parse(text) {
        Ok(BanDuration::For(span)) => Some(span.as_secs()),
        _ => None,
    };
    assert_eq!(seconds("24h"), Some(86_400));
    assert_eq!(seconds("1h30m"), Some(5400));
    assert_eq!(seconds("1.5h"), Some(5400));
    assert_eq!(seconds("876000h"), Some(100 * 365 * 24 * 3600));
    assert_eq!(seconds("99999999999999999999h"), Some(100 * 365 * 24 * 3600));
    assert_eq!(BanDuration::parse("none").unwrap(), BanDuration::None);
    for wrong in ["", "h", "24", "-1h", "1d", "1..5h", "0s", "1h 30m", "٣h"] {
        assert!(BanDuration::parse(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn metadata_stays_small_enough_for_a_token() {
    let change = |value: Value| match value {
        Value::Object(map) => map,
        _ => Map::new(),
    };
    let small = Metadata::default().merged(&change(json!({"a": 1, "b": null})), "data").unwrap();
    assert_eq!(small.to_json(), json!({"a": 1}));
    assert!(small.merged(&change(json!({"c": "x".repeat(4096)})), "data").is_err());
    assert_eq!(Metadata::stored(json!([1])), Metadata::default());
}

fn session(keys: &RefreshKeys) -> (Session, crate::model::RefreshToken) {
    let rng = SeededRng::new(3);
    let id = Id::new(START, &rng);
    let token = RefreshKeys::first(id, &rng);
    assert_eq!(keys.read(&keys.write(&token)).unwrap().hash(), token.hash());
    let session = Session {
        upstream_state: None,
        owed_factor: None,
        id,
        user_id: Id::new(START, &rng),
        org_id: None,
        sso_org_id: None,
        aal: quoin_kernel::Aal::Aal1,
        method: AuthMethod::Password,
        second: None,
        seed: [5; 32],
        token_hash: token.hash(),
        parent: None,
        authenticated_at: START,
        refreshed_at: START,
        created_at: START,
    };
    (session, token)
}

#[test]
fn a_token_has_one_child_and_a_seed_of_another_session_gives_another() {
    let keys = RefreshKeys::new(&MasterKey::new([1; 32]));
    let (_, token) = session(&keys);
    assert_eq!(keys.child(&token, &[5; 32]).hash(), keys.child(&token, &[5; 32]).hash());
    assert_ne!(keys.child(&token, &[5; 32]).hash(), keys.child(&token, &[6; 32]).hash());
    let others = RefreshKeys::new(&MasterKey::new([2; 32]));
    assert_ne!(keys.child(&token, &[5; 32]).hash(), others.child(&token, &[5; 32]).hash());
    assert!(others.read(&keys.write(&token)).is_none());
}

#[test]
fn only_the_same_client_may_repeat_and_only_within_the_grace() {
    let keys = RefreshKeys::new(&MasterKey::new([1; 32]));
    let (mut session, token) = session(&keys);
    let client = Client::of(&origin());
    let other = Client::of(&quoin_kernel::port::Origin { user_agent: "another".to_owned(), ..origin() });
    let grace = Duration::from_secs(10);
    let standing =
        |session: &Session, client: &Client, now: Timestamp| token.standing(session, client, now, grace);
    assert_eq!(standing(&session, &client, START), Standing::Newest);
    session.parent = Some(UsedToken { hash: token.hash(), used_at: START, client: *client.bytes() });
    session.token_hash = keys.child(&token, &session.seed).hash();
    assert_eq!(standing(&session, &client, START + grace), Standing::Repeated);
    assert_eq!(standing(&session, &other, START), Standing::Reused);
    assert_eq!(standing(&session, &client, START + grace + Duration::from_micros(1)), Standing::Reused);
}

#[test]
fn a_link_answers_only_to_its_own_types() {
    let all = ["signup", "invite", "recovery", "magiclink", "email_change", "email", "reauthentication"];
    let answers =
        |purpose: Purpose| all.into_iter().filter(|kind| purpose.answers_to(kind)).collect::<Vec<_>>();
    assert_eq!(answers(Purpose::Signup), ["signup", "email"]);
    assert_eq!(answers(Purpose::Recovery), ["recovery"]);
    assert_eq!(answers(Purpose::EmailChangeNew), ["email_change"]);
    assert!(answers(Purpose::Reauthentication).is_empty());
    assert!(Purpose::ALL.into_iter().all(|purpose| Purpose::parse(purpose.as_str()) == Some(purpose)));
}

#[test]
fn codes_have_eight_digits_and_belong_to_their_link() {
    let secrets = LinkSecrets::draw(&SeededRng::new(9));
    assert!(
        secrets.code.expose().len() == 8 && secrets.code.expose().bytes().all(|digit| digit.is_ascii_digit())
    );
    assert_eq!(secrets.token.expose().len(), 43);
    let master = MasterKey::new([1; 32]);
    let (one, two) = (Id::new(START, &SeededRng::new(1)), Id::new(START, &SeededRng::new(2)));
    assert_ne!(
        LinkSecrets::code_mac(&master, one, "12345678"),
        LinkSecrets::code_mac(&master, two, "12345678")
    );
}

#[test]
fn a_challenge_is_the_hash_of_its_verifier() {
    let (verifier, challenge) = super::harness::pkce();
    let read = CodeChallenge::from_client(Some(&challenge), Some("S256")).unwrap().unwrap();
    assert!(read.matches(&verifier) && !read.matches("something else"));
    assert_eq!(CodeChallenge::from_client(None, None).unwrap(), None);
    assert!(CodeChallenge::from_client(Some(&challenge), Some("plain")).is_err());
    assert!(CodeChallenge::from_client(Some("short"), Some("s256")).is_err());
}
