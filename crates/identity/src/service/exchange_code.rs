//! The last step of the PKCE flow: the browser that asked for a link exchanges what the link gave it.

use quoin_db::Tx;
use quoin_kernel::hash::sha256;
use quoin_kernel::port::Origin;
use quoin_kernel::{Problem, Secret};

use crate::Identity;
use crate::error::IdentityError;
use crate::model::AuthCode;
use crate::service::end_sessions::end_session;
use crate::service::issue_session::{IssuedSession, OpenSession, SessionDraft, issue_session};
use crate::service::realm::concerns;
use crate::store::{codes_global, users_global};

/// What became of a code, once committed: the end of a session after a replay must be kept.
enum Exchanged {
    Opened(Box<OpenSession>),
    Replayed,
}

/// Exchanges an authorization code and its verifier for a session. A replay ends the session that the code has opened.
///
/// # Errors
/// `flow_state_not_found`, `flow_state_expired`, `bad_code_verifier`, and those of every sign-in.
pub async fn exchange_code(
    identity: &Identity,
    code: &Secret<String>,
    verifier: Secret<String>,
    origin: &Origin,
) -> Result<IssuedSession, Problem> {
    let hash = sha256(code.expose().as_bytes());
    let found = identity.db().read("identity.code.get", move |tx| codes_global::find(tx, &hash)).await?;
    let found = found.ok_or(IdentityError::FlowStateNotFound)?;
    let draft = SessionDraft::new(identity, found.method, origin.now).through(found.sso_org_id);
    let (inside, seen_from) = (identity.clone(), origin.clone());
    let exchanged = identity
        .db()
        .write("identity.code.exchange", move |tx| {
            let code = codes_global::find(tx, &hash)?.ok_or(IdentityError::FlowStateNotFound)?;
            exchange(tx, &inside, (&hash, &code), (&draft, &verifier), &seen_from)
        })
        .await?;
    match exchanged {
        Exchanged::Opened(open) => open.sign(identity, origin.now),
        Exchanged::Replayed => Err(IdentityError::FlowStateNotFound.into()),
    }
}

fn exchange(
    tx: &mut Tx<'_>,
    identity: &Identity,
    (hash, code): (&[u8; 32], &AuthCode),
    (draft, verifier): (&SessionDraft, &Secret<String>),
    origin: &Origin,
) -> Result<Exchanged, Problem> {
    let now = origin.now;
    let user = users_global::find(tx, code.user_id)?.filter(|user| concerns(origin, user));
    let user = user.ok_or(IdentityError::FlowStateNotFound)?;
    // Whoever lacks the verifier learns and changes nothing; a copied code alone must not end anybody's session.
    if !code.challenge.matches(verifier.expose()) {
        return Err(IdentityError::BadCodeVerifier.into());
    }
    if let Some(session_id) = code.session_id {
        end_session(tx, identity, session_id, now)?;
        return Ok(Exchanged::Replayed);
    }
    if code.expires_at <= now {
        return Err(IdentityError::FlowStateExpired.into());
    }
    if !codes_global::consume(tx, hash, draft.id(), now)? {
        return Err(IdentityError::FlowStateNotFound.into());
    }
    Ok(Exchanged::Opened(Box::new(issue_session(tx, identity, user, draft, origin)?)))
}
