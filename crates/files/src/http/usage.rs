//! Quotas over HTTP.

use quoin_audit::Actor;
use quoin_web::{Anyone, Ctx, Json, PlatformKey, Refusal, State, ValidJson, ValidQuery};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::buckets::chosen;
use super::entry;
use crate::error::FilesError;
use crate::model::requester::{MANAGE, READ};
use crate::model::{Limits, Owner, OwnerIn, Requester};
use crate::service::Files;
use crate::service::usage::{self, Account};

/// How much may be kept; null takes the configuration's limit.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct LimitsIn {
    /// Bytes.
    max_bytes: Option<u64>,
    /// Objects.
    max_objects: Option<u64>,
}

/// What somebody keeps and may keep.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(super) struct UsageOut {
    /// `organization`, `person` or `platform`.
    subject: &'static str,
    /// Its id; null for the platform.
    id: Option<uuid::Uuid>,
    /// Bytes that are kept.
    bytes: u64,
    /// Objects that are kept.
    objects: u64,
    /// Bytes that announced uploads may still bring; they take room, too.
    reserved_bytes: u64,
    /// Bytes that may be kept; null is without limit.
    max_bytes: Option<u64>,
    /// Objects that may be kept; null is without limit.
    max_objects: Option<u64>,
}

impl UsageOut {
    fn new(subject: Owner, account: Account) -> Self {
        let Account { usage, limits } = account;
        Self {
            subject: subject.kind(),
            id: Some(subject.id()).filter(|id| !id.is_nil()),
            bytes: usage.bytes,
            objects: usage.objects,
            reserved_bytes: usage.reserved_bytes,
            max_bytes: limits.max_bytes,
            max_objects: limits.max_objects,
        }
    }
}

pub(super) async fn get(
    ctx: Ctx<Anyone>,
    State(files): State<Files>,
    ValidQuery(owner): ValidQuery<OwnerIn>,
) -> Result<Json<UsageOut>, Refusal> {
    let subject = Requester::of(&ctx.who.caller, owner, READ)?.owner;
    Ok(Json(UsageOut::new(subject, usage::account(&files, subject).await?)))
}

pub(super) async fn limit(
    ctx: Ctx<PlatformKey>,
    State(files): State<Files>,
    ValidQuery(owner): ValidQuery<OwnerIn>,
    ValidJson(input): ValidJson<LimitsIn>,
) -> Result<Json<UsageOut>, Refusal> {
    ctx.who.demand(MANAGE)?;
    let subject = chosen(owner)?
        .ok_or(FilesError::InvalidRequest("Choose an organisation or a person: ?org= or ?user=."))?;
    let limits = Limits { max_bytes: input.max_bytes, max_objects: input.max_objects };
    let entry = entry(&ctx, Actor::ApiKey(ctx.who.key.key_id), "files.limits.set")
        .in_org_of(subject.org_id())
        .detail(json!({"max_bytes": limits.max_bytes, "max_objects": limits.max_objects}));
    Ok(Json(UsageOut::new(subject, usage::set_limits(&files, subject, limits, entry).await?)))
}
