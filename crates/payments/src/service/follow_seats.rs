//! Letting the seats at the provider follow the members, where the plan says so.

use quoin_db::DbError;
use quoin_kernel::billing::Subject;

use crate::Payments;
use crate::error::PaymentsError;
use crate::model::command::ChangeSubscription;
use crate::model::plan::SeatRule;
use crate::model::{Command, Subscription};
use crate::store::{customers, plans_global, prices_global, subscriptions};

impl Payments {
    /// Brings the quantity in line with the members.
    pub(crate) async fn follow_seats(&self, subject: Subject) -> Result<(), PaymentsError> {
        let wanted = self.db().read("payments.seats.plan", move |tx| plan(tx, subject)).await?;
        for (one, change) in wanted {
            self.carry_out_change(one, Command::ChangeSubscription(change), None).await?;
        }
        Ok(())
    }
}

/// Describes the changes that are needed.
fn plan(
    tx: &mut quoin_db::Tx<'_>,
    subject: Subject,
) -> Result<Vec<(Subscription, ChangeSubscription)>, DbError> {
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
                quantity: members,
                plan_id: bought.0.to_string(),
                plan_version: bought.1,
                prorate: true,
            };
            changes.push((one, change));
        }
    }
    Ok(changes)
}
