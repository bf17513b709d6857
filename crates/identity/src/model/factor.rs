//! Second factors and passkeys: what a person holds besides what they know.

use quoin_kernel::{Id, Timestamp, UserId};
use serde_json::Value;

/// The kind of thing that a [`FactorId`] names.
#[derive(Debug)]
pub enum FactorIdKind {}

/// Identifies a factor.
pub type FactorId = Id<FactorIdKind>;

/// The most factors and passkeys one person may have.
pub const MAX_FACTORS: usize = 20;
/// The longest name of a factor, in characters.
pub const MAX_NAME_CHARS: usize = 120;

/// Says what a factor is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FactorKind {
    /// An authenticator app (RFC 6238).
    Totp,
    /// A security key or device, asked for after the first factor.
    Webauthn,
    /// A key that signs in by itself: it is held, and unlocked by its holder.
    Passkey,
    /// A code by mail that a provider elsewhere asks for.
    Email,
    /// A code by text message that a provider elsewhere asks for.
    Phone,
}

/// A factor as the row holds it.
#[derive(Debug, Clone)]
pub struct Factor {
    /// The factor.
    pub id: FactorId,
    /// Whose it is.
    pub user_id: UserId,
    /// What it is.
    pub kind: FactorKind,
    /// What its holder calls it.
    pub friendly_name: Option<String>,
    /// The sealed secret of an authenticator app.
    pub sealed_secret: Option<Vec<u8>>,
    /// The id by which a device knows its key.
    pub credential_id: Option<Vec<u8>>,
    /// The public key and what else the adapter keeps about it.
    pub credential: Option<Value>,
    /// When its holder first showed that they have it; until then it counts for nothing.
    pub verified_at: Option<Timestamp>,
    /// When it was last used.
    pub last_used_at: Option<Timestamp>,
    /// When it was enrolled.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl Factor {
    /// Starts a factor that nobody has shown yet.
    pub fn new(id: FactorId, user_id: UserId, kind: FactorKind, now: Timestamp) -> Self {
        Self {
            id,
            user_id,
            kind,
            friendly_name: None,
            sealed_secret: None,
            credential_id: None,
            credential: None,
            verified_at: None,
            last_used_at: None,
            created_at: now,
            updated_at: now,
        }
    }
}

impl FactorKind {
    /// Returns the text that rows and answers carry.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Totp => "totp",
            Self::Webauthn => "webauthn",
            Self::Passkey => "passkey",
            Self::Email => "email",
            Self::Phone => "phone",
        }
    }

    /// Reads the text back.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Totp, Self::Webauthn, Self::Passkey, Self::Email, Self::Phone]
            .into_iter()
            .find(|kind| kind.as_str() == text)
    }

    /// Tells whether people enrol it here as a second factor.
    pub const fn is_enrolled_here(self) -> bool {
        matches!(self, Self::Totp | Self::Webauthn)
    }
}
