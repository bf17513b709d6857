//! One loaded state of the keys.

use std::collections::HashMap;
use std::sync::Arc;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{Jwk, JwkSet};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, decode_header, encode};
use quoin_kernel::seal::MasterKey;
use quoin_kernel::{Problem, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{InvalidToken, SEAL_PURPOSE};
use crate::model::access_claims::{AUDIENCE, AccessClaims, TOKEN_TYPE};
use crate::store::signing_keys_global::SigningKeyRow;

/// The longest token that is looked at, in bytes: both kinds of metadata at their largest fit.
const MAX_TOKEN: usize = 16 * 1024;
/// The longest a token may still live, in seconds. A revocation is kept that long: a token from an imported key that
/// lived longer would be valid again after its session's end was forgotten.
const MAX_LIFE_S: i64 = 2 * 3600;

/// What is read of a token's times besides what every token carries.
#[derive(Deserialize)]
struct NotBefore {
    nbf: Option<f64>,
}

/// Every key that signs or verifies at one moment.
#[derive(Default)]
pub(super) struct KeySet {
    current: Option<Signer>,
    verifiers: HashMap<String, Verifier>,
    jwks: Arc<str>,
}

struct Signer {
    header: Header,
    key: SigningKey,
}

enum SigningKey {
    /// Parsed and checked once: doing so for each token costs half as much again as its signature.
    Es256 {
        pair: Box<EcdsaKeyPair>,
        encoded_header: String,
    },
    Other(EncodingKey),
}

struct Verifier {
    algorithm: Algorithm,
    key: DecodingKey,
    expires_at: Option<Timestamp>,
}

impl KeySet {
    /// Opens the sealed keys of `rows`.
    pub(super) fn load(rows: Vec<SigningKeyRow>, master: &MasterKey) -> Result<Self, Problem> {
        let mut set = Self::default();
        let mut public = Vec::new();
        for row in rows {
            public.extend(set.add(row, master)?);
        }
        set.jwks = json!({ "keys": public }).to_string().into();
        Ok(set)
    }

    /// Reads a public key set.
    pub(super) fn from_jwks(jwks: &[u8]) -> Result<Self, Problem> {
        let read: JwkSet = serde_json::from_slice(jwks).map_err(Problem::internal)?;
        let mut set = Self::default();
        for jwk in read.keys {
            let algorithm = jwk.common.key_algorithm.and_then(|name| name.to_string().parse().ok());
            let (Some(kid), Some(algorithm)) = (jwk.common.key_id.clone(), algorithm) else { continue };
            let key = DecodingKey::from_jwk(&jwk).map_err(Problem::internal)?;
            set.verifiers.insert(kid, Verifier { algorithm, key, expires_at: None });
        }
        Ok(set)
    }

    /// Adds one key and returns its public half, where it has one.
    fn add(&mut self, row: SigningKeyRow, master: &MasterKey) -> Result<Option<Value>, Problem> {
        let algorithm: Algorithm = row.algorithm.parse().map_err(Problem::internal)?;
        let private = row.sealed_private.map(|sealed| master.open(SEAL_PURPOSE, &sealed)).transpose();
        let private = private.map_err(Problem::internal)?;
        let key = match (&row.public_jwk, &private) {
            (Some(jwk), _) => {
                let jwk: Jwk = serde_json::from_value(jwk.clone()).map_err(Problem::internal)?;
                DecodingKey::from_jwk(&jwk).map_err(Problem::internal)?
            }
            (None, Some(secret)) => DecodingKey::from_secret(secret.expose()),
            (None, None) => return Err(Problem::internal(format!("signing key {} is empty", row.kid))),
        };
        if let (true, Some(private)) = (row.is_current, &private) {
            let mut header = Header::new(algorithm);
            header.typ = Some(TOKEN_TYPE.into());
            header.kid = Some(row.kid.clone());
            self.current = Some(Signer::new(header, private.expose())?);
        }
        self.verifiers.insert(row.kid, Verifier { algorithm, key, expires_at: row.expires_at });
        Ok(row.public_jwk)
    }

    pub(super) fn has_current(&self) -> bool {
        self.current.is_some()
    }

    pub(super) fn jwks(&self) -> Arc<str> {
        self.jwks.clone()
    }

    pub(super) fn sign(&self, claims: &AccessClaims) -> Result<String, Problem> {
        let signer = self.current.as_ref().ok_or_else(|| Problem::internal("no signing key is loaded"))?;
        signer.sign(claims)
    }

    pub(super) fn verify(
        &self,
        token: &str,
        issuer: Option<&str>,
        now: Timestamp,
    ) -> Result<(AccessClaims, Arc<str>), InvalidToken> {
        if token.len() > MAX_TOKEN {
            return Err(InvalidToken::Invalid(None));
        }
        let header = decode_header(token).map_err(|error| InvalidToken::Invalid(Some(error)))?;
        // No extension is understood here, hence none may be critical (RFC 7515, 4.1.11).
        if header.typ.as_deref() != Some(TOKEN_TYPE) || header.crit.is_some() {
            return Err(InvalidToken::Invalid(None));
        }
        let kid = header.kid.as_deref().ok_or(InvalidToken::Invalid(None))?;
        let verifier = self.verifiers.get(kid).ok_or(InvalidToken::UnknownKey)?;
        if header.alg != verifier.algorithm || verifier.expires_at.is_some_and(|end| now >= end) {
            return Err(InvalidToken::Invalid(None));
        }
        let claims = verifier.claims(token, issuer)?;
        if claims.exp <= now.as_seconds() {
            return Err(InvalidToken::Expired);
        }
        let json = payload(token)?;
        if claims.exp - now.as_seconds() > MAX_LIFE_S || !has_begun(&json, now) {
            return Err(InvalidToken::Invalid(None));
        }
        Ok((claims, json))
    }
}

impl Signer {
    fn new(header: Header, private: &[u8]) -> Result<Self, Problem> {
        let key = match header.alg {
            Algorithm::HS256 => SigningKey::Other(EncodingKey::from_secret(private)),
            Algorithm::ES256 => {
                let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, private);
                let pair = Box::new(pair.map_err(|error| Problem::internal(error.to_string()))?);
                let json = serde_json::to_vec(&header).map_err(Problem::internal)?;
                SigningKey::Es256 { pair, encoded_header: URL_SAFE_NO_PAD.encode(json) }
            }
            _ => SigningKey::Other(EncodingKey::from_ec_der(private)),
        };
        Ok(Self { header, key })
    }

    /// Writes a token in the compact serialization of a JSON Web Signature (RFC 7515, 3.1).
    fn sign(&self, claims: &AccessClaims) -> Result<String, Problem> {
        let (pair, encoded_header) = match &self.key {
            SigningKey::Es256 { pair, encoded_header } => (pair, encoded_header),
            SigningKey::Other(key) => return encode(&self.header, claims, key).map_err(Problem::internal),
        };
        let claims = serde_json::to_vec(claims).map_err(Problem::internal)?;
        let mut token = String::with_capacity(encoded_header.len() + claims.len() * 4 / 3 + 96);
        token.push_str(encoded_header);
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(claims, &mut token);
        let signature = pair.sign(&SystemRandom::new(), token.as_bytes());
        let signature = signature.map_err(|error| Problem::internal(error.to_string()))?;
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        Ok(token)
    }
}

