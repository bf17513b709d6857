//! The page of an order that is paid by bank transfer: how much, where to, and what to write.

use quoin_web::{Ctx, Operation, Refusal, Response, RoutesFor, State, Unidentified, ValidPath, View, Who};
use serde_json::json;

use crate::model::money::Money;
use crate::{Payments, PaymentsError};

pub(super) fn add(routes: RoutesFor<Payments>) -> RoutesFor<Payments> {
    routes.add(
        Operation::get("/payments/v1/transfers/{id}", "payments.transfers.show")
            .summary("Shows where to send the money of an order.")
            .caller(Who::Unidentified)
            .undocumented()
            .gives_nothing(200),
        show,
    )
}

/// The id in the address is all that is asked for: it is known to whoever ordered, and shows nothing of theirs.
async fn show(
    ctx: Ctx<Unidentified>,
    State(payments): State<Payments>,
    ValidPath(id): ValidPath<String>,
) -> Result<Response, Refusal> {
    let id = id.parse().map_err(|_| PaymentsError::NoSuch("order"))?;
    let invoice = payments.order_invoice(id).await?;
    let is_paid = invoice.status == "paid";
    let amount = if is_paid { invoice.total } else { invoice.amount_remaining };
    let owed = Money { amount, currency: invoice.currency };
    let values = json!({
        "paid": is_paid, "amount": owed.to_string(), "reference": invoice.number.unwrap_or_default(),
        "details": payments.config().bank_details,
    });
    Ok(ctx.app.show(View::new("transfer", values, &ctx.origin))?)
}
