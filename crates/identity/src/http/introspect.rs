//! `/auth/v1/introspect` and the key set: what other services ask.

use quoin_web::{
    Ctx, HeaderMap, IntoResponse, Json, Operation, Refusal, Response, RoutesFor, State, StatusCode,
    Unidentified, ValidBody, Who, header,
};
use serde::Deserialize;

use crate::Identity;
use crate::service::revoke_token::revoke_token;
use crate::service::{Introspection, ServiceCredentials};

/// What is asked.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
struct IntrospectIn {
    /// An access token or an API key.
    token: String,
    /// Which kind it may be (RFC 7662); the kind is recognised anyway.
    #[serde(default)]
    #[expect(dead_code, reason = "accepted because the standard has it")]
    token_type_hint: Option<String>,
}

pub(super) fn add(routes: RoutesFor<Identity>) -> RoutesFor<Identity> {
    routes
        .add(
            Operation::post("/auth/v1/introspect", "identity.token.introspect")
                .summary("Says what a token or key stands for at this moment.")
                .description(
                    "RFC 7662. Authenticate with a secret key, or with a service's id and secret (Basic).",
                )
                .caller(Who::Unidentified)
                .takes_form::<IntrospectIn>()
                .gives::<Introspection>(200),
            introspect,
        )
        .add(
            Operation::post("/auth/v1/revoke", "identity.token.revoke")
                .summary("Ends the session of an access or refresh token.")
                .description(
                    "RFC 7009. Authenticate as for introspection. An unknown token is answered alike.",
                )
                .caller(Who::Unidentified)
                .takes_form::<IntrospectIn>()
                .gives_nothing(200),
            revoke,
        )
        .add(
            Operation::get("/auth/v1/.well-known/jwks.json", "identity.signing_keys.public")
                .summary("Gives the public keys that verify access tokens.")
                .caller(Who::Unidentified)
                .gives_nothing(200),
            jwks,
        )
}

async fn introspect(
    ctx: Ctx<Unidentified>,
    State(identity): State<Identity>,
    headers: HeaderMap,
    ValidBody(input): ValidBody<IntrospectIn>,
) -> Result<Json<Introspection>, Refusal> {
    let authorization = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    identity.admit_service(ServiceCredentials { authorization }, ctx.now()).await?;
    Ok(Json(identity.introspect(&input.token, ctx.now()).await?))
}

async fn revoke(
    ctx: Ctx<Unidentified>,
    State(identity): State<Identity>,
    headers: HeaderMap,
    ValidBody(input): ValidBody<IntrospectIn>,
) -> Result<StatusCode, Refusal> {
    let authorization = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    identity.admit_service(ServiceCredentials { authorization }, ctx.now()).await?;
    revoke_token(&identity, &input.token, &ctx.origin).await?;
    Ok(StatusCode::OK)
}

async fn jwks(_: Ctx<Unidentified>, State(identity): State<Identity>) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, "public, max-age=300, stale-while-revalidate=600"),
    ];
    (headers, identity.keyring().jwks().to_string()).into_response()
}
