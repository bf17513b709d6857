//! What must be shown before a person's factors change: the second factor where there is one, and a recent sign-in.

use quoin_db::Tx;
use quoin_kernel::port::Origin;
use quoin_kernel::{Aal, Problem, SessionId, UserCaller};

use crate::Identity;
use crate::error::IdentityError;
use crate::model::{Session, User};
use crate::service::reauthenticate::is_recent;
use crate::service::update_user::{own_session, session_in};

/// Reads the caller's session and account, and refuses a session that is too weak or too old for a change of factors.
///
/// # Errors
/// `insufficient_aal`, `reauthentication_needed`, `session_confined`, `session_not_found`.
pub(crate) async fn own_strong_session(
    identity: &Identity,
    caller: &UserCaller,
    origin: &Origin,
) -> Result<(User, Session), Problem> {
    let (user, session) = own_session(identity, caller).await?;
    demand_strong(identity, (&user, &session), origin)?;
    Ok((user, session))
}

/// Reads session and account anew in the transaction of a change, and refuses as [`own_strong_session`] did before it: what
/// that one saw may have changed since.
///
/// # Errors
/// As [`own_strong_session`].
pub(crate) fn strong_session_in(
    tx: &mut Tx<'_>,
    identity: &Identity,
    session_id: SessionId,
    origin: &Origin,
) -> Result<(User, Session), Problem> {
    let (user, session) = session_in(tx, session_id)?;
    demand_strong(identity, (&user, &session), origin)?;
    Ok((user, session))
}

/// Refuses a session that is too weak or too old for a change of factors, or that is not the person's own.
///
/// # Errors
/// `insufficient_aal`, `reauthentication_needed`, `session_confined`.
pub(crate) fn demand_strong(
    identity: &Identity,
    (user, session): (&User, &Session),
    origin: &Origin,
) -> Result<(), IdentityError> {
    // Not even to whoever must show a factor and has none: the organisation would hold the key to all of the account.
    if session.sso_org_id.is_some() {
        return Err(IdentityError::SessionConfined);
    }
    if user.has_second_factor() && session.aal == Aal::Aal1 {
        return Err(IdentityError::InsufficientAal);
    }
    if is_recent(identity, session, origin) { Ok(()) } else { Err(IdentityError::ReauthenticationNeeded) }
}
