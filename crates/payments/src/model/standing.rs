//! Which plan is in force, derived from subscriptions alone.

use quoin_kernel::billing::Coverage;

use super::PlanId;
use super::subscription::{Access, Status, Subscription};

/// The plans in force for a subject, best first, and how it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InForce {
    /// The plans that give something, each with the version that was bought.
    pub plans: Vec<(PlanId, i64)>,
    /// How the subject stands.
    pub standing: Coverage,
}

/// Derives what is in force. `default_plan` is what those have who do not pay.
pub fn in_force(subscriptions: &[Subscription], default_plan: Option<&(PlanId, i64)>) -> InForce {
    let mut giving: Vec<&Subscription> =
        subscriptions.iter().filter(|one| one.access.gives_plan() && one.plan.is_some()).collect();
    // Paid before overdue, then the one that lasts longest; ids break ties, so that the order of rows means nothing.
    giving.sort_by_key(|one| {
        let paid = matches!(one.access, Access::Full) && one.status != Status::Trialing;
        (!paid, std::cmp::Reverse(one.current_period_end), one.remote_id.clone())
    });
    let plans: Vec<(PlanId, i64)> =
        giving.iter().filter_map(|one| one.given()).map(|held| (held.plan, held.plan_version)).collect();
    match giving.first() {
        Some(first) => InForce {
            standing: Coverage {
                plan: first.given().map(|held| held.plan.to_string()),
                premium: true,
                premium_until: first.cancel_at.or(first.current_period_end),
                auto_renew: first.renews(),
            },
            plans,
        },
        None => InForce {
            plans: default_plan.into_iter().cloned().collect(),
            standing: Coverage { plan: default_plan.map(|(id, _)| id.to_string()), ..Coverage::default() },
        },
    }
}
