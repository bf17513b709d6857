//! Who belongs to an organisation.

use quoin_kernel::page::{Listed, PageIn};
use quoin_kernel::{OrgId, Problem, UserId};
use quoin_web::{Ctx, Json, Member, Owner, Refusal, StatusCode, ValidJson, ValidPath, ValidQuery};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::entry;
use crate::model::Membership;
use crate::service::{self, Change, Limits};

/// Names a member in the path.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
pub(super) struct MemberPath {
    org_id: OrgId,
    user_id: UserId,
}

/// The role to give.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RoleIn {
    /// The name of the new role.
    role: String,
}

/// Who takes the organisation over.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TransferIn {
    /// Another member, who becomes an owner.
    user_id: UserId,
}

/// The role that a member has now.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(super) struct RoleOut {
    /// The person.
    user_id: UserId,
    /// The name of their role.
    role: String,
}

pub(super) async fn list(
    ctx: Ctx<Member>,
    ValidQuery(page): ValidQuery<PageIn>,
) -> Result<Json<Listed<Membership>>, Refusal> {
    let page = page.check().map_err(|error| Problem::invalid(error.to_string()))?;
    Ok(Json(service::list_members(ctx.db().system(), ctx.who.org_id, page).await?))
}

pub(super) async fn change(
    ctx: Ctx<Member>,
    ValidPath(path): ValidPath<MemberPath>,
    ValidJson(input): ValidJson<RoleIn>,
) -> Result<Json<RoleOut>, Refusal> {
    let change = change_of(&ctx, &path);
    let entry = entry(&ctx, change.actor, "tenancy.member.role_changed").detail(json!({"role": input.role}));
    service::change_role(ctx.db().system(), ctx.app.rng(), change, input.role.clone(), entry).await?;
    Ok(Json(RoleOut { user_id: path.user_id, role: input.role }))
}

pub(super) async fn remove(
    ctx: Ctx<Member>,
    ValidPath(path): ValidPath<MemberPath>,
) -> Result<StatusCode, Refusal> {
    let change = change_of(&ctx, &path);
    let entry = entry(&ctx, change.actor, "tenancy.member.removed");
    service::remove_member(ctx.db().system(), ctx.app.rng(), Limits::of(&ctx.app), change, entry).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn transfer(
    ctx: Ctx<Owner>,
    ValidJson(input): ValidJson<TransferIn>,
) -> Result<StatusCode, Refusal> {
    let (org_id, actor, now) = (ctx.who.org_id, ctx.who.user.user_id, ctx.now());
    let change = Change { org_id, actor, user_id: input.user_id, now };
    let entry = entry(&ctx, actor, "tenancy.organization.transferred");
    service::transfer(ctx.db().system(), ctx.app.rng(), change, entry).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The door has looked the caller up in `path.org_id`; the service reads both roles again.
fn change_of(ctx: &Ctx<Member>, path: &MemberPath) -> Change {
    Change { org_id: path.org_id, actor: ctx.who.user.user_id, user_id: path.user_id, now: ctx.now() }
}
