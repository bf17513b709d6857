//! `/auth/v1/admin/verification_tokens`: tokens that an application mails itself, kept in the table of Quoin's own links.

use std::net::IpAddr;

use quoin_audit::Actor;
use quoin_kernel::{EmailAddress, Secret, Timestamp};
use quoin_web::{Ctx, Json, Operation, PlatformKey, Refusal, RoutesFor, State, StatusCode, ValidJson, Who};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::door::Door;
use super::users::SCOPE;
use crate::Identity;
use crate::model::LinkId;
use crate::service::{self, VerificationTokenRequest};

/// A token that is about to be mailed.
#[derive(Debug, Deserialize, JsonSchema)]
struct VerificationTokenIn {
    /// The address that it goes to.
    email: EmailAddress,
    /// The token: 32 to 512 characters, drawn at random. Only its hash is kept.
    token: Secret<String>,
    /// When it ends; 10 minutes from now by default, and never later than Quoin's own links.
    expires_at: Option<Timestamp>,
    /// False where no account may be made; true by default.
    create_user: Option<bool>,
    /// The network address of whoever asked the application, against which mails are counted; else the application's own.
    #[schemars(with = "Option<String>")]
    ip: Option<IpAddr>,
}

/// A token that is kept.
#[derive(Debug, Serialize, JsonSchema)]
struct VerificationTokenOut {
    /// Its id.
    id: LinkId,
    /// The address.
    email: EmailAddress,
    /// When it ends.
    expires_at: Timestamp,
}

pub(super) fn add(routes: RoutesFor<Identity>) -> RoutesFor<Identity> {
    routes.add(
        Operation::post("/auth/v1/admin/verification_tokens", "identity.verification_token.create")
            .summary("Keeps a token that the application mails; it signs in once, at POST /auth/v1/verify.")
            .description(
                "It works like a magic link of Quoin's own: hashed, once, for minutes, dead after a newer one, within the \
                 limits on mails. Use it with {\"type\": \"magiclink\", \"token_hash\": token}.",
            )
            .caller(Who::PlatformKey)
            .takes::<VerificationTokenIn>()
            .gives::<VerificationTokenOut>(201),
        create,
    )
}

async fn create(
    ctx: Ctx<PlatformKey>,
    State(identity): State<Identity>,
    door: Door,
    ValidJson(input): ValidJson<VerificationTokenIn>,
) -> Result<(StatusCode, Json<VerificationTokenOut>), Refusal> {
    ctx.who.demand(SCOPE)?;
    let request = VerificationTokenRequest {
        email: input.email.clone(),
        token: input.token,
        expires_at: input.expires_at,
        create_user: input.create_user.unwrap_or(true),
        ip: input.ip,
    };
    let actor = Actor::ApiKey(ctx.who.key.key_id);
    let kept = service::create_verification_token(&identity, request, actor, &door.origin).await?;
    let out = VerificationTokenOut { id: kept.id, email: input.email, expires_at: kept.expires_at };
    Ok((StatusCode::CREATED, Json(out)))
}
