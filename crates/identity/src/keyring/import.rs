//! Keys that come from elsewhere as JWKs, so that tokens another service signs, or signed, are accepted here.

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use quoin_db::Db;
use quoin_kernel::seal::MasterKey;
use quoin_kernel::{Problem, Timestamp};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::rotate::{describe, make_current};
use super::{Keyring, SEAL_PURPOSE, TOPIC};
use crate::store::signing_keys_global::{self as store, SigningKeyRow};

/// A key to import.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportKeyIn {
    /// The JSON Web Key (RFC 7517) with `kid` and `alg`: ES256, RS256 or EdDSA, public or private; HS256 as `oct`.
    pub jwk: Map<String, Value>,
    /// Sign new tokens with it from now on; needs the private half of an ES256 key, or an HS256 key.
    #[serde(default)]
    pub make_current: bool,
}

/// Why a key cannot be imported.
#[derive(Debug, thiserror::Error)]
pub enum InvalidKey {
    /// The JSON is no JWK.
    #[error("this is not a JSON Web Key: {0}")]
    Malformed(String),
    /// `kid` or `alg` is missing, or the algorithm is not accepted.
    #[error("the key needs kid, and alg as one of ES256, RS256, EdDSA, HS256")]
    Unsupported,
    /// It has no private half that could sign.
    #[error("only an ES256 key with its private part d, or an HS256 key, can become the signing key")]
    CannotSign,
    /// The symmetric key is too short.
    #[error("an HS256 key needs 32 bytes or more")]
    TooShort,
}

impl From<InvalidKey> for Problem {
    fn from(error: InvalidKey) -> Self {
        Self::invalid(error.to_string()).field("jwk", error.to_string())
    }
}

impl Keyring {
    /// Stores a key from elsewhere; it verifies tokens from now on.
    pub async fn import(
        &self,
        db: &Db,
        master: &MasterKey,
        input: &ImportKeyIn,
        now: Timestamp,
    ) -> Result<String, Problem> {
        let row = read(input, master)?;
        let (kid, current) = (row.kid.clone(), input.make_current);
        let written = db.write("identity.signing_key.import", move |tx| {
            if current {
                return make_current(tx, &row, now);
            }
            tx.notify_on_commit(TOPIC);
            store::insert(tx, &row, now)
        });
        written.await.map_err(|error| match error {
            quoin_db::DbError::Unique { .. } => {
                Problem::new(409, "conflict", "A key with this kid is known already")
            }
            other => other.into(),
        })?;
        self.reload(db, master, now).await?;
        Ok(kid)
    }
}

fn read(input: &ImportKeyIn, master: &MasterKey) -> Result<SigningKeyRow, Problem> {
    let malformed = |error: serde_json::Error| InvalidKey::Malformed(error.to_string());
    let mut jwk: Jwk = serde_json::from_value(Value::Object(input.jwk.clone())).map_err(malformed)?;
    let kid = jwk.common.key_id.clone().filter(|kid| !kid.is_empty()).ok_or(InvalidKey::Unsupported)?;
    let algorithm = jwk.common.key_algorithm.and_then(|name| name.to_string().parse().ok());
    let algorithm: Algorithm = algorithm.ok_or(InvalidKey::Unsupported)?;
    match algorithm {
        Algorithm::HS256 => return symmetric(kid, &jwk, input.make_current, master),
        Algorithm::ES256 => {
            if let Some(pkcs8) = private_p256(&jwk, &input.jwk)? {
                return describe(kid, algorithm, &pkcs8, master, input.make_current);
            }
        }
        Algorithm::RS256 | Algorithm::EdDSA => {}
        _ => return Err(InvalidKey::Unsupported.into()),
    }
    if !is_public_key_for(algorithm, &jwk.algorithm) {
        return Err(InvalidKey::Unsupported.into());
    }
    if input.make_current {
        return Err(InvalidKey::CannotSign.into());
    }
    DecodingKey::from_jwk(&jwk).map_err(|error| InvalidKey::Malformed(error.to_string()))?;
    jwk.common.public_key_use = Some(PublicKeyUse::Signature);
    let public = serde_json::to_value(&jwk).map_err(malformed)?;
    Ok(SigningKeyRow {
        kid,
        algorithm: format!("{algorithm:?}"),
        public_jwk: Some(public),
        sealed_private: None,
        is_current: false,
        expires_at: None,
    })
}

/// Tells whether a key's type is the one its algorithm needs: a symmetric key that calls itself RS256 would be published
/// as it is.
fn is_public_key_for(algorithm: Algorithm, parameters: &AlgorithmParameters) -> bool {
    match parameters {
        AlgorithmParameters::EllipticCurve(key) => {
            algorithm == Algorithm::ES256 && key.curve == EllipticCurve::P256
        }
        AlgorithmParameters::RSA(_) => algorithm == Algorithm::RS256,
        AlgorithmParameters::OctetKeyPair(key) => {
            algorithm == Algorithm::EdDSA && key.curve == EllipticCurve::Ed25519
        }
        _ => false,
    }
}

fn symmetric(kid: String, jwk: &Jwk, is_current: bool, master: &MasterKey) -> Result<SigningKeyRow, Problem> {
    let AlgorithmParameters::OctetKey(key) = &jwk.algorithm else {
        return Err(InvalidKey::Unsupported.into());
    };
    let secret = decode(&key.value)?;
    if secret.len() < 32 {
        return Err(InvalidKey::TooShort.into());
    }
    Ok(SigningKeyRow {
        kid,
        algorithm: "HS256".into(),
        public_jwk: None,
        sealed_private: Some(master.seal(SEAL_PURPOSE, &secret)),
        is_current,
        expires_at: None,
    })
}

/// Returns the private half of a P-256 key in PKCS #8, where the JWK has it and it fits the public half.
fn private_p256(jwk: &Jwk, raw: &Map<String, Value>) -> Result<Option<Vec<u8>>, Problem> {
    let Some(Value::String(d)) = raw.get("d") else {
        return Ok(None);
    };
    let AlgorithmParameters::EllipticCurve(curve) = &jwk.algorithm else {
        return Err(InvalidKey::Unsupported.into());
    };
    if curve.curve != EllipticCurve::P256 {
        return Err(InvalidKey::Unsupported.into());
    }
    let public = [vec![4], decode(&curve.x)?, decode(&curve.y)?].concat();
    let mismatch = || InvalidKey::Malformed("d does not belong to x and y".into());
    let pair =
        EcdsaKeyPair::from_private_key_and_public_key(&ECDSA_P256_SHA256_FIXED_SIGNING, &decode(d)?, &public)
            .map_err(|_| mismatch())?;
    let pkcs8 = pair.to_pkcs8v1().map_err(|_| mismatch())?;
    Ok(Some(pkcs8.as_ref().to_vec()))
}

fn decode(text: &str) -> Result<Vec<u8>, InvalidKey> {
    URL_SAFE_NO_PAD.decode(text).map_err(|_| InvalidKey::Malformed("a value is not base64url".into()))
}
