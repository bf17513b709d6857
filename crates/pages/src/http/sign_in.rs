//! Signing in with a password, and signing out.

use minijinja::{Value, context};
use quoin_identity::service::{self, LogoutScope};
use quoin_kernel::Problem;
use quoin_tenancy::SsoKey;
use quoin_web::{Ctx, Response, RoutesFor, Unidentified};

use super::{form, link, page};
use crate::Pages;
use crate::browser_session::{self, enter, somebody};
use crate::visit::{Fields, Opened, Sent, Visit};

const TEMPLATE: &str = "sign_in.html";

pub(super) fn add(routes: RoutesFor<Pages>) -> RoutesFor<Pages> {
    routes
        .add(page("/sign-in", "pages.sign_in.show"), show)
        .add(form("/sign-in", "pages.sign_in.submit"), submit)
        .add(form("/sign-out", "pages.sign_out.submit"), sign_out)
}

async fn show(_: Ctx<Unidentified>, Opened { mut visit, .. }: Opened) -> Response {
    let shown = open(&mut visit).await;
    visit.answer(shown)
}

async fn open(visit: &mut Visit) -> Result<Response, Problem> {
    if visit.lands_here()
        && let Some(person) = somebody(visit).await?
    {
        return Ok(visit.go(if person.needs_second_factor { "/second-factor" } else { "/account" }));
    }
    if !visit.pages.identity().config().passwords {
        return Ok(visit.go("/sign-in/link"));
    }
    visit.show(TEMPLATE, ways_in(visit, None).await?)
}

/// Shows the page again with what was refused.
pub(super) async fn refuse(visit: &Visit, problem: Problem) -> Result<Response, Problem> {
    let template = if visit.pages.identity().config().passwords { TEMPLATE } else { link::TEMPLATE };
    visit.refuse(template, problem, ways_in(visit, None).await?)
}

/// Says by which ways somebody may come in here.
pub(super) async fn ways_in(visit: &Visit, email: Option<&str>) -> Result<Value, Problem> {
    let identity = visit.pages.identity();
    let names: Vec<String> = identity.providers().iter().map(|provider| provider.name.clone()).collect();
    let config = identity.config();
    let sign_up = service::may_sign_up(identity, &visit.origin).await?;
    Ok(context! { email, providers => names, sign_up, passwords => config.passwords, ..link::form_to_send() })
}

async fn submit(_: Ctx<Unidentified>, Sent { mut visit, fields }: Sent) -> Response {
    let done = sign_in(&mut visit, &fields).await;
    visit.answer(done)
}

async fn sign_in(visit: &mut Visit, fields: &Fields) -> Result<Response, Problem> {
    let signed_in = match fields.email() {
        Ok(email) => {
            let password = fields.secret("password");
            service::sign_in(visit.pages.identity(), email, password, &visit.origin).await
        }
        Err(problem) => Err(problem),
    };
    match signed_in {
        Ok(issued) => enter(visit, issued).await,
        Err(problem) => {
            let sso = match problem.code() {
                "sso_required" => own_provider(visit, fields).await?,
                _ => None,
            };
            let ways = ways_in(visit, fields.get("email")).await?;
            visit.refuse(TEMPLATE, problem, context! { sso, ..ways })
        }
    }
}

/// Says where somebody goes to come in through their organisation's own provider. Its session acts for that organisation in an
/// application, so from these pages alone nothing leads there.
async fn own_provider(visit: &Visit, fields: &Fields) -> Result<Option<String>, Problem> {
    if visit.lands_here() {
        return Ok(None);
    }
    let key = SsoKey::Domain(fields.email()?.domain().to_owned());
    let id = match service::find_sso(visit.pages.identity(), key, &visit.origin).await {
        Ok(id) => id,
        Err(problem) if problem.status() >= 500 => return Err(problem),
        Err(_) => return Ok(None),
    };
    let mut away = visit.app().config().link("/auth/v1/authorize");
    away.query_pairs_mut().append_pair("sso", &id.to_string()).extend_pairs(visit.carried());
    Ok(Some(away.into()))
}

async fn sign_out(_: Ctx<Unidentified>, Sent { mut visit, .. }: Sent) -> Response {
    let done = end(&mut visit).await;
    visit.answer(done)
}

async fn end(visit: &mut Visit) -> Result<Response, Problem> {
    if let Some(person) = somebody(visit).await? {
        service::log_out(visit.pages.identity(), &person, LogoutScope::Local, &visit.origin).await?;
    }
    browser_session::forget(visit)?;
    Ok(visit.go("/sign-in"))
}
