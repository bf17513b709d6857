//! Passkeys and security keys: the port [`WebAuthn`] of `identity`, over `webauthn-rs`.
//!
//! An outbuilding: attestation formats, COSE and CBOR are compiled here and nowhere else. The adapter keeps nothing;
//! the state of a ceremony goes back to `identity`, which seals it and uses it once.

mod site;
#[cfg(test)]
mod tests;

use quoin_identity::port::{Ceremony, ClaimedKey, KeyOwner, NewKey, Refused, WebAuthn};
use quoin_kernel::{Secret, UserId};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use webauthn_rs::prelude::{
    CreationChallengeResponse, DiscoverableAuthentication, DiscoverableKey, Passkey, PasskeyAuthentication,
    PasskeyRegistration, PublicKeyCredential, RegisterPublicKeyCredential, Webauthn, WebauthnBuilder,
};

pub use site::{InvalidSite, Site};

/// Judges passkeys of one site.
pub struct Passkeys {
    webauthn: Webauthn,
}

impl Passkeys {
    /// Prepares to judge passkeys of a site.
    ///
    /// # Errors
    /// [`InvalidSite`] where the origins do not belong to the domain.
    pub fn new(site: &Site) -> Result<Self, InvalidSite> {
        let refused = |error: webauthn_rs::prelude::WebauthnError| InvalidSite(error.to_string());
        let first = site.origins.first().ok_or_else(|| InvalidSite("no origin is named".to_owned()))?;
        let mut builder = WebauthnBuilder::new(&site.rp_id, first).map_err(refused)?.rp_name(&site.name);
        builder = builder.allow_any_port(site.any_port);
        for origin in &site.origins[1..] {
            builder = builder.append_allowed_origin(origin);
        }
        Ok(Self { webauthn: builder.build().map_err(refused)? })
    }
}

impl WebAuthn for Passkeys {
    fn begin_registration(&self, owner: &KeyOwner, known: &[Vec<u8>]) -> Result<Ceremony, Refused> {
        let known = known.to_vec();
        let begun = self.webauthn.start_passkey_registration(
            owner.user_id.uuid(),
            &owner.name,
            &owner.display_name,
            Some(known),
        );
        let (asked, state) = begun.map_err(refuse)?;
        Ok(Ceremony { options: discoverable(&asked)?, state: write(&state)? })
    }

    fn finish_registration(&self, answer: &Value, state: &[u8]) -> Result<NewKey, Refused> {
        let answer: RegisterPublicKeyCredential = read(answer)?;
        let state: PasskeyRegistration = serde_json::from_slice(state).map_err(refuse)?;
        let passkey = self.webauthn.finish_passkey_registration(&answer, &state).map_err(refuse)?;
        let credential_id = passkey.cred_id().as_slice().to_vec();
        Ok(NewKey { credential_id, key: serde_json::to_value(&passkey).map_err(refuse)? })
    }

    fn begin_authentication(&self, keys: &[Value]) -> Result<Ceremony, Refused> {
        let keys = keys.iter().map(read).collect::<Result<Vec<Passkey>, _>>()?;
        let (asked, state) = self.webauthn.start_passkey_authentication(&keys).map_err(refuse)?;
        Ok(Ceremony { options: options(&asked)?, state: write(&state)? })
    }

    fn begin_discovery(&self) -> Result<Ceremony, Refused> {
        let (asked, state) = self.webauthn.start_discoverable_authentication().map_err(refuse)?;
        Ok(Ceremony { options: options(&asked)?, state: write(&state)? })
    }

    fn claimed_key(&self, answer: &Value) -> Result<ClaimedKey, Refused> {
        let answer: PublicKeyCredential = read(answer)?;
        let (user_id, id) = self.webauthn.identify_discoverable_authentication(&answer).map_err(refuse)?;
        Ok(ClaimedKey { user_id: UserId::from_uuid(user_id), credential_id: id.to_vec() })
    }

    fn finish_authentication(&self, answer: &Value, state: &[u8], key: &Value) -> Result<Value, Refused> {
        let answer: PublicKeyCredential = read(answer)?;
        let state: PasskeyAuthentication = serde_json::from_slice(state).map_err(refuse)?;
        let mut key: Passkey = read(key)?;
        let used = self.webauthn.finish_passkey_authentication(&answer, &state).map_err(refuse)?;
        kept(&mut key, &used)
    }

    fn finish_discovery(&self, answer: &Value, state: &[u8], key: &Value) -> Result<Value, Refused> {
        let answer: PublicKeyCredential = read(answer)?;
        let state: DiscoverableAuthentication = serde_json::from_slice(state).map_err(refuse)?;
        let mut key: Passkey = read(key)?;
        let discoverable = DiscoverableKey::from(&key);
        let used = self.webauthn.finish_discoverable_authentication_v2(&answer, state, &discoverable);
        kept(&mut key, &used.map_err(refuse)?)
    }
}

/// Notes counter and backup state of a key that was used; refuses one that did not verify its holder.
fn kept(key: &mut Passkey, used: &webauthn_rs::prelude::AuthenticationResult) -> Result<Value, Refused> {
    if !used.user_verified() {
        return Err(Refused("the device did not verify its holder".to_owned()));
    }
    key.update_credential(used).ok_or_else(|| Refused("another key has answered".to_owned()))?;
    serde_json::to_value(&*key).map_err(refuse)
}

/// Takes the options out of their envelope.
fn options<T: Serialize>(asked: &T) -> Result<Value, Refused> {
    let mut asked = serde_json::to_value(asked).map_err(refuse)?;
    Ok(asked["publicKey"].take())
}

/// Asks for a key that the device finds by itself: that is how it signs in without a name.
fn discoverable(asked: &CreationChallengeResponse) -> Result<Value, Refused> {
    let mut options = options(asked)?;
    options["authenticatorSelection"]["residentKey"] = json!("required");
    options["authenticatorSelection"]["requireResidentKey"] = json!(true);
    Ok(options)
}

fn read<T: DeserializeOwned>(value: &Value) -> Result<T, Refused> {
    T::deserialize(value).map_err(refuse)
}

fn write<T: Serialize>(state: &T) -> Result<Secret<Vec<u8>>, Refused> {
    Ok(Secret::new(serde_json::to_vec(state).map_err(refuse)?))
}

fn refuse(error: impl std::fmt::Display) -> Refused {
    Refused(error.to_string())
}
