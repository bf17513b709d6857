//! What a schedule goes through: phases begin and end, and its subscription becomes what they say.

use serde_json::{Value, json};

use super::{UPDATED, phases};
use crate::billing::lifecycle;
use crate::desk::Desk;
use crate::error::StripeError;
use crate::fields::Params;
use crate::object::Object;
use crate::objects::invoice_item;
use crate::objects::subscription::{change, items};

/// Notes which phase a schedule is in, and when that ends.
pub(super) fn stand_in(schedule: &mut Object, phase: &Value) {
    schedule.set("current_phase", json!({"end_date": phase["end_date"], "start_date": phase["start_date"]}));
    schedule.set("_due_at", phase["end_date"].clone());
}

/// Finds the schedule that a subscription is on.
pub(crate) fn of(desk: &mut Desk<'_, '_>, subscription: &Object) -> Result<Option<Object>, StripeError> {
    let schedule = match subscription.text("schedule") {
        Some(schedule) => desk.find(schedule)?,
        None => None,
    };
    Ok(schedule.filter(|schedule| schedule.status() == "active"))
}

/// Finds the schedule of a subscription where its present phase is over at `moment`.
pub(crate) fn due_by(
    desk: &mut Desk<'_, '_>,
    subscription: &Object,
    moment: i64,
) -> Result<Option<Object>, StripeError> {
    let is_over = |schedule: &Object| schedule.int("_due_at").is_some_and(|due| due <= moment);
    Ok(of(desk, subscription)?.filter(is_over))
}

/// Lets happen what is due.
pub(crate) fn happen(desk: &mut Desk<'_, '_>, schedule: Object) -> Result<(), StripeError> {
    advance(desk, schedule).map(drop)
}

/// Ends the present phase and begins the next one; after the last, does what the schedule says of its end. Returns the
/// subscription.
pub(crate) fn advance(desk: &mut Desk<'_, '_>, mut schedule: Object) -> Result<Object, StripeError> {
    let moment = schedule.amount("current_phase.end_date");
    let next = schedule.list("phases").iter().find(|phase| phase["start_date"] == moment).cloned();
    let subscription = desk.get("subscription", schedule.text("subscription").unwrap_or_default())?;
    let Some(next) = next else { return finish(desk, schedule, subscription) };
    stand_in(&mut schedule, &next);
    desk.update(&schedule, UPDATED)?;
    enter(desk, &subscription, &Object::new(next), moment)
}

fn finish(
    desk: &mut Desk<'_, '_>,
    mut schedule: Object,
    mut subscription: Object,
) -> Result<Object, StripeError> {
    if schedule.text("end_behavior") != Some("cancel") {
        release(desk, schedule)?;
        return desk.get("subscription", subscription.id());
    }
    let ends = schedule.amount("current_phase.end_date");
    schedule.set("status", "completed");
    schedule.set("completed_at", desk.now);
    leave(&mut schedule);
    desk.update_quietly(&schedule)?;
    desk.emit("subscription_schedule.completed", &schedule)?;
    lifecycle::bill_last(desk, &mut subscription, ends, false)?;
    lifecycle::end(desk, subscription, "canceled", "cancellation_requested")
}

fn leave(schedule: &mut Object) {
    schedule.set("current_phase", Value::Null);
    schedule.set("_due_at", Value::Null);
}

/// Takes the subscription off the schedule and leaves it as it is.
pub(crate) fn release(desk: &mut Desk<'_, '_>, mut schedule: Object) -> Result<Object, StripeError> {
    let mut subscription = desk.get("subscription", schedule.text("subscription").unwrap_or_default())?;
    schedule.set("status", "released");
    schedule.set("released_at", desk.now);
    schedule.set("released_subscription", subscription.id());
    schedule.set("subscription", Value::Null);
    leave(&mut schedule);
    desk.update_quietly(&schedule)?;
    desk.emit("subscription_schedule.released", &schedule)?;
    subscription.set("schedule", Value::Null);
    desk.update(&subscription, "customer.subscription.updated")?;
    Ok(schedule)
}

/// Notes that the subscription of a schedule has ended in another way.
pub(crate) fn canceled_with(desk: &mut Desk<'_, '_>, subscription: &Object) -> Result<(), StripeError> {
    let Some(mut schedule) = of(desk, subscription)? else { return Ok(()) };
    schedule.set("status", "canceled");
    schedule.set("canceled_at", desk.now);
    leave(&mut schedule);
    desk.update_quietly(&schedule)?;
    desk.emit("subscription_schedule.canceled", &schedule)
}

/// Writes into the present phase what was changed in its subscription directly.
pub(crate) fn follow(desk: &mut Desk<'_, '_>, subscription: &Object) -> Result<(), StripeError> {
    let Some(mut schedule) = of(desk, subscription)? else { return Ok(()) };
    let since = schedule.at("current_phase.start_date").clone();
    let items: Vec<Value> =
        subscription.list("items.data").iter().map(phases::item_of_subscription).collect();
    for phase in schedule.list_mut("phases").iter_mut().filter(|phase| phase["start_date"] == since) {
        phase["items"] = items.clone().into();
    }
    desk.update(&schedule, UPDATED)
}

