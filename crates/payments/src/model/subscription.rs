//! A subscription: what the provider says of it, and what that means here.

use quoin_kernel::billing::Subject;
use quoin_kernel::{Id, Timestamp};
use serde::{Deserialize, Serialize};

use super::money::Currency;
use super::{PlanId, PriceId};

/// The kind of thing that a [`SubscriptionId`] names.
#[derive(Debug)]
pub enum SubscriptionRow {}

/// Identifies a subscription here; the provider has an id of its own for it.
pub type SubscriptionId = Id<SubscriptionRow>;

/// Where a subscription stands, in the words that providers share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// The first payment has not succeeded yet.
    Incomplete,
    /// The first payment has not succeeded in time.
    IncompleteExpired,
    /// Before the first payment.
    Trialing,
    /// Paid.
    Active,
    /// The last payment has failed, another try follows.
    PastDue,
    /// The last payment has failed for good.
    Unpaid,
    /// Over.
    Canceled,
    /// A trial that ended without a way to pay.
    Paused,
}

impl Status {
    const ALL: [Self; 8] = [
        Self::Incomplete,
        Self::IncompleteExpired,
        Self::Trialing,
        Self::Active,
        Self::PastDue,
        Self::Unpaid,
        Self::Canceled,
        Self::Paused,
    ];

    /// Returns the name that rows and JSON carry.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Incomplete => "incomplete",
            Self::IncompleteExpired => "incomplete_expired",
            Self::Trialing => "trialing",
            Self::Active => "active",
            Self::PastDue => "past_due",
            Self::Unpaid => "unpaid",
            Self::Canceled => "canceled",
            Self::Paused => "paused",
        }
    }

    /// Reads the name back.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == name)
    }

    /// Tells whether it is over for good.
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Canceled | Self::IncompleteExpired)
    }
}

/// What a subscription opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    /// Everything the plan gives.
    Full,
    /// Everything, for some days: a payment has failed.
    Grace,
    /// What those have who do not pay, until a payment succeeds.
    Restricted,
    /// Nothing.
    None,
}

impl Access {
    /// Returns the name that rows and JSON carry.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Grace => "grace",
            Self::Restricted => "restricted",
            Self::None => "none",
        }
    }

    /// Reads the name back.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Full, Self::Grace, Self::Restricted, Self::None].into_iter().find(|one| one.as_str() == name)
    }

    /// Tells whether the plan is in force.
    pub const fn gives_plan(self) -> bool {
        matches!(self, Self::Full | Self::Grace)
    }
}

/// A change that waits for its moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ScheduledChange {
    /// When it happens.
    pub at: Timestamp,
    /// The plan then; null where the price is none of ours.
    pub plan: Option<PlanId>,
    /// The version of the plan.
    pub plan_version: Option<i64>,
    /// The price then.
    pub price_id: Option<PriceId>,
    /// How many then.
    pub quantity: i64,
}

/// What a subscription is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// The plan.
    pub plan: PlanId,
    /// The version of it that was bought.
    pub plan_version: i64,
    /// The price.
    pub price_id: Option<PriceId>,
    /// Seats, or 1.
    pub quantity: i64,
}

/// A subscription as it stands here.
#[derive(Debug, Clone, PartialEq)]
pub struct Subscription {
    /// Its id here.
    pub id: SubscriptionId,
    /// Who is billed.
    pub subject: Subject,
    /// Which provider keeps it.
    pub provider: String,
    /// Its id there.
    pub remote_id: String,
    /// The id of its line there, by which plan and seats change.
    pub remote_item: Option<String>,
    /// The plan and the version that was bought; `None` where its price is none of ours.
    pub plan: Option<(PlanId, i64)>,
    /// The price.
    pub price_id: Option<PriceId>,
    /// Where it stands.
    pub status: Status,
    /// Seats, or 1.
    pub quantity: i64,
    /// Minor units per seat and interval.
    pub amount: i64,
    /// The currency.
    pub currency: Currency,
    /// The present period's begin.
    pub current_period_start: Option<Timestamp>,
    /// The present period's end.
    pub current_period_end: Option<Timestamp>,
    /// When the trial ends or ended.
    pub trial_end: Option<Timestamp>,
    /// When it will end.
    pub cancel_at: Option<Timestamp>,
    /// When somebody wished it to end.
    pub canceled_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// Whether collecting money is paused.
    pub paused: bool,
    /// When collecting goes on by itself.
    pub resumes_at: Option<Timestamp>,
    /// What it becomes when the period ends.
    pub scheduled_change: Option<ScheduledChange>,
    /// What was paid for last, where it is for something else by now.
    pub paid_last: Option<Held>,
    /// The coupon in force.
    pub discount: Option<String>,
    /// Whether a payment of it is disputed.
    pub disputed: bool,
    /// Whether what was paid for the present period went back, all of it.
    pub refunded: bool,
    /// Since when a payment is missing.
    pub past_due_since: Option<Timestamp>,
    /// What it opens.
    pub access: Access,
    /// Why it opens nothing although the provider calls it active: what does not match.
    pub mismatch: Option<String>,
    /// How many reminders of a missing payment were sent.
    pub reminders: i64,
    /// When they were sent.
    pub reminded_at: Vec<Timestamp>,
    /// When it began, as the provider says.
    pub started_at: Timestamp,
    /// When it was first seen here.
    pub created_at: Timestamp,
    /// When it last changed here.
    pub updated_at: Timestamp,
}

impl Subscription {
    /// Tells whether it stands in the way of another one: anything that is not over.
    pub const fn is_live(&self) -> bool {
        !self.status.is_over()
    }

    /// Returns what it is for, where that is a plan of ours.
    pub fn sold(&self) -> Option<Held> {
        let (plan, plan_version) = self.plan.clone()?;
        Some(Held { plan, plan_version, price_id: self.price_id, quantity: self.quantity })
    }

    /// Returns what it gives while its plan is in force: in grace, what was paid for last.
    pub fn given(&self) -> Option<Held> {
        let last = self.paid_last.clone().filter(|_| self.access == Access::Grace);
        last.or_else(|| self.sold())
    }

    /// Tells whether it goes on by itself.
    pub const fn renews(&self) -> bool {
        self.is_live() && self.cancel_at.is_none() && !self.paused
    }
}

/// What decides about access.
#[derive(Debug, Clone, Copy)]
pub struct AccessFacts {
    /// Where it stands.
    pub status: Status,
    /// Whether something does not match what we sold.
    pub mismatched: bool,
    /// Whether collecting is paused.
    pub paused: bool,
    /// Whether a payment is disputed or went back, and the rule for that restricts.
    pub restricted_by_rule: bool,
    /// Since when a payment is missing.
    pub past_due_since: Option<Timestamp>,
    /// How long a missing payment changes nothing.
    pub grace: std::time::Duration,
}

impl AccessFacts {
    /// Says what a subscription with these facts opens now.
    pub fn decide(&self, now: Timestamp) -> Access {
        if self.mismatched {
            return Access::None;
        }
        match self.status {
            // First of all: a payment that fails besides gives nobody back what was restricted.
            Status::Trialing | Status::Active | Status::PastDue if self.paused || self.restricted_by_rule => {
                Access::Restricted
            }
            Status::Trialing | Status::Active => Access::Full,
            Status::PastDue => match self.past_due_since {
                Some(since) if now >= since + self.grace => Access::Restricted,
                _ => Access::Grace,
            },
            Status::Unpaid | Status::Paused => Access::Restricted,
            Status::Incomplete | Status::IncompleteExpired | Status::Canceled => Access::None,
        }
    }
}
