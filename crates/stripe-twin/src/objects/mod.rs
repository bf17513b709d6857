//! The catalogue: one file per Stripe object, with its shape, what its calls take, and its transitions.

pub(crate) mod billing_portal;
pub(crate) mod charge;
pub(crate) mod checkout_session;
pub(crate) mod coupon;
pub(crate) mod credit_note;
pub(crate) mod customer;
pub(crate) mod discount;
pub(crate) mod dispute;
pub(crate) mod event;
pub(crate) mod invoice;
pub(crate) mod invoice_item;
pub(crate) mod meter;
pub(crate) mod payment_intent;
pub(crate) mod payment_method;
pub(crate) mod price;
pub(crate) mod product;
pub(crate) mod promotion_code;
pub(crate) mod refund;
pub(crate) mod setup_intent;
pub(crate) mod shapes;
pub(crate) mod subscription;
pub(crate) mod subscription_item;
pub(crate) mod subscription_schedule;
pub(crate) mod tax_id;
pub(crate) mod test_clock;
pub(crate) mod trigger;
pub(crate) mod webhook_endpoint;

use std::fmt::Write as _;

use crate::api::operation::Resource;
use crate::desk::Desk;
use crate::error::StripeError;
use crate::object::Object;

/// Every kind of object that the twin knows, with its calls.
pub(crate) static CATALOGUE: &[&Resource] = &[
    &customer::RESOURCE,
    &tax_id::RESOURCE,
    &product::RESOURCE,
    &price::RESOURCE,
    &coupon::RESOURCE,
    &promotion_code::RESOURCE,
    &discount::RESOURCE,
    &payment_method::RESOURCE,
    &setup_intent::RESOURCE,
    &payment_intent::RESOURCE,
    &charge::RESOURCE,
    &refund::RESOURCE,
    &dispute::RESOURCE,
    &checkout_session::RESOURCE,
    &subscription::RESOURCE,
    &subscription_item::RESOURCE,
    &subscription_schedule::RESOURCE,
    &invoice::RESOURCE,
    &invoice_item::RESOURCE,
    &credit_note::RESOURCE,
    &billing_portal::CONFIGURATIONS,
    &billing_portal::SESSIONS,
    &meter::RESOURCE,
    &test_clock::RESOURCE,
    &event::RESOURCE,
    &webhook_endpoint::RESOURCE,
];

/// Lets happen to an object what is due.
pub(crate) fn happen(desk: &mut Desk<'_, '_>, object: &Object) -> Result<(), StripeError> {
    desk.live_by_clock_of(object)?;
    match object.kind() {
        "subscription" => crate::billing::lifecycle::happen(desk, object.clone()),
        "subscription_schedule" => subscription_schedule::happen(desk, object.clone()),
        "invoice" => crate::billing::collection::happen(desk, object.clone()),
        "checkout.session" => checkout_session::expire(desk, object.clone()).map(drop),
        "test_helpers.test_clock" => test_clock::step(desk, object.clone()),
        _ => Ok(()),
    }
}

/// Writes the table of what is supported, as Markdown.
pub fn support_table() -> String {
    let mut text = String::from("| call | takes |\n|---|---|\n");
    for operation in CATALOGUE.iter().flat_map(|resource| resource.operations) {
        let parameters: Vec<String> = operation.parameters().iter().map(|name| format!("`{name}`")).collect();
        let (method, path) = (operation.method.name(), operation.path);
        // Writing into a String cannot fail.
        let _ = writeln!(text, "| `{method} {path}` | {} |", parameters.join(" "));
    }
    text
}
