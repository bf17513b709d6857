//! What an administrator may say about an account, whether it is being made or changed.

use quoin_kernel::{EmailAddress, Problem, Secret, Timestamp};
use serde_json::{Map, Value};

use crate::Identity;
use crate::model::ban::BanDuration;
use crate::model::{EmailProof, User};
use crate::password::Foreign;
use crate::service::new_password::hash_new_password;

/// The most memory that verifying a hash brought along may take, since it is taken at every sign-in.
const MAX_MEMORY_KIB: u32 = 256 * 1024;
/// The most passes.
const MAX_PASSES: u32 = 16;

/// What an administrator sets; what is `None` stays.
#[derive(Debug, Default)]
pub struct AdminChanges {
    /// The address.
    pub email: Option<EmailAddress>,
    /// A password.
    pub password: Option<Secret<String>>,
    /// The hash of a password, brought along from elsewhere.
    pub password_hash: Option<Secret<String>>,
    /// Whether the address counts as proved from now on.
    pub email_confirm: bool,
    /// Changes to what the person may edit, key by key; null removes a key.
    pub user_metadata: Map<String, Value>,
    /// Changes to what only administrators may edit, key by key; null removes a key.
    pub app_metadata: Map<String, Value>,
    /// How long the person may not sign in, from now.
    pub ban: Option<BanDuration>,
    /// Whether sessions and links end although no password is kept here: it was changed elsewhere.
    pub(crate) ends_sessions: bool,
}

/// The changes with the password hashed, ready for a transaction.
#[derive(Debug, Clone)]
pub(crate) struct CheckedChanges {
    pub(crate) email: Option<EmailAddress>,
    pub(crate) password_hash: Option<String>,
    email_confirm: bool,
    user_metadata: Map<String, Value>,
    app_metadata: Map<String, Value>,
    pub(crate) ban: Option<BanDuration>,
    ends_sessions: bool,
}

impl AdminChanges {
    /// Checks and hashes the password.
    ///
    /// # Errors
    /// `weak_password`; 400 `validation_failed` for a hash that this program cannot verify.
    pub(crate) async fn check(self, identity: &Identity) -> Result<CheckedChanges, Problem> {
        let password_hash = match (self.password, self.password_hash) {
            (Some(_), Some(_)) => return Err(refuse_hash("must not be sent together with password")),
            (Some(password), None) => Some(hash_new_password(identity, password).await?),
            (None, Some(hash)) => Some(known_hash(&hash)?),
            (None, None) => None,
        };
        Ok(CheckedChanges {
            email: self.email,
            password_hash,
            email_confirm: self.email_confirm,
            user_metadata: self.user_metadata,
            app_metadata: self.app_metadata,
            ban: self.ban,
            ends_sessions: self.ends_sessions,
        })
    }
}

/// Checks a hash from elsewhere.
///
/// # Errors
/// 400 `validation_failed` for one that this program cannot verify, or that costs too much.
pub(crate) fn known_hash(hash: &Secret<String>) -> Result<String, Problem> {
    let parsed = argon2::PasswordHash::new(hash.expose()).ok();
    let usable = parsed.is_some_and(|parsed| {
        let affordable = argon2::Params::try_from(&parsed)
            .is_ok_and(|params| params.m_cost() <= MAX_MEMORY_KIB && params.t_cost() <= MAX_PASSES);
        parsed.algorithm.as_str() == "argon2id"
            && parsed.salt.is_some()
            && parsed.hash.is_some()
            && affordable
    });
    if usable || Foreign::parse(hash.expose()).is_some() {
        return Ok(hash.expose().clone());
    }
    Err(refuse_hash(
        "must be a hash of Argon2id, bcrypt, scrypt, PBKDF2 or Firebase's scrypt that costs no more than a sign-in may",
    ))
}

fn refuse_hash(why: &'static str) -> Problem {
    Problem::invalid(format!("password_hash {why}.")).field("password_hash", why)
}

impl CheckedChanges {
    /// Tells whether the password is another one from now on, here or at the provider that keeps it.
    pub(crate) const fn changes_password(&self) -> bool {
        self.password_hash.is_some() || self.ends_sessions
    }

    /// Applies the changes to an account in memory.
    ///
    /// # Errors
    /// 400 `validation_failed` for metadata that is too large.
    pub(crate) fn apply(&self, user: &mut User, now: Timestamp) -> Result<(), Problem> {
        if let Some(email) = self.email.as_ref().filter(|email| user.email.as_ref() != Some(email)) {
            user.email = Some(email.clone());
            // Whatever proved the address before says nothing of this one; the administrator vouches for it.
            user.email_proof = user.email_confirmed_at.map(|_| EmailProof::Administrator);
        }
        if let Some(hash) = &self.password_hash {
            user.password_hash = Some(hash.clone());
        }
        if self.email_confirm {
            user.confirm(EmailProof::Administrator, now);
        }
        if let Some(ban) = self.ban {
            user.banned_until = ban.until(now);
        }
        user.user_metadata = user.user_metadata.merged(&self.user_metadata, "user_metadata")?;
        user.app_metadata = user.app_metadata.merged(&self.app_metadata, "app_metadata")?;
        user.updated_at = now;
        Ok(())
    }
}
