//! Ends the session that a token belongs to, for another service (RFC 7009).

use quoin_audit::Actor;
use quoin_kernel::port::{Authenticator, Origin};
use quoin_kernel::{Caller, Problem, SessionId};

use crate::Identity;
use crate::model::RefreshKeys;
use crate::service::end_sessions::end_session;

/// Ends the session of an access or refresh token. A token that means nothing is as good as revoked.
///
/// # Errors
/// 503 where that cannot be found out.
pub async fn revoke_token(identity: &Identity, token: &str, origin: &Origin) -> Result<(), Problem> {
    let Some(session_id) = session_of(identity, token, origin).await? else { return Ok(()) };
    let entry = identity.entry(Actor::System("oauth"), "identity.session.ended", origin).on(session_id);
    let (inside, now) = (identity.clone(), origin.now);
    let ended = identity.db().write("identity.token.revoke", move |tx| {
        end_session(tx, &inside, session_id, now)?;
        quoin_audit::record(tx, &entry)?;
        Ok::<_, Problem>(())
    });
    ended.await
}

async fn session_of(identity: &Identity, token: &str, origin: &Origin) -> Result<Option<SessionId>, Problem> {
    if let Some(refresh) = RefreshKeys::new(identity.app().master_key()).read(token) {
        return Ok(Some(refresh.session_id()));
    }
    match identity.authenticate(token, origin.now).await {
        Ok(Caller::User(user)) => Ok(Some(user.session_id)),
        Ok(Caller::Anonymous | Caller::ApiKey(_)) => Ok(None),
        Err(problem) if problem.status() < 500 => Ok(None),
        Err(problem) => Err(problem),
    }
}
