//! Where the provider announces.

use quoin_web::{Ctx, HeaderMap, Json, Operation, Refusal, RoutesFor, State, Unidentified, ValidBytes, Who};
use serde::Serialize;

use crate::Payments;
use crate::service::take_announcement::Taken;

/// What became of an event.
#[derive(Debug, Serialize, schemars::JsonSchema)]
struct TakenOut {
    /// It is kept, on disk.
    received: bool,
    /// It had come before.
    known: bool,
}

pub(super) fn add(routes: RoutesFor<Payments>) -> RoutesFor<Payments> {
    routes.add(
        Operation::post("/payments/v1/webhooks/stripe", "payments.webhooks.stripe")
            .summary("Takes an event of Stripe whose signature holds.")
            .description(
                "Answered with success only when the event is on disk. Its order and number mean nothing.",
            )
            .caller(Who::Unidentified)
            .alias("/stripe")
            .gives::<TakenOut>(200),
        take,
    )
}

async fn take(
    ctx: Ctx<Unidentified>,
    State(payments): State<Payments>,
    headers: HeaderMap,
    ValidBytes(body): ValidBytes,
) -> Result<Json<TakenOut>, Refusal> {
    let signature = headers.get("stripe-signature").and_then(|value| value.to_str().ok());
    let taken = payments.take_announcement(signature, &body, ctx.now()).await?;
    Ok(Json(TakenOut { received: true, known: taken == Taken::Known }))
}
