//! What a session costs today.

use serde_json::{Value, json};

use super::create::good_coupon;
use crate::billing::amounts::{amount_for, percent};
use crate::billing::lines::product_name;
use crate::desk::Desk;
use crate::error::StripeError;
use crate::fields::Params;
use crate::object::Object;
use crate::objects::promotion_code;

/// Makes a line item.
pub(super) fn item(
    desk: &mut Desk<'_, '_>,
    price: &Object,
    quantity: Option<i64>,
    given: &Params,
) -> Result<Value, StripeError> {
    let amount = amount_for(price, quantity.unwrap_or(0));
    let adjustable = given.object("adjustable_quantity");
    let adjustable = adjustable.map(|given| {
        json!({
            "enabled": given.get("enabled"), "maximum": given.get("maximum"), "minimum": given.get("minimum"),
        })
    });
    Ok(json!({
        "id": desk.id("li_1"), "object": "item", "adjustable_quantity": adjustable, "amount_discount": 0,
        "amount_subtotal": amount, "amount_tax": 0, "amount_total": amount, "currency": price.at("currency"),
        "description": product_name(desk, price)?, "metadata": given.metadata(), "price": desk.shown(price),
        "quantity": quantity,
    }))
}

/// Notes the discounts that the session was created with.
pub(super) fn give(
    desk: &mut Desk<'_, '_>,
    session: &mut Object,
    params: &Params,
) -> Result<(), StripeError> {
    for given in params.objects("discounts") {
        match (given.text("coupon"), given.text("promotion_code")) {
            (Some(coupon), None) => {
                good_coupon(desk, coupon)?;
                note(session, json!({"coupon": coupon}));
            }
            (None, Some(code)) => {
                desk.named("promotion_code", code, "discounts[0][promotion_code]")?;
                note(session, json!({"promotion_code": code}));
            }
            _ => {
                return Err(StripeError::invalid("A discount takes one of coupon, promotion_code.")
                    .param("discounts"));
            }
        }
    }
    Ok(())
}

fn note(session: &mut Object, given: Value) {
    let shown = json!({"coupon": given["coupon"], "promotion_code": given["promotion_code"]});
    session.list_mut("_discounts").push(given);
    session.list_mut("discounts").push(shown);
}

/// Applies the code that somebody typed on the page.
///
/// # Errors
/// Where there is none, or it is good no more.
pub(crate) fn with_code(
    desk: &mut Desk<'_, '_>,
    session: &mut Object,
    code: &str,
) -> Result<(), StripeError> {
    let refused = || StripeError::invalid("This promotion code is invalid.").param("promotion_code");
    let found = promotion_code::find(desk, code)?
        .filter(|_| session.flag("allow_promotion_codes"))
        .ok_or_else(refused)?;
    let (id, customer) = (found.id().to_owned(), session.owned("customer"));
    desk.imagine(|desk| promotion_code::redeem(desk, &id, customer.as_deref(), "promotion_code"))?;
    session.set("discounts", Vec::<Value>::new());
    session.set("_discounts", Vec::<Value>::new());
    note(session, json!({"promotion_code": id}));
    total(desk, session)?;
    desk.update_quietly(session)
}

/// Sums what is due today: in a trial nothing recurring is.
pub(super) fn total(desk: &mut Desk<'_, '_>, session: &mut Object) -> Result<(), StripeError> {
    let trial = session.int("_subscription_data.trial_period_days").is_some()
        || session.int("_subscription_data.trial_end").is_some();
    let coupons = coupons(desk, session)?;
    let (mut subtotal, mut discount, mut currency) = (0, 0, session.at("currency").clone());
    let mut fixed: i64 = coupons.iter().filter_map(|coupon| coupon.int("amount_off")).sum();
    for item in session.list_mut("line_items.data") {
        let recurring = item["price"]["recurring"].is_object();
        let amount = if recurring && trial { 0 } else { item["amount_subtotal"].as_i64().unwrap_or(0) };
        let mut left = amount;
        for per_cent in coupons.iter().filter_map(|coupon| coupon.at("percent_off").as_f64()) {
            left -= percent(left, per_cent);
        }
        let off = fixed.min(left);
        fixed -= off;
        left -= off;
        item["amount_discount"] = (amount - left).into();
        item["amount_total"] = left.into();
        currency = item["currency"].clone();
        subtotal += amount;
        discount += amount - left;
    }
    session.set("currency", currency);
    session.set("amount_subtotal", subtotal);
    session.set("amount_total", subtotal - discount);
    session.set("total_details.amount_discount", discount);
    Ok(())
}

fn coupons(desk: &mut Desk<'_, '_>, session: &Object) -> Result<Vec<Object>, StripeError> {
    let mut coupons = Vec::new();
    for given in session.list("_discounts") {
        let id = match given["promotion_code"].as_str() {
            Some(code) => desk.find(code)?.and_then(|code| code.owned("promotion.coupon")),
            None => given["coupon"].as_str().map(str::to_owned),
        };
        if let Some(id) = id {
            coupons.extend(desk.find(&id)?);
        }
    }
    Ok(coupons)
}
