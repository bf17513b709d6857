//! How factors, challenges and passkeys look to clients of the contract.

use quoin_kernel::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

use crate::model::{ChallengeId, ChallengePurpose, Factor, FactorId, FactorKind};
use crate::service::{AskedChallenge, EnrolledFactor};

/// A second factor.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct FactorOut {
    /// The factor.
    id: FactorId,
    /// What its holder calls it.
    #[serde(skip_serializing_if = "Option::is_none")]
    friendly_name: Option<String>,
    /// `totp` or `webauthn`; `phone` or `email` where a provider elsewhere wants to see it.
    factor_type: &'static str,
    /// `verified`, or `unverified` while it counts for nothing.
    status: &'static str,
    /// When it was enrolled.
    created_at: Timestamp,
    /// When it was last changed.
    updated_at: Timestamp,
}

/// A factor that waits to be shown.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct EnrolledOut {
    /// The factor.
    id: FactorId,
    /// `totp` or `webauthn`.
    #[serde(rename = "type")]
    kind: &'static str,
    /// What its holder calls it.
    #[serde(skip_serializing_if = "Option::is_none")]
    friendly_name: Option<String>,
    /// What an authenticator app needs; shown once.
    #[serde(skip_serializing_if = "Option::is_none")]
    totp: Option<AppOut>,
}

/// What an authenticator app needs.
#[derive(Debug, Serialize, JsonSchema)]
struct AppOut {
    /// The URI as an SVG picture.
    qr_code: String,
    /// The secret as people type it.
    secret: String,
    /// The `otpauth` URI.
    uri: String,
}

/// A challenge for a second factor.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct ChallengeOut {
    /// The challenge.
    id: ChallengeId,
    /// `totp` or `webauthn`; `phone` or `email` where a provider elsewhere wants to see it.
    #[serde(rename = "type")]
    kind: &'static str,
    /// When it is too late for an answer, in seconds since 1970.
    expires_at: i64,
    /// What a device is asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    webauthn: Option<Value>,
}

/// What a device is asked for the sake of a passkey.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct PasskeyOptionsOut {
    /// The challenge.
    challenge_id: ChallengeId,
    /// The options of `navigator.credentials.create` or `get`.
    options: Value,
    /// When it is too late for an answer, in seconds since 1970.
    expires_at: i64,
}

/// A passkey.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct PasskeyOut {
    /// The passkey.
    id: FactorId,
    /// What its holder calls it.
    #[serde(skip_serializing_if = "Option::is_none")]
    friendly_name: Option<String>,
    /// When it was registered.
    created_at: Timestamp,
    /// When it was last used.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_used_at: Option<Timestamp>,
}

impl FactorOut {
    /// Lists second factors; passkeys are none.
    pub(super) fn list(factors: &[Factor]) -> Vec<Self> {
        factors.iter().filter(|factor| factor.kind != FactorKind::Passkey).map(Self::of).collect()
    }

    fn of(factor: &Factor) -> Self {
        Self {
            id: factor.id,
            friendly_name: factor.friendly_name.clone(),
            factor_type: factor.kind.as_str(),
            status: if factor.verified_at.is_some() { "verified" } else { "unverified" },
            created_at: factor.created_at,
            updated_at: factor.updated_at,
        }
    }
}

impl From<EnrolledFactor> for EnrolledOut {
    fn from(enrolled: EnrolledFactor) -> Self {
        Self {
            id: enrolled.factor.id,
            kind: enrolled.factor.kind.as_str(),
            friendly_name: enrolled.factor.friendly_name,
            totp: enrolled.app.map(|app| AppOut {
                qr_code: app.qr_code,
                secret: app.secret.expose().clone(),
                uri: app.uri.expose().clone(),
            }),
        }
    }
}

impl From<AskedChallenge> for ChallengeOut {
    fn from(asked: AskedChallenge) -> Self {
        let device = |ceremony: &str, options: Value| json!({"type": ceremony, "credential_options": {"publicKey": options}});
        let webauthn = match (asked.challenge.purpose, asked.options) {
            (ChallengePurpose::WebauthnCreate, Some(options)) => Some(device("create", options)),
            (_, Some(options)) => Some(device("request", options)),
            (_, None) => None,
        };
        let kind = asked.kind.as_str();
        Self { id: asked.challenge.id, kind, expires_at: asked.challenge.expires_at.as_seconds(), webauthn }
    }
}

impl From<AskedChallenge> for PasskeyOptionsOut {
    fn from(asked: AskedChallenge) -> Self {
        Self {
            challenge_id: asked.challenge.id,
            options: asked.options.unwrap_or_default(),
            expires_at: asked.challenge.expires_at.as_seconds(),
        }
    }
}

impl From<Factor> for PasskeyOut {
    fn from(factor: Factor) -> Self {
        Self {
            id: factor.id,
            friendly_name: factor.friendly_name,
            created_at: factor.created_at,
            last_used_at: factor.last_used_at,
        }
    }
}

/// The factor that is gone.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct RemovedOut {
    /// The factor.
    pub(super) id: FactorId,
}
