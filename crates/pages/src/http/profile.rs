//! The account: what somebody is called, which language they read, and their address.

use minijinja::{Value, context};
use quoin_identity::model::User;
use quoin_identity::service::{self, UserChanges};
use quoin_kernel::Problem;
use quoin_web::{Ctx, HeaderValue, IntoResponse as _, Json, Response, RoutesFor, Unidentified, header};
use serde_json::{Map, json};

use super::{form, page};
use crate::Pages;
use crate::browser_session::account;
use crate::visit::{Fields, Opened, Sent, Visit};
use quoin_kernel::Language;

const TEMPLATE: &str = "profile.html";

pub(super) fn add(routes: RoutesFor<Pages>) -> RoutesFor<Pages> {
    routes
        .add(page("/account", "pages.profile.show"), show)
        .add(form("/account", "pages.profile.submit"), submit)
        .add(form("/account/email", "pages.email.submit"), submit_email)
        .add(form("/account/export", "pages.export.submit"), export)
}

async fn show(_: Ctx<Unidentified>, Opened { mut visit, fields }: Opened) -> Response {
    let shown = open(&mut visit, &fields).await;
    visit.answer(shown)
}

async fn open(visit: &mut Visit, fields: &Fields) -> Result<Response, Problem> {
    let (_, user) = account(visit).await?;
    let done = fields.get("done").is_some();
    visit.show(TEMPLATE, context! { done, ..facts(&user) })
}

fn facts(user: &User) -> Value {
    let email = user.email.as_ref().map(ToString::to_string);
    let new_email = user.new_email.as_ref().map(ToString::to_string);
    let password = user.password_hash.is_some();
    context! { page => "profile", name => user.shown_name(), email, new_email, password }
}

async fn submit(_: Ctx<Unidentified>, Sent { mut visit, fields }: Sent) -> Response {
    let done = change(&mut visit, &fields).await;
    visit.answer(done)
}

async fn change(visit: &mut Visit, fields: &Fields) -> Result<Response, Problem> {
    let (person, user) = account(visit).await?;
    let language = fields.get("locale").and_then(Language::parse).unwrap_or(visit.language);
    let mut data = Map::new();
    data.insert("name".to_owned(), json!(fields.get("name")));
    data.insert("locale".to_owned(), json!(language.tag()));
    let changes = UserChanges { data: Some(data), ..UserChanges::default() };
    match service::update_user(visit.pages.identity(), &person, changes, &visit.origin).await {
        Ok(user) => {
            visit.language = language;
            visit.show(TEMPLATE, context! { done => true, ..facts(&user) })
        }
        Err(problem) => visit.refuse(TEMPLATE, problem, facts(&user)),
    }
}

async fn submit_email(_: Ctx<Unidentified>, Sent { mut visit, fields }: Sent) -> Response {
    let done = change_email(&mut visit, &fields).await;
    visit.answer(done)
}

async fn change_email(visit: &mut Visit, fields: &Fields) -> Result<Response, Problem> {
    let (person, user) = account(visit).await?;
    let changed = match fields.email() {
        Ok(email) => {
            let has_password = user.password_hash.is_some();
            let current_password = Some(fields.secret("current_password")).filter(|_| has_password);
            let wishes = visit.link_wishes();
            let changes =
                UserChanges { email: Some(email), current_password, wishes, ..UserChanges::default() };
            service::update_user(visit.pages.identity(), &person, changes, &visit.origin).await
        }
        Err(problem) => Err(problem),
    };
    match changed {
        Ok(user) => visit.show(TEMPLATE, context! { mailed => user.new_email.is_some(), ..facts(&user) }),
        Err(problem) => visit.refuse(TEMPLATE, problem, facts(&user)),
    }
}

async fn export(_: Ctx<Unidentified>, Sent { mut visit, .. }: Sent) -> Response {
    let file = download(&mut visit).await;
    visit.answer(file)
}

/// Everything that is kept of the person, as a file of their own.
async fn download(visit: &mut Visit) -> Result<Response, Problem> {
    let (person, _) = account(visit).await?;
    let file = service::export_own_account(visit.pages.identity(), &person, &visit.origin).await?;
    let mut response = Json(file).into_response();
    let name = HeaderValue::from_static("attachment; filename=\"account.json\"");
    response.headers_mut().insert(header::CONTENT_DISPOSITION, name);
    Ok(response)
}
