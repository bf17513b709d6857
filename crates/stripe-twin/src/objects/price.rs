//! Prices: what a product costs, once or again and again.

use serde_json::{Value, json};

use crate::api::list::list_all;
use crate::api::operation::{Call, Resource, get, get_with, list, post, retrieve, same};
use crate::api::search::{SEARCH, search};
use crate::billing::decimal::Decimal;
use crate::desk::Desk;
use crate::error::StripeError;
use crate::fields::{
    Field, Params, decimal, flag, int, metadata, missing, object, objects, one_of, range, text, texts,
};
use crate::object::Object;

const RECURRING: &[Field] = &[
    one_of("interval", &["day", "week", "month", "year"]).required(),
    int("interval_count"),
    text("meter"),
    int("trial_period_days"),
    one_of("usage_type", &["licensed", "metered"]),
];

const TIER: &[Field] = &[
    decimal("flat_amount_decimal"),
    int("flat_amount"),
    decimal("unit_amount_decimal"),
    int("unit_amount"),
    text("up_to").required(),
];

const TRANSFORM: &[Field] = &[int("divide_by").required(), one_of("round", &["up", "down"]).required()];

const TAX_BEHAVIOR: Field = one_of("tax_behavior", &["inclusive", "exclusive", "unspecified"]);

const CREATE: &[Field] = &[
    flag("active"),
    one_of("billing_scheme", &["per_unit", "tiered"]),
    text("currency").required(),
    text("lookup_key"),
    metadata("metadata"),
    text("nickname"),
    text("product"),
    object("product_data", super::product::INLINE),
    object("recurring", RECURRING),
    TAX_BEHAVIOR,
    objects("tiers", TIER),
    one_of("tiers_mode", &["graduated", "volume"]),
    flag("transfer_lookup_key"),
    object("transform_quantity", TRANSFORM),
    int("unit_amount"),
    decimal("unit_amount_decimal"),
];

const UPDATE: &[Field] = &[
    flag("active"),
    text("lookup_key"),
    metadata("metadata"),
    text("nickname"),
    TAX_BEHAVIOR,
    flag("transfer_lookup_key"),
];

/// The default price of a new product.
pub(crate) const INLINE_DEFAULT: &[Field] = &[
    text("currency").required(),
    metadata("metadata"),
    object("recurring", RECURRING),
    TAX_BEHAVIOR,
    int("unit_amount"),
    decimal("unit_amount_decimal"),
];

/// A price made on the way, with a checkout, subscription or invoice.
pub(crate) const INLINE: &[Field] = &[
    text("currency").required(),
    text("product"),
    object("product_data", super::product::INLINE),
    object("recurring", RECURRING),
    TAX_BEHAVIOR,
    int("unit_amount"),
    decimal("unit_amount_decimal"),
];

/// The calls.
pub(crate) static RESOURCE: Resource = Resource {
    kind: "price",
    operations: &[
        post("/v1/prices", CREATE, |call| {
            let params = call.params.clone();
            create(&mut call.desk, &params).map(Value::from)
        }),
        get_with("/v1/prices/search", SEARCH, search),
        get("/v1/prices/{id}", retrieve),
        post("/v1/prices/{id}", UPDATE, update),
        list(
            "/v1/prices",
            &[
                flag("active"),
                text("currency"),
                texts("lookup_keys"),
                text("product"),
                one_of("type", &["one_time", "recurring"]),
                range("created"),
            ],
            list_all,
        ),
    ],
    filter: |price, name, wanted| match name {
        "lookup_keys" => wanted.as_array().is_some_and(|keys| keys.contains(price.at("lookup_key"))),
        _ => same(price, name, wanted),
    },
};

/// Creates a price, and its product where it is given inline.
pub(crate) fn create(desk: &mut Desk<'_, '_>, params: &Params) -> Result<Object, StripeError> {
    let product = match (params.text("product"), params.object("product_data")) {
        (Some(product), None) => desk.named("product", product, "product")?.id().to_owned(),
        (None, Some(data)) => super::product::create(desk, &data)?.id().to_owned(),
        (None, None) => return Err(missing("product")),
        (Some(_), Some(_)) => {
            return Err(StripeError::invalid(
                "You may only specify one of these parameters: product, product_data.",
            )
            .param("product"));
        }
    };
    let price = shape(desk, params, &product)?;
    check(&price)?;
    desk.insert(&price, "price.created")?;
    take_lookup_key(desk, &price, params)?;
    Ok(price)
}

fn shape(desk: &mut Desk<'_, '_>, params: &Params, product: &str) -> Result<Object, StripeError> {
    let currency = params.need("currency")?.to_lowercase();
    let tiered = params.text("billing_scheme") == Some("tiered");
    let exact = params.text("unit_amount_decimal").map(str::to_owned);
    let exact = exact.or_else(|| params.int("unit_amount").map(|amount| amount.to_string()));
    let whole = exact.as_deref().filter(|text| !text.contains('.')).and_then(|text| text.parse::<i64>().ok());
    let recurring = params.object("recurring").map(|recurring| recurring_shape(&recurring));
    Ok(Object::new(json!({
        "id": desk.id("price_1"),
        "object": "price",
        "active": params.flag("active").unwrap_or(true),
        "billing_scheme": if tiered { "tiered" } else { "per_unit" },
        "created": desk.now,
        "currency": currency,
        "custom_unit_amount": null,
        "livemode": false,
        "lookup_key": params.get("lookup_key"),
        "metadata": params.metadata(),
        "nickname": params.get("nickname"),
        "product": product,
        "type": if recurring.is_some() { "recurring" } else { "one_time" },
        "recurring": recurring,
        "tax_behavior": params.text("tax_behavior").unwrap_or("unspecified"),
        "tiers": params.objects("tiers").iter().map(tier_shape).collect::<Result<Vec<_>, _>>()?,
        "tiers_mode": params.get("tiers_mode"),
        "transform_quantity": params.get("transform_quantity"),
        "unit_amount": whole,
        "unit_amount_decimal": exact,
    })))
}

