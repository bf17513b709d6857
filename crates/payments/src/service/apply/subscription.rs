//! A subscription: whose it is, which plan it is for, and what it opens.

use quoin_audit::{Actor, Entry};
use quoin_db::Tx;
use quoin_kernel::billing::Subject;
use quoin_kernel::event::Event;
use quoin_kernel::{EventId, Timestamp};
use serde_json::{Value, json};

use super::Applied;
use super::dispute::is_disputed;
use super::paid_last::paid_last;
use super::refund::is_refunded;
use crate::config::Consequence;
use crate::error::PaymentsError;
use crate::model::explanation::changes;
use crate::model::remote::{RemoteItem, RemoteSubscription};
use crate::model::subscription::AccessFacts;
use crate::model::{
    Access, ObjectKind, ObjectRef, PlanId, Price, ScheduledChange, Status, Subscription, SubscriptionId,
};
use crate::port::Provider;
use crate::service::carry_out::read_subject;
use crate::store::{
    checkouts, customers, invoices_global, plans_global, prices_global, subscriptions, subscriptions_global,
};
use crate::{Entitled, Payments, jobs};

/// What is known of a subscription before the answer is read.
struct Known<'a> {
    /// Whose it is.
    subject: Subject,
    /// Whose customer the answer names.
    owner: Option<Subject>,
    /// The row.
    before: Option<&'a Subscription>,
}

impl Payments {
    pub(super) fn apply_subscription(
        &self,
        tx: &mut Tx<'_>,
        provider: &dyn Provider,
        remote: &RemoteSubscription,
        now: Timestamp,
    ) -> Result<Applied, PaymentsError> {
        let before = subscriptions_global::find_by_remote(tx, provider.name(), &remote.id)?;
        let owner = customers::find_owner(tx, provider.name(), &remote.customer)?;
        let subject = match (&before, owner) {
            (Some(before), _) => before.subject,
            // Nothing begins for somebody who was erased.
            (None, Some(owner)) if remote.live == provider.is_live() && !owner.is_erased => owner.subject,
            (None, _) => return Ok(Applied::foreign()),
        };
        let owner = owner.map(|owner| owner.subject);
        let after =
            self.understand(tx, provider, remote, &Known { subject, owner, before: before.as_ref() }, now)?;
        self.hear_of_invoice(tx, provider, remote, now)?;
        self.hear_of_checkout(tx, provider, (subject, remote), now)?;
        if before.as_ref().is_some_and(|before| went_on_unpaid(before, remote)) {
            jobs::schedule_resumption(self, tx, (provider.name(), &remote.id), now)?;
        }
        self.write_subscription(tx, before.as_ref(), &after, now)
    }

    /// Asks for the invoice that the provider made last, where that is not known here as it stands there: so an invoice
    /// whose event never came is found with its subscription.
    fn hear_of_invoice(
        &self,
        tx: &mut Tx<'_>,
        provider: &dyn Provider,
        remote: &RemoteSubscription,
        now: Timestamp,
    ) -> Result<(), PaymentsError> {
        let Some(latest) = &remote.latest_invoice else { return Ok(()) };
        let known = invoices_global::find_by_remote(tx, provider.name(), &latest.id)?;
        if known.is_some_and(|known| known.status == latest.status) {
            return Ok(());
        }
        let object = ObjectRef::new(ObjectKind::Invoice, &latest.id);
        Ok(jobs::hear(self.app().rng(), tx, provider.name(), (&object, "subscription"), now)?)
    }

    /// Asks for an order that is open still, where what it sold does not wait for its money any more: nobody announces that.
    fn hear_of_checkout(
        &self,
        tx: &mut Tx<'_>,
        provider: &dyn Provider,
        (subject, remote): (Subject, &RemoteSubscription),
        now: Timestamp,
    ) -> Result<(), PaymentsError> {
        let Some(noted) = remote.metadata.get("quoin_checkout") else { return Ok(()) };
        if remote.status == Status::Incomplete || provider.name() != self.manual().name() {
            return Ok(());
        }
        let open = checkouts::find_open(tx, subject)?.filter(|open| open.id.to_string() == *noted);
        if let Some(session) = open.and_then(|open| open.remote_id) {
            let object = ObjectRef::new(ObjectKind::Checkout, session);
            jobs::hear(self.app().rng(), tx, provider.name(), (&object, "subscription"), now)?;
        }
        Ok(())
    }

