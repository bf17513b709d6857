//! The organisation's view of the audit trail.

use quoin_audit::{FilterIn, Recorded};
use quoin_kernel::Timestamp;
use quoin_kernel::page::Listed;
use quoin_web::{Ctx, Json, Permitted, ReadAudit, Refusal, ValidQuery};
use serde::Deserialize;

/// Which entries to list.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AuditIn {
    /// Only entries of the person or key with this id.
    actor: Option<String>,
    /// Only entries with this action; `tenancy.*` takes every action that begins with `tenancy.`.
    action: Option<String>,
    /// Only entries about this target.
    target: Option<String>,
    /// Only entries at or after this moment.
    since: Option<Timestamp>,
    /// Only entries before this moment.
    until: Option<Timestamp>,
    /// How many entries, 1 to 1000; 50 by default.
    limit: Option<u32>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
}

pub(super) async fn list(
    ctx: Ctx<Permitted<ReadAudit>>,
    ValidQuery(input): ValidQuery<AuditIn>,
) -> Result<Json<Listed<Recorded>>, Refusal> {
    let AuditIn { actor, action, target, since, until, limit, cursor } = input;
    // The organisation is the one the door has checked, never one that the query names.
    let org_id = Some(ctx.who.org_id);
    let filter = FilterIn { org_id, actor, action, target, since, until, limit, cursor }.check()?;
    Ok(Json(quoin_audit::list(ctx.db().system(), filter).await?))
}
