//! A product: what the team changes or makes at the provider's side becomes a plan here.

use quoin_db::{DbError, Tx};
use quoin_kernel::{Id, Timestamp};
use serde_json::{Value, json};

use super::Applied;
use crate::error::PaymentsError;
use crate::model::entitlement::{self, Entitlements};
use crate::model::explanation::changes;
use crate::model::remote::{RemotePrice, RemoteProduct};
use crate::model::{Plan, PlanId, PlanRules, PlanSource, Price, PriceId};
use crate::port::Provider;
use crate::store::{plans_global, prices_global};
use crate::{Entitled, Payments};

/// How many names are tried for a product whose own is taken.
const MOST_NAMES: u32 = 100;

impl Payments {
    pub(super) fn apply_product(
        &self,
        tx: &mut Tx<'_>,
        provider: &dyn Provider,
        remote: &RemoteProduct,
        now: Timestamp,
    ) -> Result<Applied, PaymentsError> {
        if remote.live != provider.is_live() {
            return Ok(Applied::foreign());
        }
        let before = plan_of(tx, remote)?;
        let mut plan = match &before {
            Some(plan) => plan.clone(),
            None => self.adopt(tx, remote, now)?,
        };
        let described = before.as_ref().map(describe);
        self.take_over(tx, &mut plan, remote, now)?;
        let changed = changes(described.as_ref(), &describe(&plan));
        if !changed.is_empty() {
            Entitled::plans_changed(tx);
        }
        Ok(Applied::with(changed))
    }

    /// Makes a plan out of a product that somebody made at the provider's side.
    fn adopt(&self, tx: &mut Tx<'_>, remote: &RemoteProduct, now: Timestamp) -> Result<Plan, PaymentsError> {
        let wished = remote.metadata.get("quoin_plan").and_then(|id| id.parse::<PlanId>().ok());
        let base =
            wished.or_else(|| PlanId::from_name(&remote.name)).or_else(|| PlanId::from_name(&remote.id));
        let base = base.ok_or(PaymentsError::NoSuchPlan)?;
        let mut id = base.clone();
        for number in 2..MOST_NAMES {
            if plans_global::find(tx, &id)?.is_none() {
                break;
            }
            id = format!("{base}-{number}").parse()?;
        }
        let plan = Plan {
            id,
            uuid: Id::<Plan>::new(now, self.app().rng()).uuid(),
            version: 1,
            name: remote.name.clone(),
            description: remote.description.clone(),
            prices: Vec::new(),
            entitlements: entitlements_of(remote),
            rules: PlanRules::default(),
            source: PlanSource::Provider,
            changed_there: false,
            active: remote.active,
            remote_id: Some(remote.id.clone()),
            published_at: Some(now),
            created_at: now,
            updated_at: now,
        };
        plans_global::insert(tx, &plan)?;
        Ok(plan)
    }

    /// Takes over texts, whether it is sold, and prices, and notes that somebody changed them there. What a plan made there
    /// gives stands in its metadata.
    fn take_over(
        &self,
        tx: &mut Tx<'_>,
        plan: &mut Plan,
        remote: &RemoteProduct,
        now: Timestamp,
    ) -> Result<(), PaymentsError> {
        let mut prices_differ = false;
        for price in &remote.prices {
            prices_differ |= self.take_over_price(tx, plan, price, now)?;
        }
        plan.changed_there |= prices_differ;
        let entitlements = match plan.source {
            PlanSource::Provider => entitlements_of(remote),
            _ => plan.entitlements.clone(),
        };
        let same = plan.name == remote.name
            && plan.description == remote.description
            && plan.active == remote.active
            && plan.entitlements == entitlements;
        // While our own change is on its way there, what stands there is older than ours.
        if same || plan.published_at.is_none() {
            return if prices_differ { Ok(plans_global::update(tx, plan)?) } else { Ok(()) };
        }
        let gives_more = plan.entitlements != entitlements;
        plan.name.clone_from(&remote.name);
        plan.description.clone_from(&remote.description);
        (plan.active, plan.entitlements) = (remote.active, entitlements);
        (plan.published_at, plan.updated_at, plan.changed_there) = (Some(now), now, true);
        if gives_more {
            plan.version += 1;
            plans_global::insert_version(tx, plan, now)?;
        }
        Ok(plans_global::update(tx, plan)?)
    }

