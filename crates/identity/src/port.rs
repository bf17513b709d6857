//! What this room needs of heavier code elsewhere, in its own words.

use quoin_kernel::{Secret, UserId};
use serde_json::Value;

/// Judges passkeys and security keys (WebAuthn). An adapter is stateless: what it must remember goes through this room.
///
/// Every credential is asked to verify its holder, so one that answers is held *and* unlocked.
pub trait WebAuthn: Send + Sync {
    /// Begins to register a key for a person; `known` are the ids of those they have already.
    ///
    /// # Errors
    /// [`Refused`] where the adapter cannot begin.
    fn begin_registration(&self, owner: &KeyOwner, known: &[Vec<u8>]) -> Result<Ceremony, Refused>;

    /// Judges the answer of a device that was asked to make a key.
    ///
    /// # Errors
    /// [`Refused`] for anything but an answer to this very ceremony.
    fn finish_registration(&self, answer: &Value, state: &[u8]) -> Result<NewKey, Refused>;

    /// Begins to ask for one of these keys.
    ///
    /// # Errors
    /// [`Refused`] where a key cannot be read.
    fn begin_authentication(&self, keys: &[Value]) -> Result<Ceremony, Refused>;

    /// Begins to ask for any key that the device has for this site.
    ///
    /// # Errors
    /// [`Refused`] where the adapter cannot begin.
    fn begin_discovery(&self) -> Result<Ceremony, Refused>;

    /// Reads whose key a device says it has used; nothing is proved yet.
    ///
    /// # Errors
    /// [`Refused`] where the answer names nobody.
    fn claimed_key(&self, answer: &Value) -> Result<ClaimedKey, Refused>;

    /// Judges the answer to [`WebAuthn::begin_authentication`], and returns the key as it is to be kept from now on.
    ///
    /// # Errors
    /// [`Refused`] for a wrong signature, another site, a counter that went backwards, …
    fn finish_authentication(&self, answer: &Value, state: &[u8], key: &Value) -> Result<Value, Refused>;

    /// Judges the answer to [`WebAuthn::begin_discovery`], given the key it claims.
    ///
    /// # Errors
    /// As [`WebAuthn::finish_authentication`].
    fn finish_discovery(&self, answer: &Value, state: &[u8], key: &Value) -> Result<Value, Refused>;
}

/// For whom a key is made.
#[derive(Debug, Clone)]
pub struct KeyOwner {
    /// The person; devices keep this as the user handle.
    pub user_id: UserId,
    /// Their address, or another name that tells their accounts apart.
    pub name: String,
    /// What they are called.
    pub display_name: String,
}

/// What a device is asked, and what the adapter needs to judge its answer.
#[derive(Debug)]
pub struct Ceremony {
    /// The options of `navigator.credentials.create` or `get`, binary values in URL-safe Base64.
    pub options: Value,
    /// The adapter's state; never leaves the server.
    pub state: Secret<Vec<u8>>,
}

/// A key that a device has made.
#[derive(Debug)]
pub struct NewKey {
    /// The id by which the device knows it.
    pub credential_id: Vec<u8>,
    /// What the adapter keeps about it.
    pub key: Value,
}

/// The key that a device says it has used.
#[derive(Debug)]
pub struct ClaimedKey {
    /// Its owner, by the user handle.
    pub user_id: UserId,
    /// Its id.
    pub credential_id: Vec<u8>,
}

/// An answer that proves nothing; why is for the log.
#[derive(Debug, thiserror::Error)]
#[error("the device's answer was refused: {0}")]
pub struct Refused(pub String);
