//! Coming back without the password: a mailed link or code, then a new password.

use minijinja::context;
use quoin_identity::model::AuthMethod;
use quoin_identity::service::{self, UserChanges};
use quoin_kernel::Problem;
use quoin_web::{Ctx, Response, RoutesFor, Unidentified};
use serde::Deserialize;

use super::link::check_mail;
use super::{form, page};
use crate::Pages;
use crate::browser_session::{Person, account, leave};
use crate::visit::{Fields, Opened, Sent, Visit};

/// Where whoever knows their password changes it.
const CHANGE: &str = "/account/security";

/// What a session says of how it was opened.
#[derive(Default, Deserialize)]
struct Claims {
    amr: Vec<Shown>,
}

#[derive(Deserialize)]
struct Shown {
    method: String,
}

pub(super) fn add(routes: RoutesFor<Pages>) -> RoutesFor<Pages> {
    routes
        .add(page("/recover", "pages.recover.show"), show)
        .add(form("/recover", "pages.recover.submit"), submit)
        .add(page("/new-password", "pages.new_password.show"), show_new)
        .add(form("/new-password", "pages.new_password.submit"), submit_new)
}

async fn show(_: Ctx<Unidentified>, Opened { visit, .. }: Opened) -> Response {
    let shown = visit.show("recover.html", context! {});
    visit.answer(shown)
}

async fn submit(_: Ctx<Unidentified>, Sent { visit, fields }: Sent) -> Response {
    let done = request(&visit, &fields).await;
    visit.answer(done)
}

async fn request(visit: &Visit, fields: &Fields) -> Result<Response, Problem> {
    let sent = match fields.email() {
        Ok(email) => {
            let (identity, wishes) = (visit.pages.identity(), visit.link_wishes());
            service::request_recovery(identity, email, wishes, &visit.origin).await
        }
        Err(problem) => Err(problem),
    };
    match sent {
        Ok(()) => check_mail(visit, fields, "recovery", None),
        Err(problem) => visit.refuse("recover.html", problem, context! { email => fields.get("email") }),
    }
}

async fn show_new(_: Ctx<Unidentified>, Opened { mut visit, .. }: Opened) -> Response {
    let shown = open_new(&mut visit).await;
    visit.answer(shown)
}

async fn open_new(visit: &mut Visit) -> Result<Response, Problem> {
    if owner_without_password(visit).await?.is_none() {
        return Ok(visit.go(CHANGE));
    }
    visit.show("new_password.html", values(visit))
}

/// Finds somebody who cannot say their password: who has come by a recovery link, or never had one.
async fn owner_without_password(visit: &mut Visit) -> Result<Option<Person>, Problem> {
    let (person, user) = account(visit).await?;
    let claims: Claims = serde_json::from_str(&person.claims).unwrap_or_default();
    let recovers = claims.amr.iter().any(|shown| shown.method == AuthMethod::Recovery.as_str());
    Ok((recovers || user.password_hash.is_none()).then_some(person))
}

fn values(visit: &Visit) -> minijinja::Value {
    context! { minimum => visit.pages.identity().config().password_min_length }
}

async fn submit_new(_: Ctx<Unidentified>, Sent { mut visit, fields }: Sent) -> Response {
    let done = set_password(&mut visit, &fields).await;
    visit.answer(done)
}

async fn set_password(visit: &mut Visit, fields: &Fields) -> Result<Response, Problem> {
    let Some(person) = owner_without_password(visit).await? else { return Ok(visit.go(CHANGE)) };
    let changes = UserChanges { password: Some(fields.secret("password")), ..UserChanges::default() };
    match service::update_user(visit.pages.identity(), &person, changes, &visit.origin).await {
        Ok(_) => leave(visit).await,
        Err(problem) => visit.refuse("new_password.html", problem, values(visit)),
    }
}
