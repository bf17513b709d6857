//! A change that waits for the end of the period: at Stripe, a schedule with the present phase and the one after it.
//!
//! While a subscription is on a schedule Stripe refuses other wishes about its end, and a phase would undo other changes,
//! so whoever wishes something else takes it off first. Each step finds what an earlier try has done.

use serde_json::Value;

use super::form::{Call, segment};
use super::{Stripe, answer, items};
use crate::model::Outcome;
use crate::model::command::ScheduleChange;
use crate::port::{IntentKey, ProviderError};

pub(super) fn read_subscription(subscription: &str) -> Call {
    Call::get(format!("/v1/subscriptions/{}", segment(subscription)))
}

fn read_schedule(schedule: &str) -> Call {
    Call::get(format!("/v1/subscription_schedules/{}", segment(schedule)))
}

fn create_schedule(subscription: &str) -> Call {
    Call::post("/v1/subscription_schedules").with("from_subscription", subscription)
}

fn release_schedule(schedule: &str) -> Call {
    Call::post(format!("/v1/subscription_schedules/{}/release", segment(schedule)))
}

/// Writes the two phases: what the subscription is until its period ends, and what it becomes then.
pub(super) fn write_phases(
    schedule: &Value,
    subscription: &Value,
    wish: &ScheduleChange,
) -> Result<Call, ProviderError> {
    let moment = |value: &Value, what: &str| {
        value.as_i64().ok_or_else(|| ProviderError::Garbled(format!("{what} is missing or no moment")))
    };
    let present = answer::rows(&subscription["items"]);
    let ends = present.iter().filter_map(|item| item["current_period_end"].as_i64()).max();
    let ends = ends.ok_or_else(|| ProviderError::Garbled("items.current_period_end is missing".into()))?;
    let mut call =
        Call::post(format!("/v1/subscription_schedules/{}", segment(answer::text(schedule, "id")?)))
            .with("end_behavior", "release")
            .with("proration_behavior", "create_prorations")
            .with("phases[0][start_date]", moment(&schedule["current_phase"]["start_date"], "current_phase")?)
            .with("phases[0][end_date]", ends);
    if subscription["status"] == "trialing" {
        call = call.with_some("phases[0][trial_end]", subscription["trial_end"].as_i64());
    }
    let change = &wish.change;
    call = write_items(call, present, wish)?;
    // A phase that names no discounts has none.
    for (number, discount) in subscription["discounts"].as_array().into_iter().flatten().enumerate() {
        for phase in [0, 1] {
            let place = format!("phases[{phase}][discounts][{number}][discount]");
            call = call.with_some(place, answer::id(discount));
        }
    }
    // At the end of a period nothing is left to even out; but `none` would let what was used of a price that goes unbilled.
    let metered_goes = present.iter().any(|item| items::leaves(item, change));
    let evening_out = if metered_goes { "create_prorations" } else { "none" };
    Ok(call
        .with("phases[1][duration][interval]", wish.interval.as_str())
        .with("phases[1][duration][interval_count]", wish.interval_count)
        .with("phases[1][proration_behavior]", evening_out)
        .with("phases[1][metadata][quoin_plan]", &change.plan_id)
        .with("phases[1][metadata][quoin_plan_version]", change.plan_version))
}

/// Writes what each phase bills. In the second one the line that changes comes first, then what stays, then what is added.
fn write_items(mut call: Call, present: &[Value], wish: &ScheduleChange) -> Result<Call, ProviderError> {
    let change = &wish.change;
    let is_ours = |item: &Value| item["id"] == change.item.as_str();
    let (mut now, mut then) = (Vec::new(), vec![(change.price.as_str(), Some(change.quantity))]);
    for item in present {
        let line = (answer::text(&item["price"], "id")?, item["quantity"].as_i64());
        now.push(if is_ours(item) { (line.0, Some(wish.quantity_now)) } else { line });
        if !is_ours(item) && !items::leaves(item, change) {
            then.push(line);
        }
    }
    then.extend(items::added(change, present).map(|price| (price.as_str(), None)));
    for (phase, lines) in [now, then].iter().enumerate() {
        for (number, (price, quantity)) in lines.iter().enumerate() {
            let place = format!("phases[{phase}][items][{number}]");
            call = call
                .with(format!("{place}[price]"), price)
                .with_some(format!("{place}[quantity]"), *quantity);
        }
    }
    Ok(call)
}

impl Stripe {
    /// Puts the change on the subscription's schedule, which is made where there is none.
    pub(super) async fn schedule_change(
        &self,
        wish: &ScheduleChange,
        key: &IntentKey,
    ) -> Result<Outcome, ProviderError> {
        let id = &wish.change.subscription;
        let subscription = self.read(read_subscription(id)).await?;
        let schedule = match answer::id(&subscription["schedule"]) {
            Some(schedule) => self.read(read_schedule(&schedule)).await?,
            None => self.write(create_schedule(id), key, "-schedule").await?,
        };
        let call = write_phases(&schedule, &subscription, wish)?;
        // What the phases say follows from what was read just now; another text is another request to Stripe.
        let step = call.step("-phases-");
        self.write(call, key, &step).await?;
        Ok(Outcome::Object { id: id.clone() })
    }

    /// Takes a subscription off its schedule, where it is on one.
    pub(super) async fn leave_schedule(
        &self,
        subscription: &str,
        key: &IntentKey,
    ) -> Result<(), ProviderError> {
        let Some(schedule) = self.schedule_of(subscription).await? else { return Ok(()) };
        match self.write(release_schedule(&schedule), key, &format!("-release-{schedule}")).await {
            // It may have come to its end in between.
            Err(ProviderError::Refused { .. })
                if self.schedule_of(subscription).await?.as_ref() != Some(&schedule) =>
            {
                Ok(())
            }
            other => other.map(drop),
        }
    }

    async fn schedule_of(&self, subscription: &str) -> Result<Option<String>, ProviderError> {
        Ok(answer::id(&self.read(read_subscription(subscription)).await?["schedule"]))
    }
}
