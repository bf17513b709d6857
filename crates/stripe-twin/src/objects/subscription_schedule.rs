//! Subscription schedules: what a subscription becomes later, phase by phase.

use serde_json::{Value, json};

use super::{discount, subscription};
use crate::api::list::list_all;
use crate::api::operation::{Call, Resource, get, list, post, retrieve, same};
use crate::billing::lifecycle;
use crate::desk::Desk;
use crate::error::StripeError;
use crate::fields::{Field, int, metadata, missing, object, objects, one_of, range, text, time, time_or};
use crate::object::Object;

mod course;
mod phases;

pub(crate) use course::{advance, canceled_with, due_by, follow, happen, of, release};

const END_BEHAVIORS: &[&str] = &["cancel", "release"];
const INTERVALS: &[&str] = &["day", "month", "week", "year"];
const DURATION: &[Field] = &[one_of("interval", INTERVALS).required(), int("interval_count")];
const ITEM: &[Field] = &[metadata("metadata"), text("price").required(), int("quantity")];
const PHASE: &[Field] = &[
    one_of("billing_cycle_anchor", &["automatic", "phase_start"]),
    objects("discounts", discount::GIVEN),
    object("duration", DURATION),
    time_or("end_date", &["now"]),
    objects("items", ITEM).required(),
    metadata("metadata"),
    one_of("proration_behavior", subscription::PRORATIONS),
    time_or("start_date", &["now"]),
    time("trial_end"),
];

const CREATE: &[Field] =
    &[one_of("end_behavior", END_BEHAVIORS), text("from_subscription").required(), metadata("metadata")];
const UPDATE: &[Field] = &[
    one_of("end_behavior", END_BEHAVIORS),
    metadata("metadata"),
    objects("phases", PHASE),
    one_of("proration_behavior", subscription::PRORATIONS),
];

const UPDATED: &str = "subscription_schedule.updated";

/// The calls.
pub(crate) static RESOURCE: Resource = Resource {
    kind: "subscription_schedule",
    operations: &[
        post("/v1/subscription_schedules", CREATE, create),
        get("/v1/subscription_schedules/{id}", retrieve),
        post("/v1/subscription_schedules/{id}", UPDATE, update),
        post("/v1/subscription_schedules/{id}/release", &[], |call| {
            let schedule = running(call, "release")?;
            release(&mut call.desk, schedule).map(Value::from)
        }),
        post("/v1/subscription_schedules/{id}/cancel", &[], cancel),
        list("/v1/subscription_schedules", &[range("created"), text("customer")], list_all),
    ],
    filter: same,
};

/// Gets the call's schedule while it still has something to do.
fn running(call: &mut Call<'_, '_>, verb: &str) -> Result<Object, StripeError> {
    let schedule = call.target()?;
    if schedule.status() == "active" {
        return Ok(schedule);
    }
    let message = format!(
        "You cannot {verb} a subscription schedule that is currently in the `{}` status.",
        schedule.status()
    );
    Err(StripeError::invalid(message))
}

/// Puts a running subscription on a schedule whose first phase is the subscription as it is.
fn create(call: &mut Call<'_, '_>) -> Result<Value, StripeError> {
    let params = call.params.clone();
    let desk = &mut call.desk;
    let id = params.text("from_subscription").ok_or_else(|| missing("from_subscription"))?;
    let mut subscription = desk.named("subscription", id, "from_subscription")?;
    let refuse = |message: String| Err(StripeError::invalid(message).param("from_subscription"));
    if let Some(schedule) = subscription.text("schedule") {
        return refuse(format!(
            "You cannot migrate a subscription that is already attached to a schedule: `{schedule}`."
        ));
    }
    if matches!(subscription.status(), "canceled" | "incomplete" | "incomplete_expired") {
        return refuse(format!("A subscription that is {} takes no schedule.", subscription.status()));
    }
    let ends = subscription.flag("cancel_at_period_end");
    let end_behavior = params.text("end_behavior").unwrap_or(if ends { "cancel" } else { "release" });
    let mut schedule = shape(desk, &subscription, end_behavior);
    params.merge_metadata(&mut schedule);
    let phase = phases::present(desk, &subscription)?;
    course::stand_in(&mut schedule, &phase);
    schedule.set("phases", vec![phase]);
    desk.insert(&schedule, "subscription_schedule.created")?;
    subscription.set("schedule", schedule.id());
    desk.update(&subscription, "customer.subscription.updated")?;
    Ok(schedule.into())
}

fn shape(desk: &mut Desk<'_, '_>, subscription: &Object, end_behavior: &str) -> Object {
    Object::new(json!({
        "id": desk.id("sub_sched_1"), "object": "subscription_schedule", "application": null,
        "billing_mode": subscription.at("billing_mode"), "canceled_at": null, "completed_at": null,
        "created": desk.now, "current_phase": null, "customer": subscription.at("customer"), "customer_account": null,
        "default_settings": {
            "application_fee_percent": null, "automatic_tax": subscription.at("automatic_tax"),
            "billing_cycle_anchor": "automatic", "billing_thresholds": null,
            "collection_method": subscription.at("collection_method"),
            "default_payment_method": subscription.at("default_payment_method"), "description": null,
            "invoice_settings": {
                "account_tax_ids": null, "custom_fields": null, "days_until_due": subscription.at("days_until_due"),
                "description": null, "footer": null, "issuer": {"type": "self"},
            },
            "on_behalf_of": null, "transfer_data": null,
        },
        "end_behavior": end_behavior, "livemode": false, "metadata": {}, "pause_schedules": [], "phases": [],
        "released_at": null, "released_subscription": null, "status": "active", "subscription": subscription.id(),
        "test_clock": subscription.at("test_clock"),
    }))
}

/// Writes the present phase and those after it anew; what is over stays.
fn update(call: &mut Call<'_, '_>) -> Result<Value, StripeError> {
    let mut schedule = running(call, "update")?;
    let params = call.params.clone();
    let desk = &mut call.desk;
    params.copy(&mut schedule, &["end_behavior"]);
    params.merge_metadata(&mut schedule);
    if !params.has("phases") {
        desk.update(&schedule, UPDATED)?;
        return Ok(schedule.into());
    }
    let subscription = desk.get("subscription", schedule.text("subscription").unwrap_or_default())?;
    let since = schedule.amount("current_phase.start_date");
    let wanted = phases::read(desk, &params.objects("phases"), &subscription, since)?;
    let mut phases: Vec<Value> = schedule.list("phases").to_vec();
    phases.retain(|phase| phase["end_date"].as_i64() <= Some(since));
    let present = wanted[0].clone();
    phases.extend(wanted);
    schedule.set("phases", phases);
    course::stand_in(&mut schedule, &present);
    desk.update(&schedule, UPDATED)?;
    let behavior = params.text("proration_behavior").unwrap_or("create_prorations");
    course::apply_present(desk, &subscription, &Object::new(present), behavior)?;
    desk.get("subscription_schedule", schedule.id()).map(Value::from)
}

/// Ends the schedule and its subscription at once.
fn cancel(call: &mut Call<'_, '_>) -> Result<Value, StripeError> {
    let schedule = running(call, "cancel")?;
    let desk = &mut call.desk;
    let subscription = desk.get("subscription", schedule.text("subscription").unwrap_or_default())?;
    lifecycle::end(desk, subscription, "canceled", "cancellation_requested")?;
    desk.get("subscription_schedule", schedule.id()).map(Value::from)
}
