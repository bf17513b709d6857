//! Authenticator apps and recovery codes: made, shown once, removed.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use minijinja::context;
use quoin_identity::model::{FactorId, FactorKind};
use quoin_identity::service::{self, EnrolFactor, EnrolledFactor, Held};
use quoin_kernel::Problem;
use quoin_web::{Ctx, Response, RoutesFor, Unidentified};

use super::second_factor::show_code;
use super::{form, security};
use crate::Pages;
use crate::browser_session::{Person, account, account_at_any_level, holder_of, keep};
use crate::visit::{Fields, Sent, Visit};

const TEMPLATE: &str = "app.html";

pub(super) fn add(routes: RoutesFor<Pages>) -> RoutesFor<Pages> {
    routes
        .add(form("/account/app", "pages.app.begin"), begin)
        .add(form("/account/app/verify", "pages.app.verify"), verify)
        .add(form("/account/factors/remove", "pages.factor.remove"), remove)
        .add(form("/account/recovery-codes", "pages.recovery_codes.make"), make_codes)
}

async fn begin(_: Ctx<Unidentified>, Sent { mut visit, fields }: Sent) -> Response {
    let done = enrol(&mut visit, &fields).await;
    visit.answer(done)
}

/// The service decides who may enrol: somebody who owes a second factor and has none may.
async fn enrol(visit: &mut Visit, fields: &Fields) -> Result<Response, Problem> {
    let (person, user) = account_at_any_level(visit).await?;
    let friendly_name = fields.get("name").map(str::to_owned);
    let wish = EnrolFactor { kind: FactorKind::Totp, friendly_name, issuer: None };
    match service::enrol_factor(visit.pages.identity(), &person, wish, &visit.origin).await {
        Ok(enrolled) => show_secret(visit, &enrolled),
        Err(problem) if person.needs_second_factor => Err(problem),
        Err(problem) => security::refuse(visit, &user, problem),
    }
}

fn show_secret(visit: &Visit, enrolled: &EnrolledFactor) -> Result<Response, Problem> {
    let app =
        enrolled.app.as_ref().ok_or_else(|| Problem::internal("an app was enrolled without a secret"))?;
    let picture = format!("data:image/svg+xml;base64,{}", STANDARD.encode(&app.qr_code));
    let factor = enrolled.factor.id.to_string();
    visit.show(TEMPLATE, context! { factor, secret => grouped(app.secret.expose()), picture })
}

/// Writes a secret in groups of four, as people copy it.
fn grouped(secret: &str) -> String {
    let letters: Vec<char> = secret.chars().collect();
    let groups: Vec<String> = letters.chunks(4).map(|group| group.iter().collect()).collect();
    groups.join(" ")
}

async fn verify(_: Ctx<Unidentified>, Sent { mut visit, fields }: Sent) -> Response {
    let done = show_first(&mut visit, &fields).await;
    visit.answer(done)
}

/// Shows a new factor for the first time. The stronger session takes the place of this one, and all others end.
async fn show_first(visit: &mut Visit, fields: &Fields) -> Result<Response, Problem> {
    let (person, _) = account_at_any_level(visit).await?;
    let factor_id: FactorId = fields.id("factor")?;
    match show_code(visit, &person, factor_id, fields).await {
        Ok(issued) => {
            keep(visit, &issued)?;
            let person = holder_of(visit, &issued).await?;
            codes(visit, &person).await
        }
        Err(problem) => {
            // The secret is shown once; whoever mistypes has it in the app already.
            visit.refuse(TEMPLATE, problem, context! { factor => factor_id.to_string(), again => true })
        }
    }
}

async fn make_codes(_: Ctx<Unidentified>, Sent { mut visit, .. }: Sent) -> Response {
    let done = make(&mut visit).await;
    visit.answer(done)
}

async fn make(visit: &mut Visit) -> Result<Response, Problem> {
    let (person, _) = account(visit).await?;
    codes(visit, &person).await
}

async fn codes(visit: &Visit, person: &Person) -> Result<Response, Problem> {
    let made = service::make_recovery_codes(visit.pages.identity(), person, &visit.origin).await?;
    let codes: Vec<String> = made.iter().map(|code| code.expose().clone()).collect();
    visit.show("recovery_codes.html", context! { codes })
}

async fn remove(_: Ctx<Unidentified>, Sent { mut visit, fields }: Sent) -> Response {
    let done = remove_one(&mut visit, &fields).await;
    visit.answer(done)
}

async fn remove_one(visit: &mut Visit, fields: &Fields) -> Result<Response, Problem> {
    let (person, user) = account(visit).await?;
    let held = if fields.get("kind") == Some("passkey") { Held::Passkey } else { Held::SecondFactor };
    let which = (held, fields.id("factor")?);
    match service::remove_own_factor(visit.pages.identity(), &person, which, &visit.origin).await {
        Ok(()) => Ok(security::done(visit, "removed")),
        Err(problem) => security::refuse(visit, &user, problem),
    }
}
