//! What a provider says of its objects when asked, in our words. Nothing here is believed before it is checked.

use std::collections::BTreeMap;

use quoin_kernel::Timestamp;
use serde::{Deserialize, Serialize};

use super::invoice::InvoiceLine;
use super::money::Currency;
use super::plan::Interval;
use super::subscription::Status;

/// Words that we attached to an object when we made it.
pub type Metadata = BTreeMap<String, String>;

/// An object as it stands at the provider.
#[derive(Debug, Clone, PartialEq)]
pub enum Remote {
    /// A product with its prices.
    Product(RemoteProduct),
    /// A price; says which product to ask for.
    Price {
        /// The product it belongs to.
        product: String,
    },
    /// A checkout session.
    Checkout(RemoteCheckout),
    /// A subscription.
    Subscription(RemoteSubscription),
    /// An invoice.
    Invoice(RemoteInvoice),
    /// A refund.
    Refund(RemoteRefund),
    /// A dispute.
    Dispute(RemoteDispute),
    /// A credit note.
    CreditNote(RemoteCreditNote),
    /// A customer; that it is there is all that matters.
    Customer,
}

/// A product with its prices.
#[derive(Debug, Clone, PartialEq)]
pub struct RemoteProduct {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What it is.
    pub description: Option<String>,
    /// Whether it is sold.
    pub active: bool,
    /// Whether it belongs to real money.
    pub live: bool,
    /// Our words.
    pub metadata: Metadata,
    /// Its prices, as far as they are of a kind that we can sell.
    pub prices: Vec<RemotePrice>,
}

/// A price.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemotePrice {
    /// Its id.
    pub id: String,
    /// How often it is due.
    pub interval: Option<Interval>,
    /// Every how many of them.
    pub interval_count: u32,
    /// Minor units.
    pub amount: i64,
    /// The currency.
    pub currency: Currency,
    /// Whether it is sold.
    pub active: bool,
    /// Whether it prices metered use.
    pub metered: bool,
    /// Days before the first payment.
    pub trial_days: u32,
    /// Our words.
    pub metadata: Metadata,
}

/// A checkout session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteCheckout {
    /// Its id.
    pub id: String,
    /// Where it stands.
    pub state: CheckoutState,
    /// The customer.
    pub customer: Option<String>,
    /// The subscription it made.
    pub subscription: Option<String>,
    /// What it came to before discounts, minor units.
    pub subtotal: Option<i64>,
    /// The currency.
    pub currency: Option<Currency>,
    /// Whether it belongs to real money.
    pub live: bool,
    /// Our words.
    pub metadata: Metadata,
}

/// Where a checkout stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckoutState {
    /// Somebody may still pay.
    Open,
    /// Somebody has been through it.
    Complete,
    /// Nobody can pay any more.
    Expired,
}

/// A subscription.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RemoteSubscription {
    /// Its id.
    pub id: String,
    /// The customer.
    pub customer: String,
    /// Where it stands.
    pub status: Status,
    /// What it is for.
    pub items: Vec<RemoteItem>,
    /// When it began.
    pub started_at: Timestamp,
    /// When the trial ends.
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
    #[serde(default)]
    pub resumes_at: Option<Timestamp>,
    /// The invoice made last.
    #[serde(default)]
    pub latest_invoice: Option<LatestInvoice>,
    /// What it becomes later, where that is planned.
    #[serde(default)]
    pub waiting: Option<RemoteChange>,
    /// The coupon in force.
    pub discount: Option<String>,
    /// Since when a payment is missing, where one is.
    pub unpaid_since: Option<Timestamp>,
    /// Whether it belongs to real money.
    pub live: bool,
    /// Our words.
    pub metadata: Metadata,
}

/// The invoice that was made last for a subscription.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LatestInvoice {
    /// Its id.
    pub id: String,
    /// Its status, as of when the subscription was read.
    pub status: String,
}

/// A change that waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemoteChange {
    /// The price then.
    pub price: String,
    /// How many.
    pub quantity: i64,
    /// When.
    pub at: Timestamp,
    /// Our words, which the subscription takes over then.
    pub metadata: Metadata,
}

/// What a subscription is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemoteItem {
    /// Its id.
    pub id: String,
    /// The price.
    pub price: String,
    /// The price's product.
    pub product: String,
    /// How many.
    pub quantity: i64,
    /// Minor units each.
    pub amount: i64,
    /// The currency.
    pub currency: Currency,
    /// Whether it prices metered use.
    pub metered: bool,
    /// When it was added.
    pub created_at: Timestamp,
    /// The present period's begin.
    pub period_start: Option<Timestamp>,
    /// The present period's end.
    pub period_end: Option<Timestamp>,
}

/// An invoice.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RemoteInvoice {
    /// Its id.
    pub id: String,
    /// The customer.
    pub customer: String,
    /// The subscription it is for.
    pub subscription: Option<String>,
    /// Its number for people.
    pub number: Option<String>,
    /// `draft`, `open`, `paid`, `uncollectible` or `void`.
    pub status: String,
    /// The currency.
    pub currency: Currency,
    /// Minor units before discounts.
    pub subtotal: i64,
    /// Minor units.
    pub total: i64,
    /// What was paid.
    pub amount_paid: i64,
    /// What is missing.
    pub amount_remaining: i64,
    /// What it is made of.
    pub lines: Vec<InvoiceLine>,
    /// Where it is seen and paid.
    pub hosted_url: Option<String>,
    /// Where its PDF is.
    pub pdf_url: Option<String>,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// When it is due.
    pub due_at: Option<Timestamp>,
    /// When it was paid.
    pub paid_at: Option<Timestamp>,
    /// When the provider tries again.
    pub next_attempt_at: Option<Timestamp>,
    /// Whether it belongs to real money.
    pub live: bool,
}

/// A refund.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteRefund {
    /// Its id.
    pub id: String,
    /// The invoice it belongs to, as far as that is known.
    pub invoice: Option<String>,
    /// Minor units.
    pub amount: i64,
    /// The currency.
    pub currency: Currency,
    /// Why.
    pub reason: Option<String>,
    /// `pending`, `succeeded`, `failed` or `canceled`.
    pub status: String,
    /// When it was made.
    pub created_at: Timestamp,
}

/// A dispute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteDispute {
    /// Its id.
    pub id: String,
    /// The invoice it belongs to, as far as that is known.
    pub invoice: Option<String>,
    /// Whether it is decided against us, or undecided.
    pub stands: bool,
    /// Whether it is decided against us.
    pub lost: bool,
    /// When it was made.
    pub created_at: Timestamp,
}

/// A credit note.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemoteCreditNote {
    /// Its id.
    pub id: String,
    /// The invoice.
    pub invoice: String,
    /// Its number for people.
    pub number: Option<String>,
    /// Minor units.
    pub amount: i64,
    /// The currency.
    pub currency: Currency,
    /// Why.
    pub reason: Option<String>,
    /// Words for the customer.
    pub memo: Option<String>,
    /// What of it went back to where it came from.
    pub refunded: i64,
    /// What of it became the customer's balance.
    pub credited: i64,
    /// What of it was given back elsewhere.
    pub out_of_band: i64,
    /// The refunds that it made.
    pub refunds: Vec<String>,
    /// `issued` or `void`.
    pub status: String,
    /// When it was issued.
    pub created_at: Timestamp,
}
