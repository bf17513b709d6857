//! Codes that make a plan cheaper.

use quoin_audit::Actor;
use quoin_web::{
    Ctx, Json, Operation, PlatformKey, Refusal, RoutesFor, State, StatusCode, ValidJson, ValidPath, Who,
};
use serde::{Deserialize, Serialize};

use super::plans::SCOPE;
use crate::Payments;
use crate::model::Currency;
use crate::model::command::{CouponDuration, CreateCoupon};

/// A code to be made.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct CouponIn {
    /// What people type: letters and digits.
    code: String,
    /// Per cent off.
    percent_off: Option<u32>,
    /// Minor units off.
    amount_off: Option<i64>,
    /// The currency of `amount_off`.
    currency: Option<Currency>,
    /// `once`, `forever` or `{"months": 3}`.
    duration: CouponDuration,
    /// How often it may be used in all.
    max_redemptions: Option<i64>,
}

/// A code.
#[derive(Debug, Serialize, schemars::JsonSchema)]
struct CouponOut {
    /// Its id at the provider.
    id: String,
    /// What people type.
    code: String,
}

/// Whether a code is accepted.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct CouponChangeIn {
    /// Whether it is accepted.
    active: bool,
}

pub(super) fn add(routes: RoutesFor<Payments>) -> RoutesFor<Payments> {
    routes
        .add(
            Operation::post("/payments/v1/coupons", "payments.coupons.create")
                .summary("Makes a code that people may type at checkout.")
                .description("Scope `payments`.")
                .caller(Who::PlatformKey)
                .idempotent()
                .takes::<CouponIn>()
                .gives::<CouponOut>(201),
            create,
        )
        .add(
            Operation::put("/payments/v1/coupons/{id}", "payments.coupons.set")
                .summary("Stops or resumes accepting a code.")
                .description("Scope `payments`.")
                .caller(Who::PlatformKey)
                .takes::<CouponChangeIn>()
                .gives_nothing(204),
            set,
        )
}

async fn create(
    ctx: Ctx<PlatformKey>,
    State(payments): State<Payments>,
    ValidJson(input): ValidJson<CouponIn>,
) -> Result<(StatusCode, Json<CouponOut>), Refusal> {
    ctx.who.demand(SCOPE)?;
    let entry = payments.entry(Actor::ApiKey(ctx.who.key.key_id), "payments.coupon.created", &ctx.origin);
    let wish = CreateCoupon {
        code: input.code.clone(),
        percent_off: input.percent_off,
        amount_off: input.amount_off,
        currency: input.currency,
        duration: input.duration,
        max_redemptions: input.max_redemptions,
    };
    let id = payments.create_coupon(wish, entry).await?;
    Ok((StatusCode::CREATED, Json(CouponOut { id, code: input.code })))
}

async fn set(
    ctx: Ctx<PlatformKey>,
    State(payments): State<Payments>,
    ValidPath(id): ValidPath<String>,
    ValidJson(input): ValidJson<CouponChangeIn>,
) -> Result<StatusCode, Refusal> {
    ctx.who.demand(SCOPE)?;
    let entry = payments.entry(Actor::ApiKey(ctx.who.key.key_id), "payments.coupon.set", &ctx.origin);
    payments.set_coupon(&id, input.active, entry).await?;
    Ok(StatusCode::NO_CONTENT)
}
