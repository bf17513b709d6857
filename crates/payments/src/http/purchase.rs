//! Beginning to pay, and looking after how.

use quoin_audit::Actor;
use quoin_web::{Ctx, Json, Operation, Refusal, RoutesFor, State, ValidJson, Who};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::callers::BillingManager;
use super::plans::plan_id;
use crate::model::{Currency, Interval};
use crate::service::start_checkout::Order;
use crate::{Payments, PaymentsError};

/// What to buy.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct CheckoutIn {
    /// The plan.
    plan: String,
    /// How often to pay; the plan's first price by default.
    interval: Option<Interval>,
    /// The currency; that of the plan's first price by default.
    currency: Option<Currency>,
    /// How many; 1 by default, for prices per seat the number of members.
    quantity: Option<i64>,
    /// A code that makes it cheaper.
    coupon: Option<String>,
    /// Where to go after paying. Coming there proves nothing.
    success_url: String,
    /// Where to go instead of paying.
    cancel_url: String,
}

/// Where to pay.
#[derive(Debug, Serialize, schemars::JsonSchema)]
struct CheckoutOut {
    /// The session at the provider.
    session_id: String,
    /// Where to pay.
    url: String,
}

/// Where to go afterwards.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct PortalIn {
    /// Where to go afterwards.
    return_url: String,
}

/// Where to look after payment methods and invoices.
#[derive(Debug, Serialize, schemars::JsonSchema)]
struct PortalOut {
    /// The page; it opens for a few minutes.
    url: String,
}

pub(super) fn add(routes: RoutesFor<Payments>) -> RoutesFor<Payments> {
    routes
        .add(
            Operation::post("/payments/v1/plans/checkout", "payments.checkout.start")
                .summary("Begins to buy a plan for the active organisation, or for the caller where there is none.")
                .description(
                    "Needs the permission `billing.manage`. Calling it again with the same wish answers the same session; another wish \
                     closes the session that was open.",
                )
                .caller(Who::User)
                .idempotent()
                .alias("/plans/checkout")
                .takes::<CheckoutIn>()
                .gives::<CheckoutOut>(200),
            checkout,
        )
        .add(
            Operation::post("/payments/v1/portal", "payments.portal.open")
                .summary("Opens the provider's page for payment methods and invoices.")
                .caller(Who::User)
                .takes::<PortalIn>()
                .gives::<PortalOut>(200),
            portal,
        )
}

async fn checkout(
    ctx: Ctx<BillingManager>,
    State(payments): State<Payments>,
    ValidJson(input): ValidJson<CheckoutIn>,
) -> Result<Json<CheckoutOut>, Refusal> {
    let order = Order {
        plan: plan_id(&input.plan)?,
        interval: input.interval,
        currency: input.currency,
        quantity: input.quantity,
        coupon: input.coupon.filter(|code| !code.is_empty()),
        success_url: allowed(&ctx, "success_url", &input.success_url)?,
        cancel_url: allowed(&ctx, "cancel_url", &input.cancel_url)?,
    };
    let entry = payments.entry(Actor::User(ctx.who.user.user_id), "payments.checkout.started", &ctx.origin);
    let entry = entry.detail(json!({"subject": ctx.who.subject.to_string(), "quantity": order.quantity}));
    let started = payments.start_checkout(&ctx.who.payer(), &order, entry).await?;
    Ok(Json(CheckoutOut { session_id: started.session_id, url: started.url }))
}

async fn portal(
    ctx: Ctx<BillingManager>,
    State(payments): State<Payments>,
    ValidJson(input): ValidJson<PortalIn>,
) -> Result<Json<PortalOut>, Refusal> {
    let return_url = allowed(&ctx, "return_url", &input.return_url)?;
    Ok(Json(PortalOut { url: payments.open_portal(&ctx.who.payer(), &return_url).await? }))
}

/// Takes a place to go to as it was parsed, where it is on the list. Providers fill in `{CHECKOUT_SESSION_ID}`.
fn allowed<W>(ctx: &Ctx<W>, field: &'static str, target: &str) -> Result<String, PaymentsError> {
    let url = ctx.app.config().allowed_redirect(target).ok_or(PaymentsError::ForbiddenUrl(field))?;
    Ok(url.as_str().replace("%7BCHECKOUT_SESSION_ID%7D", "{CHECKOUT_SESSION_ID}"))
}
