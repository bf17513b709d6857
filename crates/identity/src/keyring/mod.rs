//! The keys that sign and verify access tokens: one current key, retired ones until their last token has expired, and
//! imported ones.

mod import;
mod key_set;
mod rotate;

use std::sync::{Arc, PoisonError, RwLock};

use jsonwebtoken::errors::Error as JoseError;
use quoin_kernel::{Problem, Timestamp};

pub use import::{ImportKeyIn, InvalidKey};
use key_set::KeySet;

use crate::model::access_claims::AccessClaims;

/// The purpose under which private keys are sealed.
const SEAL_PURPOSE: &str = "identity.signing_key";
/// The topic of commits that change the keys.
pub(crate) const TOPIC: &str = "identity.signing_keys";

/// Signs and verifies access tokens with the keys that the database holds.
#[derive(Default)]
pub struct Keyring(RwLock<Arc<KeySet>>);

/// Why a token is refused.
#[derive(Debug, thiserror::Error)]
pub enum InvalidToken {
    /// It names a key that this instance does not know; a reload may bring it.
    #[error("the token was signed with an unknown key")]
    UnknownKey,
    /// It has expired.
    #[error("the token has expired")]
    Expired,
    /// Its form, type, algorithm, signature, issuer or audience is wrong.
    #[error("the token is not valid")]
    Invalid(#[source] Option<JoseError>),
}

impl Keyring {
    /// Signs an access token with the current key.
    pub fn sign(&self, claims: &AccessClaims) -> Result<String, Problem> {
        self.keys().sign(claims)
    }

    /// Verifies a token's key, algorithm, type, signature, issuer, audience and time, and returns its claims with their
    /// JSON text.
    pub fn verify(
        &self,
        token: &str,
        issuer: Option<&str>,
        now: Timestamp,
    ) -> Result<(AccessClaims, Arc<str>), InvalidToken> {
        self.keys().verify(token, issuer, now)
    }

    /// Replaces the keys by those of a key set that another process gave (RFC 7517); they only verify.
    pub(crate) fn adopt(&self, jwks: &[u8]) -> Result<(), Problem> {
        self.replace(KeySet::from_jwks(jwks)?);
        Ok(())
    }

    /// Returns the JSON Web Key Set that others verify with (RFC 7517).
    pub fn jwks(&self) -> Arc<str> {
        self.keys().jwks()
    }

    fn keys(&self) -> Arc<KeySet> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn replace(&self, keys: KeySet) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
    }
}
