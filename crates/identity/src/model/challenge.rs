//! What the holder of a factor is asked to answer: once, and within a few minutes.

use std::time::Duration;

use quoin_kernel::{Id, Timestamp, UserId};

use crate::model::FactorId;

/// The kind of thing that a [`ChallengeId`] names.
#[derive(Debug)]
pub enum ChallengeIdKind {}

/// Identifies a challenge.
pub type ChallengeId = Id<ChallengeIdKind>;

/// How long an answer is waited for.
pub const LIFETIME: Duration = Duration::from_mins(5);

/// Says what a challenge is for; it is useless for anything else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChallengePurpose {
    /// The code of an authenticator app.
    Totp,
    /// A security key or device that is being enrolled.
    WebauthnCreate,
    /// A security key or device that is asked for.
    WebauthnGet,
    /// A passkey that is being registered.
    PasskeyCreate,
    /// A passkey that signs in; whose it is shows in the answer.
    PasskeyGet,
    /// The code of a factor that a provider elsewhere wants to see.
    Upstream,
}

/// A challenge as the row holds it.
#[derive(Debug, Clone)]
pub struct Challenge {
    /// The challenge.
    pub id: ChallengeId,
    /// Who shall answer, where that is known.
    pub user_id: Option<UserId>,
    /// With which factor, where there is one already.
    pub factor_id: Option<FactorId>,
    /// What it is for.
    pub purpose: ChallengePurpose,
    /// What the adapter needs to judge the answer, sealed.
    pub sealed_state: Option<Vec<u8>>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it is too late for an answer.
    pub expires_at: Timestamp,
}

impl ChallengePurpose {
    /// Returns the text that rows carry.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Totp => "totp",
            Self::WebauthnCreate => "webauthn_create",
            Self::WebauthnGet => "webauthn_get",
            Self::PasskeyCreate => "passkey_create",
            Self::PasskeyGet => "passkey_get",
            Self::Upstream => "upstream",
        }
    }

    /// Reads the text back.
    pub fn parse(text: &str) -> Option<Self> {
        let all = [
            Self::Totp,
            Self::WebauthnCreate,
            Self::WebauthnGet,
            Self::PasskeyCreate,
            Self::PasskeyGet,
            Self::Upstream,
        ];
        all.into_iter().find(|purpose| purpose.as_str() == text)
    }
}
