//! What this room needs of heavier code elsewhere, in its own words.

mod user_store;

use quoin_kernel::port::BoxFuture;
use quoin_kernel::{Problem, Secret, Timestamp, UserId};
use serde_json::Value;
use url::Url;

use crate::model::{Attested, Provider};

pub use user_store::{
    Attestation, AttestedOrganizations, Credentials, FirstFactor, NewPerson, OwedFactor, PasswordChange,
    PersonChanges, Registered, StoreError, Upheld, UserStore,
};

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

/// Asks OpenID providers who somebody is. An adapter keeps nothing but what providers publish.
pub trait OpenId: Send + Sync {
    /// Returns where the provider's own page is.
    ///
    /// # Errors
    /// [`Upstream::Unreachable`] where its configuration cannot be read.
    fn authorization_endpoint<'a>(&'a self, provider: &'a Provider) -> BoxFuture<'a, Result<Url, Upstream>>;

    /// Builds the URL that a browser is sent to: code flow, PKCE S256, state, nonce.
    ///
    /// # Errors
    /// [`Upstream::Unreachable`] where its configuration cannot be read.
    fn authorization_url<'a>(
        &'a self,
        provider: &'a Provider,
        wish: &'a AuthorizationWish,
    ) -> BoxFuture<'a, Result<Url, Upstream>>;

    /// Exchanges what a browser brought back for an attestation, after every check of OpenID Connect Core 3.1.3.7 and of
    /// RFC 9207.
    ///
    /// # Errors
    /// [`Upstream`], which says whose fault it is.
    fn redeem<'a>(
        &'a self,
        provider: &'a Provider,
        answer: AuthorizationAnswer,
    ) -> BoxFuture<'a, Result<Attested, Upstream>>;

    /// Checks an ID token that the application got by itself; returns also when it expires.
    ///
    /// # Errors
    /// [`Upstream`].
    fn read_id_token<'a>(
        &'a self,
        provider: &'a Provider,
        wish: IdTokenWish,
    ) -> BoxFuture<'a, Result<(Attested, Timestamp), Upstream>>;
}

/// What a browser is sent to a provider with.
#[derive(Debug)]
pub struct AuthorizationWish {
    /// Where the provider sends the browser back to.
    pub redirect_uri: Url,
    /// What is asked for.
    pub scopes: Vec<String>,
    /// Comes back with the browser.
    pub state: Secret<String>,
    /// Comes back in the ID token.
    pub nonce: Secret<String>,
    /// Is shown with the code; the browser carries only its hash.
    pub verifier: Secret<String>,
}

/// What a browser brought back, and what it must agree with.
#[derive(Debug)]
pub struct AuthorizationAnswer {
    /// The code.
    pub code: Option<Secret<String>>,
    /// Why there is no code.
    pub error: Option<String>,
    /// Who the provider says it is (RFC 9207).
    pub iss: Option<String>,
    /// Where the browser was sent back to.
    pub redirect_uri: Url,
    /// What the ID token must repeat.
    pub nonce: Secret<String>,
    /// What belongs to the hash that the browser carried.
    pub verifier: Secret<String>,
    /// The moment.
    pub now: Timestamp,
}

/// An ID token that the application got by itself, and what it must agree with.
#[derive(Debug)]
pub struct IdTokenWish {
    /// The token.
    pub id_token: Secret<String>,
    /// The access token that came with it.
    pub access_token: Option<Secret<String>>,
    /// The nonce that the application drew; the token repeats it, or its SHA-256 in hexadecimal digits.
    pub nonce: Option<Secret<String>>,
    /// The moment.
    pub now: Timestamp,
}

/// Why a provider attests nobody.
#[derive(Debug, thiserror::Error)]
pub enum Upstream {
    /// The person, or the provider, said no.
    #[error("the provider says {0}")]
    Denied(String),
    /// The answer is not what it must be; what is wrong is for the log.
    #[error("the provider's answer was refused: {0}")]
    Refused(String),
    /// The provider could not be asked.
    #[error("the provider could not be asked: {0}")]
    Unreachable(String),
}

impl From<Upstream> for Problem {
    fn from(error: Upstream) -> Self {
        Problem::unavailable("provider_unreachable", "The provider cannot be asked now; try again", 5)
            .source(error)
    }
}
