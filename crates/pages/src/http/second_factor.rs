//! The second factor: the code of an authenticator app, or one of the recovery codes.

use minijinja::{Value, context};
use quoin_identity::model::{FactorId, FactorKind, User};
use quoin_identity::service::{self, FactorAnswer, FactorProof, IssuedSession};
use quoin_kernel::Problem;
use quoin_web::{Ctx, Response, RoutesFor, Unidentified};

use super::{form, page};
use crate::Pages;
use crate::browser_session::{Person, account_at_any_level, enter, leave};
use crate::visit::{Fields, Opened, Sent, Visit};

const TEMPLATE: &str = "second_factor.html";

pub(super) fn add(routes: RoutesFor<Pages>) -> RoutesFor<Pages> {
    routes
        .add(page("/second-factor", "pages.second_factor.show"), show)
        .add(form("/second-factor", "pages.second_factor.submit"), submit)
        .add(form("/continue", "pages.continue.submit"), go_on)
}

async fn show(_: Ctx<Unidentified>, Opened { mut visit, fields }: Opened) -> Response {
    let shown = open(&mut visit, &fields).await;
    visit.answer(shown)
}

async fn open(visit: &mut Visit, fields: &Fields) -> Result<Response, Problem> {
    let (person, user) = account_at_any_level(visit).await?;
    if !person.needs_second_factor {
        return Ok(visit.go(if visit.lands_here() { "/account" } else { "/sign-in" }));
    }
    if user.has_second_factor() {
        return visit.show(TEMPLATE, ways(&user, fields.get("with")));
    }
    // Demanded of everybody, or by the organisation, and not enrolled yet.
    visit.show("app.html", context! { demanded => true })
}

async fn go_on(_: Ctx<Unidentified>, Sent { mut visit, .. }: Sent) -> Response {
    let done = leave(&mut visit).await;
    visit.answer(done)
}

/// Says which factors somebody may show.
fn ways(user: &User, with: Option<&str>) -> Value {
    let shown = user.factors.iter().filter(|factor| factor.verified_at.is_some());
    let apps: Vec<Value> = shown
        .clone()
        .filter(|factor| factor.kind == FactorKind::Totp)
        .map(|factor| context! { id => factor.id.to_string(), name => factor.friendly_name.clone() })
        .collect();
    let keys: Vec<Value> = shown
        .filter(|factor| factor.kind == FactorKind::Webauthn)
        .map(|factor| context! { id => factor.id.to_string(), name => factor.friendly_name.clone() })
        .collect();
    let recovery = with == Some("recovery");
    context! { apps, keys, recovery }
}

async fn submit(_: Ctx<Unidentified>, Sent { mut visit, fields }: Sent) -> Response {
    let done = verify(&mut visit, &fields).await;
    visit.answer(done)
}

async fn verify(visit: &mut Visit, fields: &Fields) -> Result<Response, Problem> {
    let (person, user) = account_at_any_level(visit).await?;
    let with = fields.get("with");
    let shown = match with {
        Some("recovery") => {
            let code = fields.secret("code");
            service::use_recovery_code(visit.pages.identity(), &person, &code, &visit.origin).await
        }
        _ => show_app(visit, &person, fields).await,
    };
    match shown {
        Ok(issued) => enter(visit, issued).await,
        Err(problem) => visit.refuse(TEMPLATE, problem, ways(&user, with)),
    }
}

/// Shows the code of an authenticator app.
async fn show_app(visit: &Visit, person: &Person, fields: &Fields) -> Result<IssuedSession, Problem> {
    let factor_id: FactorId = fields.id("factor")?;
    show_code(visit, person, factor_id, fields).await
}

/// Asks for a factor and answers in one: an authenticator app needs no question.
pub(super) async fn show_code(
    visit: &Visit,
    person: &Person,
    factor_id: FactorId,
    fields: &Fields,
) -> Result<IssuedSession, Problem> {
    let (identity, origin) = (visit.pages.identity(), &visit.origin);
    let asked = service::challenge_factor(identity, person, factor_id, origin).await?;
    let code: String = fields.secret("code").expose().split_whitespace().collect();
    let proof = FactorProof::Code(quoin_kernel::Secret::new(code));
    let answer = FactorAnswer { factor_id, challenge_id: asked.challenge.id, proof };
    service::verify_factor(identity, person, answer, origin).await
}
