//! A password that somebody wants to have: checked for strength, then hashed outside of any transaction.

use quoin_kernel::{Problem, Secret};

use crate::Identity;
use crate::error::IdentityError;
use crate::password::check_strength;

/// Refuses where the configuration gives nobody a password.
///
/// # Errors
/// 422 `email_provider_disabled`.
pub(crate) fn demand_passwords(identity: &Identity) -> Result<(), IdentityError> {
    if identity.config().passwords { Ok(()) } else { Err(IdentityError::PasswordsOff) }
}

/// Checks a new password, which costs next to nothing.
///
/// # Errors
/// 422 `weak_password` with the reason; 422 `email_provider_disabled` where there are no passwords.
pub(crate) fn check_new_password(
    identity: &Identity,
    password: &Secret<String>,
) -> Result<(), IdentityError> {
    demand_passwords(identity)?;
    check_strength(password.expose(), identity.config().password_min_length)
        .map_err(IdentityError::WeakPassword)
}

/// Checks and hashes a new password.
///
/// # Errors
/// 422 `weak_password` with the reason; 503 while too many people are signing in.
pub(crate) async fn hash_new_password(
    identity: &Identity,
    password: Secret<String>,
) -> Result<String, Problem> {
    check_new_password(identity, &password)?;
    identity.passwords().hash(password).await
}
