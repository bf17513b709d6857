//! Making a plan known to the provider: its product, its prices, and what is no longer sold.

use quoin_db::DbError;

use crate::Payments;
use crate::error::PaymentsError;
use crate::model::command::{PublishPrice, PublishProduct};
use crate::model::{Command, Plan, PlanId, Price};
use crate::port::{Provider, ProviderError};
use crate::store::plans_global;

/// Publishes a plan. Each step finds out by itself whether it was done before.
///
/// # Errors
/// What the provider does not answer, or refuses.
pub(crate) async fn publish(payments: &Payments, id: &PlanId) -> Result<(), PaymentsError> {
    let provider = match payments.provider() {
        Ok(provider) => provider,
        // Plans can be written down before a provider is chosen.
        Err(PaymentsError::NotSetUp) => return Ok(()),
        Err(error) => return Err(error),
    };
    let plan = get(payments, id).await?;
    if plan.published_at.is_some() {
        return Ok(());
    }
    let product = publish_product(payments, provider.as_ref(), &plan).await?;
    for price in &plan.prices {
        publish_price(payments, provider.as_ref(), &plan, price, &product).await?;
    }
    let (wanted, updated_at, now) = (plan.id.clone(), plan.updated_at, payments.now());
    let note = move |tx: &mut quoin_db::Tx<'_>| plans_global::set_published(tx, &wanted, now, updated_at);
    let still_the_same: Result<bool, DbError> = payments.db().write("payments.plans.published", note).await;
    if !still_the_same? {
        return Err(PaymentsError::OtherChange);
    }
    Ok(())
}

async fn get(payments: &Payments, id: &PlanId) -> Result<Plan, PaymentsError> {
    let wanted = id.clone();
    let found = payments.db().read("payments.plans.get", move |tx| plans_global::find(tx, &wanted)).await?;
    found.ok_or(PaymentsError::NoSuchPlan)
}

async fn publish_product(
    payments: &Payments,
    provider: &dyn Provider,
    plan: &Plan,
) -> Result<String, PaymentsError> {
    let command = Command::PublishProduct(PublishProduct {
        plan_uuid: plan.uuid,
        plan_id: plan.id.to_string(),
        name: plan.name.clone(),
        description: plan.description.clone(),
        active: plan.active,
        product: plan.remote_id.clone(),
    });
    let outcome = payments.ask(payments.intent(provider, format!("product:{}", plan.id), command)).await?;
    Ok(outcome.id().unwrap_or_default().to_owned())
}

async fn publish_price(
    payments: &Payments,
    provider: &dyn Provider,
    plan: &Plan,
    price: &Price,
    product: &str,
) -> Result<(), PaymentsError> {
    let target = format!("price:{}", price.id);
    let command = match &price.remote_id {
        // What is due once is not sold here; who made it there decides about it there.
        _ if price.interval.is_none() => return Ok(()),
        Some(remote) => Command::ArchivePrice { price: remote.clone(), active: price.active && plan.active },
        // What was taken off sale before the provider knew it need not be known there.
        None if !price.active => return Ok(()),
        None => Command::PublishPrice(PublishPrice {
            price_id: price.id.uuid(),
            product: product.to_owned(),
            interval: price.interval,
            interval_count: price.interval_count,
            amount: price.amount,
            currency: price.currency,
            trial_days: price.trial_days,
            per_seat: price.per_seat,
            meter: price.meter.clone(),
        }),
    };
    match payments.ask(payments.intent(provider, target, command)).await {
        Ok(_) => Ok(()),
        // A price that is gone there cannot be sold there either.
        Err(PaymentsError::Provider(ProviderError::Refused { code, .. })) if code == "resource_missing" => {
            Ok(())
        }
        Err(error) => Err(error),
    }
}
