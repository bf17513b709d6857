//! Roles of an organisation.

use quoin_kernel::page::Listed;
use quoin_kernel::{OrgId, permission};
use quoin_web::{
    Ctx, Json, ManageRoles, Member, Operation, Permitted, Refusal, RoutesFor, StatusCode, ValidJson,
    ValidPath, Who,
};
use serde::Deserialize;

use super::entry;
use crate::error::TenancyError;
use crate::model::{RoleDraft, RoleOut};
use crate::{Tenancy, service};

const KEEPS: Who = Who::Permitted(permission::ROLES_MANAGE);

/// What a role allows.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct RoleIn {
    /// What it is for, 200 characters at most.
    #[serde(default)]
    description: String,
    /// What it allows beyond what every member may do: `members.manage`, `roles.manage`, `settings.manage`, `audit.read`,
    /// `billing.manage`, or names of the product's own such as `posts.publish`.
    permissions: Vec<String>,
}

/// Which role new members get.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct DefaultIn {
    /// `member`, or a role of the organisation's own.
    default: String,
}

/// Names a role in the path.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
struct RolePath {
    org_id: OrgId,
    role: String,
}

/// Adds the operations on roles.
pub(super) fn add(routes: RoutesFor<Tenancy>) -> RoutesFor<Tenancy> {
    routes
        .add(
            Operation::get("/orgs/v1/orgs/{org_id}/roles", "tenancy.roles.list")
                .summary("Lists the built-in roles and the organisation's own.")
                .caller(Who::Member)
                .gives::<Listed<RoleOut>>(200),
            list,
        )
        .add(
            Operation::put("/orgs/v1/orgs/{org_id}/roles", "tenancy.roles.set_default")
                .summary("Sets the role that new members get.")
                .caller(KEEPS)
                .takes::<DefaultIn>()
                .gives::<Listed<RoleOut>>(200),
            set_default,
        )
        .add(
            Operation::put("/orgs/v1/orgs/{org_id}/roles/{role}", "tenancy.roles.put")
                .summary("Makes a role, or changes the one of its name.")
                .description("Holds for its members from their next request on. Nobody makes a role that holds more than theirs.")
                .caller(KEEPS)
                .param("role", "The name: 1 to 40 of a-z, 0-9, - and _.")
                .takes::<RoleIn>()
                .gives::<Listed<RoleOut>>(200),
            put,
        )
        .add(
            Operation::delete("/orgs/v1/orgs/{org_id}/roles/{role}", "tenancy.roles.delete")
                .summary("Removes a role that nobody has, is invited to, or would get.")
                .caller(KEEPS)
                .param("role", "The name.")
                .gives_nothing(204),
            delete,
        )
}

async fn list(ctx: Ctx<Member>) -> Result<Json<Listed<RoleOut>>, Refusal> {
    listed(&ctx, ctx.who.org_id).await
}

async fn put(
    ctx: Ctx<Permitted<ManageRoles>>,
    ValidPath(path): ValidPath<RolePath>,
    ValidJson(input): ValidJson<RoleIn>,
) -> Result<Json<Listed<RoleOut>>, Refusal> {
    let by = (path.org_id, ctx.who.user.user_id);
    let role = RoleDraft::new(&path.role, &input.description, input.permissions)
        .map_err(|(field, rule)| TenancyError::Unusable { field, rule })?;
    let entry = entry(&ctx, by.1, "tenancy.role.changed");
    service::put_role(ctx.db().system(), by, role, ctx.now(), entry).await?;
    listed(&ctx, path.org_id).await
}

async fn delete(
    ctx: Ctx<Permitted<ManageRoles>>,
    ValidPath(path): ValidPath<RolePath>,
) -> Result<StatusCode, Refusal> {
    let by = (path.org_id, ctx.who.user.user_id);
    let entry = entry(&ctx, by.1, "tenancy.role.deleted");
    service::delete_role(ctx.db().system(), by, path.role, entry).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn set_default(
    ctx: Ctx<Permitted<ManageRoles>>,
    ValidJson(input): ValidJson<DefaultIn>,
) -> Result<Json<Listed<RoleOut>>, Refusal> {
    let by = (ctx.who.org_id, ctx.who.user.user_id);
    let entry = entry(&ctx, by.1, "tenancy.role.made_default");
    service::set_default_role(ctx.db().system(), by, input.default, ctx.now(), entry).await?;
    listed(&ctx, by.0).await
}

/// Shows all roles as they are now: few enough for one page.
async fn listed<W>(ctx: &Ctx<W>, org_id: OrgId) -> Result<Json<Listed<RoleOut>>, Refusal> {
    let data = service::list_roles(ctx.db().system(), org_id).await?;
    Ok(Json(Listed { data, next_cursor: None }))
}
