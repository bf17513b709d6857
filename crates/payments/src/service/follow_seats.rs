//! Letting the seats at the provider follow the members, where the plan says so.

use quoin_db::DbError;
use quoin_kernel::billing::Subject;

use super::change_subscription::paid_period::{self, Paid};
use crate::Payments;
use crate::error::PaymentsError;
use crate::model::command::{ChangeSubscription, ScheduleChange};
use crate::model::plan::SeatRule;
use crate::model::{Command, Subscription};
use crate::store::{customers, plans_global, prices_global, subscriptions};

impl Payments {
    /// Brings the quantity in line with the members.
    pub(crate) async fn follow_seats(&self, subject: Subject) -> Result<(), PaymentsError> {
        let wanted = self.db().read("payments.seats.plan", move |tx| plan(tx, subject)).await?;
        for (one, command) in wanted {
            self.carry_out_change(one, command, None).await?;
        }
        Ok(())
    }
}

/// Describes the changes that are needed.
fn plan(tx: &mut quoin_db::Tx<'_>, subject: Subject) -> Result<Vec<(Subscription, Command)>, DbError> {
    let Subject::Org(org_id) = subject else { return Ok(Vec::new()) };
    let members = quoin_tenancy::count_members(tx, org_id)?.max(1);
    let mut changes = Vec::new();
    for one in subscriptions::list(tx, subject)? {
        let (Some(bought), Some(item), true) =
            (one.plan.clone(), one.remote_item.clone(), one.access.gives_plan())
        else {
            continue;
        };
        let follows = plans_global::find_version(tx, &bought)?
            .is_some_and(|(_, rules)| rules.seats == SeatRule::Follow);
        let prices = prices_global::list(tx, &bought.0)?;
        let held = prices.into_iter().find(|price| Some(price.id) == one.price_id && price.per_seat);
        let customer = customers::find(tx, subject, &one.provider)?;
        let (Some(price), Some(customer)) = (held.and_then(|price| price.remote_id), customer) else {
            continue;
        };
        if follows && one.quantity != members {
            let change = ChangeSubscription {
                subscription: one.remote_id.clone(),
                item,
                customer,
                price,
                metered_prices: None,
                quantity: members,
                plan_id: bought.0.to_string(),
                plan_version: bought.1,
                // What nobody has paid is not given back when somebody leaves.
                prorate: members > one.quantity || paid_period::look(tx, &one)? == Paid::Kept,
                // Somebody has joined already: seats are evened out with the next invoice.
                paid_first: false,
                ends_trial: false,
            };
            let command = match and_later(tx, &one, &change)? {
                Some(later) => Command::ScheduleChange(later),
                None => Command::ChangeSubscription(change),
            };
            changes.push((one, command));
        }
    }
    Ok(changes)
}

/// Describes what waits for the end of the period with the new number of seats, so that it survives their change.
fn and_later(
    tx: &mut quoin_db::Tx<'_>,
    one: &Subscription,
    now: &ChangeSubscription,
) -> Result<Option<ScheduleChange>, DbError> {
    let Some(waiting) = &one.scheduled_change else { return Ok(None) };
    let (Some(plan), Some(version)) = (&waiting.plan, waiting.plan_version) else { return Ok(None) };
    let Some(plan) = plans_global::find(tx, plan)? else { return Ok(None) };
    let Some(price) = plan.prices.iter().find(|price| Some(price.id) == waiting.price_id) else {
        return Ok(None);
    };
    let stays = one.price_id == Some(price.id);
    let metered = plan.metered_beside(price).filter_map(|other| other.remote_id.clone()).collect();
    let (Some(remote), Some(interval)) = (price.remote_id.clone(), price.interval) else { return Ok(None) };
    let change = ChangeSubscription {
        price: remote,
        metered_prices: Some(metered).filter(|_| !stays),
        quantity: if price.per_seat { now.quantity } else { waiting.quantity },
        plan_id: plan.id.to_string(),
        plan_version: version,
        ..now.clone()
    };
    let (quantity_now, interval_count) = (now.quantity, price.interval_count);
    Ok(Some(ScheduleChange { change, quantity_now, interval, interval_count }))
}
