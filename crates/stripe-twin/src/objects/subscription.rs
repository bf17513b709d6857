//! Subscriptions: what a customer pays for again and again.

use serde_json::Value;

use super::discount;
use crate::api::list::list_narrowed;
use crate::api::operation::{Call, Resource, delete, get, get_with, list, post, retrieve, same};
use crate::api::search::{SEARCH, search};
use crate::error::StripeError;
use crate::fields::{Field, flag, int, metadata, object, objects, one_of, range, text, texts, time, time_or};
use crate::object::Object;
use crate::store::objects::Listed;

mod cancel;
pub(crate) mod change;
pub(crate) mod create;
pub(crate) mod items;

pub(crate) const PRORATIONS: &[&str] = &["always_invoice", "create_prorations", "none"];
const METHODS: &[&str] = &["charge_automatically", "send_invoice"];
const STATUSES: &[&str] = &[
    "active",
    "all",
    "canceled",
    "ended",
    "incomplete",
    "incomplete_expired",
    "past_due",
    "paused",
    "trialing",
    "unpaid",
];

const END_BEHAVIOR: &[Field] =
    &[one_of("missing_payment_method", &["cancel", "create_invoice", "pause"]).required()];
/// What happens at the end of a trial.
pub(crate) const TRIAL_SETTINGS: &[Field] = &[object("end_behavior", END_BEHAVIOR).required()];
const PAYMENT_SETTINGS: &[Field] =
    &[texts("payment_method_types"), one_of("save_default_payment_method", &["off", "on_subscription"])];
const BILLING_MODE: &[Field] = &[one_of("type", &["classic", "flexible"]).required()];
const PAUSE: &[Field] =
    &[one_of("behavior", &["keep_as_draft", "mark_uncollectible", "void"]).required(), time("resumes_at")];
const FEEDBACK: &[&str] = &[
    "customer_service",
    "low_quality",
    "missing_features",
    "other",
    "switched_service",
    "too_complex",
    "too_expensive",
    "unused",
];
const CANCELLATION: &[Field] = &[text("comment"), one_of("feedback", FEEDBACK)];

const CREATE: &[Field] = &[
    object("automatic_tax", super::shapes::AUTOMATIC_TAX),
    time("billing_cycle_anchor"),
    object("billing_mode", BILLING_MODE),
    time_or("cancel_at", &["min_period_end", "max_period_end"]),
    flag("cancel_at_period_end"),
    one_of("collection_method", METHODS),
    text("currency"),
    text("customer").required(),
    int("days_until_due"),
    text("default_payment_method"),
    text("description"),
    objects("discounts", discount::GIVEN),
    objects("items", items::NEW).required(),
    metadata("metadata"),
    flag("off_session"),
    one_of("payment_behavior", &["allow_incomplete", "default_incomplete", "error_if_incomplete"]),
    object("payment_settings", PAYMENT_SETTINGS),
    one_of("proration_behavior", PRORATIONS),
    time_or("trial_end", &["now"]),
    int("trial_period_days"),
    object("trial_settings", TRIAL_SETTINGS),
];

const UPDATE: &[Field] = &[
    object("automatic_tax", super::shapes::AUTOMATIC_TAX),
    one_of("billing_cycle_anchor", &["now", "unchanged"]),
    time_or("cancel_at", &["min_period_end", "max_period_end"]),
    flag("cancel_at_period_end"),
    object("cancellation_details", CANCELLATION),
    one_of("collection_method", METHODS),
    int("days_until_due"),
    text("default_payment_method"),
    text("description"),
    objects("discounts", discount::GIVEN),
    objects("items", items::CHANGE),
    metadata("metadata"),
    flag("off_session"),
    object("pause_collection", PAUSE),
    one_of("payment_behavior", &["allow_incomplete", "default_incomplete", "error_if_incomplete"]),
    object("payment_settings", PAYMENT_SETTINGS),
    one_of("proration_behavior", PRORATIONS),
    time("proration_date"),
    time_or("trial_end", &["now"]),
    object("trial_settings", TRIAL_SETTINGS),
];

const LIST: &[Field] = &[
    one_of("collection_method", METHODS),
    range("created"),
    range("current_period_end"),
    range("current_period_start"),
    text("customer"),
    text("price"),
    one_of("status", STATUSES),
    text("test_clock"),
];

/// The calls.
pub(crate) static RESOURCE: Resource = Resource {
    kind: "subscription",
    operations: &[
        post("/v1/subscriptions", CREATE, |call| {
            let params = call.params.clone();
            create::create(&mut call.desk, &params).map(Value::from)
        }),
        get_with("/v1/subscriptions/search", SEARCH, search),
        get("/v1/subscriptions/{id}", retrieve),
        post("/v1/subscriptions/{id}", UPDATE, |call| {
            let (subscription, params) = (call.target()?, call.params.clone());
            change::update(&mut call.desk, &subscription, &params).map(Value::from)
        }),
        delete(
            "/v1/subscriptions/{id}",
            &[object("cancellation_details", CANCELLATION), flag("invoice_now"), flag("prorate")],
            cancel::cancel,
        ),
        post(
            "/v1/subscriptions/{id}/resume",
            &[
                one_of("billing_cycle_anchor", &["now", "unchanged"]),
                one_of("proration_behavior", PRORATIONS),
                time("proration_date"),
            ],
            change::resume,
        ),
        list("/v1/subscriptions", LIST, list_live),
    ],
    filter: |subscription, name, wanted| match name {
        "price" => subscription.list("items.data").iter().any(|item| item["price"]["id"] == *wanted),
        "status" => in_status(subscription, wanted.as_str().unwrap_or_default()),
        _ => same(subscription, name, wanted),
    },
};

fn in_status(subscription: &Object, wanted: &str) -> bool {
    let status = subscription.status();
    match wanted {
        "all" => true,
        "ended" => matches!(status, "canceled" | "incomplete_expired"),
        wanted => status == wanted,
    }
}

/// Lists subscriptions; those that were canceled only where they are asked for.
fn list_live(call: &mut Call<'_, '_>) -> Result<Value, StripeError> {
    if !call.params.has("status") {
        call.params = call.params.clone().with("status", "live");
        call.filter = |subscription, name, wanted| match name {
            "status" => subscription.status() != "canceled",
            _ => (RESOURCE.filter)(subscription, name, wanted),
        };
    }
    let customer = call.params.text("customer").map(str::to_owned);
    list_narrowed(call, &Listed { kind: "subscription", customer: customer.as_deref(), parent: None })
}
