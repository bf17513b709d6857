//! Accepting an invitation: opening the page consumes nothing, its form does, for whoever is signed in.

use minijinja::{Value, context};
use quoin_identity::service::may_sign_up;
use quoin_kernel::Problem;
use quoin_tenancy::service as tenancy;
use quoin_web::{Ctx, Response, RoutesFor, Unidentified};

use super::organisations::activate;
use super::{form, page};
use crate::Pages;
use crate::browser_session::{account, account_at_any_level, somebody};
use crate::visit::{Fields, Opened, Sent, Visit};

const TEMPLATE: &str = "invitation.html";

pub(super) fn add(routes: RoutesFor<Pages>) -> RoutesFor<Pages> {
    routes
        .add(page("/invitation", "pages.invitation.show"), show)
        .add(form("/invitation", "pages.invitation.accept"), accept)
}

async fn show(_: Ctx<Unidentified>, Opened { mut visit, fields }: Opened) -> Response {
    let shown = open(&mut visit, &fields).await;
    visit.answer(shown)
}

async fn open(visit: &mut Visit, fields: &Fields) -> Result<Response, Problem> {
    let token = fields.get("token").unwrap_or_default();
    // Whoever signs in first comes back here.
    let mut here = visit.app().config().link("/invitation");
    here.query_pairs_mut().append_pair("token", token);
    visit.target = Some(here);
    let facts = match facts(visit, token).await {
        Ok(facts) => facts,
        // Whoever came as one of the organisation's people has accepted thereby.
        Err(_) if visit.is_about_one() && somebody(visit).await?.is_some() => {
            visit.target = None;
            return Ok(visit.go("/account"));
        }
        Err(problem) => return refuse(visit, problem),
    };
    let account = match somebody(visit).await? {
        Some(_) => account_at_any_level(visit).await?.1.email.map(|email| email.to_string()),
        None => None,
    };
    let sign_up = may_sign_up(visit.pages.identity(), &visit.origin).await?;
    visit.show(TEMPLATE, context! { token, account, sign_up, ..facts })
}

async fn facts(visit: &mut Visit, token: &str) -> Result<Value, Problem> {
    let facts = tenancy::peek_invitation(visit.pages.tenancy(), token, visit.origin.now).await?;
    visit.is_about(facts.org_id).await?;
    let email = facts.email.as_str();
    Ok(context! { organisation => facts.organization, role => facts.role, email })
}

fn refuse(visit: &mut Visit, problem: Problem) -> Result<Response, Problem> {
    visit.target = None;
    visit.refuse(TEMPLATE, problem, context! {})
}

async fn accept(_: Ctx<Unidentified>, Sent { mut visit, fields }: Sent) -> Response {
    let done = join(&mut visit, &fields).await;
    visit.answer(done)
}

async fn join(visit: &mut Visit, fields: &Fields) -> Result<Response, Problem> {
    let (person, _) = account(visit).await?;
    let token = fields.get("token").unwrap_or_default();
    let accepted =
        tenancy::accept_invitation(visit.pages.tenancy(), token, person.user_id, &visit.origin).await;
    match accepted.map_err(Problem::from) {
        Ok(organisation) => {
            visit.target = None;
            activate(visit, &person, organisation.id).await
        }
        Err(problem) => refuse(visit, problem),
    }
}
