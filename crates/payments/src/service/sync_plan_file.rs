//! Bringing plans in line with `plans.toml`: what is missing is made, what differs is shown, and what somebody changed
//! elsewhere is overwritten with force only.

use quoin_audit::{Actor, Entry};

use super::manage_plans::PlanChange;
use crate::Payments;
use crate::error::PaymentsError;
use crate::model::plan_file::{PlanDrift, PlanFile};
use crate::model::{NewPlan, Plan, PlanId, PlanSource};
use crate::store::plans_global;

/// What applying the file did, and what differs still.
#[derive(Debug, Clone, serde::Serialize, schemars::JsonSchema)]
pub struct PlanSync {
    /// Plans that were made.
    pub made: Vec<String>,
    /// Plans that were changed.
    pub changed: Vec<String>,
    /// What differs from the file now.
    pub drift: Vec<PlanDrift>,
}

impl Payments {
    /// Compares plans with the file's text.
    pub async fn plan_drift(&self, text: &str) -> Result<Vec<PlanDrift>, PaymentsError> {
        let file = PlanFile::parse(text)?;
        Ok(file.drift(&self.list_plans(true).await?))
    }

    /// Applies the file's text.
    ///
    /// # Errors
    /// [`PaymentsError::Drifted`] where that would overwrite what was changed elsewhere, without `force`.
    pub async fn apply_plan_file(&self, text: &str, force: bool) -> Result<PlanSync, PaymentsError> {
        let file = PlanFile::parse(text)?;
        let drift = file.drift(&self.list_plans(true).await?);
        let in_the_way: Vec<String> = drift
            .iter()
            .filter(|one| one.needs_force)
            .map(|one| format!("{} ({})", one.plan, one.fields.join(" ")))
            .collect();
        if !force && !in_the_way.is_empty() {
            return Err(PaymentsError::Drifted(in_the_way));
        }
        self.follow(&file, &drift, true).await
    }

    /// Makes plans of the file that are missing, and says what differs; changes nothing that is there.
    pub async fn add_missing_plans(&self, text: &str) -> Result<PlanSync, PaymentsError> {
        let file = PlanFile::parse(text)?;
        let drift = file.drift(&self.list_plans(true).await?);
        self.follow(&file, &drift, false).await
    }

    async fn follow(
        &self,
        file: &PlanFile,
        drift: &[PlanDrift],
        changes_too: bool,
    ) -> Result<PlanSync, PaymentsError> {
        let (mut made, mut changed) = (Vec::new(), Vec::new());
        for one in drift {
            let Some(wished) = file.plans.iter().find(|plan| plan.id.as_str() == one.plan) else { continue };
            match one.state.as_str() {
                "missing" => {
                    self.make(wished, changes_too).await?;
                    made.push(one.plan.clone());
                }
                "different" if changes_too => {
                    self.change_to(wished).await?;
                    changed.push(one.plan.clone());
                }
                _ => {}
            }
        }
        let drift = file.drift(&self.list_plans(true).await?);
        Ok(PlanSync { made, changed, drift })
    }

    /// Makes a plan. At start nobody waits for the provider: a job publishes it.
    async fn make(&self, wished: &NewPlan, at_once: bool) -> Result<(), PaymentsError> {
        let plan = self.new_plan(wished, PlanSource::File);
        let (room, made, entry) =
            (self.clone(), plan.clone(), self.file_entry("payments.plan.created", &plan.id));
        self.db()
            .write("payments.plans.create", move |tx| {
                room.insert_plan(tx, &made)?;
                quoin_audit::record(tx, &entry)?;
                Ok::<_, PaymentsError>(())
            })
            .await?;
        if at_once {
            self.plans_are_new(&plan.id).await?;
        }
        Ok(self.entitled().reload().await?)
    }

    async fn change_to(&self, wished: &NewPlan) -> Result<Plan, PaymentsError> {
        let change = PlanChange {
            name: Some(wished.name.clone()),
            description: Some(wished.description.clone().unwrap_or_default()),
            prices: Some(wished.prices.clone()),
            entitlements: Some(wished.entitlements.clone()),
            rules: Some(wished.rules),
            active: Some(wished.active),
            for_everybody: false,
        };
        let (room, id, now) = (self.clone(), wished.id.clone(), self.now());
        let entry = self.file_entry("payments.plan.changed", &wished.id);
        self.db()
            .write("payments.plans.change", move |tx| {
                let plan = plans_global::find(tx, &id)?.ok_or(PaymentsError::NoSuchPlan)?;
                room.write_change(tx, plan, &change, PlanSource::File, now)?;
                quoin_audit::record(tx, &entry)?;
                Ok::<_, PaymentsError>(())
            })
            .await?;
        self.plans_are_new(&wished.id).await
    }

    fn file_entry(&self, action: &'static str, plan: &PlanId) -> Entry {
        Entry::new(self.app().rng(), self.now(), Actor::System("plans.toml"), action).on(plan)
    }
}
