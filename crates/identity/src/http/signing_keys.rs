//! `/admin/v1/signing-keys`: rotation and import.

use quoin_audit::Actor;
use quoin_web::{Ctx, Json, Operation, PlatformKey, Refusal, RoutesFor, State, StatusCode, ValidJson, Who};
use serde::Serialize;

use crate::Identity;
use crate::keyring::ImportKeyIn;

/// The scope these operations need.
const SCOPE: &str = "keys";

/// A signing key.
#[derive(Debug, Serialize, schemars::JsonSchema)]
struct SigningKeyOut {
    /// Its id, as tokens' headers name it.
    kid: String,
}

pub(super) fn add(routes: RoutesFor<Identity>) -> RoutesFor<Identity> {
    routes
        .add(
            Operation::post("/admin/v1/signing-keys/rotate", "identity.signing_keys.rotate")
                .summary("Signs new tokens with a new key; nobody is logged out.")
                .caller(Who::PlatformKey)
                .gives::<SigningKeyOut>(201)
                .idempotent(),
            rotate,
        )
        .add(
            Operation::post("/admin/v1/signing-keys", "identity.signing_keys.import")
                .summary("Accepts tokens signed with a key from elsewhere.")
                .caller(Who::PlatformKey)
                .takes::<ImportKeyIn>()
                .gives::<SigningKeyOut>(201)
                .idempotent(),
            import,
        )
}

async fn rotate(
    ctx: Ctx<PlatformKey>,
    State(identity): State<Identity>,
) -> Result<(StatusCode, Json<SigningKeyOut>), Refusal> {
    ctx.who.demand(SCOPE)?;
    let kid = identity.rotate_signing_key(Actor::ApiKey(ctx.who.key.key_id), &ctx.origin).await?;
    Ok((StatusCode::CREATED, Json(SigningKeyOut { kid })))
}

async fn import(
    ctx: Ctx<PlatformKey>,
    State(identity): State<Identity>,
    ValidJson(input): ValidJson<ImportKeyIn>,
) -> Result<(StatusCode, Json<SigningKeyOut>), Refusal> {
    // Whoever holds a signing key is everybody: no lesser scope may bring one along.
    ctx.who.demand("*")?;
    let kid = identity.import_signing_key(Actor::ApiKey(ctx.who.key.key_id), &ctx.origin, &input).await?;
    Ok((StatusCode::CREATED, Json(SigningKeyOut { kid })))
}
