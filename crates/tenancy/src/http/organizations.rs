//! Organisations as their members see them.

use quoin_kernel::billing::Subject;
use quoin_kernel::page::{Listed, PageIn};
use quoin_kernel::{OrgId, Problem};
use quoin_web::{
    Ctx, Json, ManageSettings, Member, Owner, Permitted, Refusal, State, StatusCode, User, ValidJson,
    ValidPath, ValidQuery,
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::entry;
use crate::error::TenancyError;
use crate::model::{NewOrganization, OrgName, Organization};
use crate::{Tenancy, service};

/// What to create, or to change.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NameIn {
    /// The name, 1 to 100 characters.
    name: String,
}

/// Which organisations to list.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ListIn {
    /// `true` lists those that are being deleted instead of the others.
    deleting: Option<bool>,
    /// How many rows, 1 to 1000; 50 by default.
    limit: Option<u32>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
}

/// Names an organisation that the caller need not be able to use.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
pub(super) struct OrgPath {
    org_id: OrgId,
}

impl NameIn {
    fn check(&self) -> Result<OrgName, TenancyError> {
        OrgName::new(&self.name).ok_or(TenancyError::UnusableName)
    }
}

pub(super) async fn create(
    ctx: Ctx<User>,
    State(tenancy): State<Tenancy>,
    ValidJson(input): ValidJson<NameIn>,
) -> Result<(StatusCode, Json<Organization>), Refusal> {
    let owner = ctx.who.user.user_id;
    let org_id = OrgId::new(ctx.now(), ctx.app.rng());
    let new = NewOrganization {
        org_id,
        name: input.check()?,
        owner,
        billed: Subject::of(&ctx.who.user),
        now: ctx.now(),
    };
    let entry = entry(&ctx, owner, "tenancy.organization.created").detail(json!({"name": new.name.as_str()}));
    let created = service::create(&tenancy, new, entry).await?;
    Ok((StatusCode::CREATED, Json(created)))
}

pub(super) async fn list(
    ctx: Ctx<User>,
    ValidQuery(query): ValidQuery<ListIn>,
) -> Result<Json<Listed<Organization>>, Refusal> {
    let page = PageIn { limit: query.limit, cursor: query.cursor };
    let page = page.check().map_err(|error| Problem::invalid(error.to_string()))?;
    let user_id = ctx.who.user.user_id;
    Ok(Json(service::list(ctx.db().system(), user_id, query.deleting.unwrap_or(false), page).await?))
}

pub(super) async fn get(ctx: Ctx<Member>) -> Result<Json<Organization>, Refusal> {
    Ok(Json(service::find(ctx.db().system(), ctx.who.org_id, ctx.who.user.user_id).await?))
}

pub(super) async fn rename(
    ctx: Ctx<Permitted<ManageSettings>>,
    ValidJson(input): ValidJson<NameIn>,
) -> Result<Json<Organization>, Refusal> {
    let (org_id, user_id) = (ctx.who.org_id, ctx.who.user.user_id);
    let name = input.check()?;
    let entry = entry(&ctx, user_id, "tenancy.organization.renamed").detail(json!({"name": name.as_str()}));
    Ok(Json(service::rename(ctx.db().system(), (org_id, user_id), name, ctx.now(), entry).await?))
}

pub(super) async fn delete(ctx: Ctx<Owner>, State(tenancy): State<Tenancy>) -> Result<StatusCode, Refusal> {
    let by = (ctx.who.org_id, ctx.who.user.user_id);
    let entry = entry(&ctx, by.1, "tenancy.organization.deleted");
    service::delete(&tenancy, by, ctx.now(), entry).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// No doorkeeper of the organisation's lets anybody in while it is being deleted; the service asks who is an owner.
pub(super) async fn restore(
    ctx: Ctx<User>,
    State(tenancy): State<Tenancy>,
    ValidPath(path): ValidPath<OrgPath>,
) -> Result<Json<Organization>, Refusal> {
    let by = (path.org_id, ctx.who.user.user_id);
    let entry = entry(&ctx, by.1, "tenancy.organization.restored");
    Ok(Json(service::restore(&tenancy, by, ctx.now(), entry).await?))
}

pub(super) async fn switch(ctx: Ctx<Member>, State(tenancy): State<Tenancy>) -> Result<Json<Value>, Refusal> {
    let issuer = tenancy.session_issuer()?;
    Ok(Json(issuer.switch(&ctx.who.user, ctx.who.org_id, &ctx.origin).await?))
}
