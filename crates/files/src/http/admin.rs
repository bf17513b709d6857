//! What operators do with the stores, a page at a time, so that a command can show progress and be interrupted.

use quoin_audit::Actor;
use quoin_kernel::Problem;
use quoin_web::{Ctx, Json, PlatformKey, Refusal, State, ValidJson};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::entry;
use crate::model::requester::MANAGE;
use crate::model::{Object, StoreKey, StoreKind, VersionId};
use crate::service::Files;
use crate::service::relocate::{relocate, store_at};
use crate::service::sweep::{self, give_up_idle};
use crate::service::verify::{self, Fault};

/// Where to go on.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct VerifyIn {
    /// The `next` of the page before.
    after: Option<VersionId>,
}

/// What one page of objects has shown.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(super) struct VerifyOut {
    /// How many objects were read.
    objects: u64,
    /// How many bytes.
    bytes: u64,
    /// How many objects there are in all.
    total_objects: i64,
    /// How many bytes there are in all.
    total_bytes: i64,
    /// What is wrong.
    faults: Vec<FaultOut>,
    /// From where to go on; null at the end.
    next: Option<VersionId>,
}

/// An object with which something is wrong.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(super) struct FaultOut {
    /// `missing`, `size` or `hash`; with a copy, what stood in its way.
    fault: String,
    /// The store.
    store: StoreKind,
    /// The key there.
    key: String,
    /// The object's name.
    name: String,
}

/// Which store's keys, and where to go on.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct UnknownIn {
    /// The store; the one that takes what is new where nothing is said.
    store: Option<StoreKind>,
    /// The `next` of the page before.
    after: Option<String>,
}

/// Keys that no row knows.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(super) struct UnknownOut {
    /// How many keys were looked at.
    seen: u64,
    /// Those that no row knows.
    unknown: Vec<String>,
    /// From where to go on; null at the end.
    next: Option<String>,
}

/// Where to move objects, and where to go on.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CopyIn {
    /// The store's address, for example `s3://bucket/prefix`; it must be configured.
    to: String,
    /// The `next` of the page before.
    after: Option<VersionId>,
}

/// What one page has moved.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(super) struct CopyOut {
    /// How many objects have moved.
    moved: u64,
    /// How many bytes.
    bytes: u64,
    /// What could not be moved.
    failed: Vec<FaultOut>,
    /// How many objects lie elsewhere still.
    left_objects: i64,
    /// How many bytes lie elsewhere still.
    left_bytes: i64,
    /// Whether new objects go to this store already.
    takes_new: bool,
    /// From where to go on; null at the end.
    next: Option<VersionId>,
}

/// Which writes to give up.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SweepIn {
    /// Those that have shown no sign of life for so many seconds; 900 where nothing is said.
    idle_s: Option<u64>,
}

/// What was swept.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(super) struct SweepOut {
    /// How many keys were removed.
    removed: u64,
}

impl FaultOut {
    fn new(object: &Object, fault: String) -> Self {
        let version = &object.version;
        Self { fault, store: version.store, key: version.key.to_string(), name: object.name.to_string() }
    }
}

pub(super) async fn verify(
    ctx: Ctx<PlatformKey>,
    State(files): State<Files>,
    ValidJson(input): ValidJson<VerifyIn>,
) -> Result<Json<VerifyOut>, Refusal> {
    ctx.who.demand(MANAGE)?;
    let (total_objects, total_bytes) = verify::count(&files).await?;
    let page = verify::verify(&files, input.after).await?;
    let faults = page.faults.iter().map(|(object, fault)| {
        let fault = match fault {
            Fault::Missing => "missing",
            Fault::Size => "size",
            Fault::Hash => "hash",
        };
        FaultOut::new(object, fault.to_owned())
    });
    let faults = faults.collect();
    let (objects, bytes, next) = (page.objects, page.bytes, page.next);
    Ok(Json(VerifyOut { objects, bytes, total_objects, total_bytes, faults, next }))
}

pub(super) async fn unknown(
    ctx: Ctx<PlatformKey>,
    State(files): State<Files>,
    ValidJson(input): ValidJson<UnknownIn>,
) -> Result<Json<UnknownOut>, Refusal> {
    ctx.who.demand(MANAGE)?;
    let store = input.store.unwrap_or_else(|| files.stores().active().kind());
    let after = input.after.as_deref().map(|text| {
        StoreKey::parse(text).ok_or_else(|| Problem::invalid("after is no key that a page has given."))
    });
    let found = verify::unknown(&files, store, after.transpose()?).await?;
    let unknown = found.keys.iter().map(ToString::to_string).collect();
    Ok(Json(UnknownOut { seen: found.seen, unknown, next: found.next.map(|key| key.to_string()) }))
}

pub(super) async fn copy(
    ctx: Ctx<PlatformKey>,
    State(files): State<Files>,
    ValidJson(input): ValidJson<CopyIn>,
) -> Result<Json<CopyOut>, Refusal> {
    ctx.who.demand(MANAGE)?;
    let to = store_at(&files, &input.to)?;
    if input.after.is_none() {
        let entry = entry(&ctx, Actor::ApiKey(ctx.who.key.key_id), "files.store.copied");
        let entry = entry.on(to.address()).detail(json!({"store": to.kind().as_str()}));
        let noted = ctx.db().system().write("files.copy.note", move |tx| quoin_audit::record(tx, &entry));
        noted.await?;
    }
    let page = relocate(&files, &to, input.after).await?;
    let failed = page.failed.iter().map(|(object, error)| FaultOut::new(object, error.to_string())).collect();
    Ok(Json(CopyOut {
        moved: page.moved,
        bytes: page.bytes,
        failed,
        left_objects: page.left_objects,
        left_bytes: page.left_bytes,
        takes_new: files.stores().active().kind() == to.kind(),
        next: page.next,
    }))
}

pub(super) async fn sweep(
    ctx: Ctx<PlatformKey>,
    State(files): State<Files>,
    ValidJson(input): ValidJson<SweepIn>,
) -> Result<Json<SweepOut>, Refusal> {
    ctx.who.demand(MANAGE)?;
    let idle = std::time::Duration::from_secs(input.idle_s.unwrap_or(900));
    give_up_idle(&files, idle).await?;
    Ok(Json(SweepOut { removed: sweep::sweep(&files).await? }))
}
