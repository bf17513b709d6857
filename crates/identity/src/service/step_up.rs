//! What must be shown before a person's factors change: the second factor where there is one, and a recent sign-in.

use quoin_kernel::Problem;
use quoin_kernel::port::Origin;
use quoin_kernel::{Aal, UserCaller};

use crate::Identity;
use crate::error::IdentityError;
use crate::model::{Session, User};
use crate::service::reauthenticate::is_recent;
use crate::service::update_user::own_session;

/// Reads the caller's session and account, and refuses a session that is too weak or too old for a change of factors.
///
/// # Errors
/// `insufficient_aal`, `reauthentication_needed`, `session_not_found`.
pub(crate) async fn own_strong_session(
    identity: &Identity,
    caller: &UserCaller,
    origin: &Origin,
) -> Result<(User, Session), Problem> {
    let (user, session) = own_session(identity, caller).await?;
    demand_strong(identity, (&user, &session), origin)?;
    Ok((user, session))
}

/// Refuses a session that is too weak or too old for a change of factors.
///
/// # Errors
/// `insufficient_aal`, `reauthentication_needed`.
pub(crate) fn demand_strong(
    identity: &Identity,
    (user, session): (&User, &Session),
    origin: &Origin,
) -> Result<(), IdentityError> {
    if user.has_second_factor() && session.aal == Aal::Aal1 {
        return Err(IdentityError::InsufficientAal);
    }
    if is_recent(identity, session, origin) { Ok(()) } else { Err(IdentityError::ReauthenticationNeeded) }
}
