//! A subscription ends now.

use serde_json::Value;

use crate::api::operation::Call;
use crate::billing::lifecycle::{self, usage_lines};
use crate::billing::{collection, invoicing, proration};
use crate::desk::Desk;
use crate::error::StripeError;
use crate::object::Object;
use crate::objects::invoice_item;

/// Cancels at once; where asked, what is left is credited and billed.
pub(super) fn cancel(call: &mut Call<'_, '_>) -> Result<Value, StripeError> {
    let mut subscription = call.target()?;
    if matches!(subscription.status(), "canceled" | "incomplete_expired") {
        return Err(StripeError::missing("subscription", subscription.id()));
    }
    let params = call.params.clone();
    if let Some(details) = params.object("cancellation_details") {
        for name in ["comment", "feedback"] {
            subscription.set(&format!("cancellation_details.{name}"), details.get(name).clone());
        }
    }
    let prorates = params.flag("prorate") == Some(true);
    if params.flag("invoice_now") == Some(true) {
        if let Some(invoice) = final_invoice(&mut call.desk, &subscription, prorates)? {
            subscription.set("latest_invoice", invoice.id());
            collection::advance(&mut call.desk, invoice)?;
        }
    } else if prorates {
        let credits = credits(&mut call.desk, &subscription)?;
        invoice_item::keep(&mut call.desk, &credits, &subscription)?;
    }
    let ended = lifecycle::end(&mut call.desk, subscription, "canceled", "cancellation_requested")?;
    Ok(ended.into())
}

fn credits(
    desk: &mut Desk<'_, '_>,
    subscription: &Object,
) -> Result<Vec<crate::billing::lines::Line>, StripeError> {
    if subscription.status() == "trialing" {
        return Ok(Vec::new());
    }
    let mut none = subscription.clone();
    none.list_mut("items.data").clear();
    let moment = desk.now;
    proration::lines(desk, subscription, &none, moment)
}

/// Drafts the last invoice: usage so far, what waits, and where asked the credit for the time that is left.
pub(crate) fn final_invoice(
    desk: &mut Desk<'_, '_>,
    subscription: &Object,
    prorates: bool,
) -> Result<Option<Object>, StripeError> {
    let period = (subscription.amount("_period_start"), desk.now);
    let mut lines = invoice_item::pending_lines(desk, subscription)?;
    lines.extend(usage_lines(desk, subscription, period)?);
    if prorates {
        lines.extend(credits(desk, subscription)?);
    }
    if lines.is_empty() {
        return Ok(None);
    }
    let customer = desk.get("customer", subscription.text("customer").unwrap_or_default())?;
    let draft = invoicing::Draft::of_subscription(subscription, &customer, "subscription_update", period);
    let invoice = invoicing::draft(desk, &draft, &lines)?;
    desk.insert(&invoice, "invoice.created")?;
    invoice_item::attach_to(desk, &lines, &invoice)?;
    Ok(Some(invoice))
}
