//! Domains that an organisation claims and proves.

use quoin_kernel::OrgId;
use quoin_kernel::page::Listed;
use quoin_web::{
    Ctx, Json, Operation, Owner, Refusal, RoutesFor, State, StatusCode, ValidJson, ValidPath, Who,
};
use serde::Deserialize;

use crate::error::TenancyError;
use crate::model::{DomainName, DomainOut};
use crate::{Tenancy, service};

/// What to claim.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct ClaimIn {
    /// The domain: what stands behind the @ of the organisation's addresses.
    domain: String,
}

#[derive(Debug, Deserialize, schemars::JsonSchema)]
struct DomainPath {
    /// The organisation; the doorkeeper has looked at it.
    #[serde(rename = "org_id")]
    _org_id: OrgId,
    /// The domain.
    domain: String,
}

/// Adds the operations on domains.
pub(super) fn add(routes: RoutesFor<Tenancy>) -> RoutesFor<Tenancy> {
    routes
        .add(
            Operation::post("/orgs/v1/orgs/{org_id}/domains", "tenancy.domains.claim")
                .summary("Claims a mail domain and says which DNS record proves it.")
                .description("Claiming it again gives the same record. Public suffixes are refused.")
                .caller(Who::Owner)
                .takes::<ClaimIn>()
                .gives::<DomainOut>(201),
            claim,
        )
        .add(
            Operation::get("/orgs/v1/orgs/{org_id}/domains", "tenancy.domains.list")
                .summary("Lists the domains that the organisation has claimed.")
                .caller(Who::Owner)
                .gives::<Listed<DomainOut>>(200),
            list,
        )
        .add(
            Operation::post("/orgs/v1/orgs/{org_id}/domains/{domain}/verify", "tenancy.domains.verify")
                .summary("Looks the record up; where it stands, the domain is the organisation's.")
                .description("The record stays: without it, whoever proves the domain next takes it over.")
                .caller(Who::Owner)
                .gives::<DomainOut>(200),
            verify,
        )
        .add(
            Operation::delete("/orgs/v1/orgs/{org_id}/domains/{domain}", "tenancy.domains.release")
                .summary("Gives a domain up.")
                .caller(Who::Owner)
                .gives_nothing(204),
            release,
        )
}

fn named(text: &str) -> Result<DomainName, TenancyError> {
    DomainName::parse(text).map_err(|rule| TenancyError::Unusable { field: "domain", rule })
}

async fn claim(
    ctx: Ctx<Owner>,
    State(tenancy): State<Tenancy>,
    ValidJson(input): ValidJson<ClaimIn>,
) -> Result<(StatusCode, Json<DomainOut>), Refusal> {
    let by = (ctx.who.org_id, ctx.who.user.user_id);
    let claimed = service::claim_domain(&tenancy, by, named(&input.domain)?, &ctx.origin).await?;
    Ok((StatusCode::CREATED, Json(claimed)))
}

async fn list(ctx: Ctx<Owner>, State(tenancy): State<Tenancy>) -> Result<Json<Listed<DomainOut>>, Refusal> {
    let data = service::list_domains(&tenancy, ctx.who.org_id).await?;
    Ok(Json(Listed { data, next_cursor: None }))
}

async fn verify(
    ctx: Ctx<Owner>,
    State(tenancy): State<Tenancy>,
    ValidPath(path): ValidPath<DomainPath>,
) -> Result<Json<DomainOut>, Refusal> {
    let by = (ctx.who.org_id, ctx.who.user.user_id);
    Ok(Json(service::verify_domain(&tenancy, by, named(&path.domain)?, &ctx.origin).await?))
}

async fn release(
    ctx: Ctx<Owner>,
    State(tenancy): State<Tenancy>,
    ValidPath(path): ValidPath<DomainPath>,
) -> Result<StatusCode, Refusal> {
    let by = (ctx.who.org_id, ctx.who.user.user_id);
    service::release_domain(&tenancy, by, named(&path.domain)?, &ctx.origin).await?;
    Ok(StatusCode::NO_CONTENT)
}
