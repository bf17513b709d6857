//! Discounts: a coupon given to a subscription, invoice or checkout, from a moment until a moment.

use serde_json::{Value, json};

use crate::api::operation::{Call, Resource, delete, same};
use crate::billing::calendar::Rhythm;
use crate::desk::Desk;
use crate::error::StripeError;
use crate::fields::{Field, Params, text};
use crate::object::Object;

/// How a discount is asked for.
pub(crate) const GIVEN: &[Field] = &[text("coupon"), text("discount"), text("promotion_code")];

/// The calls.
pub(crate) static RESOURCE: Resource = Resource {
    kind: "discount",
    operations: &[delete("/v1/subscriptions/{id}/discount", &[], remove_from_subscription)],
    filter: same,
};

/// Redeems what is asked for and returns the discounts' ids.
pub(crate) fn give(
    desk: &mut Desk<'_, '_>,
    asked: &[Params],
    customer: Option<&str>,
    subscription: Option<&str>,
) -> Result<Vec<Value>, StripeError> {
    let mut ids = Vec::new();
    for (number, asked) in asked.iter().enumerate() {
        let param = |name: &str| format!("discounts[{number}][{name}]");
        let (coupon, code) =
            match (asked.text("coupon"), asked.text("promotion_code"), asked.text("discount")) {
                (Some(coupon), None, None) => (super::coupon::redeem(desk, coupon, &param("coupon"))?, None),
                (None, Some(code), None) => {
                    let coupon =
                        super::promotion_code::redeem(desk, code, customer, &param("promotion_code"))?;
                    (coupon, Some(code.to_owned()))
                }
                (None, None, Some(kept)) => {
                    ids.push(desk.named("discount", kept, &param("discount"))?.id().into());
                    continue;
                }
                _ => {
                    return Err(StripeError::invalid(
                        "A discount takes one of coupon, promotion_code, discount.",
                    )
                    .param("discounts"));
                }
            };
        let discount = shape(desk, &coupon, code.as_deref(), customer, subscription);
        desk.insert_quietly(&discount)?;
        if customer.is_some() {
            desk.emit("customer.discount.created", &discount)?;
        }
        ids.push(discount.id().into());
    }
    Ok(ids)
}

fn shape(
    desk: &mut Desk<'_, '_>,
    coupon: &Object,
    code: Option<&str>,
    customer: Option<&str>,
    subscription: Option<&str>,
) -> Object {
    let months = coupon.int("duration_in_months");
    let end = months.map(|months| Rhythm { interval: "month", count: months }.after(desk.now, 1));
    Object::new(json!({
        "id": desk.id("di_1"),
        "object": "discount",
        "checkout_session": null,
        "customer": customer,
        "customer_account": null,
        "end": end,
        "invoice": null,
        "invoice_item": null,
        "promotion_code": code,
        "source": {"coupon": coupon.id(), "type": "coupon"},
        "start": desk.now,
        "subscription": subscription,
        "subscription_item": null,
        "_coupon": coupon.document(),
        "_used": false,
    }))
}

/// Tells whether a discount still reduces an invoice made now.
pub(crate) fn applies(discount: &Object, now: i64) -> bool {
    let once = discount.text("_coupon.duration") == Some("once");
    let over = discount.int("end").is_some_and(|end| now >= end);
    !(over || once && discount.flag("_used"))
}

fn remove_from_subscription(call: &mut Call<'_, '_>) -> Result<Value, StripeError> {
    let id = call.id().to_owned();
    let mut subscription = call.desk.get("subscription", &id)?;
    let Some(discount) = subscription.list("discounts").last().and_then(Value::as_str).map(str::to_owned)
    else {
        return Err(
            StripeError::invalid("No active discount for this subscription.").code("resource_missing")
        );
    };
    subscription.list_mut("discounts").pop();
    call.desk.update(&subscription, "customer.subscription.updated")?;
    let mut discount = call.desk.get("discount", &discount)?;
    call.desk.emit("customer.discount.deleted", &discount)?;
    discount.set("deleted", true);
    Ok(discount.into())
}
