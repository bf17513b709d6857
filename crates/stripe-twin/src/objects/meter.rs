//! Meters: usage, counted per customer and billed after the period.

use serde_json::{Value, json};

use crate::api::list::list_all;
use crate::api::operation::{Call, Resource, get, list, post, retrieve, same};
use crate::billing::calendar::{DAY, HOUR};
use crate::desk::Desk;
use crate::error::StripeError;
use crate::fields::{Field, metadata, object, one_of, text, time};
use crate::object::{Object, list_of};

const FORMULA: &[Field] = &[one_of("formula", &["count", "last", "sum"]).required()];
const MAPPING: &[Field] = &[text("event_payload_key").required(), one_of("type", &["by_id"]).required()];
const VALUE: &[Field] = &[text("event_payload_key").required()];

const CREATE: &[Field] = &[
    object("customer_mapping", MAPPING),
    object("default_aggregation", FORMULA).required(),
    text("display_name").required(),
    text("event_name").required(),
    one_of("event_time_window", &["day", "hour"]),
    object("value_settings", VALUE),
];

const EVENT: &[Field] =
    &[text("event_name").required(), text("identifier"), metadata("payload"), time("timestamp")];

const SUMMARIES: &[Field] = &[
    text("customer").required(),
    time("end_time").required(),
    time("start_time").required(),
    one_of("value_grouping_window", &["day", "hour"]),
];

/// How far back usage may lie.
const OLDEST_S: i64 = 35 * DAY;

/// The calls.
pub(crate) static RESOURCE: Resource = Resource {
    kind: "billing.meter",
    operations: &[
        post("/v1/billing/meters", CREATE, create),
        get("/v1/billing/meters/{id}", retrieve),
        post("/v1/billing/meters/{id}", &[text("display_name")], update),
        post("/v1/billing/meters/{id}/deactivate", &[], |call| set_status(call, "inactive")),
        post("/v1/billing/meters/{id}/reactivate", &[], |call| set_status(call, "active")),
        list("/v1/billing/meters", &[one_of("status", &["active", "inactive"])], list_all),
        list("/v1/billing/meters/{id}/event_summaries", SUMMARIES, summaries),
        post("/v1/billing/meter_events", EVENT, record),
    ],
    filter: same,
};

fn alias(event_name: &str) -> String {
    format!("meter:{event_name}")
}

fn create(call: &mut Call<'_, '_>) -> Result<Value, StripeError> {
    let (params, desk) = (&call.params, &mut call.desk);
    let event_name = params.need("event_name")?;
    if desk
        .find_by_alias("billing.meter", &alias(event_name))?
        .is_some_and(|meter| meter.status() == "active")
    {
        let message = format!("An active meter with the event name `{event_name}` exists already.");
        return Err(StripeError::invalid(message).param("event_name"));
    }
    let mapping = params.object("customer_mapping");
    let key = mapping
        .as_ref()
        .and_then(|mapping| mapping.text("event_payload_key"))
        .unwrap_or("stripe_customer_id");
    let value = params.object("value_settings");
    let value = value.as_ref().and_then(|value| value.text("event_payload_key")).unwrap_or("value");
    let formula = params.object("default_aggregation").unwrap_or_default();
    let meter = Object::new(json!({
        "id": desk.id("mtr_test_"), "object": "billing.meter", "created": desk.now,
        "customer_mapping": {"event_payload_key": key, "type": "by_id"},
        "default_aggregation": {"formula": formula.get("formula")},
        "display_name": params.get("display_name"), "event_name": event_name,
        "event_time_window": params.get("event_time_window"), "livemode": false, "status": "active",
        "status_transitions": {"deactivated_at": null}, "updated": desk.now,
        "value_settings": {"event_payload_key": value},
    }));
    desk.insert(&meter, "billing.meter.created")?;
    desk.alias(&alias(event_name), meter.id())?;
    Ok(meter.into())
}

fn update(call: &mut Call<'_, '_>) -> Result<Value, StripeError> {
    let mut meter = call.target()?;
    call.params.copy(&mut meter, &["display_name"]);
    meter.set("updated", call.desk.now);
    call.desk.update(&meter, "billing.meter.updated")?;
    Ok(meter.into())
}

fn set_status(call: &mut Call<'_, '_>, status: &str) -> Result<Value, StripeError> {
    let mut meter = call.target()?;
    meter.set("status", status);
    let deactivated_at = (status == "inactive").then_some(call.desk.now);
    meter.set("status_transitions.deactivated_at", deactivated_at);
    meter.set("updated", call.desk.now);
    let event = if status == "inactive" { "billing.meter.deactivated" } else { "billing.meter.reactivated" };
    call.desk.update(&meter, event)?;
    Ok(meter.into())
}

