//! Coupons: how much less is paid, and for how long.

use serde_json::{Value, json};

use crate::api::list::list_all;
use crate::api::operation::{Call, Resource, delete, get, list, post, retrieve, same};
use crate::desk::Desk;
use crate::error::StripeError;
use crate::fields::{Field, decimal, int, metadata, object, one_of, range, text, texts, time};
use crate::object::Object;

const APPLIES_TO: &[Field] = &[texts("products")];

const CREATE: &[Field] = &[
    int("amount_off"),
    object("applies_to", APPLIES_TO),
    text("currency"),
    one_of("duration", &["forever", "once", "repeating"]),
    int("duration_in_months"),
    text("id"),
    int("max_redemptions"),
    metadata("metadata"),
    text("name"),
    decimal("percent_off"),
    time("redeem_by"),
];

/// The calls.
pub(crate) static RESOURCE: Resource = Resource {
    kind: "coupon",
    operations: &[
        post("/v1/coupons", CREATE, create),
        get("/v1/coupons/{id}", retrieve),
        post("/v1/coupons/{id}", &[metadata("metadata"), text("name")], update),
        delete("/v1/coupons/{id}", &[], remove),
        list("/v1/coupons", &[range("created")], list_all),
    ],
    filter: same,
};

fn create(call: &mut Call<'_, '_>) -> Result<Value, StripeError> {
    let (params, desk) = (&call.params, &mut call.desk);
    let id = match params.text("id") {
        Some(id) if desk.find(id)?.is_some() => {
            return Err(StripeError::invalid("Coupon already exists.")
                .code("resource_already_exists")
                .param("id"));
        }
        Some(id) => id.to_owned(),
        None => desk.mint.text(8),
    };
    let percent_off = params.text("percent_off").and_then(|text| text.parse::<f64>().ok());
    let duration = params.text("duration").unwrap_or("once");
    let coupon = Object::new(json!({
        "id": id,
        "object": "coupon",
        "amount_off": params.get("amount_off"),
        "created": desk.now,
        "currency": params.text("currency").map(str::to_lowercase),
        "duration": duration,
        "duration_in_months": params.get("duration_in_months"),
        "livemode": false,
        "max_redemptions": params.get("max_redemptions"),
        "metadata": params.metadata(),
        "name": params.get("name"),
        "percent_off": percent_off,
        "redeem_by": params.get("redeem_by"),
        "times_redeemed": 0,
        "valid": true,
        "applies_to": params.object("applies_to").map(|to| json!({"products": to.texts("products")})),
    }));
    check(&coupon)?;
    desk.insert(&coupon, "coupon.created")?;
    Ok(coupon.into())
}

fn check(coupon: &Object) -> Result<(), StripeError> {
    let refuse = |message: &str, param: &str| Err(StripeError::invalid(message).param(param));
    match (coupon.at("percent_off").as_f64(), coupon.int("amount_off")) {
        (Some(percent), None) if percent > 0.0 && percent <= 100.0 => {}
        (None, Some(amount)) if amount > 0 => {
            if coupon.text("currency").is_none() {
                return refuse("You must pass currency when passing amount_off.", "currency");
            }
        }
        (None, None) => return refuse("You must pass either percent_off or amount_off.", "percent_off"),
        (Some(_), Some(_)) => {
            return refuse("You may pass only one of percent_off and amount_off.", "percent_off");
        }
        _ => return refuse("percent_off lies between 0 and 100; amount_off is positive.", "percent_off"),
    }
    let repeating = coupon.text("duration") == Some("repeating");
    if repeating != coupon.int("duration_in_months").is_some() {
        return refuse(
            "duration_in_months goes with duration=repeating, and only with it.",
            "duration_in_months",
        );
    }
    Ok(())
}

fn update(call: &mut Call<'_, '_>) -> Result<Value, StripeError> {
    let mut coupon = call.target()?;
    call.params.copy(&mut coupon, &["name"]);
    call.params.merge_metadata(&mut coupon);
    call.desk.update(&coupon, "coupon.updated")?;
    Ok(coupon.into())
}

/// Deletes a coupon; discounts that were given stay, and carry their own copy.
fn remove(call: &mut Call<'_, '_>) -> Result<Value, StripeError> {
    let coupon = call.target()?;
    call.desk.delete(&coupon, "coupon.deleted")?;
    Ok(json!({"id": coupon.id(), "object": "coupon", "deleted": true}))
}

/// Redeems a coupon once; refuses one that is used up or over.
pub(crate) fn redeem(desk: &mut Desk<'_, '_>, id: &str, param: &str) -> Result<Object, StripeError> {
    let mut coupon = desk.named("coupon", id, param)?;
    let used_up = coupon.int("max_redemptions").is_some_and(|most| coupon.amount("times_redeemed") >= most);
    let over = coupon.int("redeem_by").is_some_and(|end| desk.now >= end);
    if used_up || over || !coupon.flag("valid") {
        return Err(StripeError::invalid(format!("Coupon expired: {id}"))
            .code("coupon_expired")
            .param(param));
    }
    coupon.add("times_redeemed", 1);
    let last = coupon.int("max_redemptions") == coupon.int("times_redeemed");
    coupon.set("valid", !last);
    desk.update(&coupon, "coupon.updated")?;
    Ok(coupon)
}
