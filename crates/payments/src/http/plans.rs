//! Plans: what everybody sees, and what administrators change.

use quoin_audit::Actor;
use quoin_kernel::page::Listed;
use quoin_web::{
    Anyone, Ctx, Json, Operation, PlatformKey, Refusal, RoutesFor, State, StatusCode, ValidJson, ValidPath,
    ValidQuery, Who,
};
use serde::Deserialize;
use serde_json::json;

use super::out::PlanOut;
use crate::model::entitlement::Entitlements;
use crate::model::plan_file::PlanDrift;
use crate::model::{NewPlan, NewPrice, PlanId, PlanRules};
use crate::service::manage_plans::{PlanChange, describe};
use crate::service::sync_plan_file::PlanSync;
use crate::{Payments, PaymentsError};

/// The scope that changing plans needs.
pub(super) const SCOPE: &str = "payments";

/// Which plans to list.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct PlansIn {
    /// The archived ones too.
    #[serde(default)]
    archived: bool,
}

/// What to change of a plan; what is absent stays.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct PlanChangeIn {
    /// Its name.
    name: Option<String>,
    /// What it is; an empty text removes it.
    description: Option<String>,
    /// The prices on sale from now on. Others are archived; whoever pays one goes on paying it.
    prices: Option<Vec<NewPrice>>,
    /// What it gives.
    entitlements: Option<Entitlements>,
    /// How it behaves at its edges.
    rules: Option<PlanRules>,
    /// Whether it is sold.
    active: Option<bool>,
    /// Whether those who have it get the change too. By default they keep what they bought.
    #[serde(default)]
    apply_to_existing: bool,
}

/// The file of plans, and how to treat it.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct PlanFileIn {
    /// The text of `plans.toml`.
    toml: String,
    /// Overwrite what was changed elsewhere.
    #[serde(default)]
    force: bool,
    /// Only say what differs.
    #[serde(default)]
    dry_run: bool,
}

pub(super) fn add(routes: RoutesFor<Payments>) -> RoutesFor<Payments> {
    routes
        .add(
            Operation::get("/payments/v1/plans", "payments.plans.list")
                .summary("Lists the plans on sale.")
                .caller(Who::Anyone)
                .query::<PlansIn>()
                .gives::<Listed<PlanOut>>(200),
            list,
        )
        .add(
            Operation::post("/payments/v1/plans", "payments.plans.create")
                .summary("Makes a plan, its product and its prices at the provider.")
                .description("Scope `payments`. The plan is seen at once; where the provider does not answer, it learns of it later.")
                .caller(Who::PlatformKey)
                .idempotent()
                .takes::<NewPlan>()
                .gives::<PlanOut>(201),
            create,
        )
        .add(
            Operation::patch("/payments/v1/plans/{plan_id}", "payments.plans.change")
                .summary("Changes a plan.")
                .description("Scope `payments`. Whoever has bought it keeps what they bought, unless `apply_to_existing` is set.")
                .caller(Who::PlatformKey)
                .takes::<PlanChangeIn>()
                .gives::<PlanOut>(200),
            change,
        )
        .add(
            Operation::delete("/payments/v1/plans/{plan_id}", "payments.plans.archive")
                .summary("Stops selling a plan; whoever has it keeps it.")
                .caller(Who::PlatformKey)
                .gives_nothing(204),
            archive,
        )
        .add(
            Operation::post("/payments/v1/plans/sync", "payments.plans.sync")
                .summary("Brings plans in line with a file, or says how they differ.")
                .description("Scope `payments`. What was changed elsewhere since is overwritten with `force` only.")
                .caller(Who::PlatformKey)
                .takes::<PlanFileIn>()
                .gives::<PlanSync>(200),
            sync,
        )
}

async fn list(
    _: Ctx<Anyone>,
    State(payments): State<Payments>,
    ValidQuery(input): ValidQuery<PlansIn>,
) -> Result<Json<Listed<PlanOut>>, Refusal> {
    let plans = payments.list_plans(input.archived).await?;
    Ok(Json(Listed { data: plans.into_iter().map(PlanOut::from).collect(), next_cursor: None }))
}

async fn create(
    ctx: Ctx<PlatformKey>,
    State(payments): State<Payments>,
    ValidJson(input): ValidJson<NewPlan>,
) -> Result<(StatusCode, Json<PlanOut>), Refusal> {
    ctx.who.demand(SCOPE)?;
    let entry = payments.entry(Actor::ApiKey(ctx.who.key.key_id), "payments.plan.created", &ctx.origin);
    let entry = entry.detail(json!({"prices": input.prices, "entitlements": input.entitlements}));
    Ok((StatusCode::CREATED, Json(payments.create_plan(input, entry).await?.into())))
}

async fn change(
    ctx: Ctx<PlatformKey>,
    State(payments): State<Payments>,
    ValidPath(id): ValidPath<String>,
    ValidJson(input): ValidJson<PlanChangeIn>,
) -> Result<Json<PlanOut>, Refusal> {
    ctx.who.demand(SCOPE)?;
    let change = PlanChange {
        name: input.name,
        description: input.description,
        prices: input.prices,
        entitlements: input.entitlements,
        rules: input.rules,
        active: input.active,
        for_everybody: input.apply_to_existing,
    };
    let entry = payments.entry(Actor::ApiKey(ctx.who.key.key_id), "payments.plan.changed", &ctx.origin);
    let entry = entry.detail(describe(&change));
    Ok(Json(payments.change_plan(&plan_id(&id)?, change, entry).await?.into()))
}

async fn archive(
    ctx: Ctx<PlatformKey>,
    State(payments): State<Payments>,
    ValidPath(id): ValidPath<String>,
) -> Result<StatusCode, Refusal> {
    ctx.who.demand(SCOPE)?;
    let change = PlanChange { active: Some(false), ..PlanChange::default() };
    let entry = payments.entry(Actor::ApiKey(ctx.who.key.key_id), "payments.plan.archived", &ctx.origin);
    payments.change_plan(&plan_id(&id)?, change, entry).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn sync(
    ctx: Ctx<PlatformKey>,
    State(payments): State<Payments>,
    ValidJson(input): ValidJson<PlanFileIn>,
) -> Result<Json<PlanSync>, Refusal> {
    ctx.who.demand(SCOPE)?;
    if input.dry_run {
        let drift: Vec<PlanDrift> = payments.plan_drift(&input.toml).await?;
        return Ok(Json(PlanSync { made: Vec::new(), changed: Vec::new(), drift }));
    }
    Ok(Json(payments.apply_plan_file(&input.toml, input.force).await?))
}

/// What cannot be an id names no plan.
pub(super) fn plan_id(text: &str) -> Result<PlanId, PaymentsError> {
    text.parse().map_err(|_| PaymentsError::NoSuchPlan)
}