    /// Turns an answer into a row. What does not match what we sold opens nothing, and says why.
    fn understand(
        &self,
        tx: &mut Tx<'_>,
        provider: &dyn Provider,
        remote: &RemoteSubscription,
        known: &Known<'_>,
        now: Timestamp,
    ) -> Result<Subscription, PaymentsError> {
        let Known { subject, owner, before } = *known;
        let item = remote.items.iter().find(|item| !item.metered).or(remote.items.first());
        let sold = match item {
            Some(item) => prices_global::find_by_remote(tx, &item.price)?,
            None => None,
        };
        let plan = match (&sold, item) {
            (Some((plan, _)), Some(item)) => version_bought(tx, plan, item, remote)?,
            _ => None,
        };
        let mismatch = mismatch(provider, remote, (subject, owner), item, sold.as_ref());
        let past_due_since = owed_since(before, remote);
        let same_debt = before.is_some_and(|before| before.past_due_since == past_due_since);
        let id = before.map_or_else(|| SubscriptionId::new(now, self.app().rng()), |before| before.id);
        let mut one = Subscription {
            id,
            subject,
            provider: provider.name().to_owned(),
            remote_id: remote.id.clone(),
            remote_item: item.map(|item| item.id.clone()),
            plan,
            price_id: sold.as_ref().map(|(_, price)| price.id),
            status: remote.status,
            quantity: item.map_or(0, |item| item.quantity),
            amount: item.map_or(0, |item| item.amount),
            currency: currency(item, before)?,
            current_period_start: item.and_then(|item| item.period_start),
            current_period_end: item.and_then(|item| item.period_end),
            trial_end: remote.trial_end,
            cancel_at: remote.cancel_at,
            canceled_at: remote.canceled_at,
            ended_at: remote.ended_at,
            paused: remote.paused,
            resumes_at: remote.resumes_at,
            scheduled_change: scheduled(tx, remote)?,
            paid_last: None,
            discount: remote.discount.clone(),
            disputed: is_disputed(tx, subject, (provider.name(), &remote.id))?,
            refunded: is_refunded(tx, subject, provider.name(), &remote.id)?,
            past_due_since,
            access: Access::None,
            mismatch,
            reminders: before.filter(|_| same_debt).map_or(0, |before| before.reminders),
            reminded_at: before.filter(|_| same_debt).map(|one| one.reminded_at.clone()).unwrap_or_default(),
            started_at: remote.started_at,
            created_at: before.map_or(now, |before| before.created_at),
            updated_at: now,
        };
        one.paid_last = paid_last(before, remote, one.sold().as_ref());
        one.access = decide(self, &one, now);
        Ok(one)
    }

    /// Writes the row where it differs, and what follows from it.
    pub(crate) fn write_subscription(
        &self,
        tx: &mut Tx<'_>,
        before: Option<&Subscription>,
        after: &Subscription,
        now: Timestamp,
    ) -> Result<Applied, PaymentsError> {
        let changes = changes(before.map(describe).as_ref(), &describe(after));
        if changes.is_empty() && before.is_some() {
            return Ok(Applied::with(changes));
        }
        subscriptions::upsert(tx, after)?;
        if before.is_none_or(|before| before.plan != after.plan || before.is_live() != after.is_live()) {
            Entitled::holders_changed(tx);
        }
        self.entitled().refresh(tx, after.subject, now)?;
        let (was, is) = (before.map_or(Access::None, |before| before.access), after.access);
        if was != is {
            self.tell(tx, after, was, now)?;
        }
        Ok(Applied::with(changes))
    }

