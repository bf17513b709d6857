//! A signed-in session: one family of refresh tokens.

use quoin_kernel::{Aal, OrgId, SessionId, Timestamp, UserId};
use quoin_tenancy::SessionFacts;

/// Names how a person showed who they are, as the `amr` claim does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthMethod {
    /// Their password.
    Password,
    /// A link or code sent to their address.
    Otp,
    /// A recovery link.
    Recovery,
    /// An invitation.
    Invite,
    /// The confirmation link of a sign-up.
    EmailSignup,
    /// The confirmation link of a change of address.
    EmailChange,
}

impl AuthMethod {
    /// Returns the text that rows and tokens carry.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Otp => "otp",
            Self::Recovery => "recovery",
            Self::Invite => "invite",
            Self::EmailSignup => "email/signup",
            Self::EmailChange => "email_change",
        }
    }

    /// Reads the text back.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Password, Self::Otp, Self::Recovery, Self::Invite, Self::EmailSignup, Self::EmailChange]
            .into_iter()
            .find(|method| method.as_str() == text)
    }
}

/// A session as the row holds it.
#[derive(Debug, Clone)]
pub struct Session {
    /// The session.
    pub id: SessionId,
    /// Whose it is.
    pub user_id: UserId,
    /// The active organisation, which a refresh keeps.
    pub org_id: Option<OrgId>,
    /// How strongly the person was authenticated.
    pub aal: Aal,
    /// How they were, and when.
    pub method: AuthMethod,
    /// The random part of the key that derives each refresh token from its parent.
    pub seed: [u8; 32],
    /// The hash of the newest refresh token.
    pub token_hash: [u8; 32],
    /// The newest token's parent, once there is one.
    pub parent: Option<UsedToken>,
    /// When the person last showed who they are, in this session.
    pub authenticated_at: Timestamp,
    /// When a refresh token was last issued.
    pub refreshed_at: Timestamp,
    /// When it began; its longest life counts from here.
    pub created_at: Timestamp,
}

impl Session {
    /// Describes the session to the organisations that it wants to act for.
    pub fn facts(&self, now: Timestamp) -> SessionFacts {
        SessionFacts { aal: self.aal, authenticated_at: self.authenticated_at, now }
    }
}

/// A refresh token that has had its child.
#[derive(Debug, Clone)]
pub struct UsedToken {
    /// Its hash.
    pub hash: [u8; 32],
    /// When it was used.
    pub used_at: Timestamp,
    /// The fingerprint of the client that used it.
    pub client: [u8; 32],
}
