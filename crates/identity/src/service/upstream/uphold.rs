//! Asking the provider, before a session is refreshed or goes on in any other way, whether it still holds: by one
//! caller at a time, outside of the transaction.

use std::time::Duration;

use quoin_audit::Actor;
use quoin_db::{DbError, Tx};
use quoin_kernel::port::Origin;
use quoin_kernel::{Problem, SessionId};
use tokio::time::Instant;

use super::gate::{Demand, demand_of};
use super::{TOKEN_SEALED_AS, open_text, seal_token, subject_of, told, unreachable};
use crate::Identity;
use crate::model::refresh_token::Standing;
use crate::model::{Client, RefreshToken, Session, User};
use crate::port::{StoreError, UserStore};
use crate::service::end_sessions::{end_session, hand_over};
use crate::store::sessions_global;

/// How long a caller waits for another one that asks about the same session.
const WAIT: Duration = Duration::from_secs(12);
/// How often it looks.
const LOOK: Duration = Duration::from_millis(25);
/// When whoever asks must have died: later than any answer of the provider is waited for.
const CLAIM_ENDS: Duration = Duration::from_secs(30);

/// What the provider says about a session.
#[derive(Debug)]
pub(crate) enum Upholding {
    /// It was not asked.
    NotAsked,
    /// The session holds; the sealed token that upholds it from now on, where it is another one.
    Holds(Option<Vec<u8>>),
    /// The session has ended there.
    Ended,
}

/// Asks whether a session holds whose newest token is shown. An older token asks nobody: what becomes of it is ours alone.
///
/// # Errors
/// 503 where the provider cannot be asked; nothing has ended then.
pub(crate) async fn uphold(
    identity: &Identity,
    (token, client): (&RefreshToken, &Client),
    origin: &Origin,
) -> Result<Upholding, Problem> {
    let grace = Duration::from_secs(identity.config().refresh_grace_s);
    let is_newest =
        |session: &Session| token.standing(session, client, origin.now, grace) == Standing::Newest;
    uphold_where(identity, token.session_id(), is_newest, origin).await
}

/// Asks before a session goes on by another way than a refresh: in another organisation, with a second factor, at another
/// client. One that the provider upholds no longer ends here. `false` where it has ended.
///
/// # Errors
/// 503 where the provider cannot be asked; nothing has ended then.
pub(crate) async fn uphold_now(identity: &Identity, id: SessionId, origin: &Origin) -> Result<bool, Problem> {
    match uphold_where(identity, id, |_| true, origin).await? {
        Upholding::NotAsked => Ok(true),
        Upholding::Holds(state) => settle(identity, id, state).await.map(|()| true),
        Upholding::Ended => {
            let (inside, seen_from) = (identity.clone(), origin.clone());
            let end = move |tx: &mut Tx<'_>| end_unheld(tx, &inside, id, &seen_from);
            identity.db().write("identity.session.end_unheld", end).await.map(|()| false)
        }
    }
}

/// Ends a session that the provider upholds no longer.
pub(crate) fn end_unheld(
    tx: &mut Tx<'_>,
    identity: &Identity,
    id: SessionId,
    origin: &Origin,
) -> Result<(), Problem> {
    let Some((user, _)) = sessions_global::find_with_user(tx, id)? else { return Ok(()) };
    // There is nothing left there to be ended.
    hand_over(tx, identity, id)?;
    end_session(tx, identity, id, origin.now)?;
    let entry = identity.entry(Actor::User(user.id), "identity.session.ended_by_provider", origin);
    Ok(quoin_audit::record(tx, &entry.on(id))?)
}

async fn uphold_where(
    identity: &Identity,
    id: SessionId,
    is_asked_about: impl Fn(&Session) -> bool,
    origin: &Origin,
) -> Result<Upholding, Problem> {
    let Some(store) = identity.user_store() else { return Ok(Upholding::NotAsked) };
    let deadline = Instant::now() + WAIT;
    loop {
        let found = identity
            .db()
            .read("identity.session.get", move |tx| sessions_global::find_with_user(tx, id))
            .await?;
        let Some((user, session)) = found else { return Ok(Upholding::NotAsked) };
        if !is_asked_about(&session) {
            return Ok(Upholding::NotAsked);
        }
        let demand = demand_of(identity, &user, &session);
        match demand {
            Demand::Nothing => return Ok(Upholding::NotAsked),
            Demand::Refuse => return Ok(Upholding::Ended),
            _ if claim(identity, &session, origin).await? => {
                return ask(identity, store, (&user, &session), demand, origin).await;
            }
            _ if Instant::now() >= deadline => return Err(unreachable()),
            _ => tokio::time::sleep(LOOK).await,
        }
    }
}

async fn claim(identity: &Identity, session: &Session, origin: &Origin) -> Result<bool, Problem> {
    let (session, now) = (session.clone(), origin.now);
    identity
        .db()
        .write("identity.session.claim_upholding", move |tx| {
            Ok::<_, Problem>(sessions_global::claim_upholding(tx, &session, now, now - CLAIM_ENDS)?)
        })
        .await
}

async fn ask(
    identity: &Identity,
    store: &dyn UserStore,
    (user, session): (&User, &Session),
    demand: Demand,
    origin: &Origin,
) -> Result<Upholding, Problem> {
    let asked = match demand {
        Demand::Token(sealed) => by_token(identity, store, user, &sealed, origin).await,
        Demand::Standing(subject) => by_standing(store, &subject).await,
        Demand::Nothing | Demand::Refuse => Ok(Upholding::NotAsked),
    };
    if asked.is_err() {
        // Nothing was learnt: whoever comes next may ask at once.
        settle(identity, session.id, None).await?;
    }
    asked
}

async fn by_token(
    identity: &Identity,
    store: &dyn UserStore,
    user: &User,
    sealed: &[u8],
    origin: &Origin,
) -> Result<Upholding, Problem> {
    let token = open_text(identity, TOKEN_SEALED_AS, sealed)?;
    match store.refresh(&token, origin.now).await {
        Ok(upheld) => {
            if Some(upheld.subject.as_str()) != subject_of(identity, user) {
                tracing::warn!("the provider upholds a session of somebody else");
                return Ok(Upholding::Ended);
            }
            Ok(Upholding::Holds(seal_token(identity, upheld.refresh_token.as_ref())))
        }
        Err(StoreError::Ended(why)) => {
            tracing::info!(why, "the provider upholds a session no longer");
            Ok(Upholding::Ended)
        }
        Err(error) => Err(only_unavailable(error)),
    }
}

async fn by_standing(store: &dyn UserStore, subject: &str) -> Result<Upholding, Problem> {
    match store.is_enabled(subject).await {
        Ok(true) => Ok(Upholding::Holds(None)),
        // Without a look at the account nobody can say that the session holds.
        Ok(false) | Err(StoreError::NotOffered(_)) => Ok(Upholding::Ended),
        Err(error) => Err(only_unavailable(error)),
    }
}

/// Whatever else a provider says to a refresh tells nothing about the person, so nothing ends.
fn only_unavailable(error: StoreError) -> Problem {
    let problem = told(error);
    if problem.status() >= 500 { problem } else { unreachable() }
}

/// Ends the claim by itself, where the transaction that would have done it was refused.
pub(crate) async fn settle(
    identity: &Identity,
    id: SessionId,
    state: Option<Vec<u8>>,
) -> Result<(), Problem> {
    let settled = identity.db().write::<_, DbError, _>("identity.session.settle_upholding", move |tx| {
        sessions_global::settle_upholding(tx, id, state.as_deref())
    });
    Ok(settled.await?)
}
