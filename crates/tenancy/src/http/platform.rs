//! What the platform's team does to an organisation.

use quoin_audit::{Actor, Entry};
use quoin_kernel::OrgId;
use quoin_web::{
    Ctx, Json, Operation, PlatformKey, Refusal, RoutesFor, State, StatusCode, ValidJson, ValidPath, Who,
};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::model::OrgStatus;
use crate::{Tenancy, service};

/// The scope that these operations need.
const SCOPE: &str = "orgs";

/// Names an organisation.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
struct OrgPath {
    org_id: OrgId,
}

/// Why an organisation is closed.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct SuspendIn {
    /// What the audit trail says, where its admins read it too; 500 characters at most.
    #[schemars(length(max = 500))]
    reason: Option<String>,
}

/// Whether an organisation can be used.
#[derive(Debug, Serialize, schemars::JsonSchema)]
struct StatusOut {
    /// Its status now.
    status: OrgStatus,
}

/// Adds the platform's operations.
pub(super) fn add(routes: RoutesFor<Tenancy>) -> RoutesFor<Tenancy> {
    routes
        .add(
            Operation::post("/admin/v1/orgs/{org_id}/suspend", "tenancy.orgs.suspend")
                .summary("Closes an organisation for the time being: its members' tokens and its keys end at once.")
                .caller(Who::PlatformKey)
                .takes::<SuspendIn>()
                .gives_nothing(204),
            suspend,
        )
        .add(
            Operation::post("/admin/v1/orgs/{org_id}/reinstate", "tenancy.orgs.reinstate")
                .summary("Opens a suspended organisation again, or takes the end of one back within its time of grace.")
                .caller(Who::PlatformKey)
                .gives::<StatusOut>(200),
            reinstate,
        )
}

async fn suspend(
    ctx: Ctx<PlatformKey>,
    State(tenancy): State<Tenancy>,
    ValidPath(path): ValidPath<OrgPath>,
    ValidJson(input): ValidJson<SuspendIn>,
) -> Result<StatusCode, Refusal> {
    ctx.who.demand(SCOPE)?;
    let reason: Option<String> = input.reason.map(|reason| reason.chars().take(500).collect());
    let entry = entry(&ctx, "tenancy.organization.suspended").detail(json!({"reason": reason}));
    service::suspend(&tenancy, path.org_id, ctx.now(), entry).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn reinstate(
    ctx: Ctx<PlatformKey>,
    State(tenancy): State<Tenancy>,
    ValidPath(path): ValidPath<OrgPath>,
) -> Result<Json<StatusOut>, Refusal> {
    ctx.who.demand(SCOPE)?;
    let entry = entry(&ctx, "tenancy.organization.reinstated");
    Ok(Json(StatusOut { status: service::reinstate(&tenancy, path.org_id, ctx.now(), entry).await? }))
}

fn entry(ctx: &Ctx<PlatformKey>, action: &'static str) -> Entry {
    Entry::new(ctx.app.rng(), ctx.now(), Actor::ApiKey(ctx.who.key.key_id), action).from(&ctx.origin)
}
