//! A session begins.

use serde_json::{Value, json};

use super::totals;
use crate::api::operation::Call;
use crate::billing::calendar::{DAY, HOUR};
use crate::desk::Desk;
use crate::error::StripeError;
use crate::fields::{Params, missing};
use crate::object::Object;
use crate::objects::{coupon, price, setup_intent};

/// Creates a session and its page.
pub(super) fn create(call: &mut Call<'_, '_>) -> Result<Value, StripeError> {
    let params = call.params.clone();
    let desk = &mut call.desk;
    if let Some(customer) = params.text("customer") {
        desk.named("customer", customer, "customer")?;
    }
    check(&params)?;
    let mut session = shape(desk, &params)?;
    let items = line_items(desk, &session, &params)?;
    session.set("line_items", items);
    totals::give(desk, &mut session, &params)?;
    totals::total(desk, &mut session)?;
    if params.text("mode") == Some("setup") {
        let mut intent = setup_intent::shape(desk, params.text("customer"));
        let data = params.object("setup_intent_data").unwrap_or_default();
        data.copy(&mut intent, &["description"]);
        data.merge_metadata(&mut intent);
        intent.set("_session", session.id());
        desk.insert(&intent, "setup_intent.created")?;
        session.set("setup_intent", intent.id());
    }
    desk.insert_quietly(&session)?;
    Ok(session.into())
}

fn check(params: &Params) -> Result<(), StripeError> {
    let mode = params.need("mode")?;
    let refuse = |message: &str, param: &str| Err(StripeError::invalid(message).param(param));
    if !params.has("success_url") {
        return Err(missing("success_url"));
    }
    if mode == "setup" && params.has("line_items") {
        return refuse("You cannot pass `line_items` in `setup` mode.", "line_items");
    }
    if mode != "setup" && params.objects("line_items").is_empty() {
        let message = format!("You must pass `line_items` in `{mode}` mode.");
        return Err(StripeError::invalid(message).code("parameter_missing").param("line_items"));
    }
    for (param, only) in [
        ("subscription_data", "subscription"),
        ("payment_intent_data", "payment"),
        ("setup_intent_data", "setup"),
    ] {
        if params.has(param) && mode != only {
            return refuse(&format!("You can not pass `{param}` in `{mode}` mode."), param);
        }
    }
    if params.has("customer") && params.has("customer_email") {
        return refuse(
            "You may only specify one of these parameters: customer, customer_email.",
            "customer_email",
        );
    }
    if params.has("discounts") && params.flag("allow_promotion_codes") == Some(true) {
        return refuse(
            "You may only specify one of these parameters: allow_promotion_codes, discounts.",
            "discounts",
        );
    }
    for param in ["success_url", "cancel_url"] {
        let Some(target) = params.text(param) else { continue };
        let plain = target.replace("{CHECKOUT_SESSION_ID}", "cs");
        let fits = url::Url::parse(&plain)
            .is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        if !fits {
            let message = "Invalid URL: An explicit scheme (such as https) must be provided.";
            return Err(StripeError::invalid(message).code("url_invalid").param(param));
        }
    }
    Ok(())
}

