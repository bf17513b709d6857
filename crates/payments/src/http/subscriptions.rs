//! Subscriptions: how they stand, why, and what may be done with them.

use quoin_audit::{Actor, Entry};
use quoin_kernel::Timestamp;
use quoin_kernel::page::Listed;
use quoin_web::{Ctx, Json, Operation, Refusal, RoutesFor, State, ValidJson, ValidPath, Who};
use serde::Deserialize;

use super::callers::{BillingManager, BillingViewer};
use super::out::{PreviewOut, SubscriptionOut};
use super::plans::plan_id;
use crate::model::{Interval, SubscriptionId};
use crate::service::change_subscription::{ChangeWhen, Deed, Wished};
use crate::service::dun::Dunning;
use crate::service::explain::Explanation;
use crate::{Payments, PaymentsError};

/// A change; what is absent stays.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct ChangeIn {
    /// Another plan.
    plan: Option<String>,
    /// How often to pay.
    interval: Option<Interval>,
    /// How many seats.
    quantity: Option<i64>,
    /// Whether the rest of the period is evened out; true by default.
    #[serde(default = "yes")]
    prorate: bool,
    /// Now, or when what is paid for ends.
    #[serde(default)]
    when: ChangeWhen,
}

const fn yes() -> bool {
    true
}

/// When to end.
#[derive(Debug, Default, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct CancelIn {
    /// At once instead of at the end of what is paid.
    now: bool,
}

/// Whether to pause.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct PauseIn {
    /// Whether collecting money is paused.
    paused: bool,
    /// When it goes on by itself.
    until: Option<Timestamp>,
}

/// What the next invoice will be, if there is one.
#[derive(Debug, serde::Serialize, schemars::JsonSchema)]
struct UpcomingOut {
    /// The invoice; null where none will come.
    invoice: Option<PreviewOut>,
}

const ONE: &str = "/payments/v1/subscriptions/{id}";

pub(super) fn add(routes: RoutesFor<Payments>) -> RoutesFor<Payments> {
    let routes = routes
        .add(
            Operation::get("/payments/v1/subscriptions", "payments.subscriptions.list")
                .summary("Lists the subscriptions of the active organisation, or of the caller where there is none.")
                .caller(Who::User)
                .gives::<Listed<SubscriptionOut>>(200),
            list,
        )
        .add(
            Operation::get(ONE, "payments.subscriptions.get")
                .summary("Reads a subscription.")
                .caller(Who::User)
                .gives::<SubscriptionOut>(200),
            get,
        )
        .add(
            Operation::get("/payments/v1/subscriptions/{id}/explain", "payments.subscriptions.explain")
                .summary("Says which events and fetches produced the present state.")
                .caller(Who::User)
                .gives::<Explanation>(200),
            explain,
        )
        .add(
            Operation::get("/payments/v1/subscriptions/{id}/upcoming", "payments.subscriptions.upcoming")
                .summary("Says what the next invoice will be.")
                .caller(Who::User)
                .gives::<UpcomingOut>(200),
            upcoming,
        )
        .add(
            Operation::get("/payments/v1/subscriptions/{id}/dunning", "payments.dunning.get")
                .summary("Says which steps were taken about a missing payment, and which follow.")
                .caller(Who::User)
                .gives::<Dunning>(200),
            dunning,
        );
    with_changes(routes)
}

fn with_changes(routes: RoutesFor<Payments>) -> RoutesFor<Payments> {
    routes
        .add(
            Operation::post("/payments/v1/subscriptions/{id}/change", "payments.subscriptions.change")
                .summary("Changes plan, interval or seats.")
                .description("Needs the permission `billing.manage`. A plan that allows less than is used is refused, unless it says otherwise. With `when: period_end` it happens when what is paid for ends, and waits as `scheduled_change` until then; another change takes its place.")
                .caller(Who::User)
                .idempotent()
                .takes::<ChangeIn>()
                .gives::<SubscriptionOut>(200),
            change,
        )
        .add(
            Operation::delete("/payments/v1/subscriptions/{id}/change", "payments.scheduled_changes.delete")
                .summary("Takes back the change that waits for the end of the period.")
                .description("Needs the permission `billing.manage`.")
                .caller(Who::User)
                .gives::<SubscriptionOut>(200),
            keep_plan,
        )
        .add(
            Operation::post("/payments/v1/subscriptions/{id}/preview", "payments.subscriptions.preview")
                .summary("Says what a change would cost, line by line.")
                .caller(Who::User)
                .takes::<ChangeIn>()
                .gives::<PreviewOut>(200),
            preview,
        )
        .add(
            Operation::post("/payments/v1/subscriptions/{id}/cancel", "payments.subscriptions.cancel")
                .summary("Ends a subscription, at the end of what is paid or at once.")
                .description("At once, what was used of metered prices is billed by a last invoice; what is paid is not given back.")
                .caller(Who::User)
                .takes::<CancelIn>()
                .gives::<SubscriptionOut>(200),
            cancel,
        )
        .add(
            Operation::post("/payments/v1/subscriptions/{id}/resume", "payments.subscriptions.resume")
                .summary("Takes back a wish to end.")
                .caller(Who::User)
                .gives::<SubscriptionOut>(200),
            resume,
        )
        .add(
            Operation::post("/payments/v1/subscriptions/{id}/pause", "payments.subscriptions.pause")
                .summary("Stops collecting money, or begins again; paused, the plan gives nothing.")
                .caller(Who::User)
                .takes::<PauseIn>()
                .gives::<SubscriptionOut>(200),
            pause,
        )
}

