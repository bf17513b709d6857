//! Signing in with an account elsewhere. The pages are an application like any other: they send the browser to the API with a
//! challenge, keep the verifier in a cookie, and exchange the code that comes back.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use quoin_identity::error::IdentityError;
use quoin_identity::service;
use quoin_kernel::hash::sha256;
use quoin_kernel::{Problem, Secret, rng};
use quoin_web::config::PROVIDER_RETURN;
use quoin_web::{Ctx, IntoResponse as _, Redirect, Response, RoutesFor, Unidentified, cookies};

use super::{page, sign_in};
use crate::Pages;
use crate::browser_session::enter;
use crate::visit::{Fields, ORG, Opened, Visit};

/// The cookie that holds the verifier while the browser is away.
const COOKIE: &str = "provider";
const LIFETIME: Duration = Duration::from_mins(10);

pub(super) fn add(routes: RoutesFor<Pages>) -> RoutesFor<Pages> {
    routes
        .add(page("/sign-in/provider", "pages.provider.begin"), begin)
        .add(page(PROVIDER_RETURN, "pages.provider.finish"), finish)
}

async fn begin(_: Ctx<Unidentified>, Opened { mut visit, fields }: Opened) -> Response {
    let gone = set_out(&mut visit, &fields);
    visit.answer(gone)
}

fn set_out(visit: &mut Visit, fields: &Fields) -> Result<Response, Problem> {
    let verifier = rng::token(visit.app().rng());
    let challenge = URL_SAFE_NO_PAD.encode(sha256(verifier.as_bytes()));
    let config = visit.app().config();
    let mut back = config.link(PROVIDER_RETURN);
    for (name, value) in visit.carried() {
        back.query_pairs_mut().append_pair(name, &value);
    }
    let mut away = config.link("/auth/v1/authorize");
    away.query_pairs_mut()
        .append_pair("provider", fields.get("provider").unwrap_or_default())
        .append_pair("redirect_to", back.as_str())
        .append_pair("code_challenge", &challenge)
        .append_pair("code_challenge_method", "s256");
    // The API asks whose people this is about before it looks at where the way back leads.
    if let Some((name, org)) = visit.carried().into_iter().find(|(name, _)| *name == ORG) {
        away.query_pairs_mut().append_pair(name, &org);
    }
    let cookie = cookies::set(config, COOKIE, &verifier, Some(LIFETIME))?;
    visit.set_cookie(cookie);
    Ok(Redirect::to(away.as_str()).into_response())
}

async fn finish(_: Ctx<Unidentified>, Opened { mut visit, fields }: Opened) -> Response {
    let landed = land(&mut visit, &fields).await;
    visit.answer(landed)
}

async fn land(visit: &mut Visit, fields: &Fields) -> Result<Response, Problem> {
    let config = visit.app().config();
    let verifier = cookies::get(config, &visit.headers, COOKIE).unwrap_or_default().to_owned();
    let cleared = cookies::clear(config, COOKIE)?;
    visit.set_cookie(cleared);
    let opened = match (fields.get("code"), fields.get("error_code")) {
        (Some(code), _) => {
            let (code, verifier) = (Secret::new(code.to_owned()), Secret::new(verifier));
            service::exchange_code(visit.pages.identity(), &code, verifier, &visit.origin).await
        }
        // The API has said to the application, these pages, what was refused.
        (None, Some(code)) => Err(refused(code)),
        (None, None) => Err(IdentityError::FlowStateNotFound.into()),
    };
    match opened {
        Ok(issued) => enter(visit, issued).await,
        Err(problem) => sign_in::refuse(visit, problem).await,
    }
}

/// Reads a refusal by its code; one that these pages have no words for is said in general.
fn refused(code: &str) -> Problem {
    let known = [
        IdentityError::UserBanned,
        IdentityError::SignupDisabled,
        IdentityError::SsoRequired,
        IdentityError::EmailNotConfirmed,
        IdentityError::OauthDenied(String::new()),
    ];
    let mut known = known.into_iter().map(Problem::from);
    known.find(|problem| problem.code() == code).unwrap_or_else(|| IdentityError::BadOauthCallback.into())
}
