//! Handing a session over to an application that uses PKCE: a code now, tokens for whoever has the verifier.

use quoin_audit::Actor;
use quoin_kernel::hash::sha256;
use quoin_kernel::port::Origin;
use quoin_kernel::{Problem, Secret, UserCaller, rng};

use crate::Identity;
use crate::error::IdentityError;
use crate::model::{AuthCode, CodeChallenge};
use crate::store::{codes_global, sessions_global};

/// Makes a code for the caller's session. Its exchange ends that session and opens one that is as strong; the code is dead
/// as soon as the session is.
///
/// # Errors
/// `insufficient_aal` for somebody who still owes a second factor, `session_not_found` where the session has ended.
pub async fn hand_over_session(
    identity: &Identity,
    caller: &UserCaller,
    challenge: CodeChallenge,
    origin: &Origin,
) -> Result<Secret<String>, Problem> {
    if caller.needs_second_factor {
        return Err(IdentityError::InsufficientAal.into());
    }
    let code = Secret::new(rng::token(identity.app().rng()));
    let hash = sha256(code.expose().as_bytes());
    let (session_id, now) = (caller.session_id, origin.now);
    let expires_at = now + identity.config().link();
    let entry = identity.entry(Actor::User(caller.user_id), "identity.session.handed_over", origin);
    let entry = entry.on(session_id);
    identity
        .db()
        .write("identity.session.hand_over", move |tx| {
            let found = sessions_global::find_with_user(tx, session_id)?;
            let (user, session) = found.ok_or(IdentityError::SessionNotFound)?;
            let code = AuthCode {
                is_upheld: false,
                user_id: user.id,
                method: session.method,
                sso_org_id: session.sso_org_id,
                challenge: challenge.clone(),
                expires_at,
                session_id: None,
                continues: Some(session_id),
            };
            codes_global::insert(tx, &hash, &code, now)?;
            Ok::<_, Problem>(quoin_audit::record(tx, &entry)?)
        })
        .await?;
    Ok(code)
}
