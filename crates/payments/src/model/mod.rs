//! The nouns and their rules: money, plans and what they give, subscriptions, invoices, what is asked of a provider and what it says.

pub mod command;
pub mod credit_note;
pub mod dunning;
pub mod entitlement;
pub mod explanation;
pub mod invoice;
pub mod money;
pub mod news;
pub mod plan;
pub mod plan_file;
pub mod plan_id;
pub mod remote;
pub mod standing;
pub mod subscription;
pub mod use_of;

pub use command::{Command, Outcome};
pub use entitlement::{Entitlement, Entitlements, Limit, Mode, Per};
pub use invoice::{Invoice, InvoiceLine};
pub use money::{Currency, Money};
pub use news::{Announcement, ObjectKind, ObjectRef};
pub use plan::{Interval, NewPlan, NewPrice, Plan, PlanRules, PlanSource, Price, PriceId};
pub use plan_id::PlanId;
pub use subscription::{Access, Held, ScheduledChange, Status, Subscription, SubscriptionId};

#[cfg(test)]
mod tests;
