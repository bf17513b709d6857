//! `/auth/v1/passkeys`: keys that sign in by themselves.

use std::num::NonZeroU32;
use std::time::Duration;

use quoin_web::rate_limit::IpLimit;
use quoin_web::{
    Ctx, Json, Operation, Refusal, RoutesFor, State, StatusCode, Unidentified, User, ValidJson, ValidPath,
    Who,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::door::Door;
use super::factor_out::{PasskeyOptionsOut, PasskeyOut};
use super::out::SessionOut;
use crate::Identity;
use crate::model::{ChallengeId, FactorId};
use crate::service::{self, Held};

/// How often one address may ask at once; each question is a row for five minutes.
const ASKED_AT_ONCE: NonZeroU32 = NonZeroU32::new(120).expect("120 is not zero");

/// What a device has answered.
#[derive(Debug, Deserialize, JsonSchema)]
struct AnswerIn {
    /// The challenge.
    challenge_id: ChallengeId,
    /// The credential, binary values in URL-safe Base64.
    credential: Value,
}

/// A passkey's new name.
#[derive(Debug, Deserialize, JsonSchema)]
struct RenameIn {
    /// What its holder calls it.
    friendly_name: String,
}

#[derive(Debug, Deserialize, JsonSchema)]
struct PasskeyPath {
    /// The passkey.
    passkey_id: FactorId,
}

pub(super) fn add(routes: RoutesFor<Identity>) -> RoutesFor<Identity> {
    let routes = routes
        .add(
            Operation::post("/auth/v1/passkeys/registration/options", "identity.passkey.begin")
                .summary("Asks a device to make a passkey for the caller.")
                .description("Needs a recent sign-in, and the second factor where there is one.")
                .caller(Who::User)
                .gives::<PasskeyOptionsOut>(200),
            begin,
        )
        .add(
            Operation::post("/auth/v1/passkeys/registration/verify", "identity.passkey.register")
                .summary("Keeps the passkey that a device has made.")
                .caller(Who::User)
                .takes::<AnswerIn>()
                .gives::<PasskeyOut>(200),
            register,
        );
    add_sign_in(add_management(routes))
}

fn add_sign_in(routes: RoutesFor<Identity>) -> RoutesFor<Identity> {
    routes
        .add(
            Operation::post("/auth/v1/passkeys/authentication/options", "identity.passkey.ask")
                .summary("Asks a device for a passkey of this site.")
                .caller(Who::Unidentified)
                .limit_per_ip(IpLimit::new(ASKED_AT_ONCE, Duration::from_millis(500)))
                .gives::<PasskeyOptionsOut>(200),
            ask,
        )
        .add(
            Operation::post("/auth/v1/passkeys/authentication/verify", "identity.passkey.sign_in")
                .summary("Gives a session of level aal2 for a passkey.")
                .caller(Who::Unidentified)
                .takes::<AnswerIn>()
                .gives::<SessionOut>(200),
            sign_in,
        )
}

fn add_management(routes: RoutesFor<Identity>) -> RoutesFor<Identity> {
    routes
        .add(
            Operation::get("/auth/v1/passkeys", "identity.passkey.list")
                .summary("Lists the caller's passkeys.")
                .caller(Who::User)
                .gives::<Vec<PasskeyOut>>(200),
            list,
        )
        .add(
            Operation::patch("/auth/v1/passkeys/{passkey_id}", "identity.passkey.rename")
                .summary("Renames a passkey.")
                .caller(Who::User)
                .takes::<RenameIn>()
                .gives::<PasskeyOut>(200),
            rename,
        )
        .add(
            Operation::delete("/auth/v1/passkeys/{passkey_id}", "identity.passkey.remove")
                .summary("Removes a passkey; other sessions end.")
                .caller(Who::User)
                .gives_nothing(204),
            remove,
        )
}

async fn begin(ctx: Ctx<User>, State(identity): State<Identity>) -> Result<Json<PasskeyOptionsOut>, Refusal> {
    Ok(Json(service::begin_passkey(&identity, &ctx.who.user, &ctx.origin).await?.into()))
}

async fn register(
    ctx: Ctx<User>,
    State(identity): State<Identity>,
    ValidJson(input): ValidJson<AnswerIn>,
) -> Result<Json<PasskeyOut>, Refusal> {
    let answer = (input.challenge_id, input.credential);
    Ok(Json(service::finish_passkey(&identity, &ctx.who.user, answer, &ctx.origin).await?.into()))
}

async fn ask(
    _: Ctx<Unidentified>,
    State(identity): State<Identity>,
    door: Door,
) -> Result<Json<PasskeyOptionsOut>, Refusal> {
    Ok(Json(service::begin_passkey_sign_in(&identity, &door.origin).await?.into()))
}

async fn sign_in(
    _: Ctx<Unidentified>,
    State(identity): State<Identity>,
    door: Door,
    ValidJson(input): ValidJson<AnswerIn>,
) -> Result<Json<SessionOut>, Refusal> {
    let answer = (input.challenge_id, input.credential);
    Ok(Json(service::sign_in_with_passkey(&identity, answer, &door.origin).await?.into()))
}

async fn list(ctx: Ctx<User>, State(identity): State<Identity>) -> Result<Json<Vec<PasskeyOut>>, Refusal> {
    let passkeys = service::list_passkeys(&identity, &ctx.who.user).await?;
    Ok(Json(passkeys.into_iter().map(PasskeyOut::from).collect()))
}

async fn rename(
    ctx: Ctx<User>,
    State(identity): State<Identity>,
    ValidPath(path): ValidPath<PasskeyPath>,
    ValidJson(input): ValidJson<RenameIn>,
) -> Result<Json<PasskeyOut>, Refusal> {
    let wish = (path.passkey_id, input.friendly_name.as_str());
    Ok(Json(service::rename_passkey(&identity, &ctx.who.user, wish, &ctx.origin).await?.into()))
}

async fn remove(
    ctx: Ctx<User>,
    State(identity): State<Identity>,
    ValidPath(path): ValidPath<PasskeyPath>,
) -> Result<StatusCode, Refusal> {
    let which = (Held::Passkey, path.passkey_id);
    service::remove_own_factor(&identity, &ctx.who.user, which, &ctx.origin).await?;
    Ok(StatusCode::NO_CONTENT)
}
