//! Sealing: authenticated encryption of secrets at rest under the instance's master key.

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use zeroize::Zeroize;

use crate::Secret;
use crate::hash::hmac_sha256;

/// The 32-byte key of one instance, from which one sealing key per purpose is derived.
#[derive(Debug, Clone)]
pub struct MasterKey(Secret<[u8; 32]>);

/// A sealed text that was made under another key or for another purpose, or was altered.
#[derive(Debug, thiserror::Error)]
#[error("a sealed value could not be opened: wrong master key, wrong purpose, or altered bytes")]
pub struct CannotOpen;

impl MasterKey {
    /// Wraps 32 random bytes.
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(Secret::new(bytes))
    }

    /// Derives a key for `purpose`; different purposes give unrelated keys.
    pub fn derive(&self, purpose: &str) -> Secret<[u8; 32]> {
        Secret::new(hmac_sha256(self.0.expose(), purpose.as_bytes()))
    }

    /// Encrypts `plain` with AES-256-GCM and a random nonce; the nonce comes first in the result.
    pub fn seal(&self, purpose: &str, plain: &[u8]) -> Vec<u8> {
        let mut text = plain.to_vec();
        let nonce = self
            .key(purpose)
            .seal_in_place_append_tag(Aad::from(purpose.as_bytes()), &mut text)
            .expect("AES-GCM seals any text far below its 64 GiB limit");
        let mut sealed = nonce.as_ref().to_vec();
        sealed.extend_from_slice(&text);
        text.zeroize();
        sealed
    }

    /// Decrypts what [`MasterKey::seal`] made for the same purpose.
    ///
    /// # Errors
    /// [`CannotOpen`] for any other bytes.
    pub fn open(&self, purpose: &str, sealed: &[u8]) -> Result<Secret<Vec<u8>>, CannotOpen> {
        let (nonce, text) = sealed.split_at_checked(NONCE_LEN).ok_or(CannotOpen)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| CannotOpen)?;
        let mut text = text.to_vec();
        let plain = self
            .key(purpose)
            .open_in_place(nonce, Aad::from(purpose.as_bytes()), &mut text)
            .map_err(|_| CannotOpen)?
            .to_vec();
        text.zeroize();
        Ok(Secret::new(plain))
    }

    fn key(&self, purpose: &str) -> RandomizedNonceKey {
        RandomizedNonceKey::new(&AES_256_GCM, self.derive(purpose).expose())
            .expect("the derived key has 32 bytes")
    }
}
