//! Making, loading and rotating keys.

use std::time::Duration;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use jsonwebtoken::jwk::{Jwk, PublicKeyUse};
use jsonwebtoken::{Algorithm, EncodingKey};
use quoin_db::{Db, DbError, Tx};
use quoin_kernel::seal::MasterKey;
use quoin_kernel::{Problem, Rng, Timestamp};

use super::key_set::KeySet;
use super::{Keyring, SEAL_PURPOSE, TOPIC};
use crate::store::signing_keys_global::{self as store, SigningKeyRow};

/// How long a retired key still verifies: the longest life of a token, and an hour for clocks and caches.
const RETIREMENT: Duration = Duration::from_hours(2);

impl Keyring {
    /// Loads the keys, making the first one where there is none.
    pub async fn load(
        &self,
        db: &Db,
        master: &MasterKey,
        rng: &dyn Rng,
        now: Timestamp,
    ) -> Result<(), Problem> {
        if !self.reload(db, master, now).await? {
            let first = generate(master, rng)?;
            db.write("identity.signing_key.first", move |tx| insert_first(tx, &first, now)).await?;
            self.reload(db, master, now).await?;
        }
        Ok(())
    }

    /// Reads the keys again; false where none signs.
    pub async fn reload(&self, db: &Db, master: &MasterKey, now: Timestamp) -> Result<bool, Problem> {
        let rows = db.read("identity.signing_keys.list", move |tx| store::list(tx, now)).await?;
        let keys = KeySet::load(rows, master)?;
        let complete = keys.has_current();
        self.replace(keys);
        Ok(complete)
    }

    /// Makes a new signing key. Tokens of the old one stay valid until they expire: nobody is logged out.
    pub async fn rotate(
        &self,
        db: &Db,
        master: &MasterKey,
        rng: &dyn Rng,
        now: Timestamp,
    ) -> Result<String, Problem> {
        let key = generate(master, rng)?;
        let kid = key.kid.clone();
        db.write("identity.signing_key.rotate", move |tx| make_current(tx, &key, now)).await?;
        self.reload(db, master, now).await?;
        Ok(kid)
    }
}

/// Stores `key` as the one that signs.
pub(super) fn make_current(tx: &mut Tx<'_>, key: &SigningKeyRow, now: Timestamp) -> Result<(), DbError> {
    store::delete_expired(tx, now)?;
    store::retire_current(tx, now + RETIREMENT)?;
    store::insert(tx, key, now)?;
    tx.notify_on_commit(TOPIC);
    Ok(())
}

/// Two processes that start together make one key.
fn insert_first(tx: &mut Tx<'_>, key: &SigningKeyRow, now: Timestamp) -> Result<(), DbError> {
    let signs = store::list(tx, now)?.iter().any(|row| row.is_current);
    if signs {
        return Ok(());
    }
    make_current(tx, key, now)
}

/// Makes an ES256 key and seals its private half.
fn generate(master: &MasterKey, rng: &dyn Rng) -> Result<SigningKeyRow, Problem> {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(unspecified)?;
    let pkcs8 = pair.to_pkcs8v1().map_err(unspecified)?;
    let kid = quoin_kernel::rng::token(rng);
    describe(kid, Algorithm::ES256, pkcs8.as_ref(), master, true)
}

/// Builds the row of a key from its private half in PKCS #8.
pub(super) fn describe(
    kid: String,
    algorithm: Algorithm,
    pkcs8: &[u8],
    master: &MasterKey,
    is_current: bool,
) -> Result<SigningKeyRow, Problem> {
    let mut jwk =
        Jwk::from_encoding_key(&EncodingKey::from_ec_der(pkcs8), algorithm).map_err(Problem::internal)?;
    jwk.common.key_id = Some(kid.clone());
    jwk.common.public_key_use = Some(PublicKeyUse::Signature);
    Ok(SigningKeyRow {
        kid,
        algorithm: format!("{algorithm:?}"),
        public_jwk: Some(serde_json::to_value(&jwk).map_err(Problem::internal)?),
        sealed_private: Some(master.seal(SEAL_PURPOSE, pkcs8)),
        is_current,
        expires_at: None,
    })
}

fn unspecified(_: aws_lc_rs::error::Unspecified) -> Problem {
    Problem::internal("the cryptographic library made no key")
}
