//! Making, changing and archiving plans.

use quoin_audit::Entry;
use quoin_db::{DbError, Tx};
use quoin_kernel::{Id, Timestamp};
use serde_json::json;

use crate::error::PaymentsError;
use crate::model::entitlement::{self, Entitlements};
use crate::model::plan::{check_prices, check_texts};
use crate::model::{NewPlan, NewPrice, Plan, PlanId, PlanRules, PlanSource, Price, PriceId};
use crate::store::{entitlements, plans_global, prices_global, subscriptions_global};
use crate::{Entitled, Payments, jobs};

/// What to change of a plan; what is absent stays.
#[derive(Debug, Clone, Default)]
pub struct PlanChange {
    /// Its name.
    pub name: Option<String>,
    /// What it is; an empty text removes it.
    pub description: Option<String>,
    /// The prices on sale from now on; others are archived, and whoever has them keeps them.
    pub prices: Option<Vec<NewPrice>>,
    /// What it gives.
    pub entitlements: Option<Entitlements>,
    /// How it behaves at its edges.
    pub rules: Option<PlanRules>,
    /// Whether it is sold.
    pub active: Option<bool>,
    /// Whether those who have bought it get the change too; else they keep what they bought.
    pub for_everybody: bool,
}

impl Payments {
    /// Lists the plans on sale, or all of them.
    pub async fn list_plans(&self, archived_too: bool) -> Result<Vec<Plan>, PaymentsError> {
        let mut plans: Vec<Plan> = self.db().read("payments.plans.list", plans_global::list).await?;
        plans.retain(|plan| archived_too || plan.active);
        Ok(plans)
    }

    /// Makes a plan; the provider learns of it at once where it answers, else a little later.
    pub async fn create_plan(&self, new: NewPlan, entry: Entry) -> Result<Plan, PaymentsError> {
        new.check()?;
        let plan = self.new_plan(&new, PlanSource::Api);
        let (room, made, entry) = (self.clone(), plan.clone(), entry.on(&plan.id));
        self.db()
            .write("payments.plans.create", move |tx| {
                room.insert_plan(tx, &made)?;
                quoin_audit::record(tx, &entry)?;
                Ok::<_, PaymentsError>(())
            })
            .await?;
        self.plans_are_new(&plan.id).await
    }

    /// Changes a plan.
    pub async fn change_plan(
        &self,
        id: &PlanId,
        change: PlanChange,
        entry: Entry,
    ) -> Result<Plan, PaymentsError> {
        check(&change)?;
        let (room, wanted, now, entry) = (self.clone(), id.clone(), self.now(), entry.on(id));
        self.db()
            .write("payments.plans.change", move |tx| {
                let plan = plans_global::find(tx, &wanted)?.ok_or(PaymentsError::NoSuchPlan)?;
                room.write_change(tx, plan, &change, PlanSource::Api, now)?;
                quoin_audit::record(tx, &entry)?;
                Ok::<_, PaymentsError>(())
            })
            .await?;
        self.plans_are_new(id).await
    }

    pub(super) fn new_plan(&self, new: &NewPlan, source: PlanSource) -> Plan {
        let now = self.now();
        Plan {
            id: new.id.clone(),
            uuid: Id::<Plan>::new(now, self.app().rng()).uuid(),
            version: 1,
            name: new.name.trim().to_owned(),
            description: new.description.clone(),
            prices: new.prices.iter().map(|price| self.new_price(price, now)).collect(),
            entitlements: new.entitlements.clone(),
            rules: new.rules,
            source,
            changed_there: false,
            active: new.active,
            remote_id: None,
            published_at: None,
            created_at: now,
            updated_at: now,
        }
    }

    fn new_price(&self, new: &NewPrice, now: Timestamp) -> Price {
        Price {
            id: PriceId::new(now, self.app().rng()),
            interval: Some(new.interval),
            interval_count: new.interval_count,
            amount: new.amount,
            currency: new.currency,
            trial_days: new.trial_days,
            per_seat: new.per_seat,
            meter: new.meter.clone(),
            active: true,
            remote_id: None,
            created_at: now,
        }
    }

    /// Writes a new plan, and schedules its publication.
    pub(super) fn insert_plan(&self, tx: &mut Tx<'_>, plan: &Plan) -> Result<(), PaymentsError> {
        plans_global::insert(tx, plan)?;
        for price in &plan.prices {
            prices_global::insert(tx, &plan.id, price)?;
        }
        Entitled::plans_changed(tx);
        Ok(jobs::schedule_publication(self, tx, &plan.id, plan.created_at)?)
    }

