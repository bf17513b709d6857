//! What goes out: fields by list, never a model as it is.

use quoin_kernel::Timestamp;
use serde::Serialize;

use crate::model::entitlement::Entitlements;
use crate::model::invoice::{InvoiceId, InvoiceLine};
use crate::model::remote::RemoteInvoice;
use crate::model::{
    Access, Currency, Interval, Invoice, Plan, PlanId, PlanRules, PlanSource, Price, PriceId,
    ScheduledChange, Status, Subscription, SubscriptionId,
};
use crate::port::Preview;

/// A price of a plan.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(super) struct PriceOut {
    /// The price.
    id: PriceId,
    /// How often it is due; null for one that is due once, which somebody made at the provider: it is not for sale.
    interval: Option<Interval>,
    /// Whether it can be bought.
    for_sale: bool,
    /// Every how many of them.
    interval_count: u32,
    /// Minor units.
    amount: i64,
    /// The currency.
    currency: Currency,
    /// Days before the first payment.
    trial_days: u32,
    /// Whether it is due for each seat.
    per_seat: bool,
    /// The meter whose use it prices.
    meter: Option<String>,
}

/// A plan.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(super) struct PlanOut {
    /// Its name in URLs and code.
    id: PlanId,
    /// Grows with what it gives.
    version: i64,
    /// Its name for people.
    name: String,
    /// What it is.
    description: Option<String>,
    /// The prices on sale, and those that are due once.
    prices: Vec<PriceOut>,
    /// What it gives: scalars, and limits `{limit, mode, per}`.
    #[schemars(with = "std::collections::BTreeMap<String, serde_json::Value>")]
    entitlements: Entitlements,
    /// How it behaves at its edges: `{seats, downgrade, several}`.
    #[schemars(with = "serde_json::Value")]
    rules: PlanRules,
    /// Whether it is sold.
    active: bool,
    /// Who made it.
    source: PlanSource,
    /// Whether the provider knows all of it.
    published: bool,
    /// When it was made.
    created_at: Timestamp,
    /// When it last changed.
    updated_at: Timestamp,
}

impl From<&Price> for PriceOut {
    fn from(price: &Price) -> Self {
        Self {
            id: price.id,
            interval: price.interval,
            for_sale: price.active,
            interval_count: price.interval_count,
            amount: price.amount,
            currency: price.currency,
            trial_days: price.trial_days,
            per_seat: price.per_seat,
            meter: price.meter.clone(),
        }
    }
}

impl From<Plan> for PlanOut {
    fn from(plan: Plan) -> Self {
        let shown = plan.prices.iter().filter(|price| price.active || price.interval.is_none());
        Self {
            prices: shown.map(PriceOut::from).collect(),
            id: plan.id,
            version: plan.version,
            name: plan.name,
            description: plan.description,
            entitlements: plan.entitlements,
            rules: plan.rules,
            active: plan.active,
            source: plan.source,
            published: plan.published_at.is_some(),
            created_at: plan.created_at,
            updated_at: plan.updated_at,
        }
    }
}

/// A subscription.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(super) struct SubscriptionOut {
    /// Its id.
    id: SubscriptionId,
    /// The plan; null where the price is none of ours.
    plan: Option<PlanId>,
    /// The version of the plan that was bought.
    plan_version: Option<i64>,
    /// The price.
    price_id: Option<PriceId>,
    /// Where it stands, as the provider says.
    status: Status,
    /// What it opens.
    access: Access,
    /// Why it opens nothing although the provider calls it active.
    mismatch: Option<String>,
    /// Seats, or 1.
    quantity: i64,
    /// Minor units per seat and interval.
    amount: i64,
    /// The currency.
    currency: Currency,
    /// The present period's begin.
    current_period_start: Option<Timestamp>,
    /// The present period's end.
    current_period_end: Option<Timestamp>,
    /// When the trial ends.
    trial_end: Option<Timestamp>,
    /// When it will end.
    cancel_at: Option<Timestamp>,
    /// When somebody wished it to end.
    canceled_at: Option<Timestamp>,
    /// When it ended.
    ended_at: Option<Timestamp>,
    /// Whether collecting money is paused.
    paused: bool,
    /// When collecting goes on by itself.
    resumes_at: Option<Timestamp>,
    /// What it becomes when the period ends; null where no change waits.
    scheduled_change: Option<ScheduledChange>,
    /// Whether a payment is disputed.
    disputed: bool,
    /// Whether what was paid for the present period went back, all of it.
    refunded: bool,
    /// Since when a payment is missing.
    past_due_since: Option<Timestamp>,
    /// How many reminders of that were sent.
    reminders: i64,
    /// The coupon in force.
    discount: Option<String>,
    /// Who makes the subject pay.
    provider: String,
    /// When it began.
    started_at: Timestamp,
    /// When it last changed here.
    updated_at: Timestamp,
}

