//! Test clocks: whoever lives on one sees time pass as the caller says.

use serde_json::{Value, json};

use super::happen as happen_to;
use crate::api::list::list_all;
use crate::api::operation::{Call, Resource, delete, get, list, post, retrieve, same};
use crate::billing::calendar::DAY;
use crate::desk::Desk;
use crate::due;
use crate::error::StripeError;
use crate::fields::{Field, text, time};
use crate::object::Object;
use crate::store::{objects, settings};

const CREATE: &[Field] = &[time("frozen_time").required(), text("name")];

/// Under which name the clock of those who name none is kept.
const DEFAULT: &str = "clock";

/// How far one advance may go.
const FARTHEST_S: i64 = 5 * 366 * DAY;

/// The calls.
pub(crate) static RESOURCE: Resource = Resource {
    kind: "test_helpers.test_clock",
    operations: &[
        post("/v1/test_helpers/test_clocks", CREATE, create),
        get("/v1/test_helpers/test_clocks/{id}", retrieve),
        post("/v1/test_helpers/test_clocks/{id}/advance", &[time("frozen_time").required()], advance),
        delete("/v1/test_helpers/test_clocks/{id}", &[], remove),
        list("/v1/test_helpers/test_clocks", &[], list_all),
    ],
    filter: same,
};

fn create(call: &mut Call<'_, '_>) -> Result<Value, StripeError> {
    let (params, desk) = (&call.params, &mut call.desk);
    let clock = Object::new(json!({
        "id": desk.id("clock_1"), "object": "test_helpers.test_clock", "created": desk.now,
        "deletes_after": desk.now + 30 * DAY, "frozen_time": params.get("frozen_time"), "livemode": false,
        "name": params.get("name"), "status": "ready", "status_details": {},
    }));
    desk.insert(&clock, "test_helpers.test_clock.created")?;
    Ok(clock.into())
}

/// Begins to put a clock forward; what falls due on the way happens in the background, one transaction each.
fn advance(call: &mut Call<'_, '_>) -> Result<Value, StripeError> {
    let mut clock = call.target()?;
    let (now, until) = (clock.amount("frozen_time"), call.params.int("frozen_time").unwrap_or(0));
    if clock.status() != "ready" {
        return Err(
            StripeError::invalid("This test clock is advancing already.").code("testmode_clock_advancing")
        );
    }
    if until <= now || until > now + FARTHEST_S {
        let message = "A test clock moves forward only, by at most five years at a time.";
        return Err(StripeError::invalid(message).param("frozen_time"));
    }
    clock.set("status", "advancing");
    clock.set("status_details", json!({"advancing": {"target_frozen_time": until}}));
    clock.set("_advances_to", until);
    call.desk.update_quietly(&clock)?;
    call.desk.emit("test_helpers.test_clock.advancing", &clock)?;
    call.desk.tx.notify_on_commit(due::TOPIC);
    Ok(clock.into())
}

/// Lets the next thing on a clock happen; where nothing is left before its target, the clock is there.
pub(super) fn step(desk: &mut Desk<'_, '_>, mut clock: Object) -> Result<(), StripeError> {
    let until = clock.amount("_advances_to");
    let Some(object) = objects::find_first_due_of_clock(desk.tx, clock.id(), until)? else {
        return arrive(desk, clock, until, "ready");
    };
    let moment = due::of(&object).unwrap_or(until).max(clock.amount("frozen_time"));
    clock.set("frozen_time", moment);
    desk.update_quietly(&clock)?;
    desk.now = moment;
    desk.clock = Some(clock.id().to_owned());
    let (id, before) = (object.id().to_owned(), object.clone());
    match desk.attempt(|desk| happen_to(desk, &object)) {
        Ok(()) if desk.find(&id)?.as_ref() == Some(&before) => {
            tracing::error!(id, "nothing came of what was due on a test clock");
            arrive(desk, clock, moment, "internal_failure")
        }
        Ok(()) => Ok(()),
        Err(error) => {
            tracing::error!(%error, id, "what was due on a test clock failed");
            arrive(desk, clock, moment, "internal_failure")
        }
    }
}

fn arrive(desk: &mut Desk<'_, '_>, mut clock: Object, moment: i64, status: &str) -> Result<(), StripeError> {
    clock.set("frozen_time", moment);
    clock.set("status", status);
    clock.set("status_details", json!({}));
    clock.remove("_advances_to");
    desk.now = moment;
    desk.update_quietly(&clock)?;
    desk.emit(&format!("test_helpers.test_clock.{status}"), &clock)
}

/// Returns the clock on which customers live that are made without one.
pub(crate) fn default_of(desk: &mut Desk<'_, '_>) -> Result<Option<String>, StripeError> {
    let kept = settings::find(desk.tx, DEFAULT)?;
    let named = kept.and_then(|kept| kept["test_clock"].as_str().map(str::to_owned));
    Ok(match named {
        // A deleted clock is nobody's any more.
        Some(clock) if desk.find(&clock)?.is_some() => Some(clock),
        _ => None,
    })
}

/// Sets the clock on which customers live that are made without one; empty for the real one.
///
/// # Errors
/// Where there is no such clock.
pub(crate) fn set_default(desk: &mut Desk<'_, '_>, clock: &str) -> Result<(), StripeError> {
    if !clock.is_empty() {
        desk.named("test_helpers.test_clock", clock, "test_clock")?;
    }
    Ok(settings::update(desk.tx, DEFAULT, &json!({"test_clock": clock}))?)
}

/// Deletes a clock with everything that lives on it.
fn remove(call: &mut Call<'_, '_>) -> Result<Value, StripeError> {
    let clock = call.target()?;
    for object in objects::list_of_clock(call.desk.tx, clock.id())? {
        objects::delete(call.desk.tx, object.id())?;
    }
    call.desk.delete(&clock, "test_helpers.test_clock.deleted")?;
    Ok(json!({"id": clock.id(), "object": "test_helpers.test_clock", "deleted": true}))
}
