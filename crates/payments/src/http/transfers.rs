//! The page of an order that is paid by bank transfer: how much, where to, and what to write.

use quoin_web::page::{Html, Page};
use quoin_web::{Ctx, Operation, Refusal, RoutesFor, State, Unidentified, ValidPath, Who};

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
    _: Ctx<Unidentified>,
    State(payments): State<Payments>,
    ValidPath(id): ValidPath<String>,
) -> Result<Page, Refusal> {
    let id = id.parse().map_err(|_| PaymentsError::NoSuch("order"))?;
    let invoice = payments.order_invoice(id).await?;
    let owed = Money { amount: invoice.total, currency: invoice.currency };
    let number = invoice.number.unwrap_or_default();
    let paid = invoice.status == "paid";
    let words = if paid { "Your payment has arrived. Thank you." } else { "Please transfer this amount:" };
    let mut body = Html::new().raw("<h1>Your order</h1><p>").text(words).raw("</p>");
    if !paid {
        body = body
            .raw("<p><strong>")
            .text(&owed.to_string())
            .raw("</strong></p><p>Write as reference: <strong>");
        body = body.text(&number).raw("</strong></p>");
        if let Some(details) = &payments.config().bank_details {
            body = body.raw("<pre>").text(details).raw("</pre>");
        }
        body = body.raw("<p>What you ordered opens as soon as the money has arrived.</p>");
    }
    Ok(Page::new("Your order", body))
}
