//! A signed-in session: one family of refresh tokens.

use quoin_kernel::{Aal, OrgId, SessionId, Timestamp, UserId};
use quoin_tenancy::SessionFacts;

use crate::model::{Factor, FactorId, FactorKind, User};

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
    /// Nothing: they are anonymous.
    Anonymous,
    /// A provider attested them.
    Oauth,
    /// Their organisation's own provider attested them.
    Sso,
    /// A passkey, with the device's own check of its holder.
    Passkey,
    /// The code of an authenticator app.
    Totp,
    /// A security key or device.
    Webauthn,
    /// One of the codes for the day on which a factor is lost.
    RecoveryCode,
}

impl AuthMethod {
    /// Every method.
    pub const ALL: [Self; 13] = [
        Self::Password,
        Self::Otp,
        Self::Recovery,
        Self::Invite,
        Self::EmailSignup,
        Self::EmailChange,
        Self::Anonymous,
        Self::Oauth,
        Self::Sso,
        Self::Passkey,
        Self::Totp,
        Self::Webauthn,
        Self::RecoveryCode,
    ];

    /// Returns the level that the method alone gives: a passkey is held and unlocked, which are two factors.
    pub const fn level(self) -> Aal {
        match self {
            Self::Passkey => Aal::Aal2,
            _ => Aal::Aal1,
        }
    }

    /// Returns the text that rows and tokens carry.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Otp => "otp",
            Self::Recovery => "recovery",
            Self::Invite => "invite",
            Self::EmailSignup => "email/signup",
            Self::EmailChange => "email_change",
            Self::Anonymous => "anonymous",
            Self::Oauth => "oauth",
            Self::Sso => "sso/oidc",
            Self::Passkey => "passkey",
            Self::Totp => "totp",
            Self::Webauthn => "mfa/webauthn",
            Self::RecoveryCode => "recovery_code",
        }
    }

    /// Reads the text back.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.as_str() == text)
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
    /// The organisation whose own provider has attested them; the session acts for no other.
    pub sso_org_id: Option<OrgId>,
    /// How strongly the person was authenticated.
    pub aal: Aal,
    /// How they were, and when.
    pub method: AuthMethod,
    /// The second method, once shown.
    pub second: Option<SecondMethod>,
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
    /// By what a provider elsewhere upholds it, sealed: its refresh token, or the state of the factor that is owed.
    pub upstream_state: Option<Vec<u8>>,
    /// The factor that the provider wants to see before the session may do anything.
    pub owed_factor: Option<FactorKind>,
}

/// How a person showed for the second time who they are, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SecondMethod {
    /// How.
    pub method: AuthMethod,
    /// When.
    pub at: Timestamp,
}

impl Session {
    /// Describes the session to the organisations that it wants to act for.
    pub fn facts(&self, now: Timestamp) -> SessionFacts {
        let Self { aal, authenticated_at, sso_org_id, .. } = *self;
        SessionFacts { aal, authenticated_at, sso_org_id, now }
    }

    /// Describes the factor that the provider wants to see as one of the person's. It has the session's own id, because it is
    /// owed in this session alone.
    pub fn owed(&self) -> Option<Factor> {
        let kind = self.owed_factor?;
        let id = FactorId::from_uuid(self.id.uuid());
        let mut factor = Factor::new(id, self.user_id, kind, self.created_at);
        factor.verified_at = Some(self.created_at);
        Some(factor)
    }

    /// Leaves the factor that is owed as the only one: none of the person's own stands in for it.
    pub fn narrow(&self, user: &mut User) {
        if let Some(owed) = self.owed() {
            user.factors = vec![owed];
        }
    }

    /// Returns when the person last showed who they are, by whichever method.
    pub fn last_shown(&self) -> Timestamp {
        self.second.map_or(self.authenticated_at, |second| second.at.max(self.authenticated_at))
    }
}

/// A session as its owner sees it in a list.
#[derive(Debug, Clone)]
pub struct ListedSession {
    /// The session.
    pub id: SessionId,
    /// How strongly the person was authenticated.
    pub aal: Aal,
    /// How they were.
    pub method: AuthMethod,
    /// The network address it was used from last.
    pub ip: Option<String>,
    /// What the program called itself that used it last.
    pub user_agent: Option<String>,
    /// When it was opened.
    pub created_at: Timestamp,
    /// When it was last refreshed.
    pub refreshed_at: Timestamp,
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
