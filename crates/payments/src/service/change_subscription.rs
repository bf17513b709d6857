//! Changing plan or seats, previewing that, cancelling, resuming, pausing.

pub(crate) mod paid_period;
mod price_rise;

use std::sync::Arc;

use quoin_audit::Entry;
use quoin_db::{DbError, Tx};
use quoin_kernel::Timestamp;
use quoin_kernel::billing::Subject;
use quoin_web::entitlements::SEATS;

use crate::Payments;
use crate::adapters::manual::Manual;
use crate::error::PaymentsError;
use crate::model::command::{ChangeSubscription, ScheduleChange};
use crate::model::plan::DowngradeRule;
use crate::model::{
    Command, Currency, Interval, ObjectKind, ObjectRef, Plan, PlanId, Price, Status, Subscription,
    SubscriptionId,
};
use crate::port::{Preview, Provider};
use crate::service::entitle::unnamed;
use crate::store::{customers, plans_global, subscriptions};

/// A wished change; what is absent stays.
#[derive(Debug, Clone, Default)]
pub struct Wished {
    /// Which plan.
    pub plan: Option<PlanId>,
    /// Which of its intervals.
    pub interval: Option<Interval>,
    /// How many seats.
    pub quantity: Option<i64>,
    /// Whether the rest of the period is evened out, where it is paid; a change to more at once cannot do without.
    pub prorate: bool,
    /// When it happens.
    pub when: ChangeWhen,
}

/// When a change happens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChangeWhen {
    /// At once.
    #[default]
    Now,
    /// When what is paid for ends; until then it can be taken back.
    PeriodEnd,
}

/// What may be done to a subscription as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    /// End it: at once, or at the end of what is paid.
    Cancel {
        /// At once.
        at_once: bool,
    },
    /// Take back a wish to end.
    Resume,
    /// Stop collecting money, until a moment or until told otherwise.
    Pause {
        /// When it goes on by itself.
        until: Option<Timestamp>,
    },
    /// Collect money again.
    Unpause,
    /// Take back the change that waits.
    KeepPlan,
}

impl Payments {
    /// Changes plan or seats, now or when the period ends, and answers how it stands then. A change that waited is replaced.
    pub async fn change_subscription(
        &self,
        subject: Subject,
        id: SubscriptionId,
        wished: Wished,
        entry: Entry,
    ) -> Result<Subscription, PaymentsError> {
        let when = wished.when;
        let (one, change, price) = self.plan_change(subject, id, wished.clone()).await?;
        let command = match when {
            ChangeWhen::Now => Command::ChangeSubscription(change),
            ChangeWhen::PeriodEnd => Command::ScheduleChange(schedule(&one, change, &price)?),
        };
        self.carry_out_wished(one, command, Some(entry), Some(wished)).await
    }

    /// Says what a change would cost.
    pub async fn preview_change(
        &self,
        subject: Subject,
        id: SubscriptionId,
        wished: Wished,
    ) -> Result<Preview, PaymentsError> {
        let when = wished.when;
        let (one, mut change, price) = self.plan_change(subject, id, wished).await?;
        let provider = self.provider_named(&one.provider)?;
        if when == ChangeWhen::Now {
            return Ok(provider.preview(&change).await?);
        }
        schedule(&one, change.clone(), &price)?;
        (change.prorate, change.paid_first) = (false, false);
        let mut preview = provider.preview(&change).await?;
        // In another rhythm the provider shows the new period as if it began now.
        for line in preview.lines.iter_mut().filter(|line| line.period_start < one.current_period_end) {
            (line.period_start, line.period_end) = (one.current_period_end, None);
        }
        Ok(preview)
    }

    /// Cancels, resumes or pauses, and answers how it stands then.
    pub async fn act_on_subscription(
        &self,
        subject: Subject,
        id: SubscriptionId,
        deed: Deed,
        entry: Entry,
    ) -> Result<Subscription, PaymentsError> {
        let one = self.get_subscription(subject, id).await?;
        if one.status.is_over() {
            return Err(PaymentsError::WrongState("It has ended; begin with a new checkout."));
        }
        if deed == Deed::Unpause && !one.paused {
            return Ok(one);
        }
        if deed == Deed::Resume {
            let seen = one.clone();
            let refuse = move |tx: &mut Tx<'_>| refuse_granted(tx, &seen);
            self.db().read("payments.grants.check", refuse).await?;
        }
        let subscription = one.remote_id.clone();
        let command = match deed {
            Deed::Cancel { at_once } => Command::CancelSubscription { subscription, at_once },
            Deed::Resume if one.cancel_at.is_none() => {
                return Err(PaymentsError::WrongState(
                    "It is not going to end, so there is nothing to resume.",
                ));
            }
            Deed::KeepPlan if one.scheduled_change.is_none() => {
                return Err(PaymentsError::WrongState("No change waits, so there is nothing to take back."));
            }
            Deed::Resume => Command::ResumeSubscription { subscription },
            Deed::KeepPlan => Command::UnscheduleChange { subscription },
            Deed::Pause { until } => {
                let resumes_at_s = until.map(Timestamp::as_seconds);
                Command::PauseSubscription { subscription, paused: true, resumes_at_s }
            }
            Deed::Unpause => Command::PauseSubscription { subscription, paused: false, resumes_at_s: None },
        };
        self.carry_out_change(one, command, Some(entry)).await
    }