/// Records usage once per identifier.
fn record(call: &mut Call<'_, '_>) -> Result<Value, StripeError> {
    let params = call.params.clone();
    let desk = &mut call.desk;
    let name = params.need("event_name")?.to_owned();
    let meter =
        desk.find_by_alias("billing.meter", &alias(&name))?.filter(|meter| meter.status() == "active");
    let none = || {
        StripeError::invalid(format!("No active meter found for event name {name}."))
            .code("no_meter")
            .param("event_name")
    };
    let meter = meter.ok_or_else(none)?;
    let payload = params.get("payload").clone();
    let key = meter.text("customer_mapping.event_payload_key").unwrap_or_default();
    let customer = payload[key].as_str().map(str::to_owned);
    let missing =
        || StripeError::invalid(format!("The payload lacks the customer, key `{key}`.")).param("payload");
    let customer = customer.ok_or_else(missing)?;
    desk.named("customer", &customer, &format!("payload[{key}]"))?;
    value_of(&meter, &payload)?;
    let timestamp = params.int("timestamp").unwrap_or(desk.now);
    if timestamp < desk.now - OLDEST_S || timestamp > desk.now + HOUR {
        let message = "The timestamp must lie within the past 35 days, and not in the future.";
        return Err(StripeError::invalid(message).param("timestamp"));
    }
    let identifier = params.text("identifier").map_or_else(|| desk.mint.text(32), str::to_owned);
    let once = format!("meter_event:{identifier}");
    if desk.find_by_alias("billing.meter_event", &once)?.is_some() {
        let message = format!("An event already exists with identifier {identifier}.");
        return Err(StripeError::invalid(message).code("duplicate_meter_event").param("identifier"));
    }
    let event = Object::new(json!({
        "id": desk.id("mtrev_"), "object": "billing.meter_event", "created": desk.now, "event_name": name,
        "identifier": identifier, "livemode": false, "payload": payload, "timestamp": timestamp,
        "_customer": customer, "_parent": meter.id(),
    }));
    desk.insert_quietly(&event)?;
    desk.alias(&once, event.id())?;
    // Stripe's meter events have no id of their own.
    let mut shown = event.into_document();
    shown.as_object_mut().map(|fields| fields.remove("id"));
    Ok(shown)
}

fn value_of(meter: &Object, payload: &Value) -> Result<i64, StripeError> {
    if meter.text("default_aggregation.formula") == Some("count") {
        return Ok(1);
    }
    let key = meter.text("value_settings.event_payload_key").unwrap_or("value");
    let value = payload[key].as_str().and_then(|text| text.parse::<i64>().ok());
    value.ok_or_else(|| {
        StripeError::invalid(format!("The payload's `{key}` must be a whole number in this twin."))
            .param("payload")
    })
}

/// Counts a customer's usage from the beginning of a period to before its end.
pub(crate) fn aggregate(
    desk: &mut Desk<'_, '_>,
    meter: &str,
    customer: &str,
    period: (i64, i64),
) -> Result<i64, StripeError> {
    let Some(meter) = desk.find(meter)? else { return Ok(0) };
    let mut events = desk.of_parent("billing.meter_event", meter.id())?;
    events.retain(|event| {
        event.text("_customer") == Some(customer) && (period.0..period.1).contains(&event.amount("timestamp"))
    });
    let values = events.iter().map(|event| value_of(&meter, event.at("payload")));
    if meter.text("default_aggregation.formula") == Some("last") {
        let last = events.iter().max_by_key(|event| event.amount("timestamp"));
        return last.map_or(Ok(0), |event| value_of(&meter, event.at("payload")));
    }
    values.sum()
}

fn summaries(call: &mut Call<'_, '_>) -> Result<Value, StripeError> {
    let meter = call.target()?;
    let customer = call.params.need("customer")?.to_owned();
    let (start, end) = (call.params.int("start_time").unwrap_or(0), call.params.int("end_time").unwrap_or(0));
    let step = match call.params.text("value_grouping_window") {
        Some("hour") => HOUR,
        Some(_) => DAY,
        None => (end - start).max(1),
    };
    if end <= start || (end - start) / step > 1000 {
        return Err(StripeError::invalid("end_time must lie after start_time, by at most 1000 windows.")
            .param("end_time"));
    }
    let mut data = Vec::new();
    let mut from = start;
    while from < end {
        let until = (from + step).min(end);
        data.push(json!({
            "id": format!("mtrusg_{}_{from}", meter.id()), "object": "billing.meter_event_summary",
            "aggregated_value": aggregate(&mut call.desk, meter.id(), &customer, (from, until))?,
            "end_time": until, "livemode": false, "meter": meter.id(), "start_time": from,
        }));
        from = until;
    }
    data.reverse();
    Ok(list_of(&call.path, data, false))
}