    /// Takes over a price; tells whether it is another one than was published, or sold otherwise.
    fn take_over_price(
        &self,
        tx: &mut Tx<'_>,
        plan: &mut Plan,
        remote: &RemotePrice,
        now: Timestamp,
    ) -> Result<bool, PaymentsError> {
        // What is due once opens nothing.
        let for_sale = remote.active && remote.interval.is_some();
        let noted = remote.metadata.get("quoin_price").and_then(|id| id.parse::<PriceId>().ok());
        let known = plan.prices.iter_mut().find(|price| {
            price.remote_id.as_deref() == Some(&remote.id)
                || (price.remote_id.is_none() && Some(price.id) == noted)
        });
        if let Some(price) = known {
            if price.remote_id.is_none() {
                price.remote_id = Some(remote.id.clone());
                prices_global::set_remote(tx, price.id.uuid(), &remote.id)?;
            }
            // The prices of a plan that is not sold were archived there by us.
            let by_us = !plan.active && !for_sale;
            let differs = price.active != for_sale && plan.published_at.is_some() && !by_us;
            if differs {
                price.active = for_sale;
                prices_global::set_active(tx, price.id, for_sale)?;
            }
            return Ok(differs);
        }
        let per_seat = remote.metadata.get("quoin_per_seat").is_some_and(|text| text == "true");
        let price = Price {
            id: PriceId::new(now, self.app().rng()),
            interval: remote.interval,
            interval_count: remote.interval_count,
            amount: remote.amount,
            currency: remote.currency,
            trial_days: remote.trial_days,
            per_seat,
            meter: remote.metered.then(|| remote.metadata.get("quoin_meter").cloned().unwrap_or_default()),
            active: for_sale,
            remote_id: Some(remote.id.clone()),
            created_at: now,
        };
        prices_global::insert(tx, &plan.id, &price)?;
        plan.prices.push(price);
        Ok(true)
    }

    /// Stops selling a plan whose product is gone.
    pub(super) fn apply_lost_product(
        tx: &mut Tx<'_>,
        product: &str,
        now: Timestamp,
    ) -> Result<Applied, PaymentsError> {
        let Some(before) = plans_global::find_by_remote(tx, product)? else { return Ok(Applied::missing()) };
        let after = Plan { active: false, changed_there: true, updated_at: now, ..before.clone() };
        plans_global::update(tx, &after)?;
        Entitled::plans_changed(tx);
        Ok(Applied::with(changes(Some(&describe(&before)), &describe(&after))))
    }
}

/// Finds the plan of a product: by its id, else by what makes it ours although its answer was lost.
fn plan_of(tx: &mut Tx<'_>, remote: &RemoteProduct) -> Result<Option<Plan>, DbError> {
    if let Some(plan) = plans_global::find_by_remote(tx, &remote.id)? {
        return Ok(Some(plan));
    }
    let Some(id) = remote.metadata.get("quoin_plan").and_then(|id| id.parse::<PlanId>().ok()) else {
        return Ok(None);
    };
    let ours = |plan: &Plan| plan.remote_id.is_none() && remote.id.ends_with(&plan.uuid.simple().to_string());
    let Some(plan) = plans_global::find(tx, &id)?.filter(ours) else { return Ok(None) };
    plans_global::set_remote(tx, &plan.id, &remote.id)?;
    Ok(Some(Plan { remote_id: Some(remote.id.clone()), ..plan }))
}

/// Reads what a product gives from its metadata: `entitlements` as JSON. What cannot be read gives nothing.
fn entitlements_of(remote: &RemoteProduct) -> Entitlements {
    let text = remote.metadata.get("entitlements").map_or("{}", String::as_str);
    match serde_json::from_str::<Entitlements>(text) {
        Ok(entitlements) if entitlement::check(&entitlements).is_ok() => entitlements,
        _ => {
            tracing::warn!(product = remote.id, "the metadata `entitlements` of a product cannot be read");
            Entitlements::new()
        }
    }
}

fn describe(plan: &Plan) -> Value {
    let prices: Vec<Value> = plan
        .prices
        .iter()
        .map(|price| json!({"remote_id": price.remote_id, "amount": price.amount, "active": price.active}))
        .collect();
    json!({"plan": plan.id, "name": plan.name, "description": plan.description, "active": plan.active,
        "version": plan.version, "entitlements": plan.entitlements, "prices": prices})
}