    /// Writes a change of a plan and what follows from it.
    pub(super) fn write_change(
        &self,
        tx: &mut Tx<'_>,
        mut plan: Plan,
        change: &PlanChange,
        source: PlanSource,
        now: Timestamp,
    ) -> Result<(), PaymentsError> {
        let before = (plan.entitlements.clone(), plan.rules);
        if let Some(name) = &change.name {
            name.trim().clone_into(&mut plan.name);
        }
        if let Some(description) = &change.description {
            plan.description = Some(description.clone()).filter(|text| !text.is_empty());
        }
        if let Some(entitlements) = &change.entitlements {
            plan.entitlements.clone_from(entitlements);
        }
        plan.rules = change.rules.unwrap_or(plan.rules);
        plan.active = change.active.unwrap_or(plan.active);
        (plan.source, plan.changed_there) = (source, false);
        (plan.published_at, plan.updated_at) = (None, now);
        let gives_otherwise = before != (plan.entitlements.clone(), plan.rules);
        if gives_otherwise && !change.for_everybody {
            plan.version += 1;
            plans_global::insert_version(tx, &plan, now)?;
        }
        plans_global::update(tx, &plan)?;
        if let Some(prices) = &change.prices {
            self.write_prices(tx, &plan, prices, now)?;
        }
        if gives_otherwise && change.for_everybody {
            plans_global::update_versions(tx, &plan)?;
        }
        self.refresh_holders(tx, &plan, now)?;
        Entitled::plans_changed(tx);
        Ok(jobs::schedule_publication(self, tx, &plan.id, now)?)
    }

    fn write_prices(
        &self,
        tx: &mut Tx<'_>,
        plan: &Plan,
        wished: &[NewPrice],
        now: Timestamp,
    ) -> Result<(), PaymentsError> {
        for price in &plan.prices {
            let active = wished.iter().any(|wished| wished.is(price));
            if active != price.active {
                prices_global::set_active(tx, price.id, active)?;
            }
        }
        let new = wished.iter().filter(|wished| !plan.prices.iter().any(|price| wished.is(price)));
        for price in new.map(|price| self.new_price(price, now)) {
            prices_global::insert(tx, &plan.id, &price)?;
        }
        Ok(())
    }

    /// Writes anew what everybody has whom the plan concerns.
    fn refresh_holders(&self, tx: &mut Tx<'_>, plan: &Plan, now: Timestamp) -> Result<(), DbError> {
        let subjects = if self.config().default_plan().as_ref() == Some(&plan.id) {
            every_subject(tx)?
        } else {
            subscriptions_global::list_subjects(tx, plan.id.as_str())?
        };
        for subject in subjects {
            self.entitled().refresh(tx, subject, now)?;
        }
        Ok(())
    }

    /// Makes a change seen by the next call, and publishes it where the provider answers.
    pub(super) async fn plans_are_new(&self, id: &PlanId) -> Result<Plan, PaymentsError> {
        self.entitled().reload().await?;
        if let Err(error) = super::publish_plan::publish(self, id).await {
            tracing::warn!(%error, plan = %id, "the plan is published later");
        }
        let wanted = id.clone();
        let found = self.db().read("payments.plans.get", move |tx| plans_global::find(tx, &wanted)).await?;
        found.ok_or(PaymentsError::NoSuchPlan)
    }
}

fn every_subject(tx: &mut Tx<'_>) -> Result<Vec<quoin_kernel::billing::Subject>, DbError> {
    let (mut all, mut after) = (Vec::new(), uuid::Uuid::nil());
    loop {
        let page = entitlements::list_subjects_global(tx, after, 1000)?;
        let Some(last) = page.last() else { return Ok(all) };
        after = last.uuid();
        all.extend(page);
    }
}

fn check(change: &PlanChange) -> Result<(), PaymentsError> {
    let name = change.name.as_deref().unwrap_or("unchanged");
    check_texts(name, change.description.as_deref())?;
    check_prices(change.prices.as_deref().unwrap_or_default())?;
    if let Some(entitlements) = &change.entitlements {
        entitlement::check(entitlements).map_err(crate::model::plan::InvalidPlan::from)?;
    }
    Ok(())
}

/// Describes a change for the audit trail.
pub(crate) fn describe(change: &PlanChange) -> serde_json::Value {
    json!({
        "name": change.name, "description": change.description, "prices": change.prices,
        "entitlements": change.entitlements, "rules": change.rules, "active": change.active,
        "for_everybody": change.for_everybody,
    })
}
