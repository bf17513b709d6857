//! Using a code that the provider has mailed.

use quoin_kernel::port::Origin;
use quoin_kernel::{EmailAddress, Problem, Secret};

use super::{reset, sign_up};
use crate::Identity;
use crate::error::IdentityError;
use crate::service::issue_session::IssuedSession;

/// A code that the provider has mailed, and to whom.
#[derive(Debug, Clone)]
pub struct MailedCode {
    /// The address.
    pub email: EmailAddress,
    /// The code.
    pub code: Secret<String>,
    /// The new password, where the code lets somebody choose one.
    pub password: Option<Secret<String>>,
}

/// Shows the provider a code. The code of a sign-up confirms the address; that of a recovery sets a password and signs in with
/// it.
///
/// # Errors
/// `otp_expired` for a code that does not work, and for every other kind of code: nobody has sent one; `weak_password`.
pub async fn verify_code_elsewhere(
    identity: &Identity,
    wanted_type: &str,
    mailed: MailedCode,
    origin: &Origin,
) -> Result<Option<IssuedSession>, Problem> {
    let store = identity.user_store().ok_or(IdentityError::LinkExpired)?;
    let (email, code) = (&mailed.email, &mailed.code);
    match wanted_type {
        "signup" | "email" => sign_up::confirm(identity, store, (email, code), origin).await.map(|()| None),
        "recovery" => reset::confirm(identity, store, (email, code, mailed.password), origin).await.map(Some),
        _ => Err(IdentityError::LinkExpired.into()),
    }
}
