//! Single-use links and the codes beside them, both sent by mail.

use quoin_kernel::hash::{equal_in_constant_time, hmac_sha256, sha256};
use quoin_kernel::seal::MasterKey;
use quoin_kernel::{EmailAddress, Id, Rng, Secret, Timestamp, UserId, rng};

use crate::error::IdentityError;
use crate::model::{AuthMethod, CodeChallenge};

/// The kind of thing that a [`LinkId`] names.
#[derive(Debug)]
pub enum LinkKind {}

/// Identifies a link.
pub type LinkId = Id<LinkKind>;

/// How often a code may be guessed wrongly before its link is dead too.
pub const MAX_CODE_FAILURES: i64 = 5;

/// Says what a link is for; it is useless for anything else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Proves the address of a sign-up.
    Signup,
    /// Accepts an administrator's invitation.
    Invite,
    /// Lets somebody in who has forgotten the password.
    Recovery,
    /// Signs in by link or code, and proves the address.
    Magiclink,
    /// Agrees to a change of address, from the present one.
    EmailChangeCurrent,
    /// Agrees to a change of address, from the new one.
    EmailChangeNew,
    /// Shows once more who the person is, before a change of password. Only its code is sent.
    Reauthentication,
}

/// Why a link no longer works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkEnding {
    /// It has done its work.
    Used,
    /// A newer one was sent.
    Replaced,
    /// The address, the password or the right to sign in has changed.
    Revoked,
}

/// A link as the row holds it.
#[derive(Debug, Clone)]
pub struct Link {
    /// The link.
    pub id: LinkId,
    /// Whose it is.
    pub user_id: UserId,
    /// What it is for.
    pub purpose: Purpose,
    /// The address it was sent to.
    pub email: EmailAddress,
    /// The hash of its token.
    pub token_hash: [u8; 32],
    /// The MAC of the code beside it.
    pub code_mac: [u8; 32],
    /// How often a wrong code was given for it.
    pub code_failures: i64,
    /// What the browser that asked for it must be able to answer, where the client uses PKCE.
    pub challenge: Option<CodeChallenge>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it stops working.
    pub expires_at: Timestamp,
    /// When and why it has stopped working.
    pub ended: Option<(Timestamp, LinkEnding)>,
}

/// The two secrets of a link, known to the mail alone.
#[derive(Debug, Clone)]
pub struct LinkSecrets {
    /// What the URL carries: 256 random bits.
    pub token: Secret<String>,
    /// What a person types: eight digits, 26 bits, guess-limited.
    pub code: Secret<String>,
}

impl LinkSecrets {
    /// Draws both.
    pub fn draw(source: &dyn Rng) -> Self {
        let mut bytes = [0; 8];
        source.fill(&mut bytes);
        // The bias of the remainder is below 2^-37.
        let code = u64::from_le_bytes(bytes) % 100_000_000;
        Self { token: Secret::new(rng::token(source)), code: Secret::new(format!("{code:08}")) }
    }

    /// Returns the hash under which the token is found again.
    pub fn token_hash(token: &str) -> [u8; 32] {
        sha256(token.as_bytes())
    }

    /// Returns the MAC of a code; keyed, because a plain hash of eight digits is no secret.
    pub fn code_mac(master: &MasterKey, link_id: LinkId, code: &str) -> [u8; 32] {
        let key = master.derive("identity.link.code");
        hmac_sha256(key.expose(), format!("{link_id}:{code}").as_bytes())
    }
}

impl Link {
    /// Tells whether the link still works.
    pub fn is_alive(&self, now: Timestamp) -> bool {
        self.check(now).is_ok()
    }

    /// Says why the link no longer works, to whoever holds its token.
    ///
    /// # Errors
    /// One of the four variants that share the code `otp_expired`.
    pub fn check(&self, now: Timestamp) -> Result<(), IdentityError> {
        match self.ended {
            Some((_, LinkEnding::Used)) => Err(IdentityError::LinkUsed),
            Some((_, LinkEnding::Replaced)) => Err(IdentityError::LinkReplaced),
            Some((_, LinkEnding::Revoked)) => Err(IdentityError::LinkExpired),
            None if self.expires_at <= now => Err(IdentityError::LinkTooOld),
            None if self.code_failures >= MAX_CODE_FAILURES => Err(IdentityError::LinkExpired),
            None => Ok(()),
        }
    }

    /// Tells whether `code` is the one that was sent beside this link.
    pub fn has_code(&self, master: &MasterKey, code: &str) -> bool {
        equal_in_constant_time(&LinkSecrets::code_mac(master, self.id, code), &self.code_mac)
    }
}

impl LinkEnding {
    /// Returns the text that rows carry.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Used => "used",
            Self::Replaced => "replaced",
            Self::Revoked => "revoked",
        }
    }

    /// Reads the text back.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Used, Self::Replaced, Self::Revoked].into_iter().find(|ending| ending.as_str() == text)
    }
}

impl Purpose {
    /// Every purpose.
    pub const ALL: [Self; 7] = [
        Self::Signup,
        Self::Invite,
        Self::Recovery,
        Self::Magiclink,
        Self::EmailChangeCurrent,
        Self::EmailChangeNew,
        Self::Reauthentication,
    ];

    /// Returns the text that rows carry.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Signup => "signup",
            Self::Invite => "invite",
            Self::Recovery => "recovery",
            Self::Magiclink => "magiclink",
            Self::EmailChangeCurrent => "email_change_current",
            Self::EmailChangeNew => "email_change_new",
            Self::Reauthentication => "reauthentication",
        }
    }

    /// Reads the text back.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|purpose| purpose.as_str() == text)
    }

    /// Returns the `type` that URLs and clients use for it.
    pub const fn verification_type(self) -> &'static str {
        match self {
            Self::EmailChangeCurrent | Self::EmailChangeNew => "email_change",
            other => other.as_str(),
        }
    }

    /// Tells whether a client that names the type `wanted` means this purpose; `email` means any that signs in.
    pub fn answers_to(self, wanted: &str) -> bool {
        match self {
            Self::Reauthentication => false,
            Self::Signup | Self::Magiclink => [self.as_str(), "email"].contains(&wanted),
            other => [other.as_str(), other.verification_type()].contains(&wanted),
        }
    }

    /// Returns how a session that the link opens came about.
    pub const fn method(self) -> AuthMethod {
        match self {
            Self::Signup => AuthMethod::EmailSignup,
            Self::Invite => AuthMethod::Invite,
            Self::Recovery => AuthMethod::Recovery,
            Self::Magiclink | Self::Reauthentication => AuthMethod::Otp,
            Self::EmailChangeCurrent | Self::EmailChangeNew => AuthMethod::EmailChange,
        }
    }
}
