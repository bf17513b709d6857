//! The billing portal: what its pages allow, and sessions that open them for a customer.

use serde_json::{Value, json};

use crate::api::list::list_all;
use crate::api::operation::{Call, Resource, get, list, post, retrieve, same};
use crate::billing::calendar::HOUR;
use crate::desk::Desk;
use crate::error::StripeError;
use crate::fields::{Field, Params, flag, metadata, object, one_of, text};
use crate::object::Object;
use crate::store::objects::Listed;

const BUSINESS: &[Field] = &[text("headline"), text("privacy_policy_url"), text("terms_of_service_url")];
const ENABLED: &[Field] = &[flag("enabled").required()];
const CANCEL: &[Field] = &[
    flag("enabled").required(),
    one_of("mode", &["at_period_end", "immediately"]),
    one_of("proration_behavior", super::subscription::PRORATIONS),
];
const FEATURES: &[Field] = &[
    object("invoice_history", ENABLED),
    object("payment_method_update", ENABLED),
    object("subscription_cancel", CANCEL),
];
const CONFIGURATION: &[Field] = &[
    object("business_profile", BUSINESS),
    text("default_return_url"),
    object("features", FEATURES),
    metadata("metadata"),
    text("name"),
];
const SESSION: &[Field] =
    &[text("configuration"), text("customer").required(), text("locale"), text("return_url")];

/// How long the pages of a session stay open.
const LIFETIME_S: i64 = HOUR;

/// The calls about what the pages allow.
pub(crate) static CONFIGURATIONS: Resource = Resource {
    kind: "billing_portal.configuration",
    operations: &[
        post("/v1/billing_portal/configurations", CONFIGURATION, |call| {
            let params = call.params.clone();
            configure(&mut call.desk, &params, false).map(Value::from)
        }),
        get("/v1/billing_portal/configurations/{id}", retrieve),
        list("/v1/billing_portal/configurations", &[flag("active"), flag("is_default")], list_all),
    ],
    filter: same,
};

/// The call that opens them.
pub(crate) static SESSIONS: Resource = Resource {
    kind: "billing_portal.session",
    operations: &[post("/v1/billing_portal/sessions", SESSION, open)],
    filter: same,
};

fn configure(desk: &mut Desk<'_, '_>, params: &Params, is_default: bool) -> Result<Object, StripeError> {
    let business = params.object("business_profile").unwrap_or_default();
    let features = params.object("features");
    let feature = |name: &str| features.as_ref().and_then(|features| features.object(name));
    // The configuration that nobody made allows everything.
    let enabled =
        |name: &str| feature(name).map_or(is_default, |feature| feature.flag("enabled") == Some(true));
    let cancel = feature("subscription_cancel").unwrap_or_default();
    let configuration = Object::new(json!({
        "id": desk.id("bpc_1"), "object": "billing_portal.configuration", "active": true, "application": null,
        "business_profile": {
            "headline": business.get("headline"), "privacy_policy_url": business.get("privacy_policy_url"),
            "terms_of_service_url": business.get("terms_of_service_url"),
        },
        "created": desk.now, "default_return_url": params.get("default_return_url"),
        "features": {
            "customer_update": {"allowed_updates": [], "enabled": false},
            "invoice_history": {"enabled": enabled("invoice_history")},
            "payment_method_update": {
                "enabled": enabled("payment_method_update"), "payment_method_configuration": null,
            },
            "subscription_cancel": {
                "cancellation_reason": {"enabled": false, "feedback_options": null, "options": []}, "enabled": enabled("subscription_cancel"),
                "mode": cancel.text("mode").unwrap_or("at_period_end"),
                "proration_behavior": cancel.text("proration_behavior").unwrap_or("none"),
            },
            "subscription_pause": {
                "duration": {"interval_options": [{"interval": "month", "interval_count": 1}], "type": "interval_options"},
                "enabled": false,
            },
            "subscription_update": {
                "billing_cycle_anchor": null, "default_allowed_updates": [], "enabled": false, "products": [],
                "proration_behavior": "none", "schedule_at_period_end": {"conditions": []},
                "trial_update_behavior": "end_trial",
            },
        },
        "is_default": is_default, "livemode": false, "login_page": {"enabled": false, "url": null},
        "metadata": params.metadata(), "name": params.get("name"), "updated": desk.now,
    }));
    desk.insert(&configuration, "billing_portal.configuration.created")?;
    Ok(configuration)
}

fn default_configuration(desk: &mut Desk<'_, '_>) -> Result<Object, StripeError> {
    let listed = Listed { kind: "billing_portal.configuration", customer: None, parent: None };
    match desk.all(&listed)?.into_iter().find(|found| found.flag("is_default")) {
        Some(found) => Ok(found),
        None => configure(desk, &Params::default(), true),
    }
}

fn open(call: &mut Call<'_, '_>) -> Result<Value, StripeError> {
    let params = call.params.clone();
    let desk = &mut call.desk;
    let customer = desk.named("customer", params.need("customer")?, "customer")?;
    let configuration = match params.text("configuration") {
        Some(id) => desk.named("billing_portal.configuration", id, "configuration")?,
        None => default_configuration(desk)?,
    };
    let back = params.text("return_url").or(configuration.text("default_return_url"));
    let fits = |url: &str| {
        url::Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
    };
    if back.is_some_and(|back| !fits(back)) {
        let message = "Invalid URL: An explicit scheme (such as https) must be provided.";
        return Err(StripeError::invalid(message).code("url_invalid").param("return_url"));
    }
    let (id, secret) = (desk.id("bps_1"), desk.mint.text(32));
    let session = Object::new(json!({
        "id": id, "object": "billing_portal.session", "after_expiration": null, "configuration": configuration.id(),
        "created": desk.now, "customer": customer.id(), "customer_account": null, "flow": null, "livemode": false,
        "locale": params.get("locale"), "on_behalf_of": null, "return_url": back,
        "url": desk.links.page(&format!("/portal/{secret}")),
        "_expires_at": desk.real_now_ms / 1000 + LIFETIME_S,
    }));
    desk.insert(&session, "billing_portal.session.created")?;
    desk.alias(&alias(&secret), session.id())?;
    Ok(session.into())
}

fn alias(secret: &str) -> String {
    format!("portal:{secret}")
}

/// Finds the session whose page has this secret in its address, while it is open.
pub(crate) fn by_secret(desk: &mut Desk<'_, '_>, secret: &str) -> Result<Object, StripeError> {
    let found = desk.find_by_alias("billing_portal.session", &alias(secret))?;
    let open = found.filter(|session| session.amount("_expires_at") > desk.real_now_ms / 1000);
    let session =
        open.ok_or_else(|| StripeError::missing("page", "this address").code("resource_missing"))?;
    let customer = session.owned("customer").unwrap_or_default();
    desk.get("customer", &customer)?;
    Ok(session)
}