    /// Asks the provider, then looks how it stands, without waiting for an event.
    pub(crate) async fn carry_out_change(
        &self,
        one: Subscription,
        command: Command,
        entry: Option<Entry>,
    ) -> Result<Subscription, PaymentsError> {
        self.carry_out_wished(one, command, entry, None).await
    }

    /// Carries a change out; what somebody wished is looked at again in the transaction that writes it down, and holds from
    /// then: nobody takes a seat that it gives up.
    async fn carry_out_wished(
        &self,
        one: Subscription,
        command: Command,
        entry: Option<Entry>,
        wished: Option<Wished>,
    ) -> Result<Subscription, PaymentsError> {
        let provider = self.provider_named(&one.provider)?;
        let intent = self.intent(provider.as_ref(), format!("subscription:{}", one.remote_id), command);
        let entry = entry.map(|entry| entry.in_org_of(one.subject.org_id()).on(one.id));
        let (room, subject, own, now) = (self.clone(), one.subject, one.id, self.now());
        let id = self
            .db()
            .write("payments.subscriptions.change", move |tx| {
                let known = subscriptions::find(tx, subject, own)?;
                if let (Some(wished), Some(known)) = (&wished, &known) {
                    room.describe_change(tx, known, wished)?;
                }
                let id = Self::write_down(tx, &intent)?;
                room.entitled().refresh(tx, subject, now)?;
                if let Some(entry) = &entry {
                    quoin_audit::record(tx, entry)?;
                }
                Ok::<_, PaymentsError>(id)
            })
            .await?;
        self.carry_out(id).await?;
        self.look_again(&provider, &one).await
    }

    pub(crate) async fn look_again(
        &self,
        provider: &Arc<dyn Provider>,
        one: &Subscription,
    ) -> Result<Subscription, PaymentsError> {
        let object = ObjectRef::new(ObjectKind::Subscription, &one.remote_id);
        if let Err(error) = self.refresh(provider, &object, "change").await {
            // It is done; only how it stands is learnt a little later.
            tracing::warn!(%error, "a changed subscription is fetched later");
        }
        self.get_subscription(one.subject, one.id).await
    }

    /// Finds a subscription of the subject.
    pub async fn get_subscription(
        &self,
        subject: Subject,
        id: SubscriptionId,
    ) -> Result<Subscription, PaymentsError> {
        let found: Result<_, DbError> = self
            .db()
            .read("payments.subscriptions.get", move |tx| subscriptions::find(tx, subject, id))
            .await;
        found?.ok_or(PaymentsError::NoSuch("subscription"))
    }

    async fn plan_change(
        &self,
        subject: Subject,
        id: SubscriptionId,
        wished: Wished,
    ) -> Result<(Subscription, ChangeSubscription, Price), PaymentsError> {
        let room = self.clone();
        self.db()
            .write("payments.subscriptions.plan_change", move |tx| {
                let one =
                    subscriptions::find(tx, subject, id)?.ok_or(PaymentsError::NoSuch("subscription"))?;
                let (change, price) = room.describe_change(tx, &one, &wished)?;
                Ok((one, change, price))
            })
            .await
    }

    fn describe_change(
        &self,
        tx: &mut Tx<'_>,
        one: &Subscription,
        wished: &Wished,
    ) -> Result<(ChangeSubscription, Price), PaymentsError> {
        if !matches!(one.status, Status::Active | Status::Trialing | Status::PastDue) {
            return Err(PaymentsError::WrongState("Only a running subscription can be changed."));
        }
        refuse_granted(tx, one)?;
        let (plan, price, version) = target(tx, one, wished)?;
        let quantity = wished.quantity.unwrap_or(one.quantity);
        if !(1..=1_000_000).contains(&quantity) {
            return Err(PaymentsError::Unusable { field: "quantity", problem: "must be 1 or more".into() });
        }
        self.refuse_what_is_used(tx, one, &plan, (version, &price), quantity)?;
        let terms = price_rise::terms(tx, one, wished, (&price, quantity))?;
        let customer = customers::find(tx, one.subject, &one.provider)?.ok_or(PaymentsError::NoCustomer)?;
        let item = one.remote_item.clone();
        let change = ChangeSubscription {
            subscription: one.remote_id.clone(),
            item: item.ok_or(PaymentsError::WrongState("It has nothing that could be changed."))?,
            customer,
            price: price.remote_id.clone().ok_or(PaymentsError::PlanNotPublished)?,
            metered_prices: metered_then(one, &plan, &price)?,
            quantity,
            plan_id: plan.id.to_string(),
            plan_version: version,
            prorate: terms.prorate,
            paid_first: terms.paid_first,
            ends_trial: terms.ends_trial,
        };
        Ok((change, price))
    }