impl Verifier {
    fn claims(&self, token: &str, issuer: Option<&str>) -> Result<AccessClaims, InvalidToken> {
        let mut rules = Validation::new(self.algorithm);
        rules.set_audience(&[AUDIENCE]);
        if let Some(issuer) = issuer {
            rules.set_issuer(&[issuer]);
        }
        rules.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        // The time is a parameter here, so the caller compares `exp` itself.
        rules.validate_exp = false;
        let decoded = decode::<AccessClaims>(token, &self.key, &rules);
        decoded.map(|data| data.claims).map_err(|error| InvalidToken::Invalid(Some(error)))
    }
}

/// Tells whether the time before which a token must not be accepted has passed; tokens of our own name none.
fn has_begun(json: &str, now: Timestamp) -> bool {
    let read = serde_json::from_str::<NotBefore>(json);
    #[expect(clippy::cast_precision_loss, reason = "seconds of this age are exact in a double")]
    let now_s = now.as_seconds() as f64;
    read.is_ok_and(|times| times.nbf.is_none_or(|begins| begins <= now_s))
}

/// Returns the JSON of a verified token's claims.
fn payload(token: &str) -> Result<Arc<str>, InvalidToken> {
    let part = token.split('.').nth(1).ok_or(InvalidToken::Invalid(None))?;
    let bytes = URL_SAFE_NO_PAD.decode(part).map_err(|_| InvalidToken::Invalid(None))?;
    String::from_utf8(bytes).map(Arc::from).map_err(|_| InvalidToken::Invalid(None))
}