    /// Writes a change of access into the audit trail, and publishes it to other rooms.
    fn tell(
        &self,
        tx: &mut Tx<'_>,
        one: &Subscription,
        was: Access,
        now: Timestamp,
    ) -> Result<(), PaymentsError> {
        let detail = json!({"subscription": one.id, "plan": one.plan.as_ref().map(|(plan, _)| plan), "from": was,
            "to": one.access, "subject": one.subject.to_string()});
        let entry = Entry::new(self.app().rng(), now, Actor::System("payments"), "payments.access.changed");
        quoin_audit::record(
            tx,
            &entry.in_org_of(one.subject.org_id()).on(one.subject.uuid()).detail(detail.clone()),
        )?;
        let name = match (was.gives_plan(), one.access.gives_plan()) {
            (false, true) => "payments.subscription.activated",
            (true, false) => "payments.subscription.deactivated",
            _ => "payments.subscription.changed",
        };
        let event = Event { name, org_id: one.subject.org_id(), payload: detail };
        Ok(quoin_jobs::publish(tx, EventId::new(now, self.app().rng()), now, &event)?)
    }

    /// Writes that the provider knows nothing of an object.
    pub(super) fn apply_absence(
        &self,
        tx: &mut Tx<'_>,
        provider: &dyn Provider,
        object: &ObjectRef,
        now: Timestamp,
    ) -> Result<Applied, PaymentsError> {
        match object.kind {
            ObjectKind::Subscription => {
                let Some(before) = subscriptions_global::find_by_remote(tx, provider.name(), &object.id)?
                else {
                    return Ok(Applied::missing());
                };
                let after = Subscription {
                    status: Status::Canceled,
                    access: Access::None,
                    past_due_since: None,
                    scheduled_change: None,
                    paid_last: None,
                    mismatch: Some("the provider does not know it any more".to_owned()),
                    updated_at: now,
                    ..before.clone()
                };
                self.write_subscription(tx, Some(&before), &after, now)
            }
            ObjectKind::Customer => Self::apply_lost_customer(tx, provider, &object.id, now),
            ObjectKind::Product => Self::apply_lost_product(tx, &object.id, now),
            _ => Ok(Applied::missing()),
        }
    }
}

/// Decides anew what a subscription opens: time has passed, or a dispute has come or gone.
pub(crate) fn recompute_access(payments: &Payments, one: &Subscription, now: Timestamp) -> Access {
    decide(payments, one, now)
}

fn decide(payments: &Payments, one: &Subscription, now: Timestamp) -> Access {
    let config = payments.config();
    let facts = AccessFacts {
        status: one.status,
        mismatched: one.mismatch.is_some(),
        paused: one.paused,
        restricted_by_rule: (one.disputed && config.on_dispute == Consequence::Restrict)
            || (one.refunded && config.on_refund == Consequence::Restrict),
        past_due_since: one.past_due_since,
        grace: config.grace(),
    };
    facts.decide(now)
}

/// Says since when a payment is missing. While one stays missing a further invoice begins no further grace.
fn owed_since(before: Option<&Subscription>, remote: &RemoteSubscription) -> Option<Timestamp> {
    let latest = remote.unpaid_since?;
    let owes = |one: &&Subscription| matches!(one.status, Status::PastDue | Status::Unpaid);
    let earlier = before.filter(owes).and_then(|before| before.past_due_since);
    Some(earlier.map_or(latest, |earlier| earlier.min(latest)))
}

/// Tells whether a pause has ended at the provider, and the invoice made last was never collected.
fn went_on_unpaid(before: &Subscription, remote: &RemoteSubscription) -> bool {
    let given_up = |status: &str| matches!(status, "void" | "uncollectible" | "draft");
    before.paused
        && !remote.paused
        && !remote.status.is_over()
        && remote.latest_invoice.as_ref().is_some_and(|latest| given_up(&latest.status))
}

