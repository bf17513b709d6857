//! Buckets over HTTP.

use quoin_audit::Actor;
use quoin_kernel::Problem;
use quoin_web::{Anyone, Ctx, Json, PlatformKey, Refusal, State, ValidJson, ValidPath, ValidQuery};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Value, json};

use super::entry;
use super::out::{BucketOut, MessageOut};
use crate::error::FilesError;
use crate::model::name::{fold, parse_size};
use crate::model::requester::{MANAGE, READ};
use crate::model::{Bucket, BucketName, BucketRules, Owner, OwnerIn, Requester};
use crate::service::Files;
use crate::service::buckets::{self, Rule, RuleChange};

/// What a bucket is to be.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
pub(super) struct BucketIn {
    /// The name, when one is made.
    name: Option<String>,
    /// The same as `name`.
    id: Option<String>,
    /// `STANDARD`, or nothing.
    #[serde(rename = "type")]
    kind: Option<String>,
    /// Whether everybody may read its objects.
    public: Option<bool>,
    /// The largest object: bytes, or a text such as `20MB`; null for the instance's limit.
    #[serde(default, deserialize_with = "present")]
    file_size_limit: Option<Value>,
    /// The types it takes, `image/*` for a family; null for all.
    #[serde(default, deserialize_with = "present")]
    allowed_mime_types: Option<Value>,
    /// `DISABLED`, or nothing.
    versioning_status: Option<String>,
}

/// Which buckets to list.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
pub(super) struct ListIn {
    /// How many, 1000 at most.
    limit: Option<u32>,
    /// How many to skip.
    offset: Option<u32>,
    /// A part of the name, whatever the case.
    search: Option<String>,
    /// `id`, `name`, `created_at` or `updated_at`.
    #[serde(rename = "sortColumn")]
    sort_column: Option<String>,
    /// `asc` or `desc`.
    #[serde(rename = "sortOrder")]
    sort_order: Option<String>,
}

/// The name of a bucket that was made.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(super) struct NamedOut {
    /// The name.
    name: String,
}

/// Tells null from nothing.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

impl BucketIn {
    fn check(&self) -> Result<RuleChange, FilesError> {
        if self.kind.as_deref().is_some_and(|kind| kind != "STANDARD") {
            return Err(FilesError::InvalidRequest("type: only STANDARD buckets are kept here."));
        }
        if self.versioning_status.as_deref().is_some_and(|status| status != "DISABLED") {
            return Err(FilesError::InvalidRequest("versioning_status: earlier versions are not kept here."));
        }
        let max_object_bytes = match &self.file_size_limit {
            None => Rule::Keep,
            Some(Value::Null) => Rule::Lift,
            Some(value) => match parse_size(value)? {
                0 => Rule::Lift,
                bytes => Rule::Set(bytes),
            },
        };
        let allowed_types = match &self.allowed_mime_types {
            None => Rule::Keep,
            Some(Value::Null) => Rule::Lift,
            Some(value) => match Vec::<String>::deserialize(value) {
                // An empty list would take nothing at all; it means that no type is listed.
                Ok(types) if types.is_empty() => Rule::Lift,
                Ok(types) => Rule::Set(types),
                Err(_) => {
                    return Err(FilesError::InvalidRequest("allowed_mime_types must be a list of texts."));
                }
            },
        };
        Ok(RuleChange { public: self.public, max_object_bytes, allowed_types })
    }
}

pub(super) async fn create(
    ctx: Ctx<PlatformKey>,
    State(files): State<Files>,
    ValidJson(input): ValidJson<BucketIn>,
) -> Result<Json<NamedOut>, Refusal> {
    ctx.who.demand(MANAGE)?;
    let name = input.name.as_deref().or(input.id.as_deref()).unwrap_or_default();
    let (name, change) = (BucketName::new(name)?, input.check()?);
    let rules = change.apply(&BucketRules::default());
    let entry = entry(&ctx, Actor::ApiKey(ctx.who.key.key_id), "files.bucket.created")
        .detail(json!({"public": rules.public}));
    let made = buckets::create(&files, name, rules, None, entry).await?;
    Ok(Json(NamedOut { name: made.name.to_string() }))
}

