//! `POST /v1/invoices/create_preview`: the change or renewal really happens, is looked at, and is undone.

use serde_json::Value;

use super::as_preview;
use crate::api::operation::Call;
use crate::billing::{invoicing, lifecycle};
use crate::desk::Desk;
use crate::error::StripeError;
use crate::fields::{Field, Params, flag, metadata, missing, object, objects, one_of, text, time, time_or};
use crate::object::Object;
use crate::objects::subscription::{self, items};
use crate::objects::{discount, invoice_item};

const SUBSCRIPTION: &[Field] = &[
    time_or("billing_cycle_anchor", &["now", "unchanged"]),
    flag("cancel_at_period_end"),
    flag("cancel_now"),
    objects("items", items::CHANGE),
    metadata("metadata"),
    one_of("proration_behavior", subscription::PRORATIONS),
    time("proration_date"),
    time_or("trial_end", &["now"]),
];

/// What it takes.
pub(super) const FIELDS: &[Field] = &[
    text("currency"),
    text("customer"),
    objects("discounts", discount::GIVEN),
    text("subscription"),
    object("subscription_details", SUBSCRIPTION),
];

/// Shows the invoice that would come next.
pub(super) fn create(call: &mut Call<'_, '_>) -> Result<Value, StripeError> {
    let params = call.params.clone();
    call.desk.imagine(|desk| preview(desk, &params).map(|invoice| as_preview(desk, invoice).into_document()))
}

fn preview(desk: &mut Desk<'_, '_>, params: &Params) -> Result<Object, StripeError> {
    let details = params.object("subscription_details").unwrap_or_default();
    let invoice = match params.text("subscription") {
        Some(id) => {
            let subscription = desk.named("subscription", id, "subscription")?;
            of_change(desk, &subscription, &details)?
        }
        None if details.has("items") => of_new(desk, params, &details)?,
        None => of_customer(desk, params)?,
    };
    if !params.has("discounts") {
        return Ok(invoice);
    }
    let mut invoice = invoice;
    let customer = invoice.owned("customer");
    let given = discount::give(desk, &params.objects("discounts"), customer.as_deref(), None)?;
    invoice.set("discounts", given);
    invoicing::total(desk, &mut invoice)?;
    Ok(invoice)
}

/// Changes the subscription, then shows the invoice of the change, or else of the next renewal.
fn of_change(
    desk: &mut Desk<'_, '_>,
    subscription: &Object,
    details: &Params,
) -> Result<Object, StripeError> {
    if matches!(subscription.status(), "canceled" | "incomplete_expired") {
        return Err(
            StripeError::invalid("No upcoming invoices for this subscription.").code("invoice_upcoming_none")
        );
    }
    let before = subscription.owned("latest_invoice");
    if details.flag("cancel_now") == Some(true) {
        let now = desk.now;
        return lifecycle::last_invoice(desk, subscription, now, true)?.ok_or_else(|| {
            StripeError::invalid("No upcoming invoices for this subscription.").code("invoice_upcoming_none")
        });
    }
    let changed = subscription::change::apply(desk, subscription, details)?;
    if changed.owned("latest_invoice") != before {
        return desk.get("invoice", changed.text("latest_invoice").unwrap_or_default());
    }
    desk.now = changed.amount("_period_end");
    let none =
        || StripeError::invalid("No upcoming invoices for this subscription.").code("invoice_upcoming_none");
    lifecycle::turn(desk, changed)?.ok_or_else(none)
}

fn of_new(desk: &mut Desk<'_, '_>, params: &Params, details: &Params) -> Result<Object, StripeError> {
    let customer = params.text("customer").ok_or_else(|| missing("customer"))?;
    let new = details.clone().with("customer", customer).with("payment_behavior", "default_incomplete");
    let subscription = subscription::create::create(desk, &new)?;
    desk.get("invoice", subscription.text("latest_invoice").unwrap_or_default())
}

fn of_customer(desk: &mut Desk<'_, '_>, params: &Params) -> Result<Object, StripeError> {
    let customer = desk.named("customer", params.need("customer")?, "customer")?;
    let currency =
        params.text("currency").or_else(|| customer.text("currency")).unwrap_or("usd").to_lowercase();
    let lines = invoice_item::pending_of_customer(desk, customer.id(), &currency)?;
    if lines.is_empty() {
        let message = format!("No upcoming invoices for customer: {}", customer.id());
        return Err(StripeError::invalid(message).code("invoice_upcoming_none"));
    }
    let draft = invoicing::Draft {
        customer: &customer,
        subscription: None,
        reason: "upcoming",
        currency,
        period: (desk.now, desk.now),
        collection_method: "charge_automatically".to_owned(),
        days_until_due: None,
        auto_advance: false,
    };
    invoicing::draft(desk, &draft, &lines)
}
