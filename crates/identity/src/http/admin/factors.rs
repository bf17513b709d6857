//! `/auth/v1/admin/users/{user_id}/factors` and `…/passkeys`: helping somebody who has lost a device.

use quoin_audit::Actor;
use quoin_kernel::UserId;
use quoin_web::{Ctx, Json, Operation, PlatformKey, Refusal, RoutesFor, State, StatusCode, ValidPath, Who};
use schemars::JsonSchema;
use serde::Deserialize;

use super::super::factor_out::{FactorOut, PasskeyOut, RemovedOut};
use super::users::SCOPE;
use crate::Identity;
use crate::model::{FactorId, FactorKind};
use crate::service::{self, Held};

#[derive(Debug, Deserialize, JsonSchema)]
struct OwnerPath {
    /// The person.
    user_id: UserId,
}

#[derive(Debug, Deserialize, JsonSchema)]
struct FactorPath {
    /// The person.
    user_id: UserId,
    /// The factor.
    factor_id: FactorId,
}

#[derive(Debug, Deserialize, JsonSchema)]
struct PasskeyPath {
    /// The person.
    user_id: UserId,
    /// The passkey.
    passkey_id: FactorId,
}

pub(super) fn add(routes: RoutesFor<Identity>) -> RoutesFor<Identity> {
    routes
        .add(
            Operation::get("/auth/v1/admin/users/{user_id}/factors", "identity.factor.list_of")
                .summary("Lists a person's second factors.")
                .caller(Who::PlatformKey)
                .gives::<Vec<FactorOut>>(200),
            list_factors,
        )
        .add(
            Operation::delete(
                "/auth/v1/admin/users/{user_id}/factors/{factor_id}",
                "identity.factor.remove_of",
            )
            .summary("Removes a person's second factor; all their sessions end.")
            .caller(Who::PlatformKey)
            .gives::<RemovedOut>(200),
            remove_factor,
        )
        .add(
            Operation::get("/auth/v1/admin/users/{user_id}/passkeys", "identity.passkey.list_of")
                .summary("Lists a person's passkeys.")
                .caller(Who::PlatformKey)
                .gives::<Vec<PasskeyOut>>(200),
            list_passkeys,
        )
        .add(
            Operation::delete(
                "/auth/v1/admin/users/{user_id}/passkeys/{passkey_id}",
                "identity.passkey.remove_of",
            )
            .summary("Removes a person's passkey; all their sessions end.")
            .caller(Who::PlatformKey)
            .gives_nothing(204),
            remove_passkey,
        )
}

async fn list_factors(
    ctx: Ctx<PlatformKey>,
    State(identity): State<Identity>,
    ValidPath(path): ValidPath<OwnerPath>,
) -> Result<Json<Vec<FactorOut>>, Refusal> {
    ctx.who.demand(SCOPE)?;
    Ok(Json(FactorOut::list(&service::get_user(&identity, path.user_id).await?.factors)))
}

async fn list_passkeys(
    ctx: Ctx<PlatformKey>,
    State(identity): State<Identity>,
    ValidPath(path): ValidPath<OwnerPath>,
) -> Result<Json<Vec<PasskeyOut>>, Refusal> {
    ctx.who.demand(SCOPE)?;
    let user = service::get_user(&identity, path.user_id).await?;
    let passkeys = user.factors.into_iter().filter(|factor| factor.kind == FactorKind::Passkey);
    Ok(Json(passkeys.map(PasskeyOut::from).collect()))
}

async fn remove_factor(
    ctx: Ctx<PlatformKey>,
    State(identity): State<Identity>,
    ValidPath(path): ValidPath<FactorPath>,
) -> Result<Json<RemovedOut>, Refusal> {
    remove(&ctx, &identity, path.user_id, (Held::SecondFactor, path.factor_id)).await?;
    // The contract's clients read a body here, and none where a passkey goes.
    Ok(Json(RemovedOut { id: path.factor_id }))
}

async fn remove_passkey(
    ctx: Ctx<PlatformKey>,
    State(identity): State<Identity>,
    ValidPath(path): ValidPath<PasskeyPath>,
) -> Result<StatusCode, Refusal> {
    remove(&ctx, &identity, path.user_id, (Held::Passkey, path.passkey_id)).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn remove(
    ctx: &Ctx<PlatformKey>,
    identity: &Identity,
    user_id: UserId,
    which: (Held, FactorId),
) -> Result<(), Refusal> {
    ctx.who.demand(SCOPE)?;
    let actor = Actor::ApiKey(ctx.who.key.key_id);
    Ok(service::remove_factor(identity, user_id, which, actor, &ctx.origin).await?)
}
