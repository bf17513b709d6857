//! What administrators do by hand: grant a plan, compare with the provider.

use quoin_audit::Actor;
use quoin_kernel::billing::Subject;
use quoin_kernel::{OrgId, Timestamp, UserId};
use quoin_web::{
    Ctx, Json, Operation, PlatformKey, Refusal, RoutesFor, State, StatusCode, ValidJson, ValidQuery, Who,
};
use serde::Deserialize;
use serde_json::json;
use std::time::Duration;

use super::out::SubscriptionOut;
use super::plans::{SCOPE, plan_id};
use crate::service::reconcile::{Reach, Reconciled};
use crate::service::serve_manually::Grant;
use crate::{Payments, PaymentsError};

/// A plan to be given.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct GrantIn {
    /// Which plan.
    plan: String,
    /// To which organisation.
    org_id: Option<OrgId>,
    /// Or to which person.
    user_id: Option<UserId>,
    /// How many seats; 1 by default.
    quantity: Option<i64>,
    /// Until when; for ever by default.
    until: Option<Timestamp>,
}

/// The longest piece of a comparison in one call, in seconds.
const LONGEST_PIECE_S: u64 = 300;

/// How much to compare in one call.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct ReconcileIn {
    /// After how many seconds to stop; 300 by default and at most.
    seconds: Option<u64>,
}

pub(super) fn add(routes: RoutesFor<Payments>) -> RoutesFor<Payments> {
    routes
        .add(
            Operation::post("/payments/v1/grants", "payments.grants.create")
                .summary("Gives an organisation or a person a plan without payment.")
                .description("Scope `payments`.")
                .caller(Who::PlatformKey)
                .idempotent()
                .takes::<GrantIn>()
                .gives::<SubscriptionOut>(201),
            grant,
        )
        .add(
            Operation::post("/payments/v1/reconcile", "payments.reconcile.run")
                .summary("Compares with the provider, repairs, and says what differed and why.")
                .description("Scope `payments`. It stops when its time is up and says what it was `at`; the next call goes on from there.")
                .caller(Who::PlatformKey)
                .timeout(Duration::from_mins(10))
                .query::<ReconcileIn>()
                .gives::<Reconciled>(200),
            reconcile,
        )
}

async fn grant(
    ctx: Ctx<PlatformKey>,
    State(payments): State<Payments>,
    ValidJson(input): ValidJson<GrantIn>,
) -> Result<(StatusCode, Json<SubscriptionOut>), Refusal> {
    ctx.who.demand(SCOPE)?;
    let subject = match (input.org_id, input.user_id) {
        (Some(org_id), None) => Subject::Org(org_id),
        (None, Some(user_id)) => Subject::User(user_id),
        _ => return Err(unusable("org_id", "name org_id or user_id").into()),
    };
    let quantity = input.quantity.unwrap_or(1);
    if !(1..=1_000_000).contains(&quantity) {
        return Err(unusable("quantity", "must be 1 or more").into());
    }
    if input.until.is_some_and(|until| until <= ctx.now()) {
        return Err(unusable("until", "must lie ahead").into());
    }
    let entry = payments.entry(Actor::ApiKey(ctx.who.key.key_id), "payments.plan.granted", &ctx.origin);
    let entry = entry.detail(json!({"plan": input.plan, "until": input.until, "quantity": quantity}));
    let grant = Grant { subject, plan: plan_id(&input.plan)?, quantity, until: input.until };
    Ok((StatusCode::CREATED, Json(payments.grant_plan(grant, entry).await?.into())))
}

async fn reconcile(
    ctx: Ctx<PlatformKey>,
    State(payments): State<Payments>,
    ValidQuery(input): ValidQuery<ReconcileIn>,
) -> Result<Json<Reconciled>, Refusal> {
    ctx.who.demand(SCOPE)?;
    let seconds = input.seconds.unwrap_or(LONGEST_PIECE_S);
    if !(1..=LONGEST_PIECE_S).contains(&seconds) {
        return Err(unusable("seconds", "must be between 1 and 300").into());
    }
    let time = Duration::from_secs(seconds);
    Ok(Json(payments.reconcile_within(Reach::Everything, time).await?))
}

fn unusable(field: &'static str, problem: &str) -> PaymentsError {
    PaymentsError::Unusable { field, problem: problem.to_owned() }
}
