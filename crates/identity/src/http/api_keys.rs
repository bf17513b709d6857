//! `/admin/v1/keys`: API keys.

use quoin_kernel::page::{InvalidPage, Listed, PageIn};
use quoin_kernel::{ApiKeyId, OrgId, Problem, Timestamp};
use quoin_web::{
    Ctx, Json, Operation, Refusal, RoutesFor, SecretKey, State, StatusCode, ValidJson, ValidPath, ValidQuery,
    Who,
};
use serde::{Deserialize, Serialize};

use crate::Identity;
use crate::model::api_key::{ApiKey, KeyKind};
use crate::service::CreateApiKey;

/// The scope these operations need.
const SCOPE: &str = "keys";

/// A key to make.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct CreateKeyIn {
    /// What to call it.
    name: String,
    /// What it is for.
    #[serde(default = "secret")]
    kind: KeyKind,
    /// What it may do.
    #[serde(default)]
    scopes: Vec<String>,
    /// Confines it to one organisation.
    org_id: Option<OrgId>,
    /// Ends it by itself.
    expires_at: Option<Timestamp>,
}

fn secret() -> KeyKind {
    KeyKind::Secret
}

/// A key, without the key itself.
#[derive(Debug, Serialize, schemars::JsonSchema)]
struct KeyOut {
    /// Its id; services use it as client id.
    id: ApiKeyId,
    /// What it is called.
    name: String,
    /// What it is for.
    kind: KeyKind,
    /// Its first characters.
    start: String,
    /// What it may do.
    scopes: Vec<String>,
    /// The organisation it is confined to.
    org_id: Option<OrgId>,
    /// When it was made.
    created_at: Timestamp,
    /// When it ends by itself.
    expires_at: Option<Timestamp>,
    /// When it was last used, to the minute.
    last_used_at: Option<Timestamp>,
    /// When it was revoked.
    revoked_at: Option<Timestamp>,
}

/// A new key.
#[derive(Debug, Serialize, schemars::JsonSchema)]
struct CreatedKeyOut {
    /// The key; it is never shown again.
    key: String,
    #[serde(flatten)]
    stored: KeyOut,
}

#[derive(Debug, Deserialize, schemars::JsonSchema)]
struct KeyPath {
    /// The key.
    key_id: ApiKeyId,
}

pub(super) fn add(routes: RoutesFor<Identity>) -> RoutesFor<Identity> {
    routes
        .add(
            Operation::get("/admin/v1/keys", "identity.api_keys.list")
                .summary("Lists API keys.")
                .caller(Who::SecretKey)
                .query::<PageIn>()
                .gives::<Listed<KeyOut>>(200),
            list,
        )
        .add(
            Operation::post("/admin/v1/keys", "identity.api_keys.create")
                .summary("Makes an API key and shows it once.")
                .caller(Who::SecretKey)
                .takes::<CreateKeyIn>()
                .gives::<CreatedKeyOut>(201)
                .idempotent(),
            create,
        )
        .add(
            Operation::delete("/admin/v1/keys/{key_id}", "identity.api_keys.revoke")
                .summary("Revokes an API key at once.")
                .caller(Who::SecretKey)
                .gives_nothing(204),
            revoke,
        )
}

async fn list(
    ctx: Ctx<SecretKey>,
    State(identity): State<Identity>,
    ValidQuery(page): ValidQuery<PageIn>,
) -> Result<Json<Listed<KeyOut>>, Refusal> {
    ctx.who.demand(SCOPE)?;
    let page = page.check().map_err(|error: InvalidPage| Problem::invalid(error.to_string()))?;
    let keys = identity.list_api_keys(&ctx.who.key, page).await?;
    let data = keys.data.into_iter().map(KeyOut::from).collect();
    Ok(Json(Listed { data, next_cursor: keys.next_cursor }))
}

async fn create(
    ctx: Ctx<SecretKey>,
    State(identity): State<Identity>,
    ValidJson(input): ValidJson<CreateKeyIn>,
) -> Result<(StatusCode, Json<CreatedKeyOut>), Refusal> {
    ctx.who.demand(SCOPE)?;
    let wish = CreateApiKey {
        name: input.name,
        kind: input.kind,
        scopes: input.scopes,
        org_id: input.org_id.or(ctx.who.key.org_id),
        expires_at: input.expires_at,
    };
    let created = identity.create_api_key(&ctx.who.key, &ctx.origin, wish).await?;
    let out = CreatedKeyOut { key: created.key.expose().clone(), stored: created.stored.into() };
    Ok((StatusCode::CREATED, Json(out)))
}

async fn revoke(
    ctx: Ctx<SecretKey>,
    State(identity): State<Identity>,
    ValidPath(path): ValidPath<KeyPath>,
) -> Result<StatusCode, Refusal> {
    ctx.who.demand(SCOPE)?;
    identity.revoke_api_key(&ctx.who.key, &ctx.origin, path.key_id).await?;
    Ok(StatusCode::NO_CONTENT)
}

impl From<ApiKey> for KeyOut {
    fn from(key: ApiKey) -> Self {
        Self {
            id: key.id,
            name: key.name,
            kind: key.kind,
            start: key.start,
            scopes: key.scopes,
            org_id: key.org_id,
            created_at: key.created_at,
            expires_at: key.expires_at,
            last_used_at: key.last_used_at,
            revoked_at: key.revoked_at,
        }
    }
}
