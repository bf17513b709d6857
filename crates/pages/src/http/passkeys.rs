//! Passkeys and security keys: the one page with a script. It asks the device and sends a form like any other.

use std::num::NonZeroU32;
use std::time::Duration;

use minijinja::context;
use quoin_identity::model::{ChallengeId, FactorId};
use quoin_identity::service::{self, AskedChallenge, FactorAnswer, FactorProof};
use quoin_kernel::Problem;
use quoin_web::rate_limit::IpLimit;
use quoin_web::{Ctx, Response, RoutesFor, Unidentified};
use serde_json::Value;

use super::{form, security};
use crate::Pages;
use crate::browser_session::{account, account_at_any_level, enter};
use crate::visit::{Fields, Sent, Visit};

/// How often one address may ask at once; each question is a row for five minutes.
const ASKED_AT_ONCE: NonZeroU32 = NonZeroU32::new(60).expect("60 is not zero");

pub(super) fn add(routes: RoutesFor<Pages>) -> RoutesFor<Pages> {
    let limit = || IpLimit::new(ASKED_AT_ONCE, Duration::from_millis(500));
    routes
        .add(form("/sign-in/passkey", "pages.passkey.ask").limit_per_ip(limit()), ask)
        .add(form("/sign-in/passkey/verify", "pages.passkey.sign_in"), sign_in)
        .add(form("/second-factor/key", "pages.key.ask").limit_per_ip(limit()), ask_key)
        .add(form("/second-factor/key/verify", "pages.key.verify"), verify_key)
        .add(form("/account/passkeys", "pages.passkey.begin").limit_per_ip(limit()), begin)
        .add(form("/account/passkeys/verify", "pages.passkey.register"), register)
}

/// Shows the page whose script asks the device and sends its answer to `action`.
fn question(
    visit: &mut Visit,
    ceremony: &str,
    action: &str,
    asked: AskedChallenge,
) -> Result<Response, Problem> {
    visit.run_script();
    let options = asked.options.unwrap_or_default().to_string();
    let factor = asked.challenge.factor_id.map(|id| id.to_string());
    let challenge = asked.challenge.id.to_string();
    visit.show("passkey.html", context! { ceremony, action, options, factor, challenge })
}

/// Reads what the device has answered.
fn answer(fields: &Fields) -> Result<(ChallengeId, Value), Problem> {
    let text = fields.get("credential").unwrap_or_default();
    let credential = serde_json::from_str(text).map_err(|_| Problem::invalid("credential is not JSON."))?;
    Ok((fields.id("challenge")?, credential))
}

async fn ask(_: Ctx<Unidentified>, Sent { mut visit, .. }: Sent) -> Response {
    let done = match service::begin_passkey_sign_in(visit.pages.identity(), &visit.origin).await {
        Ok(asked) => question(&mut visit, "get", "/sign-in/passkey/verify", asked),
        Err(problem) => Err(problem),
    };
    visit.answer(done)
}

async fn sign_in(_: Ctx<Unidentified>, Sent { mut visit, fields }: Sent) -> Response {
    let done = open(&mut visit, &fields).await;
    visit.answer(done)
}

async fn open(visit: &mut Visit, fields: &Fields) -> Result<Response, Problem> {
    let shown = answer(fields)?;
    let issued = service::sign_in_with_passkey(visit.pages.identity(), shown, &visit.origin).await?;
    enter(visit, issued).await
}

async fn ask_key(_: Ctx<Unidentified>, Sent { mut visit, fields }: Sent) -> Response {
    let done = challenge(&mut visit, &fields).await;
    visit.answer(done)
}

async fn challenge(visit: &mut Visit, fields: &Fields) -> Result<Response, Problem> {
    let (person, _) = account_at_any_level(visit).await?;
    let factor_id: FactorId = fields.id("factor")?;
    let asked = service::challenge_factor(visit.pages.identity(), &person, factor_id, &visit.origin).await?;
    question(visit, "get", "/second-factor/key/verify", asked)
}

async fn verify_key(_: Ctx<Unidentified>, Sent { mut visit, fields }: Sent) -> Response {
    let done = show_key(&mut visit, &fields).await;
    visit.answer(done)
}

async fn show_key(visit: &mut Visit, fields: &Fields) -> Result<Response, Problem> {
    let (person, _) = account_at_any_level(visit).await?;
    let (challenge_id, credential) = answer(fields)?;
    let proof = FactorProof::Device(Box::new(credential));
    let shown = FactorAnswer { factor_id: fields.id("factor")?, challenge_id, proof };
    let issued = service::verify_factor(visit.pages.identity(), &person, shown, &visit.origin).await?;
    enter(visit, issued).await
}

async fn begin(_: Ctx<Unidentified>, Sent { mut visit, .. }: Sent) -> Response {
    let done = ask_for_new(&mut visit).await;
    visit.answer(done)
}

async fn ask_for_new(visit: &mut Visit) -> Result<Response, Problem> {
    let (person, user) = account(visit).await?;
    match service::begin_passkey(visit.pages.identity(), &person, &visit.origin).await {
        Ok(asked) => question(visit, "create", "/account/passkeys/verify", asked),
        Err(problem) => security::refuse(visit, &user, problem),
    }
}

async fn register(_: Ctx<Unidentified>, Sent { mut visit, fields }: Sent) -> Response {
    let done = keep(&mut visit, &fields).await;
    visit.answer(done)
}

async fn keep(visit: &mut Visit, fields: &Fields) -> Result<Response, Problem> {
    let (person, user) = account(visit).await?;
    let made = answer(fields)?;
    match service::finish_passkey(visit.pages.identity(), &person, made, &visit.origin).await {
        Ok(_) => Ok(security::done(visit, "passkey")),
        Err(problem) => security::refuse(visit, &user, problem),
    }
}