/// Makes a subscription what the phase that begins at `moment` says. At the end of a period nothing is left to even out,
/// and the renewal that follows bills the new items.
fn enter(
    desk: &mut Desk<'_, '_>,
    subscription: &Object,
    phase: &Object,
    moment: i64,
) -> Result<Object, StripeError> {
    if subscription.amount("_period_end") != moment {
        let behavior = phase.text("proration_behavior").unwrap_or("create_prorations");
        return apply_present(desk, subscription, phase, behavior);
    }
    let mut after = subscription.clone();
    let before = after.list("items.data").first().map(|item| item["price"]["recurring"].clone());
    let wanted = items_of(desk, &after, phase, moment)?;
    items::check_together(&wanted)?;
    let other =
        before.is_none_or(|before| !lifecycle::recur_alike(&before, &wanted[0]["price"]["recurring"]));
    after.set("items.data", wanted);
    after.set("discounts", discounts_of(phase));
    Params::of(&json!({"metadata": phase.at("metadata")})).merge_metadata(&mut after);
    if other || phase.text("billing_cycle_anchor") == Some("phase_start") {
        after.set("billing_cycle_anchor", moment);
    }
    desk.update(&after, "customer.subscription.updated")?;
    bill_what_goes(desk, subscription, &after, phase, moment)?;
    Ok(after)
}

/// Keeps for the renewal what was used until `moment` of metered prices that the phase has no more. Where a phase evens
/// nothing out that is forgotten, as by any other change; only the classic mode bills it at the end of a period.
fn bill_what_goes(
    desk: &mut Desk<'_, '_>,
    before: &Object,
    after: &Object,
    phase: &Object,
    moment: i64,
) -> Result<(), StripeError> {
    let forgets = phase.text("proration_behavior") == Some("none") && change::bills_what_goes(before);
    if forgets || before.status() == "trialing" {
        return Ok(());
    }
    let lines = lifecycle::last_usage_lines(desk, before, after, moment)?;
    invoice_item::keep(desk, &lines, after)
}

/// Changes the subscription now where the present phase says something else than it is.
pub(super) fn apply_present(
    desk: &mut Desk<'_, '_>,
    subscription: &Object,
    phase: &Object,
    behavior: &str,
) -> Result<Object, StripeError> {
    let present: Vec<Value> =
        subscription.list("items.data").iter().map(phases::item_of_subscription).collect();
    let same = |wanted: &Value| {
        present.iter().any(|one| one["price"] == wanted["price"] && one["quantity"] == wanted["quantity"])
    };
    let wanted = phase.list("items");
    let metadata = phase.at("metadata").as_object().is_some_and(|words| !words.is_empty());
    let unchanged = wanted.len() == present.len() && wanted.iter().all(same);
    if unchanged && !metadata {
        return Ok(subscription.clone());
    }
    let mut params = Params::default().with("metadata", phase.at("metadata").clone());
    if !unchanged {
        params = params.with("items", changes(subscription, wanted)).with("proration_behavior", behavior);
    }
    change::update(desk, subscription, &params)
}

/// Says as a change of items what leads from a subscription to a phase: what has the same price keeps its item, then what
/// is left over changes its price.
fn changes(subscription: &Object, wanted: &[Value]) -> Vec<Value> {
    let mut left: Vec<&Value> = subscription.list("items.data").iter().collect();
    let mut changes = Vec::new();
    let mut open = Vec::new();
    for item in wanted {
        match left.iter().position(|old| old["price"]["id"] == item["price"]) {
            Some(place) => {
                let id = left.remove(place)["id"].clone();
                changes.push(with_quantity(json!({"id": id}), item));
            }
            None => open.push(item),
        }
    }
    for item in open {
        let change = match left.pop() {
            Some(old) => json!({"id": old["id"], "price": item["price"]}),
            None => json!({"price": item["price"]}),
        };
        changes.push(with_quantity(change, item));
    }
    changes.extend(left.iter().map(|old| json!({"id": old["id"], "deleted": true})));
    changes
}

fn with_quantity(mut change: Value, item: &Value) -> Value {
    if item["quantity"].is_number() {
        change["quantity"] = item["quantity"].clone();
    }
    change
}

/// Makes the items of a phase: what has the same price stays the item it was, everything else is a new one.
fn items_of(
    desk: &mut Desk<'_, '_>,
    subscription: &Object,
    phase: &Object,
    moment: i64,
) -> Result<Vec<Value>, StripeError> {
    let mut made = Vec::new();
    for (number, wanted) in phase.list("items").iter().enumerate() {
        let old = subscription.list("items.data").iter().find(|old| old["price"]["id"] == wanted["price"]);
        let mut item = if let Some(old) = old {
            Object::new(old.clone())
        } else {
            let given = Params::of(&with_quantity(json!({"price": wanted["price"]}), wanted));
            let mut new = items::new(desk, &given, subscription.id(), &format!("items[{number}]"))?;
            new.set("_since", moment);
            new
        };
        if wanted["quantity"].is_number() {
            item.set("quantity", wanted["quantity"].clone());
        }
        made.push(item.into_document());
    }
    Ok(made)
}

fn discounts_of(phase: &Object) -> Vec<Value> {
    phase.list("discounts").iter().map(|given| given["discount"].clone()).filter(Value::is_string).collect()
}
