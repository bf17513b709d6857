//! Where somebody is signed in, ended one by one or all at once.

use minijinja::{Value, context};
use quoin_identity::model::session::ListedSession;
use quoin_identity::service::{self, LogoutScope};
use quoin_kernel::{Problem, SessionId};
use quoin_web::{Ctx, Response, RoutesFor, Unidentified};

use super::{form, page};
use crate::Pages;
use crate::browser_session::account;
use crate::visit::{Fields, Opened, Sent, Visit};

pub(super) fn add(routes: RoutesFor<Pages>) -> RoutesFor<Pages> {
    routes
        .add(page("/account/sessions", "pages.sessions.show"), show)
        .add(form("/account/sessions", "pages.sessions.end"), end)
}

async fn show(_: Ctx<Unidentified>, Opened { mut visit, .. }: Opened) -> Response {
    let shown = open(&mut visit).await;
    visit.answer(shown)
}

async fn open(visit: &mut Visit) -> Result<Response, Problem> {
    let (person, _) = account(visit).await?;
    let listed = service::list_sessions(visit.pages.identity(), &person).await?;
    let sessions: Vec<Value> = listed.iter().map(|session| entry(session, person.session_id)).collect();
    visit.show("sessions.html", context! { page => "sessions", sessions })
}

fn entry(session: &ListedSession, own: SessionId) -> Value {
    let at = session.refreshed_at.to_string();
    let shown = format!("{} {} UTC", &at[..10], &at[11..16]);
    context! {
        id => session.id.to_string(), ip => session.ip.clone(), user_agent => session.user_agent.clone(), at, shown,
        own => session.id == own,
    }
}

async fn end(_: Ctx<Unidentified>, Sent { mut visit, fields }: Sent) -> Response {
    let done = end_some(&mut visit, &fields).await;
    visit.answer(done)
}

async fn end_some(visit: &mut Visit, fields: &Fields) -> Result<Response, Problem> {
    let (person, _) = account(visit).await?;
    let (identity, origin) = (visit.pages.identity(), &visit.origin);
    if fields.get("all").is_some() {
        service::log_out(identity, &person, LogoutScope::Others, origin).await?;
    } else {
        service::revoke_session(identity, &person, fields.id("session")?, origin).await?;
    }
    Ok(visit.go("/account/sessions"))
}