fn shape(desk: &mut Desk<'_, '_>, params: &Params) -> Result<Object, StripeError> {
    // Its page is open to people, who live by the real clock, whichever one the customer lives by.
    let now = desk.real_now_ms.div_euclid(1000);
    let expires_at = params.int("expires_at").unwrap_or(now + DAY);
    if expires_at < now + HOUR / 2 || expires_at > now + DAY {
        let message = "The `expires_at` timestamp must be at least 30 minutes and at most 24 hours from Checkout Session creation.";
        return Err(StripeError::invalid(message).param("expires_at"));
    }
    let id = format!("cs_test_{}", desk.mint.text(58));
    let mode = params.need("mode")?;
    let url = desk.links.page(&format!("/checkout/{id}"));
    let enabled = |name: &str| params.object(name).and_then(|object| object.flag("enabled")).unwrap_or(false);
    let tax_ids = params.object("tax_id_collection").unwrap_or_default();
    let collection = params.text("payment_method_collection").or((mode != "setup").then_some("always"));
    let email = params.get("customer_email");
    let creation = params.text("customer_creation").or((mode == "payment").then_some("if_required"));
    let invoice_data = json!({
        "account_tax_ids": null, "custom_fields": null, "description": null, "footer": null, "issuer": null,
        "metadata": {}, "rendering_options": null,
    });
    let invoices = (mode == "payment").then(|| json!({"enabled": false, "invoice_data": invoice_data}));
    let mut session = Object::new(json!({
        "id": id, "object": "checkout.session", "adaptive_pricing": null, "after_expiration": null,
        "allow_promotion_codes": params.get("allow_promotion_codes"), "allowed_payment_method_types": null,
        "amount_subtotal": 0, "amount_total": 0,
        "automatic_tax": {
            "enabled": enabled("automatic_tax"), "liability": null, "provider": null,
            "status": enabled("automatic_tax").then_some("complete"),
        },
        "billing_address_collection": params.get("billing_address_collection"),
        "cancel_url": params.get("cancel_url"), "client_reference_id": params.get("client_reference_id"),
        "client_secret": null, "collected_information": null, "consent": null, "consent_collection": null,
        "created": now, "currency": params.text("currency").map(str::to_lowercase), "currency_conversion": null,
        "custom_fields": [], "custom_text": {
            "after_submit": null, "shipping_address": null, "submit": null, "terms_of_service_acceptance": null,
        },
        "customer": params.get("customer"), "customer_account": null, "customer_creation": creation,
        "customer_details": null, "customer_email": email, "discounts": [], "expires_at": expires_at,
        "integration_identifier": null, "invoice": null, "invoice_creation": invoices, "livemode": false,
        "locale": params.get("locale"), "managed_payments": null, "metadata": params.metadata(), "mode": mode,
        "origin_context": null, "payment_intent": null, "payment_link": null, "payment_method_collection": collection,
        "payment_method_configuration_details": null,
        "payment_method_options": {"card": {"request_three_d_secure": "automatic"}},
        "payment_method_types": ["card"], "payment_status": if mode == "setup" { "no_payment_required" } else { "unpaid" },
        "permissions": null, "phone_number_collection": {"enabled": false},
        "recovered_from": null, "saved_payment_method_options": null, "setup_intent": null,
        "shipping_address_collection": null, "shipping_cost": null, "shipping_options": [], "status": "open",
        "submit_type": params.get("submit_type"), "subscription": null, "success_url": params.get("success_url"),
        "tax_id_collection": {"enabled": enabled("tax_id_collection"), "required": tax_ids.text("required").unwrap_or("never")},
        "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0}, "ui_mode": "hosted_page",
        "url": url, "wallet_options": null,
    }));
    for name in ["subscription_data", "payment_intent_data", "customer_update"] {
        session.set(&format!("_{name}"), params.get(name).clone());
    }
    Ok(session)
}

fn line_items(desk: &mut Desk<'_, '_>, session: &Object, params: &Params) -> Result<Value, StripeError> {
    let mode = session.text("mode").unwrap_or_default().to_owned();
    let mut items = Vec::new();
    for (number, given) in params.objects("line_items").iter().enumerate() {
        let path = format!("line_items[{number}]");
        let price = price::of_item(desk, given, &path)?;
        let recurring = price.at("recurring").is_object();
        if recurring && mode == "payment" {
            let message = "You specified `payment` mode but passed a recurring price. Either switch to `subscription` mode or use only one-time prices.";
            return Err(StripeError::invalid(message).param("line_items"));
        }
        let metered = price.text("recurring.usage_type") == Some("metered");
        let quantity = given.int("quantity");
        if quantity.is_none() && !metered {
            return Err(StripeError::invalid(format!("Quantity is required. Add `quantity` to `{path}`."))
                .param(&path));
        }
        if quantity.is_some_and(|quantity| !(1..=999_999).contains(&quantity)) {
            return Err(StripeError::invalid("Invalid quantity: must be at least 1.")
                .param(&format!("{path}[quantity]")));
        }
        items.push(totals::item(desk, &price, if metered { None } else { quantity }, given)?);
    }
    let recurs = items.iter().any(|item| item["price"]["recurring"].is_object());
    if mode == "subscription" && !recurs {
        let message =
            "You must provide at least one recurring price in `subscription` mode when using prices.";
        return Err(StripeError::invalid(message).param("line_items"));
    }
    if items.iter().any(|item| item["currency"] != items[0]["currency"]) {
        return Err(StripeError::invalid("All line items must have the same currency.").param("line_items"));
    }
    let url = format!("/v1/checkout/sessions/{}/line_items", session.id());
    Ok(crate::object::list_of(&url, items, false))
}

/// Checks that a coupon exists and is good, without redeeming it.
pub(super) fn good_coupon(desk: &mut Desk<'_, '_>, id: &str) -> Result<Object, StripeError> {
    desk.imagine(|desk| coupon::redeem(desk, id, "discounts[0][coupon]"))
}
