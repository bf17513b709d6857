//! Promotion codes: words by which customers redeem coupons.

use serde_json::{Value, json};

use crate::api::list::list_all;
use crate::api::operation::{Call, Resource, get, list, post, retrieve, same};
use crate::desk::Desk;
use crate::error::StripeError;
use crate::fields::{Field, flag, int, metadata, object, one_of, range, text, time};
use crate::object::Object;

const RESTRICTIONS: &[Field] =
    &[flag("first_time_transaction"), int("minimum_amount"), text("minimum_amount_currency")];
const PROMOTION: &[Field] = &[text("coupon"), one_of("type", &["coupon"]).required()];

const CREATE: &[Field] = &[
    flag("active"),
    text("code"),
    text("customer"),
    time("expires_at"),
    int("max_redemptions"),
    metadata("metadata"),
    object("promotion", PROMOTION).required(),
    object("restrictions", RESTRICTIONS),
];

/// The calls.
pub(crate) static RESOURCE: Resource = Resource {
    kind: "promotion_code",
    operations: &[
        post("/v1/promotion_codes", CREATE, create),
        get("/v1/promotion_codes/{id}", retrieve),
        post("/v1/promotion_codes/{id}", &[flag("active"), metadata("metadata")], update),
        list(
            "/v1/promotion_codes",
            &[flag("active"), text("code"), text("coupon"), text("customer"), range("created")],
            list_all,
        ),
    ],
    filter: |code, name, wanted| match name {
        "code" => code.text("code").zip(wanted.as_str()).is_some_and(|(a, b)| a.eq_ignore_ascii_case(b)),
        "coupon" => code.at("promotion.coupon") == wanted,
        _ => same(code, name, wanted),
    },
};

fn alias(code: &str) -> String {
    format!("promotion_code:{}", code.to_lowercase())
}

fn create(call: &mut Call<'_, '_>) -> Result<Value, StripeError> {
    let (params, desk) = (&call.params, &mut call.desk);
    let coupon = params.object("promotion").unwrap_or_default();
    let coupon = desk.named("coupon", coupon.need("coupon")?, "promotion[coupon]")?;
    let code = params.text("code").map_or_else(|| desk.mint.text(8).to_uppercase(), str::to_owned);
    if find(desk, &code)?.is_some_and(|other| other.flag("active")) {
        let message = format!("An active promotion code with `code: {code}` already exists.");
        return Err(StripeError::invalid(message).param("code"));
    }
    let restrictions = params.object("restrictions").unwrap_or_default();
    let promotion_code = Object::new(json!({
        "id": desk.id("promo_1"),
        "object": "promotion_code",
        "active": params.flag("active").unwrap_or(true),
        "code": code,
        "created": desk.now,
        "customer": params.get("customer"),
        "customer_account": null,
        "expires_at": params.get("expires_at"),
        "livemode": false,
        "max_redemptions": params.get("max_redemptions"),
        "metadata": params.metadata(),
        "promotion": {"coupon": coupon.id(), "type": "coupon"},
        "restrictions": {
            "first_time_transaction": restrictions.flag("first_time_transaction").unwrap_or(false),
            "minimum_amount": restrictions.get("minimum_amount"),
            "minimum_amount_currency": restrictions.get("minimum_amount_currency"),
        },
        "times_redeemed": 0,
    }));
    desk.insert(&promotion_code, "promotion_code.created")?;
    desk.alias(&alias(&code), promotion_code.id())?;
    Ok(promotion_code.into())
}

fn update(call: &mut Call<'_, '_>) -> Result<Value, StripeError> {
    let mut code = call.target()?;
    call.params.copy(&mut code, &["active"]);
    call.params.merge_metadata(&mut code);
    call.desk.update(&code, "promotion_code.updated")?;
    Ok(code.into())
}

/// Finds a promotion code by the word that a customer types.
pub(crate) fn find(desk: &mut Desk<'_, '_>, code: &str) -> Result<Option<Object>, StripeError> {
    desk.find_by_alias("promotion_code", &alias(code))
}

/// Redeems a promotion code once and returns its coupon.
pub(crate) fn redeem(
    desk: &mut Desk<'_, '_>,
    id: &str,
    customer: Option<&str>,
    param: &str,
) -> Result<Object, StripeError> {
    let mut code = desk.named("promotion_code", id, param)?;
    let refuse =
        |message: &str| Err(StripeError::invalid(message).code("promotion_code_expired").param(param));
    let over = code.int("expires_at").is_some_and(|end| desk.now >= end);
    let used_up = code.int("max_redemptions").is_some_and(|most| code.amount("times_redeemed") >= most);
    if !code.flag("active") || over || used_up {
        return refuse("This promotion code has expired.");
    }
    if code.text("customer").is_some_and(|only| Some(only) != customer) {
        return refuse("This promotion code is for another customer.");
    }
    let first_only = code.flag("restrictions.first_time_transaction");
    if first_only && let Some(customer) = customer {
        let paid = desk.of_customer("charge", customer)?;
        if paid.iter().any(|charge| charge.flag("paid")) {
            return refuse("This promotion code is for a first purchase only.");
        }
    }
    let coupon = super::coupon::redeem(desk, code.text("promotion.coupon").unwrap_or_default(), param)?;
    code.add("times_redeemed", 1);
    let last = code.int("max_redemptions") == code.int("times_redeemed");
    code.set("active", !last);
    desk.update(&code, "promotion_code.updated")?;
    Ok(coupon)
}
