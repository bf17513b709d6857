//! The last step of the PKCE flow: the browser that asked for a link exchanges what the link gave it.

use quoin_db::Tx;
use quoin_kernel::hash::sha256;
use quoin_kernel::port::Origin;
use quoin_kernel::{Problem, Secret};

use crate::Identity;
use crate::error::IdentityError;
use crate::model::AuthCode;
use crate::service::end_sessions::{end_session, replace_session};
use crate::service::issue_session::{Hold, IssuedSession, OpenSession, SessionDraft, issue_session};
use crate::service::realm::concerns;
use crate::service::upstream::uphold::uphold_now;
use crate::store::{codes_global, sessions_global, users_global};

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
    if let Some(earlier) = found.handed_over(verifier.expose(), origin.now) {
        // One that has ended is not found below.
        uphold_now(identity, earlier, origin).await?;
    }
    let draft = draft_for(identity, &found, origin).await?;
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

/// Draws the session: one of its own, or one that takes over what the code hands over.
async fn draft_for(identity: &Identity, code: &AuthCode, origin: &Origin) -> Result<SessionDraft, Problem> {
    let Some(session_id) = code.continues.filter(|_| code.session_id.is_none()) else {
        let draft = SessionDraft::new(identity, code.method, origin.now).through(code.sso_org_id);
        return Ok(if code.is_upheld { draft.upheld(Hold::default()) } else { draft });
    };
    let find = move |tx: &mut Tx<'_>| sessions_global::find_with_user(tx, session_id);
    let (_, session) =
        identity.db().read("identity.session.get", find).await?.ok_or(IdentityError::FlowStateNotFound)?;
    Ok(SessionDraft::taking_over(identity, &session, origin.now))
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
    if let Some(handed_over) = code.continues {
        let found = sessions_global::find_with_user(tx, handed_over)?;
        let (_, earlier) = found.ok_or(IdentityError::FlowStateNotFound)?;
        replace_session(tx, identity, handed_over, now)?;
        let draft = draft.clone().upheld_like(identity, &user, &earlier);
        return Ok(Exchanged::Opened(Box::new(issue_session(tx, identity, user, &draft, origin)?)));
    }
    Ok(Exchanged::Opened(Box::new(issue_session(tx, identity, user, draft, origin)?)))
}