/// Finds which version of a plan was bought: what we wrote into the subscription, else what was sold at its time.
fn version_bought(
    tx: &mut Tx<'_>,
    plan: &PlanId,
    item: &RemoteItem,
    remote: &RemoteSubscription,
) -> Result<Option<(PlanId, i64)>, PaymentsError> {
    let noted = remote.metadata.get("quoin_plan").filter(|noted| *noted == plan.as_str());
    let noted = noted.and_then(|_| remote.metadata.get("quoin_plan_version")?.parse::<i64>().ok());
    if let Some(version) = noted {
        let bought = (plan.clone(), version);
        if plans_global::find_version(tx, &bought)?.is_some() {
            return Ok(Some(bought));
        }
    }
    let version = plans_global::version_at(tx, plan, item.created_at)?;
    Ok(version.map(|version| (plan.clone(), version)))
}

/// Says in our words what waits for the end of the period.
fn scheduled(tx: &mut Tx<'_>, remote: &RemoteSubscription) -> Result<Option<ScheduledChange>, PaymentsError> {
    let Some(waiting) = remote.waiting.as_ref().filter(|_| !remote.status.is_over()) else {
        return Ok(None);
    };
    let sold = prices_global::find_by_remote(tx, &waiting.price)?;
    let plan = sold.as_ref().map(|(plan, _)| plan.clone());
    let noted = waiting.metadata.get("quoin_plan_version").and_then(|version| version.parse().ok());
    let version = match (&plan, noted) {
        (Some(_), Some(noted)) => Some(noted),
        (Some(plan), None) => plans_global::version_at(tx, plan, waiting.at)?,
        (None, _) => None,
    };
    let price_id = sold.map(|(_, price)| price.id);
    let quantity = waiting.quantity;
    Ok(Some(ScheduledChange { at: waiting.at, plan, plan_version: version, price_id, quantity }))
}

/// Names what does not match what we asked for.
fn mismatch(
    provider: &dyn Provider,
    remote: &RemoteSubscription,
    (subject, owner): (Subject, Option<Subject>),
    item: Option<&RemoteItem>,
    sold: Option<&(PlanId, Price)>,
) -> Option<String> {
    let said = |text: &str| Some(text.to_owned());
    if remote.live != provider.is_live() {
        return said("livemode");
    }
    if owner != Some(subject) {
        return said("customer");
    }
    let noted = remote.metadata.get("quoin_subject").map(|noted| read_subject(noted).ok());
    if noted.is_some_and(|noted| noted != Some(subject)) {
        return said("subject");
    }
    let (Some(item), Some((_, price))) = (item, sold) else { return said("price") };
    match () {
        () if item.currency != price.currency => said("currency"),
        () if item.amount != price.amount => said("amount"),
        () if item.quantity < 1 && !item.metered => said("quantity"),
        () => None,
    }
}

fn currency(
    item: Option<&RemoteItem>,
    before: Option<&Subscription>,
) -> Result<crate::model::Currency, PaymentsError> {
    let found = item.map(|item| item.currency).or(before.map(|before| before.currency));
    found.map_or_else(|| "usd".parse().map_err(|_| PaymentsError::NoSuch("currency")), Ok)
}

/// Writes the fields that come from the provider, for comparison and explanation.
fn describe(one: &Subscription) -> Value {
    json!({
        "status": one.status,
        "plan": one.plan.as_ref().map(|(plan, _)| plan),
        "plan_version": one.plan.as_ref().map(|(_, version)| version),
        "price_id": one.price_id,
        "item": one.remote_item,
        "quantity": one.quantity,
        "amount": one.amount,
        "currency": one.currency,
        "current_period_start": one.current_period_start,
        "current_period_end": one.current_period_end,
        "trial_end": one.trial_end,
        "cancel_at": one.cancel_at,
        "canceled_at": one.canceled_at,
        "ended_at": one.ended_at,
        "paused": one.paused,
        "resumes_at": one.resumes_at,
        "scheduled_change": one.scheduled_change,
        "discount": one.discount,
        "paid_last": one.paid_last,
        "disputed": one.disputed,
        "refunded": one.refunded,
        "past_due_since": one.past_due_since,
        "access": one.access,
        "mismatch": one.mismatch,
        "started_at": one.started_at,
    })
}