async fn list(
    ctx: Ctx<BillingViewer>,
    State(payments): State<Payments>,
) -> Result<Json<Listed<SubscriptionOut>>, Refusal> {
    let rows = payments.list_subscriptions(ctx.who.subject).await?;
    Ok(Json(Listed { data: rows.into_iter().map(SubscriptionOut::from).collect(), next_cursor: None }))
}

async fn get(
    ctx: Ctx<BillingViewer>,
    State(payments): State<Payments>,
    ValidPath(id): ValidPath<String>,
) -> Result<Json<SubscriptionOut>, Refusal> {
    Ok(Json(payments.get_subscription(ctx.who.subject, read(&id)?).await?.into()))
}

async fn explain(
    ctx: Ctx<BillingViewer>,
    State(payments): State<Payments>,
    ValidPath(id): ValidPath<String>,
) -> Result<Json<Explanation>, Refusal> {
    Ok(Json(payments.explain(ctx.who.subject, read(&id)?).await?))
}

async fn upcoming(
    ctx: Ctx<BillingViewer>,
    State(payments): State<Payments>,
    ValidPath(id): ValidPath<String>,
) -> Result<Json<UpcomingOut>, Refusal> {
    let invoice = payments.upcoming_invoice(ctx.who.subject, read(&id)?).await?;
    Ok(Json(UpcomingOut { invoice: invoice.map(PreviewOut::from) }))
}

async fn dunning(
    ctx: Ctx<BillingViewer>,
    State(payments): State<Payments>,
    ValidPath(id): ValidPath<String>,
) -> Result<Json<Dunning>, Refusal> {
    Ok(Json(payments.dunning(ctx.who.subject, read(&id)?).await?))
}

async fn change(
    ctx: Ctx<BillingManager>,
    State(payments): State<Payments>,
    ValidPath(id): ValidPath<String>,
    ValidJson(input): ValidJson<ChangeIn>,
) -> Result<Json<SubscriptionOut>, Refusal> {
    let entry = entry(&payments, &ctx, "payments.subscription.changed");
    let changed = payments.change_subscription(ctx.who.subject, read(&id)?, wished(&input)?, entry).await?;
    Ok(Json(changed.into()))
}

async fn preview(
    ctx: Ctx<BillingManager>,
    State(payments): State<Payments>,
    ValidPath(id): ValidPath<String>,
    ValidJson(input): ValidJson<ChangeIn>,
) -> Result<Json<PreviewOut>, Refusal> {
    Ok(Json(payments.preview_change(ctx.who.subject, read(&id)?, wished(&input)?).await?.into()))
}

async fn cancel(
    ctx: Ctx<BillingManager>,
    State(payments): State<Payments>,
    ValidPath(id): ValidPath<String>,
    ValidJson(input): ValidJson<CancelIn>,
) -> Result<Json<SubscriptionOut>, Refusal> {
    act(ctx, payments, &id, Deed::Cancel { at_once: input.now }, "payments.subscription.canceled").await
}

async fn resume(
    ctx: Ctx<BillingManager>,
    State(payments): State<Payments>,
    ValidPath(id): ValidPath<String>,
) -> Result<Json<SubscriptionOut>, Refusal> {
    act(ctx, payments, &id, Deed::Resume, "payments.subscription.resumed").await
}

async fn pause(
    ctx: Ctx<BillingManager>,
    State(payments): State<Payments>,
    ValidPath(id): ValidPath<String>,
    ValidJson(input): ValidJson<PauseIn>,
) -> Result<Json<SubscriptionOut>, Refusal> {
    let deed = match (input.paused, input.until) {
        (true, Some(until)) if until <= ctx.now() => {
            return Err(unusable("until", "must lie ahead").into());
        }
        (true, until) => Deed::Pause { until },
        (false, None) => Deed::Unpause,
        (false, Some(_)) => return Err(unusable("until", "belongs to a pause").into()),
    };
    act(ctx, payments, &id, deed, "payments.subscription.paused").await
}

async fn keep_plan(
    ctx: Ctx<BillingManager>,
    State(payments): State<Payments>,
    ValidPath(id): ValidPath<String>,
) -> Result<Json<SubscriptionOut>, Refusal> {
    act(ctx, payments, &id, Deed::KeepPlan, "payments.change.taken_back").await
}

fn unusable(field: &'static str, problem: &str) -> PaymentsError {
    PaymentsError::Unusable { field, problem: problem.to_owned() }
}

async fn act(
    ctx: Ctx<BillingManager>,
    payments: Payments,
    id: &str,
    deed: Deed,
    action: &'static str,
) -> Result<Json<SubscriptionOut>, Refusal> {
    let entry = entry(&payments, &ctx, action);
    Ok(Json(payments.act_on_subscription(ctx.who.subject, read(id)?, deed, entry).await?.into()))
}

fn entry(payments: &Payments, ctx: &Ctx<BillingManager>, action: &'static str) -> Entry {
    payments.entry(Actor::User(ctx.who.user.user_id), action, &ctx.origin)
}

fn wished(input: &ChangeIn) -> Result<Wished, PaymentsError> {
    let plan = input.plan.as_deref().map(plan_id).transpose()?;
    let ChangeIn { interval, quantity, prorate, when, .. } = *input;
    Ok(Wished { plan, interval, quantity, prorate, when })
}

/// What cannot be an id names no subscription.
fn read(id: &str) -> Result<SubscriptionId, PaymentsError> {
    id.parse().map_err(|_| PaymentsError::NoSuch("subscription"))
}
