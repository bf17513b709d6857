//! API keys: publishable ones that only name the instance, and secret ones that act.

use quoin_kernel::rng::token;
use quoin_kernel::{ApiKeyId, OrgId, Rng, Timestamp};

/// The scopes a secret key may hold; `*` is all of them.
pub const SCOPES: &[&str] = &[
    "*",
    "audit",
    "calls",
    "data",
    "files.manage",
    "files.read",
    "files.write",
    "introspect",
    "jobs",
    "keys",
    "mailbox",
    "metrics",
    "migrations",
    "orgs",
    "payments",
    "usage",
    "users",
    "users.export",
];

/// What a key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum KeyKind {
    /// Goes into applications; alone it means "nobody is signed in".
    Publishable,
    /// The administrator's.
    Secret,
}

impl KeyKind {
    /// Returns what keys of this kind begin with, so that secret scanners find them.
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Publishable => "quoin_pub_",
            Self::Secret => "quoin_sec_",
        }
    }

    /// Returns the name that rows carry.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Publishable => "publishable",
            Self::Secret => "secret",
        }
    }

    /// Tells by its beginning what kind of key a credential is.
    pub fn of(credential: &str) -> Option<Self> {
        [Self::Publishable, Self::Secret].into_iter().find(|kind| credential.starts_with(kind.prefix()))
    }

    /// Makes a new key of 256 random bits.
    pub fn generate(self, rng: &dyn Rng) -> String {
        format!("{}{}", self.prefix(), token(rng))
    }
}

/// A stored key, without the key itself.
#[derive(Debug, Clone)]
pub struct ApiKey {
    /// Its id, which services use as client id.
    pub id: ApiKeyId,
    /// The organisation it is confined to.
    pub org_id: Option<OrgId>,
    /// What it is for.
    pub kind: KeyKind,
    /// What people call it.
    pub name: String,
    /// Its first characters, to tell keys apart.
    pub start: String,
    /// What it may do.
    pub scopes: Vec<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it stops working by itself.
    pub expires_at: Option<Timestamp>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

impl ApiKey {
    /// Tells whether the key works at `now`.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| now < end)
    }
}

/// Why a preset key is refused.
#[derive(Debug, thiserror::Error)]
#[error("a preset {kind} key must begin with {prefix} and have 32 or more further characters")]
pub struct InvalidPresetKey {
    kind: &'static str,
    prefix: &'static str,
}

/// Checks prefix and length of a key that the configuration sets.
pub fn check_preset(kind: KeyKind, key: &str) -> Result<(), InvalidPresetKey> {
    let rest = key.strip_prefix(kind.prefix()).unwrap_or_default();
    if rest.len() >= 32 && rest.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(());
    }
    Err(InvalidPresetKey { kind: kind.as_str(), prefix: kind.prefix() })
}
