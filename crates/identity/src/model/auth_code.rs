//! Authorization codes of the PKCE flow (RFC 7636): what a clicked link hands to the browser that asked for it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use quoin_kernel::hash::{equal_in_constant_time, sha256};
use quoin_kernel::{OrgId, Problem, SessionId, Timestamp, UserId};

use crate::model::AuthMethod;

/// An authorization code as the row holds it.
#[derive(Debug, Clone)]
pub struct AuthCode {
    /// Who gets a session for it.
    pub user_id: UserId,
    /// How they showed who they are.
    pub method: AuthMethod,
    /// The organisation whose own provider has attested them.
    pub sso_org_id: Option<OrgId>,
    /// Whether the provider that keeps people vouches for it.
    pub is_upheld: bool,
    /// What the verifier must match.
    pub challenge: CodeChallenge,
    /// When it stops working.
    pub expires_at: Timestamp,
    /// The session it has opened, once used.
    pub session_id: Option<SessionId>,
    /// The session that it hands over, where it opens none of its own.
    pub continues: Option<SessionId>,
}

impl AuthCode {
    /// Returns the session that the code hands over to whoever has this verifier, unless it was used or has expired.
    pub(crate) fn handed_over(&self, verifier: &str, now: Timestamp) -> Option<SessionId> {
        let works = self.session_id.is_none() && self.expires_at > now && self.challenge.matches(verifier);
        self.continues.filter(|_| works)
    }
}

/// The S256 challenge of RFC 7636: the Base64 of a SHA-256. `plain` is refused, because it protects nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeChallenge(String);

impl CodeChallenge {
    /// Checks what a client sent; clients of the contract send both as null where they do not use PKCE.
    ///
    /// # Errors
    /// 400 `validation_failed` for another method or something that is no Base64 of 32 bytes.
    pub fn from_client(challenge: Option<&str>, method: Option<&str>) -> Result<Option<Self>, Problem> {
        let Some(challenge) = challenge.filter(|text| !text.is_empty()) else { return Ok(None) };
        if !method.is_some_and(|method| method.eq_ignore_ascii_case("s256")) {
            return Err(refuse("code_challenge_method", "must be s256"));
        }
        match URL_SAFE_NO_PAD.decode(challenge) {
            Ok(bytes) if bytes.len() == 32 => Ok(Some(Self(challenge.to_owned()))),
            _ => Err(refuse("code_challenge", "must be the Base64 (URL-safe, unpadded) of a SHA-256")),
        }
    }

    /// Wraps what the database holds.
    pub const fn stored(text: String) -> Self {
        Self(text)
    }

    /// Returns the text that the row holds.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Tells whether `verifier` is the one whose hash was sent before.
    pub fn matches(&self, verifier: &str) -> bool {
        let hash = URL_SAFE_NO_PAD.encode(sha256(verifier.as_bytes()));
        equal_in_constant_time(hash.as_bytes(), self.0.as_bytes())
    }
}

fn refuse(field: &'static str, why: &'static str) -> Problem {
    Problem::invalid(format!("{field} {why}.")).field(field, why)
}
