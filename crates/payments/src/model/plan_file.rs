//! `plans.toml`: the wished plans, and how what is there differs from them.

use serde::{Deserialize, Serialize};

use super::plan::{InvalidPlan, NewPlan, NewPrice, Plan, PlanSource};

/// The file: a list of plans.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanFile {
    /// The plans.
    #[serde(default)]
    pub plans: Vec<NewPlan>,
}

/// Why the file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum InvalidPlanFile {
    /// It is no TOML of this shape.
    #[error("plans.toml: {0}")]
    Syntax(String),
    /// A plan in it cannot be sold.
    #[error("plans.toml: plan {plan}: {source}")]
    Plan {
        /// Which.
        plan: String,
        /// Why.
        source: InvalidPlan,
    },
    /// A plan is there twice.
    #[error("plans.toml: plan {0} is there twice")]
    Twice(String),
}

/// How a plan differs from the file.
#[derive(Debug, Clone, PartialEq, Serialize, schemars::JsonSchema)]
pub struct PlanDrift {
    /// The plan.
    pub plan: String,
    /// `missing` here, `different`, or `extra`: not in the file.
    pub state: String,
    /// The fields that differ.
    pub fields: Vec<String>,
    /// Who made or changed it last.
    pub source: Option<PlanSource>,
    /// Whether applying the file would lose what somebody did elsewhere, so that it must be forced.
    pub needs_force: bool,
}

impl PlanFile {
    /// Reads and checks the file.
    ///
    /// # Errors
    /// What cannot be used, with its place.
    pub fn parse(text: &str) -> Result<Self, InvalidPlanFile> {
        let file: Self = toml::from_str(text).map_err(|error| InvalidPlanFile::Syntax(error.to_string()))?;
        for (at, plan) in file.plans.iter().enumerate() {
            plan.check().map_err(|source| InvalidPlanFile::Plan { plan: plan.id.to_string(), source })?;
            if file.plans[..at].iter().any(|other| other.id == plan.id) {
                return Err(InvalidPlanFile::Twice(plan.id.to_string()));
            }
        }
        Ok(file)
    }

    /// Compares the file with what is there.
    pub fn drift(&self, there: &[Plan]) -> Vec<PlanDrift> {
        let mut drifts = Vec::new();
        for wished in &self.plans {
            match there.iter().find(|plan| plan.id == wished.id) {
                None => drifts.push(PlanDrift {
                    plan: wished.id.to_string(),
                    state: "missing".into(),
                    fields: Vec::new(),
                    source: None,
                    needs_force: false,
                }),
                Some(plan) => drifts.extend(differing(wished, plan)),
            }
        }
        let in_file = |plan: &&Plan| self.plans.iter().any(|wished| wished.id == plan.id);
        let extra = there.iter().filter(|plan| plan.active && !in_file(plan)).map(|plan| PlanDrift {
            plan: plan.id.to_string(),
            state: "extra".into(),
            fields: Vec::new(),
            source: Some(plan.changed_by()),
            needs_force: false,
        });
        drifts.extend(extra);
        drifts
    }
}

fn differing(wished: &NewPlan, plan: &Plan) -> Option<PlanDrift> {
    let fields = differences(wished, plan);
    (!fields.is_empty()).then(|| PlanDrift {
        plan: plan.id.to_string(),
        state: "different".into(),
        fields,
        source: Some(plan.changed_by()),
        needs_force: plan.changed_by() != PlanSource::File,
    })
}

/// Names the fields in which a plan differs from what is wished.
pub fn differences(wished: &NewPlan, plan: &Plan) -> Vec<String> {
    let sold: Vec<NewPrice> =
        plan.prices.iter().filter(|price| price.active).filter_map(NewPrice::of).collect();
    let same_prices =
        sold.len() == wished.prices.len() && wished.prices.iter().all(|price| sold.contains(price));
    let pairs = [
        ("name", wished.name == plan.name),
        ("description", wished.description == plan.description),
        ("prices", same_prices),
        ("entitlements", wished.entitlements == plan.entitlements),
        ("rules", wished.rules == plan.rules),
        ("active", wished.active == plan.active),
    ];
    pairs.into_iter().filter(|(_, same)| !same).map(|(name, _)| name.to_owned()).collect()
}
