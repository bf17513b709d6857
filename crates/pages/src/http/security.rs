//! What guards an account: password, second factors, passkeys, recovery codes.

use minijinja::{Value, context};
use quoin_identity::model::{Factor, FactorKind, User};
use quoin_kernel::Problem;
use quoin_web::{Ctx, Response, RoutesFor, Unidentified};

use super::page;
use crate::Pages;
use crate::browser_session::account;
use crate::visit::{Fields, Opened, Visit};

const TEMPLATE: &str = "security.html";

pub(super) fn add(routes: RoutesFor<Pages>) -> RoutesFor<Pages> {
    routes.add(page("/account/security", "pages.security.show"), show)
}

async fn show(_: Ctx<Unidentified>, Opened { mut visit, fields }: Opened) -> Response {
    let shown = open(&mut visit, &fields).await;
    visit.answer(shown)
}

async fn open(visit: &mut Visit, fields: &Fields) -> Result<Response, Problem> {
    let (_, user) = account(visit).await?;
    let done = fields.get("done");
    visit.show(TEMPLATE, context! { done, ..facts(visit, &user) })
}

/// Shows the page again with what was refused.
pub(super) fn refuse(visit: &Visit, user: &User, problem: Problem) -> Result<Response, Problem> {
    visit.refuse(TEMPLATE, problem, facts(visit, user))
}

/// Shows the page with word of what was done.
pub(super) fn done(visit: &Visit, what: &str) -> Response {
    visit.go(&format!("/account/security?done={what}"))
}

fn facts(visit: &Visit, user: &User) -> Value {
    let config = visit.pages.identity().config();
    let list = |wanted: fn(&Factor) -> bool| -> Vec<Value> {
        user.factors.iter().filter(|factor| wanted(factor)).map(entry).collect()
    };
    let factors = list(|factor| factor.kind != FactorKind::Passkey && factor.verified_at.is_some());
    let passkeys = list(|factor| factor.kind == FactorKind::Passkey);
    context! {
        page => "security", factors, passkeys, passwords => config.passwords,
        password => user.password_hash.is_some(), minimum => config.password_min_length,
        has_second_factor => user.has_second_factor(),
    }
}

fn entry(factor: &Factor) -> Value {
    let kind = if factor.kind == FactorKind::Totp { "app" } else { "key" };
    let day = |moment: String| moment[..10].to_owned();
    let used = factor.last_used_at.map(|at| day(at.to_string()));
    let made = day(factor.created_at.to_string());
    context! { id => factor.id.to_string(), kind, name => factor.friendly_name.clone(), made, used }
}
