//! The session of a browser on these pages: two cookies that nothing but these pages reads.
//!
//! One holds the refresh token, the other the access token, which saves a refresh with each page. A person may keep so much
//! about themselves that the access token does not fit into a cookie; then every page refreshes.

use std::sync::Arc;
use std::time::Duration;

use quoin_identity::error::IdentityError;
use quoin_identity::http::landing;
use quoin_identity::model::User;
use quoin_identity::service::{self, IssuedSession, Verified};
use quoin_kernel::port::{Authenticator as _, Origin};
use quoin_kernel::{Caller, Problem, UserCaller};
use quoin_web::{IntoResponse as _, Redirect, Response, cookies};
use serde_json::Value;

use crate::visit::Visit;
use quoin_kernel::Language;

const REFRESH: &str = "session";
const ACCESS: &str = "access";
/// Browsers drop a cookie whose name and value have more than 4096 bytes.
const LONGEST_COOKIE: usize = 3900;

/// Somebody who is signed in on these pages.
pub(crate) type Person = Arc<UserCaller>;

/// Finds out who is signed in, at whatever level; continues the session where its access token has expired.
///
/// # Errors
/// 503 where it cannot be found out.
pub(crate) async fn somebody(visit: &mut Visit) -> Result<Option<Person>, Problem> {
    let config = visit.app().config();
    let access = cookies::get(config, &visit.headers, ACCESS).map(str::to_owned);
    let refresh = cookies::get(config, &visit.headers, REFRESH).map(str::to_owned);
    if let Some(person) = who_holds(visit, access.as_deref().unwrap_or_default()).await? {
        return Ok(Some(person));
    }
    let Some(refresh) = refresh.filter(|token| !token.is_empty()) else { return Ok(None) };
    match service::refresh_session(visit.pages.identity(), &refresh, &own(visit)).await {
        Ok(issued) => {
            keep(visit, &issued)?;
            who_holds(visit, &issued.access_token).await
        }
        Err(problem) if problem.status() >= 500 => Err(problem),
        Err(_) => {
            forget(visit)?;
            Ok(None)
        }
    }
}

/// Returns where a browser's own session is continued from: it says whose it is, whatever an address names.
fn own(visit: &Visit) -> Origin {
    Origin { realm: None, ..visit.origin.clone() }
}

/// Demands somebody who owes no second factor and acts for themselves, and reads their account; the pages speak the language
/// that they have chosen.
///
/// # Errors
/// 401 and 403 `insufficient_aal`, which lead to the pages where that can be helped; 403 `session_confined`; 503.
pub(crate) async fn account(visit: &mut Visit) -> Result<(Person, User), Problem> {
    let (person, user) = account_at_any_level(visit).await?;
    if person.needs_second_factor {
        return Err(IdentityError::InsufficientAal.into());
    }
    person.demand_own_session()?;
    Ok((person, user))
}

/// Demands somebody who is signed in, and reads their account.
///
/// # Errors
/// 401, which leads to sign-in; 503.
pub(crate) async fn account_at_any_level(visit: &mut Visit) -> Result<(Person, User), Problem> {
    let person = somebody(visit).await?.ok_or_else(Problem::unauthenticated)?;
    let user = service::get_own_user(visit.pages.identity(), &person).await?;
    let chosen = user.user_metadata.object().get("locale").and_then(Value::as_str);
    visit.language = chosen.and_then(Language::parse).unwrap_or(visit.language);
    Ok((person, user))
}

/// Returns whose session was just issued.
///
/// # Errors
/// 503 where it cannot be found out.
pub(crate) async fn holder_of(visit: &Visit, issued: &IssuedSession) -> Result<Person, Problem> {
    who_holds(visit, &issued.access_token).await?.ok_or_else(Problem::unauthenticated)
}

async fn who_holds(visit: &Visit, token: &str) -> Result<Option<Person>, Problem> {
    if token.is_empty() {
        return Ok(None);
    }
    match visit.pages.identity().authenticate(token, visit.origin.now).await {
        Ok(Caller::User(person)) => Ok(Some(person)),
        Err(problem) if problem.status() >= 500 => Err(problem),
        Ok(_) | Err(_) => Ok(None),
    }
}

/// Keeps a session in the browser.
pub(crate) fn keep(visit: &mut Visit, issued: &IssuedSession) -> Result<(), Problem> {
    let identity = visit.pages.identity().config();
    let (idle, life) = (Duration::from_secs(identity.session_idle_s), Duration::from_secs(issued.expires_in));
    let config = visit.app().config();
    let refresh = cookies::set(config, REFRESH, &issued.refresh_token, Some(idle))?;
    let access = if issued.access_token.len() <= LONGEST_COOKIE {
        cookies::set(config, ACCESS, &issued.access_token, Some(life))?
    } else {
        cookies::clear(config, ACCESS)?
    };
    visit.set_cookie(refresh);
    visit.set_cookie(access);
    Ok(())
}

/// Removes the session from the browser; on the server it stays what it is.
pub(crate) fn forget(visit: &mut Visit) -> Result<(), Problem> {
    let config = visit.app().config();
    let cleared = [cookies::clear(config, REFRESH)?, cookies::clear(config, ACCESS)?];
    for cookie in cleared {
        visit.set_cookie(cookie);
    }
    Ok(())
}

/// Goes on with a session that was just issued: to the second factor where one is owed, to what the person came to do, to
/// the application that they came from, or to the account.
pub(crate) async fn enter(visit: &mut Visit, issued: IssuedSession) -> Result<Response, Problem> {
    let owes = holder_of(visit, &issued).await?.needs_second_factor;
    if !owes && visit.next.is_none() && !visit.lands_here() {
        return hand_over(visit, issued).await;
    }
    keep(visit, &issued)?;
    Ok(match (owes, &visit.next, &visit.target) {
        (true, _, _) => visit.go("/second-factor"),
        (false, Some(_), _) => visit.go("/new-password"),
        (false, None, Some(target)) => Redirect::to(target.as_str()).into_response(),
        (false, None, None) => visit.go("/account"),
    })
}

/// Goes on with the browser's own session, once there is nothing left to do here.
pub(crate) async fn leave(visit: &mut Visit) -> Result<Response, Problem> {
    visit.next = None;
    let refresh = cookies::get(visit.app().config(), &visit.headers, REFRESH).unwrap_or_default().to_owned();
    let issued = service::refresh_session(visit.pages.identity(), &refresh, &own(visit)).await?;
    enter(visit, issued).await
}

/// Gives the application its tokens, in the fragment where its client looks for them, or a code where it uses PKCE. The
/// browser keeps none here: two holders of one session would end it as soon as both have refreshed it.
async fn hand_over(visit: &mut Visit, issued: IssuedSession) -> Result<Response, Problem> {
    let target = visit.target.clone().ok_or_else(|| Problem::internal("there is nowhere to go"))?;
    let given = match visit.challenge.clone() {
        Some(challenge) => {
            let person = holder_of(visit, &issued).await?;
            let (identity, origin) = (visit.pages.identity(), &visit.origin);
            Verified::Code(service::hand_over_session(identity, &person, challenge, origin).await?)
        }
        None => Verified::SignedIn(Box::new(issued)),
    };
    forget(visit)?;
    let url = landing::success(given, target);
    Ok(Redirect::to(url.as_str()).into_response())
}
