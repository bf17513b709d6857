//! Refreshing: a token has exactly one child, and a copy that turns up ends the family.

use std::time::Duration;

use quoin_audit::Actor;
use quoin_db::{DbError, Tx};
use quoin_kernel::port::Origin;
use quoin_kernel::{Problem, Timestamp};
use quoin_tenancy::ActiveOrg;

use crate::Identity;
use crate::error::IdentityError;
use crate::model::refresh_token::Standing;
use crate::model::{Client, RefreshKeys, RefreshToken, Session, User};
use crate::service::end_sessions::end_session;
use crate::service::issue_session::{IssuedSession, OpenSession, check_admission};
use crate::service::realm::concerns;
use crate::service::sso_gate;
use crate::service::upstream::gate::{Demand, demand_of};
use crate::service::upstream::uphold::{Upholding, end_unheld, settle, uphold};
use crate::store::sessions_global;

/// What became of a refresh, once committed: the end of a family must be kept, so it is no error in the transaction.
enum Refreshed {
    Continued(Box<OpenSession>),
    Ended(IdentityError),
}

/// Exchanges a refresh token for the next pair.
///
/// The client that used a token may ask again within the grace and gets the same child.
///
/// # Errors
/// `refresh_token_not_found`, `refresh_token_already_used` (the session has ended), `user_banned`.
pub async fn refresh_session(
    identity: &Identity,
    token: &str,
    origin: &Origin,
) -> Result<IssuedSession, Problem> {
    let keys = RefreshKeys::new(identity.app().master_key());
    let token = keys.read(token).ok_or(IdentityError::RefreshTokenNotFound)?;
    let client = Client::of(origin);
    let upholding = uphold(identity, (&token, &client), origin).await?;
    let kept = match &upholding {
        Upholding::Holds(state) => Some((token.session_id(), state.clone())),
        _ => None,
    };
    let (inside, seen_from) = (identity.clone(), origin.clone());
    let refreshed = identity
        .db()
        .write("identity.session.refresh", move |tx| {
            let shown = Shown { keys: &keys, token: &token, client: &client, upholding: &upholding };
            refresh(tx, &inside, &shown, &seen_from)
        })
        .await;
    if let (Err(_), Some((id, state))) = (&refreshed, kept) {
        // The provider has answered, perhaps with another token: that is kept although the refresh is refused.
        settle(identity, id, state).await?;
    }
    match refreshed? {
        Refreshed::Continued(open) => open.sign(identity, origin.now),
        Refreshed::Ended(error) => Err(error.into()),
    }
}

/// What was shown, and what a provider that keeps people has said about it.
struct Shown<'a> {
    keys: &'a RefreshKeys,
    token: &'a RefreshToken,
    client: &'a Client,
    upholding: &'a Upholding,
}

fn refresh(
    tx: &mut Tx<'_>,
    identity: &Identity,
    shown: &Shown<'_>,
    origin: &Origin,
) -> Result<Refreshed, Problem> {
    let (now, config, token) = (origin.now, identity.config(), shown.token);
    let found = sessions_global::find_with_user(tx, token.session_id())?;
    let Some((user, session)) = found.filter(|(user, _)| concerns(origin, user)) else {
        return Ok(Refreshed::Ended(IdentityError::RefreshTokenNotFound));
    };
    let is_idle = now.since(session.refreshed_at) > Duration::from_secs(config.session_idle_s);
    let is_old = config.session_max().is_some_and(|max| now.since(session.created_at) >= max);
    if is_idle || is_old {
        end_session(tx, identity, session.id, now)?;
        return Ok(Refreshed::Ended(IdentityError::RefreshTokenNotFound));
    }
    if let Err(error) = check_admission(config, &user, now) {
        return Ok(Refreshed::Ended(error));
    }
    sso_gate::check(tx, &user, session.sso_org_id, origin)?;
    let child = shown.keys.child(token, &session.seed);
    match token.standing(&session, shown.client, now, Duration::from_secs(config.refresh_grace_s)) {
        Standing::Newest if !hold(tx, identity, (&user, &session), shown.upholding)? => {
            end_unheld(tx, identity, session.id, origin)?;
            return Ok(Refreshed::Ended(IdentityError::RefreshTokenNotFound));
        }
        Standing::Newest if sessions_global::rotate(tx, &session, &child.hash(), origin)? => {}
        Standing::Repeated => {}
        Standing::Newest | Standing::Reused => return end_family(tx, identity, &session, origin),
    }
    let org = keep_org(tx, &user, &session, now)?;
    if is_over(tx, (&user, &session), org.as_ref())? {
        end_session(tx, identity, session.id, now)?;
        return Ok(Refreshed::Ended(IdentityError::RefreshTokenNotFound));
    }
    Ok(Refreshed::Continued(Box::new(OpenSession { user, session, org, refresh_token: child })))
}

/// Tells whether a session that acts for one organisation alone can do so no more: because of whose provider opened it, or
/// of whose people its person is one.
fn is_over(
    tx: &mut Tx<'_>,
    (user, session): (&User, &Session),
    org: Option<&ActiveOrg>,
) -> Result<bool, DbError> {
    let is_bound = session.sso_org_id.is_some() || user.realm.org_id().is_some();
    let has_lost_provider = match session.sso_org_id {
        Some(org_id) => !quoin_tenancy::has_sso_connection(tx, org_id)?,
        None => false,
    };
    Ok(is_bound && org.is_none() || has_lost_provider)
}

/// Keeps what upholds the session from now on; `false` where the provider upholds it no longer.
///
/// # Errors
/// 503 where the provider should have been asked and was not.
fn hold(
    tx: &mut Tx<'_>,
    identity: &Identity,
    (user, session): (&User, &Session),
    upholding: &Upholding,
) -> Result<bool, Problem> {
    match upholding {
        Upholding::Ended => Ok(false),
        Upholding::Holds(state) => {
            sessions_global::settle_upholding(tx, session.id, state.as_deref())?;
            Ok(true)
        }
        Upholding::NotAsked if demand_of(identity, user, session) == Demand::Nothing => Ok(true),
        Upholding::NotAsked => Err(Problem::unavailable("provider_unreachable", "Try again", 1)),
    }
}

/// Keeps the active organisation while the person belongs to it and it accepts the session, else takes the one they used
/// last.
fn keep_org(
    tx: &mut Tx<'_>,
    user: &User,
    session: &Session,
    now: Timestamp,
) -> Result<Option<ActiveOrg>, Problem> {
    let org = quoin_tenancy::active_org(tx, user.id, session.org_id, &session.facts(now))?;
    // One that its organisation does not accept any more ends instead.
    let org_id = org.as_ref().map(|org| org.org_id).or(session.sso_org_id);
    if org_id != session.org_id {
        sessions_global::update_org(tx, session.id, org_id)?;
    }
    Ok(org)
}

fn end_family(
    tx: &mut Tx<'_>,
    identity: &Identity,
    session: &Session,
    origin: &Origin,
) -> Result<Refreshed, Problem> {
    end_session(tx, identity, session.id, origin.now)?;
    let entry = identity.entry(Actor::User(session.user_id), "identity.session.refresh_token_reused", origin);
    quoin_audit::record(tx, &entry.on(session.id))?;
    Ok(Refreshed::Ended(IdentityError::RefreshTokenAlreadyUsed))
}