    /// Refuses a plan that allows less than is used, where it says so.
    pub(crate) fn refuse_what_is_used(
        &self,
        tx: &mut Tx<'_>,
        one: &Subscription,
        plan: &Plan,
        (version, price): (i64, &Price),
        quantity: i64,
    ) -> Result<(), PaymentsError> {
        let bought = (plan.id.clone(), version);
        let Some((given, rules)) = plans_global::find_version(tx, &bought)? else { return Ok(()) };
        if rules.downgrade == DowngradeRule::Allow {
            return Ok(());
        }
        let none_of = unnamed(tx, one, &bought)?;
        for row in self.entitled().list(tx, one.subject, self.now())? {
            let limit = given.get(&row.name).and_then(crate::model::Entitlement::limit);
            let mut allowed =
                if none_of.contains(&row.name) { Some(0) } else { limit.and_then(|limit| limit.limit) };
            if row.name == SEATS && price.per_seat {
                allowed = Some(allowed.map_or(quantity, |allowed| allowed.min(quantity)));
            }
            if let Some(limit) = allowed.filter(|allowed| row.per.is_none() && row.used > *allowed) {
                return Err(PaymentsError::UsesMore { meter: row.name, limit, used: row.used });
            }
        }
        // A price per seat binds also where no plan names seats.
        if let Subject::Org(org_id) = one.subject
            && price.per_seat
        {
            let members = quoin_tenancy::count_members(tx, org_id)?;
            if members > quantity {
                return Err(PaymentsError::UsesMore { meter: SEATS.into(), limit: quantity, used: members });
            }
        }
        Ok(())
    }
}

/// Refuses to make something else of what an administrator gave: its end would be forgotten, and nobody pays for its seats.
fn refuse_granted(tx: &mut Tx<'_>, one: &Subscription) -> Result<(), PaymentsError> {
    let is_grant = one.provider == "manual" && Manual::is_grant(tx, &one.remote_id)?;
    if is_grant { Err(PaymentsError::Granted) } else { Ok(()) }
}

/// Names what is metered after a change to a price. Whoever stays on a price keeps also the metered prices that were sold
/// with it.
fn metered_then(
    one: &Subscription,
    plan: &Plan,
    price: &Price,
) -> Result<Option<Vec<String>>, PaymentsError> {
    if one.price_id == Some(price.id) {
        return Ok(None);
    }
    let metered = plan.metered_beside(price).map(|other| other.remote_id.clone()).collect::<Option<_>>();
    metered.map(Some).ok_or(PaymentsError::PlanNotPublished)
}

/// Describes a change that waits for the end of the period, where that is a moment at which something can change.
fn schedule(
    one: &Subscription,
    change: ChangeSubscription,
    price: &Price,
) -> Result<ScheduleChange, PaymentsError> {
    if one.cancel_at.is_some() {
        return Err(PaymentsError::WrongState("It is going to end; resume it first, or change it now."));
    }
    let same = one.price_id == Some(price.id) && one.quantity == change.quantity;
    if same && one.scheduled_change.is_none() {
        return Err(PaymentsError::WrongState("It is like that already."));
    }
    let interval = price.interval.filter(|_| one.current_period_end.is_some());
    let interval = interval.ok_or(PaymentsError::WrongState("It has no period that could end."))?;
    Ok(ScheduleChange { change, quantity_now: one.quantity, interval, interval_count: price.interval_count })
}

/// Finds plan, price and version of a change. Whoever stays on a plan keeps the version that was bought.
fn target(tx: &mut Tx<'_>, one: &Subscription, wished: &Wished) -> Result<(Plan, Price, i64), PaymentsError> {
    let present = one.plan.clone();
    let id = wished.plan.clone().or_else(|| present.as_ref().map(|(plan, _)| plan.clone()));
    let plan =
        plans_global::find(tx, &id.ok_or(PaymentsError::NoSuchPlan)?)?.ok_or(PaymentsError::NoSuchPlan)?;
    let stays = present.filter(|(id, _)| *id == plan.id);
    if stays.is_none() && !plan.active {
        return Err(PaymentsError::NoSuchPlan);
    }
    let version = stays.as_ref().map_or(plan.version, |(_, version)| *version);
    let held = plan.prices.iter().find(|price| Some(price.id) == one.price_id);
    let interval = wished.interval.or_else(|| interval_of(tx, one).ok().flatten());
    let price = match held {
        Some(held)
            if stays.is_some() && wished.interval.is_none_or(|wanted| held.interval == Some(wanted)) =>
        {
            held.clone()
        }
        _ => on_offer(&plan, interval, one.currency)?,
    };
    Ok((plan, price, version))
}

fn interval_of(tx: &mut Tx<'_>, one: &Subscription) -> Result<Option<Interval>, PaymentsError> {
    Ok(price_rise::held(tx, one)?.and_then(|price| price.interval))
}

fn on_offer(plan: &Plan, interval: Option<Interval>, currency: Currency) -> Result<Price, PaymentsError> {
    let price = plan.price_for(interval, Some(currency)).filter(|price| price.interval.is_some());
    price.cloned().ok_or(PaymentsError::NoSuchPrice)
}
