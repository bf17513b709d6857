//! Signing up with an address and a password.

use minijinja::context;
use quoin_identity::service::{self, SignUp, SignedUp};
use quoin_kernel::Problem;
use quoin_web::{Ctx, Response, RoutesFor, Unidentified};
use serde_json::{Map, Value};

use super::link::check_mail;
use super::{form, page};
use crate::Pages;
use crate::browser_session::enter;
use crate::visit::{Fields, Opened, Sent, Visit};

const TEMPLATE: &str = "sign_up.html";

pub(super) fn add(routes: RoutesFor<Pages>) -> RoutesFor<Pages> {
    routes
        .add(page("/sign-up", "pages.sign_up.show"), show)
        .add(form("/sign-up", "pages.sign_up.submit"), submit)
}

async fn show(_: Ctx<Unidentified>, Opened { visit, .. }: Opened) -> Response {
    let passwords = visit.pages.identity().config().passwords;
    let shown = if passwords { render(&visit) } else { Ok(visit.go("/sign-in/link")) };
    visit.answer(shown)
}

fn render(visit: &Visit) -> Result<Response, Problem> {
    visit.show(TEMPLATE, context! { minimum => visit.pages.identity().config().password_min_length })
}

async fn submit(_: Ctx<Unidentified>, Sent { mut visit, fields }: Sent) -> Response {
    let done = sign_up(&mut visit, &fields).await;
    visit.answer(done)
}

async fn sign_up(visit: &mut Visit, fields: &Fields) -> Result<Response, Problem> {
    let signed_up = match wish(visit, fields) {
        Ok(wish) => service::sign_up(visit.pages.identity(), wish, &visit.origin).await,
        Err(problem) => Err(problem),
    };
    match signed_up {
        Ok(SignedUp::Session(issued)) => enter(visit, *issued).await,
        Ok(SignedUp::Pending(_)) => check_mail(visit, fields, "signup", None),
        Err(problem) => {
            let minimum = visit.pages.identity().config().password_min_length;
            let typed = context! { email => fields.get("email"), name => fields.get("name"), minimum };
            visit.refuse(TEMPLATE, problem, typed)
        }
    }
}

/// The language is noted with the account: its mails and pages keep to it until the person says otherwise.
fn wish(visit: &Visit, fields: &Fields) -> Result<SignUp, Problem> {
    let mut data = Map::new();
    data.insert("locale".to_owned(), Value::from(visit.language.tag()));
    if let Some(name) = fields.get("name") {
        data.insert("name".to_owned(), Value::from(name));
    }
    let (email, password) = (fields.email()?, fields.secret("password"));
    Ok(SignUp { email, password, data, wishes: visit.link_wishes() })
}