impl From<Subscription> for SubscriptionOut {
    fn from(one: Subscription) -> Self {
        let (plan, plan_version) = one.plan.unzip();
        Self {
            id: one.id,
            plan,
            plan_version,
            price_id: one.price_id,
            status: one.status,
            access: one.access,
            mismatch: one.mismatch,
            quantity: one.quantity,
            amount: one.amount,
            currency: one.currency,
            current_period_start: one.current_period_start,
            current_period_end: one.current_period_end,
            trial_end: one.trial_end,
            cancel_at: one.cancel_at,
            canceled_at: one.canceled_at,
            ended_at: one.ended_at,
            paused: one.paused,
            resumes_at: one.resumes_at,
            scheduled_change: one.scheduled_change,
            disputed: one.disputed,
            refunded: one.refunded,
            past_due_since: one.past_due_since,
            reminders: one.reminders,
            discount: one.discount,
            provider: one.provider,
            started_at: one.started_at,
            updated_at: one.updated_at,
        }
    }
}

/// An invoice.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(super) struct InvoiceOut {
    /// Its id.
    id: InvoiceId,
    /// Its number for people.
    number: Option<String>,
    /// `open`, `paid`, `uncollectible` or `void`.
    status: String,
    /// The currency.
    currency: Currency,
    /// Minor units before discounts.
    subtotal: i64,
    /// Minor units.
    total: i64,
    /// What was paid.
    amount_paid: i64,
    /// What was given back.
    amount_refunded: i64,
    /// What credit notes took off.
    amount_credited: i64,
    /// What is missing.
    amount_remaining: i64,
    /// What it is made of.
    lines: Vec<InvoiceLine>,
    /// When it was issued.
    issued_at: Timestamp,
    /// When it is due.
    due_at: Option<Timestamp>,
    /// When it was paid.
    paid_at: Option<Timestamp>,
    /// When the provider tries again.
    next_attempt_at: Option<Timestamp>,
    /// What does not add up, if anything.
    mismatch: Option<String>,
}

impl From<Invoice> for InvoiceOut {
    fn from(one: Invoice) -> Self {
        Self {
            id: one.id,
            number: one.number,
            status: one.status,
            currency: one.currency,
            subtotal: one.subtotal,
            total: one.total,
            amount_paid: one.amount_paid,
            amount_refunded: one.amount_refunded,
            amount_credited: one.amount_credited,
            amount_remaining: one.amount_remaining,
            lines: one.lines,
            issued_at: one.issued_at,
            due_at: one.due_at,
            paid_at: one.paid_at,
            next_attempt_at: one.next_attempt_at,
            mismatch: one.mismatch,
        }
    }
}

/// What an invoice would be.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(super) struct PreviewOut {
    /// The currency.
    currency: Currency,
    /// What it comes to, minor units.
    total: i64,
    /// What of it is due.
    amount_due: i64,
    /// What it is made of.
    lines: Vec<InvoiceLine>,
}

impl From<Preview> for PreviewOut {
    fn from(preview: Preview) -> Self {
        let Preview { currency, total, amount_due, lines } = preview;
        Self { currency, total, amount_due, lines }
    }
}

impl From<RemoteInvoice> for PreviewOut {
    fn from(invoice: RemoteInvoice) -> Self {
        let RemoteInvoice { currency, total, amount_remaining, lines, .. } = invoice;
        Self { currency, total, amount_due: amount_remaining, lines }
    }
}
