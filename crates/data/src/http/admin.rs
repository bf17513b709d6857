//! Migrations over HTTP, for the platform's key.

use quoin_audit::Actor;
use quoin_web::{Ctx, IntoResponse, Json, PlatformKey, Refusal, State, StatusCode, ValidJson};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::migration::{AppliedMigration, UserMigration};
use crate::service::Data;

/// A migration.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct MigrationIn {
    /// Its name, by which it runs once.
    name: String,
    /// Its text, in PostgreSQL's language.
    sql: String,
}

/// What became of a migration.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct AppliedOut {
    /// Its name.
    name: String,
    /// Whether it ran now; false where it had run before with the same text.
    applied: bool,
}

/// The migrations that have run.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct MigrationsOut {
    data: Vec<AppliedMigration>,
    next_cursor: Option<String>,
}

pub(super) async fn apply(
    ctx: Ctx<PlatformKey>,
    State(data): State<Data>,
    ValidJson(input): ValidJson<MigrationIn>,
) -> Result<impl IntoResponse, Refusal> {
    ctx.who.demand("migrations")?;
    let name = input.name.clone();
    let entry = data.entry(Actor::ApiKey(ctx.who.key.key_id)).from(&ctx.origin);
    let applied = data.apply_migration(UserMigration { name: input.name, sql: input.sql }, entry).await?;
    let status = if applied { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(AppliedOut { name, applied })))
}

pub(super) async fn list(
    ctx: Ctx<PlatformKey>,
    State(data): State<Data>,
) -> Result<Json<MigrationsOut>, Refusal> {
    ctx.who.demand("migrations")?;
    Ok(Json(MigrationsOut { data: data.list_migrations().await?, next_cursor: None }))
}
