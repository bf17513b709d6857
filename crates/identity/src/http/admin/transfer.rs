//! `/auth/v1/admin/users/import` and `export`: people in and out, with the hashes of their passwords.

use quoin_audit::Actor;
use quoin_kernel::page::{Listed, Page, PageIn};
use quoin_kernel::{Problem, UserId};
use quoin_web::{
    Ctx, HeaderMap, HeaderValue, Json, Operation, PlatformKey, Refusal, RoutesFor, State, ValidJson,
    ValidQuery, Who, header,
};
use schemars::JsonSchema;
use serde::Deserialize;

use super::users::SCOPE;
use crate::Identity;
use crate::service::{self, ArrivingUser, Imported, LeavingUser};

/// The scope that hashes need to leave.
const EXPORT_SCOPE: &str = "users.export";
/// Five hundred people with as much metadata as they may have do not fit; as many as usual do.
const MAX_BYTES: usize = 4 * 1024 * 1024;

/// People who come.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ImportIn {
    /// 500 at most.
    users: Vec<ArrivingUser>,
}

/// Which people leave.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ExportQuery {
    /// How many rows, 1 to 1000; 50 by default.
    limit: Option<u32>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
    /// Somebody's id instead: goes on behind them.
    after: Option<UserId>,
}

pub(super) fn add(routes: RoutesFor<Identity>) -> RoutesFor<Identity> {
    routes
        .add(
            Operation::post("/auth/v1/admin/users/import", "identity.user.import")
                .summary("Adds up to 500 people, with the hashes of their passwords.")
                .description(
                    "Each is taken or refused alone. Whoever is there already stays as they are, so that the call may be \
                     repeated. A hash is replaced at the next sign-in.",
                )
                .caller(Who::PlatformKey)
                .body_limit(MAX_BYTES)
                .takes::<ImportIn>()
                .gives::<Imported>(200),
            import,
        )
        .add(
            Operation::get("/auth/v1/admin/users/export", "identity.user.export")
                .summary("Lists people with the hashes of their passwords, in order of their ids.")
                .description("Needs the scope `users.export`. Second factors stay: their secrets are sealed here.")
                .caller(Who::PlatformKey)
                .query::<ExportQuery>()
                .gives::<Listed<LeavingUser>>(200),
            export,
        )
}

async fn import(
    ctx: Ctx<PlatformKey>,
    State(identity): State<Identity>,
    ValidJson(input): ValidJson<ImportIn>,
) -> Result<Json<Imported>, Refusal> {
    ctx.who.demand(SCOPE)?;
    let actor = Actor::ApiKey(ctx.who.key.key_id);
    Ok(Json(service::import_users(&identity, input.users, actor, &ctx.origin).await?))
}

async fn export(
    ctx: Ctx<PlatformKey>,
    State(identity): State<Identity>,
    ValidQuery(query): ValidQuery<ExportQuery>,
) -> Result<(HeaderMap, Json<Listed<LeavingUser>>), Refusal> {
    ctx.who.demand(EXPORT_SCOPE)?;
    let page = PageIn { limit: query.limit, cursor: query.cursor };
    let page = page.check().map_err(|error| Problem::invalid(error.to_string()))?;
    let page = Page { after: page.after.or(query.after.map(UserId::uuid)), ..page };
    let actor = Actor::ApiKey(ctx.who.key.key_id);
    let listed = service::export_users(&identity, page, actor, &ctx.origin).await?;
    let mut headers = HeaderMap::new();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok((headers, Json(listed)))
}