fn recurring_shape(recurring: &Params) -> Value {
    json!({
        "interval": recurring.get("interval"),
        "interval_count": recurring.int("interval_count").unwrap_or(1),
        "meter": recurring.get("meter"),
        "trial_period_days": recurring.get("trial_period_days"),
        "usage_type": recurring.text("usage_type").unwrap_or("licensed"),
    })
}

fn tier_shape(tier: &Params) -> Result<Value, StripeError> {
    let up_to = match tier.need("up_to")? {
        "inf" => None,
        number => Some(number.parse::<i64>().map_err(|_| {
            StripeError::invalid("Invalid up_to: must be an integer or 'inf'.").param("tiers")
        })?),
    };
    let exact = |whole: &str, decimal: &str| {
        let decimal = tier.text(decimal).map(str::to_owned);
        decimal.or_else(|| tier.int(whole).map(|amount| amount.to_string()))
    };
    let whole = |exact: &Option<String>| exact.as_deref().and_then(|text| text.parse::<i64>().ok());
    let (flat, unit) =
        (exact("flat_amount", "flat_amount_decimal"), exact("unit_amount", "unit_amount_decimal"));
    Ok(json!({
        "flat_amount": whole(&flat), "flat_amount_decimal": flat,
        "unit_amount": whole(&unit), "unit_amount_decimal": unit,
        "up_to": up_to,
    }))
}

fn check(price: &Object) -> Result<(), StripeError> {
    let currency = price.text("currency").unwrap_or_default();
    if currency.len() != 3 || !currency.bytes().all(|c| c.is_ascii_lowercase()) {
        return Err(StripeError::invalid(format!("Invalid currency: {currency}.")).param("currency"));
    }
    let tiered = price.text("billing_scheme") == Some("tiered");
    let amount = price.text("unit_amount_decimal").and_then(Decimal::parse);
    if tiered == amount.is_some()
        || (tiered && (price.list("tiers").is_empty() || price.at("tiers_mode").is_null()))
    {
        let message = "A price takes either unit_amount, or billing_scheme=tiered with tiers and tiers_mode.";
        return Err(StripeError::invalid(message).param("unit_amount"));
    }
    if amount.is_some_and(|amount| amount < Decimal::whole(0)) {
        let message = "Invalid non-negative integer";
        return Err(StripeError::invalid(message).code("parameter_invalid_integer").param("unit_amount"));
    }
    let count = price.int("recurring.interval_count").unwrap_or(1);
    if !(1..=1095).contains(&count) {
        return Err(StripeError::invalid("Prices recur at least every three years.")
            .param("recurring[interval_count]"));
    }
    let metered = price.text("recurring.usage_type") == Some("metered");
    if metered && price.text("recurring.meter").is_none() {
        let message = "A metered price needs the meter that counts its usage.";
        return Err(StripeError::invalid(message).code("parameter_missing").param("recurring[meter]"));
    }
    Ok(())
}

/// A lookup key names one price; taking it from another one must be asked for.
fn take_lookup_key(desk: &mut Desk<'_, '_>, price: &Object, params: &Params) -> Result<(), StripeError> {
    let Some(key) = price.text("lookup_key") else { return Ok(()) };
    let alias = format!("lookup_key:{key}");
    if let Some(mut holder) = desk.find_by_alias("price", &alias)?.filter(|holder| holder.id() != price.id())
    {
        if params.flag("transfer_lookup_key") != Some(true) {
            let message = format!(
                "A price (`{}`) already uses that lookup key. Use `transfer_lookup_key` to move it.",
                holder.id()
            );
            return Err(StripeError::invalid(message).param("lookup_key"));
        }
        holder.set("lookup_key", Value::Null);
        desk.update(&holder, "price.updated")?;
    }
    desk.alias(&alias, price.id())
}

fn update(call: &mut Call<'_, '_>) -> Result<Value, StripeError> {
    let mut price = call.target()?;
    call.params.copy(&mut price, &["active", "lookup_key", "nickname", "tax_behavior"]);
    call.params.merge_metadata(&mut price);
    let params = call.params.clone();
    take_lookup_key(&mut call.desk, &price, &params)?;
    call.desk.update(&price, "price.updated")?;
    Ok(price.into())
}

/// Finds the price that an item names, or makes the one that it describes.
pub(crate) fn of_item(desk: &mut Desk<'_, '_>, item: &Params, path: &str) -> Result<Object, StripeError> {
    // A session's own price, which may have been made for it alone and is not for sale otherwise.
    if let Some(id) = item.text("_price") {
        return desk.get("price", id);
    }
    let price = match (item.text("price"), item.object("price_data")) {
        (Some(id), _) => desk.named("price", id, &format!("{path}[price]"))?,
        (None, Some(data)) => create(desk, &data.with("active", false))?,
        (None, None) => return Err(missing(&format!("{path}[price]"))),
    };
    let inactive = !price.flag("active") && item.has("price");
    if inactive {
        let message = "The price specified is inactive. This field only accepts active prices.";
        return Err(StripeError::invalid(message).param(&format!("{path}[price]")));
    }
    Ok(price)
}
