//! Organisations as their members see them.

use quoin_kernel::page::{Listed, PageIn};
use quoin_kernel::{OrgId, Problem};
use quoin_web::{
    Ctx, Json, ManageSettings, Member, Owner, Permitted, Refusal, State, StatusCode, User, ValidJson,
    ValidQuery,
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

impl NameIn {
    fn check(&self) -> Result<OrgName, TenancyError> {
        OrgName::new(&self.name).ok_or(TenancyError::UnusableName)
    }
}

pub(super) async fn create(
    ctx: Ctx<User>,
    ValidJson(input): ValidJson<NameIn>,
) -> Result<(StatusCode, Json<Organization>), Refusal> {
    let owner = ctx.who.user.user_id;
    let org_id = OrgId::new(ctx.now(), ctx.app.rng());
    let new = NewOrganization { org_id, name: input.check()?, owner, now: ctx.now() };
    let entry = entry(&ctx, owner, "tenancy.organization.created").detail(json!({"name": new.name.as_str()}));
    let created = service::create(ctx.db().system(), new, entry).await?;
    Ok((StatusCode::CREATED, Json(created)))
}

pub(super) async fn list(
    ctx: Ctx<User>,
    ValidQuery(page): ValidQuery<PageIn>,
) -> Result<Json<Listed<Organization>>, Refusal> {
    let page = page.check().map_err(|error| Problem::invalid(error.to_string()))?;
    Ok(Json(service::list(ctx.db().system(), ctx.who.user.user_id, page).await?))
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

pub(super) async fn delete(ctx: Ctx<Owner>) -> Result<StatusCode, Refusal> {
    let entry = entry(&ctx, ctx.who.user.user_id, "tenancy.organization.deleted");
    service::delete(ctx.db().system(), ctx.who.org_id, ctx.now(), ctx.app.rng(), entry).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn switch(ctx: Ctx<Member>, State(tenancy): State<Tenancy>) -> Result<Json<Value>, Refusal> {
    let issuer = tenancy.session_issuer()?;
    Ok(Json(issuer.switch(&ctx.who.user, ctx.who.org_id, &ctx.origin).await?))
}