pub(super) async fn list(
    ctx: Ctx<Anyone>,
    State(files): State<Files>,
    ValidQuery(input): ValidQuery<ListIn>,
) -> Result<Json<Vec<BucketOut>>, Refusal> {
    Requester::of(&ctx.who.caller, OwnerIn::default(), READ)?;
    let mut found = buckets::list(&files).await?;
    if let Some(search) = input.search.as_deref().map(fold) {
        found.retain(|bucket| fold(bucket.name.as_str()).contains(&search));
    }
    sort(&mut found, &input)?;
    let limit = input.limit.unwrap_or(1000).clamp(1, 1000) as usize;
    let page = found.into_iter().skip(input.offset.unwrap_or(0) as usize).take(limit);
    Ok(Json(page.map(BucketOut::from).collect()))
}

fn sort(found: &mut [Bucket], input: &ListIn) -> Result<(), Problem> {
    match input.sort_column.as_deref() {
        None | Some("created_at") => {}
        Some("id" | "name") => found.sort_by(|left, right| left.name.as_str().cmp(right.name.as_str())),
        Some("updated_at") => found.sort_by_key(|bucket| bucket.updated_at),
        Some(_) => {
            return Err(Problem::invalid("sortColumn must be id, name, created_at or updated_at."));
        }
    }
    match input.sort_order.as_deref() {
        None | Some("asc") => Ok(()),
        Some("desc") => {
            found.reverse();
            Ok(())
        }
        Some(_) => Err(Problem::invalid("sortOrder must be asc or desc.")),
    }
}

pub(super) async fn get(
    ctx: Ctx<Anyone>,
    State(files): State<Files>,
    ValidPath(name): ValidPath<String>,
) -> Result<Json<BucketOut>, Refusal> {
    Requester::of(&ctx.who.caller, OwnerIn::default(), READ)?;
    let found = buckets::get(&files, named(&name)?).await?;
    Ok(Json(found.into()))
}

pub(super) async fn update(
    ctx: Ctx<PlatformKey>,
    State(files): State<Files>,
    ValidPath(name): ValidPath<String>,
    ValidJson(input): ValidJson<BucketIn>,
) -> Result<Json<MessageOut>, Refusal> {
    ctx.who.demand(MANAGE)?;
    let change = input.check()?;
    let entry = entry(&ctx, Actor::ApiKey(ctx.who.key.key_id), "files.bucket.changed")
        .detail(json!({"public": change.public}));
    buckets::update(&files, named(&name)?, change, entry).await?;
    Ok(Json(MessageOut { message: "Successfully updated" }))
}

pub(super) async fn empty(
    ctx: Ctx<PlatformKey>,
    State(files): State<Files>,
    ValidPath(name): ValidPath<String>,
    ValidQuery(owner): ValidQuery<OwnerIn>,
) -> Result<Json<MessageOut>, Refusal> {
    ctx.who.demand(MANAGE)?;
    let owner = chosen(owner)?;
    let entry = entry(&ctx, Actor::ApiKey(ctx.who.key.key_id), "files.bucket.emptied")
        .in_org_of(owner.and_then(Owner::org_id));
    buckets::empty(&files, named(&name)?, owner, entry).await?;
    Ok(Json(MessageOut { message: "Successfully emptied" }))
}

pub(super) async fn delete(
    ctx: Ctx<PlatformKey>,
    State(files): State<Files>,
    ValidPath(name): ValidPath<String>,
) -> Result<Json<MessageOut>, Refusal> {
    ctx.who.demand(MANAGE)?;
    let entry = entry(&ctx, Actor::ApiKey(ctx.who.key.key_id), "files.bucket.deleted");
    buckets::delete(&files, named(&name)?, entry).await?;
    Ok(Json(MessageOut { message: "Successfully deleted" }))
}

/// Reads whom a platform key chooses; nobody is everybody.
pub(super) fn chosen(wish: OwnerIn) -> Result<Option<Owner>, FilesError> {
    match (wish.org, wish.user) {
        (Some(_), Some(_)) => Err(FilesError::TwoOwners),
        (Some(org_id), None) => Ok(Some(Owner::Organization(org_id))),
        (None, Some(user_id)) => Ok(Some(Owner::Person(user_id))),
        (None, None) => Ok(None),
    }
}

/// Reads the name of a bucket that should be there: what cannot be a name is none.
pub(super) fn named(name: &str) -> Result<BucketName, FilesError> {
    BucketName::new(name).map_err(|_| FilesError::NoSuchBucket)
}
