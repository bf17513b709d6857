//! The OpenID provider that an organisation brings along.

use quoin_kernel::Secret;
use quoin_web::{Ctx, Json, Operation, Owner, Refusal, RoutesFor, State, StatusCode, ValidJson, Who};
use serde::Deserialize;

use crate::model::{ConnectionOut, ConnectionWish};
use crate::{Tenancy, service};

/// What to connect to.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct ConnectionIn {
    /// The issuer, byte for byte as the provider writes it.
    issuer: String,
    /// The id under which this instance is registered there.
    client_id: String,
    /// The secret that goes with it; left out, the one before stays for the same client of the same issuer.
    client_secret: Option<Secret<String>>,
}

impl From<ConnectionIn> for ConnectionWish {
    fn from(input: ConnectionIn) -> Self {
        let ConnectionIn { issuer, client_id, client_secret } = input;
        Self { issuer, client_id, client_secret }
    }
}

/// Adds the operations on the connection.
pub(super) fn add(routes: RoutesFor<Tenancy>) -> RoutesFor<Tenancy> {
    routes
        .add(
            Operation::put("/orgs/v1/orgs/{org_id}/sso", "tenancy.sso.put")
                .summary("Connects the organisation to its own OpenID provider.")
                .description(
                    "The provider speaks for the domains that the organisation has proved, and for nobody else. Another \
                     issuer or client is another connection, and the sessions that the one before has opened end.",
                )
                .caller(Who::Owner)
                .takes::<ConnectionIn>()
                .gives::<ConnectionOut>(200),
            put,
        )
        .add(
            Operation::get("/orgs/v1/orgs/{org_id}/sso", "tenancy.sso.get")
                .summary("Reads the connection, without its secret.")
                .caller(Who::Owner)
                .gives::<ConnectionOut>(200),
            get,
        )
        .add(
            Operation::delete("/orgs/v1/orgs/{org_id}/sso", "tenancy.sso.delete")
                .summary("Ends the connection, and the sessions that it has opened.")
                .caller(Who::Owner)
                .gives_nothing(204),
            delete,
        )
}

async fn put(
    ctx: Ctx<Owner>,
    State(tenancy): State<Tenancy>,
    ValidJson(input): ValidJson<ConnectionIn>,
) -> Result<Json<ConnectionOut>, Refusal> {
    let by = (ctx.who.org_id, ctx.who.user.user_id);
    Ok(Json(service::put_connection(&tenancy, by, input.into(), &ctx.origin).await?))
}

async fn get(ctx: Ctx<Owner>, State(tenancy): State<Tenancy>) -> Result<Json<ConnectionOut>, Refusal> {
    Ok(Json(service::get_connection(&tenancy, ctx.who.org_id).await?))
}

async fn delete(ctx: Ctx<Owner>, State(tenancy): State<Tenancy>) -> Result<StatusCode, Refusal> {
    let by = (ctx.who.org_id, ctx.who.user.user_id);
    service::delete_connection(&tenancy, by, &ctx.origin).await?;
    Ok(StatusCode::NO_CONTENT)
}
