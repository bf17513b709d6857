//! Devices played in words: an answer is right if it names its key and repeats the ceremony's state. What real devices
//! answer is judged elsewhere, with a device in software and in a browser.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use quoin_kernel::{Secret, UserId};
use quoin_web::Method;
use quoin_web::testing::TestAnswer;
use serde_json::{Value, json};

use super::harness::{House, text};
use crate::Identity;
use crate::port::{Ceremony, ClaimedKey, KeyOwner, NewKey, Refused, WebAuthn};

struct Played(AtomicU64);

/// Connects an adapter that believes in words.
pub(super) fn connect(identity: &Identity) {
    identity.connect_webauthn(Arc::new(Played(AtomicU64::new(0))));
}

impl Played {
    fn ask(&self, owner: Option<UserId>) -> Ceremony {
        let state = format!("state-{}", self.0.fetch_add(1, Ordering::Relaxed));
        Ceremony {
            options: json!({"challenge": state, "user": owner}),
            state: Secret::new(state.into_bytes()),
        }
    }

    fn judge(answer: &Value, state: &[u8]) -> Result<(), Refused> {
        let repeated = answer["challenge"].as_str().is_some_and(|said| said.as_bytes() == state);
        if repeated { Ok(()) } else { Err(Refused("another question was answered".to_owned())) }
    }
}

impl WebAuthn for Played {
    fn begin_registration(&self, owner: &KeyOwner, _: &[Vec<u8>]) -> Result<Ceremony, Refused> {
        Ok(self.ask(Some(owner.user_id)))
    }

    fn finish_registration(&self, answer: &Value, state: &[u8]) -> Result<NewKey, Refused> {
        Self::judge(answer, state)?;
        let key = answer["key"].as_str().unwrap_or_default();
        Ok(NewKey { credential_id: key.as_bytes().to_vec(), key: json!(key) })
    }

    fn begin_authentication(&self, _: &[Value]) -> Result<Ceremony, Refused> {
        Ok(self.ask(None))
    }

    fn begin_discovery(&self) -> Result<Ceremony, Refused> {
        Ok(self.ask(None))
    }

    fn claimed_key(&self, answer: &Value) -> Result<ClaimedKey, Refused> {
        let user_id = answer["user"].as_str().and_then(|text| text.parse().ok());
        let user_id = user_id.ok_or_else(|| Refused("nobody is named".to_owned()))?;
        let key = answer["key"].as_str().unwrap_or_default();
        Ok(ClaimedKey { user_id, credential_id: key.as_bytes().to_vec() })
    }

    fn finish_authentication(&self, answer: &Value, state: &[u8], key: &Value) -> Result<Value, Refused> {
        Self::judge(answer, state)?;
        if answer["key"] == *key { Ok(key.clone()) } else { Err(Refused("another key".to_owned())) }
    }

    fn finish_discovery(&self, answer: &Value, state: &[u8], key: &Value) -> Result<Value, Refused> {
        self.finish_authentication(answer, state, key)
    }
}

const PASSKEYS: &str = "/auth/v1/passkeys";

/// Registers a passkey that is named after the address.
pub(super) async fn register_passkey(house: &House, token: &str, email: &str) {
    let begun = house.send(Method::POST, &format!("{PASSKEYS}/registration/options"), token, json!({})).await;
    let begun = begun.json();
    let credential =
        json!({"challenge": begun["options"]["challenge"], "key": format!("passkey of {email}")});
    let body = json!({"challenge_id": begun["challenge_id"], "credential": credential});
    let made = house.send(Method::POST, &format!("{PASSKEYS}/registration/verify"), token, body).await;
    assert_eq!(made.status, 200, "{}", String::from_utf8_lossy(&made.body));
}

/// Asks for a passkey.
pub(super) async fn ask_passkey(house: &House) -> Value {
    house.post(&format!("{PASSKEYS}/authentication/options"), json!({})).await.json()
}

/// Answers with the passkey that is named after the address, whoever's it is by now.
pub(super) async fn answer_passkey(house: &House, asked: &Value, email: &str) -> TestAnswer {
    let key = format!("passkey of {email}");
    let owner = owner_of(house, &key).await;
    let credential = json!({"challenge": asked["options"]["challenge"], "key": key, "user": owner});
    let body = json!({"challenge_id": asked["challenge_id"], "credential": credential});
    house.post(&format!("{PASSKEYS}/authentication/verify"), body).await
}

async fn owner_of(house: &House, key: &str) -> Option<UserId> {
    let key = key.as_bytes().to_vec();
    let found = house.identity.db().read::<_, quoin_db::DbError, _>("testing.owner", move |tx| {
        crate::store::factors_global::find_by_credential(tx, &key)
    });
    found.await.unwrap().map(|factor| factor.user_id)
}

/// Enrols a security key that is named after the address as a second factor.
pub(super) async fn enrol_key(house: &House, token: &str, email: &str) {
    let wish = json!({"factor_type": "webauthn", "friendly_name": "key"});
    let factor = house.send(Method::POST, "/auth/v1/factors", token, wish).await.json();
    let path = format!("/auth/v1/factors/{}", text(&factor, "id"));
    let asked = house.send(Method::POST, &format!("{path}/challenge"), token, json!({})).await.json();
    let shown = house.send(Method::POST, &format!("{path}/verify"), token, answer(&asked, email)).await;
    assert_eq!(shown.status, 200, "{}", String::from_utf8_lossy(&shown.body));
}

/// Asks for the security key of the session's person.
pub(super) async fn ask_key(house: &House, token: &str, email: &str) -> Value {
    let own = house.get("/auth/v1/user", token).await.json();
    let factors = own["factors"].as_array().unwrap();
    let id = text(factors.iter().find(|factor| factor["factor_type"] == "webauthn").unwrap(), "id");
    let path = format!("/auth/v1/factors/{id}");
    let asked = house.send(Method::POST, &format!("{path}/challenge"), token, json!({})).await.json();
    json!({"path": format!("{path}/verify"), "body": answer(&asked, email)})
}

/// Shows the security key that was asked for.
pub(super) async fn answer_key(house: &House, token: &str, prepared: &Value) -> TestAnswer {
    house.send(Method::POST, text(prepared, "path"), token, prepared["body"].clone()).await
}

fn answer(asked: &Value, email: &str) -> Value {
    let options = &asked["webauthn"]["credential_options"]["publicKey"];
    let credential = json!({"challenge": options["challenge"], "key": format!("key of {email}")});
    json!({"challenge_id": asked["id"], "webauthn": {"credential_response": credential}})
}
