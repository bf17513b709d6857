//! `/auth/v1/factors`: second factors, and the codes for the day on which one is lost.

use quoin_kernel::{Problem, Secret};
use quoin_web::{Ctx, Json, Operation, Refusal, RoutesFor, State, UserAtAnyLevel, ValidJson, ValidPath, Who};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::factor_out::{ChallengeOut, EnrolledOut, RemovedOut};
use super::out::SessionOut;
use super::sign_up::missing;
use crate::Identity;
use crate::model::{ChallengeId, FactorId, FactorKind};
use crate::service::{self, EnrolFactor, FactorAnswer, FactorProof, Held};

/// A factor to be enrolled.
#[derive(Debug, Deserialize, JsonSchema)]
struct EnrolIn {
    /// `totp` or `webauthn`.
    factor_type: String,
    /// What its holder calls it.
    friendly_name: Option<String>,
    /// What the authenticator app shows as issuer; the product's name by default.
    issuer: Option<String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
struct FactorPath {
    /// The factor.
    factor_id: FactorId,
}

/// The answer to a challenge.
#[derive(Debug, Deserialize, JsonSchema)]
struct VerifyFactorIn {
    /// The challenge.
    challenge_id: ChallengeId,
    /// What the authenticator app shows.
    code: Option<Secret<String>>,
    /// What the device has answered.
    webauthn: Option<DeviceIn>,
}

/// What a device has answered.
#[derive(Debug, Deserialize, JsonSchema)]
struct DeviceIn {
    /// The credential, binary values in URL-safe Base64.
    credential_response: Value,
}

/// One of the codes for the day on which a factor is lost.
#[derive(Debug, Deserialize, JsonSchema)]
struct RecoveryCodeIn {
    /// The code.
    code: Secret<String>,
}

/// Codes for the day on which a factor is lost; shown once.
#[derive(Debug, Serialize, JsonSchema)]
struct RecoveryCodesOut {
    /// The codes.
    codes: Vec<String>,
}

pub(super) fn add(routes: RoutesFor<Identity>) -> RoutesFor<Identity> {
    let routes = routes
        .add(
            Operation::post("/auth/v1/factors", "identity.factor.enrol")
                .summary("Begins to enrol a second factor; it counts once it has been shown.")
                .description("Needs a recent sign-in, and the second factor where there is one already.")
                .caller(Who::UserAtAnyLevel)
                .takes::<EnrolIn>()
                .gives::<EnrolledOut>(200),
            enrol,
        )
        .add(
            Operation::post("/auth/v1/factors/{factor_id}/challenge", "identity.factor.challenge")
                .summary("Asks for a second factor.")
                .caller(Who::UserAtAnyLevel)
                .gives::<ChallengeOut>(200),
            challenge,
        )
        .add(
            Operation::post("/auth/v1/factors/{factor_id}/verify", "identity.factor.verify")
                .summary("Shows a second factor and gives a session of level aal2 in place of this one.")
                .description("The first showing of a factor ends all other sessions.")
                .caller(Who::UserAtAnyLevel)
                .takes::<VerifyFactorIn>()
                .gives::<SessionOut>(200),
            verify,
        )
        .add(
            Operation::delete("/auth/v1/factors/{factor_id}", "identity.factor.remove")
                .summary("Removes a second factor; other sessions end.")
                .caller(Who::UserAtAnyLevel)
                .gives::<RemovedOut>(200),
            remove,
        );
    add_recovery_codes(routes)
}

fn add_recovery_codes(routes: RoutesFor<Identity>) -> RoutesFor<Identity> {
    routes
        .add(
            Operation::post("/auth/v1/factors/recovery_codes", "identity.recovery_codes.make")
                .summary("Makes ten codes for the day on which a factor is lost; older ones are dead.")
                .caller(Who::UserAtAnyLevel)
                .gives::<RecoveryCodesOut>(200),
            make_codes,
        )
        .add(
            Operation::post("/auth/v1/factors/recovery_codes/verify", "identity.recovery_codes.use")
                .summary("Uses one of these codes in place of a second factor.")
                .caller(Who::UserAtAnyLevel)
                .takes::<RecoveryCodeIn>()
                .gives::<SessionOut>(200),
            use_code,
        )
}

async fn enrol(
    ctx: Ctx<UserAtAnyLevel>,
    State(identity): State<Identity>,
    ValidJson(input): ValidJson<EnrolIn>,
) -> Result<Json<EnrolledOut>, Refusal> {
    let kind = FactorKind::parse(&input.factor_type).filter(|kind| kind.is_enrolled_here());
    let kind = kind.ok_or_else(unknown_factor_type)?;
    let wish = EnrolFactor { kind, friendly_name: input.friendly_name, issuer: input.issuer };
    Ok(Json(service::enrol_factor(&identity, &ctx.who.user, wish, &ctx.origin).await?.into()))
}

fn unknown_factor_type() -> Problem {
    let why = "must be totp or webauthn";
    Problem::invalid(format!("factor_type {why}.")).field("factor_type", why)
}

async fn challenge(
    ctx: Ctx<UserAtAnyLevel>,
    State(identity): State<Identity>,
    ValidPath(path): ValidPath<FactorPath>,
) -> Result<Json<ChallengeOut>, Refusal> {
    let asked = service::challenge_factor(&identity, &ctx.who.user, path.factor_id, &ctx.origin).await?;
    Ok(Json(asked.into()))
}

async fn verify(
    ctx: Ctx<UserAtAnyLevel>,
    State(identity): State<Identity>,
    ValidPath(path): ValidPath<FactorPath>,
    ValidJson(input): ValidJson<VerifyFactorIn>,
) -> Result<Json<SessionOut>, Refusal> {
    let proof = match (input.code, input.webauthn) {
        (Some(code), None) => FactorProof::Code(code),
        (None, Some(device)) => FactorProof::Device(Box::new(device.credential_response)),
        _ => return Err(missing("code").into()),
    };
    let answer = FactorAnswer { factor_id: path.factor_id, challenge_id: input.challenge_id, proof };
    Ok(Json(service::verify_factor(&identity, &ctx.who.user, answer, &ctx.origin).await?.into()))
}

async fn remove(
    ctx: Ctx<UserAtAnyLevel>,
    State(identity): State<Identity>,
    ValidPath(path): ValidPath<FactorPath>,
) -> Result<Json<RemovedOut>, Refusal> {
    let which = (Held::SecondFactor, path.factor_id);
    service::remove_own_factor(&identity, &ctx.who.user, which, &ctx.origin).await?;
    Ok(Json(RemovedOut { id: path.factor_id }))
}

async fn make_codes(
    ctx: Ctx<UserAtAnyLevel>,
    State(identity): State<Identity>,
) -> Result<Json<RecoveryCodesOut>, Refusal> {
    let codes = service::make_recovery_codes(&identity, &ctx.who.user, &ctx.origin).await?;
    Ok(Json(RecoveryCodesOut { codes: codes.iter().map(|code| code.expose().clone()).collect() }))
}

async fn use_code(
    ctx: Ctx<UserAtAnyLevel>,
    State(identity): State<Identity>,
    ValidJson(input): ValidJson<RecoveryCodeIn>,
) -> Result<Json<SessionOut>, Refusal> {
    Ok(Json(service::use_recovery_code(&identity, &ctx.who.user, &input.code, &ctx.origin).await?.into()))
}
