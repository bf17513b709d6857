//! What a provider is asked to do, in our words. A command is written down before it is sent, so all of it is data.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::money::Currency;
use super::plan::Interval;

/// Something that a provider is to do once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "do")]
pub enum Command {
    /// Make the product of a plan, or bring its texts up to date.
    PublishProduct(PublishProduct),
    /// Make a price of a product.
    PublishPrice(PublishPrice),
    /// Stop or resume selling a price.
    ArchivePrice {
        /// The price there.
        price: String,
        /// Whether it is sold.
        active: bool,
    },
    /// Make a customer.
    CreateCustomer(CreateCustomer),
    /// Erase a customer, which ends what they subscribed to; invoices stay.
    EraseCustomer {
        /// The customer there.
        customer: String,
    },
    /// Open a checkout session.
    StartCheckout(StartCheckout),
    /// Close a checkout session that nobody has paid.
    ExpireCheckout {
        /// The session there.
        session: String,
    },
    /// Open the page where a customer looks after payment methods and invoices.
    OpenPortal {
        /// The customer there.
        customer: String,
        /// Where to go afterwards.
        return_url: String,
    },
    /// Change plan, price or seats of a subscription.
    ChangeSubscription(ChangeSubscription),
    /// Change it when the present period ends; a change that waits is replaced.
    ScheduleChange(ScheduleChange),
    /// Take back the change that waits.
    UnscheduleChange {
        /// The subscription there.
        subscription: String,
    },
    /// End a subscription.
    CancelSubscription {
        /// The subscription there.
        subscription: String,
        /// At once, or at the end of what is paid.
        at_once: bool,
    },
    /// Take back a wish to end.
    ResumeSubscription {
        /// The subscription there.
        subscription: String,
    },
    /// Stop collecting money for a while, or begin again. A period that began while nothing was collected ends then, and a
    /// new one begins that is paid, or it stays paused.
    PauseSubscription {
        /// The subscription there.
        subscription: String,
        /// Whether it is paused.
        paused: bool,
        /// When it goes on by itself, seconds since 1970.
        #[serde(default)]
        resumes_at_s: Option<i64>,
    },
    /// Give money back.
    Refund(RefundCommand),
    /// Take something off an invoice.
    CreateCreditNote(CreditNoteCommand),
    /// Make a coupon with its code.
    CreateCoupon(CreateCoupon),
    /// Stop or resume accepting a code.
    SetCoupon {
        /// The code's id there.
        promotion: String,
        /// Whether it is accepted.
        active: bool,
    },
    /// Report metered use.
    ReportUsage(ReportUsage),
}

impl Command {
    /// Returns what may be kept of it once it has ended, where it says who somebody is and how they are reached.
    pub fn without_address(&self) -> Option<Self> {
        match self {
            Self::CreateCustomer(wish) => {
                Some(Self::CreateCustomer(CreateCustomer { email: None, name: None, ..wish.clone() }))
            }
            _ => None,
        }
    }
}

/// The product of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublishProduct {
    /// What names the plan for ever.
    pub plan_uuid: Uuid,
    /// The plan's own id.
    pub plan_id: String,
    /// Its name.
    pub name: String,
    /// What it is.
    pub description: Option<String>,
    /// Whether it is sold.
    pub active: bool,
    /// The product there, where it was made before.
    pub product: Option<String>,
}

/// A price of a product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublishPrice {
    /// The price's id here.
    pub price_id: Uuid,
    /// The product there.
    pub product: String,
    /// How often it is due.
    pub interval: Option<Interval>,
    /// Every how many of them.
    pub interval_count: u32,
    /// Minor units.
    pub amount: i64,
    /// The currency.
    pub currency: Currency,
    /// Days before the first payment.
    pub trial_days: u32,
    /// Whether it is due for each seat.
    pub per_seat: bool,
    /// The meter whose use it prices.
    pub meter: Option<String>,
}

/// A customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateCustomer {
    /// `org` or `user`.
    pub subject_kind: String,
    /// The subject's id.
    pub subject_id: Uuid,
    /// Where invoices go.
    pub email: Option<String>,
    /// A name for people.
    pub name: Option<String>,
}

/// A checkout session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StartCheckout {
    /// The checkout's id here.
    pub checkout_id: Uuid,
    /// Who is billed, as `org:UUID` or `user:UUID`.
    pub subject: String,
    /// The customer there.
    pub customer: String,
    /// The price there.
    pub price: String,
    /// How many.
    pub quantity: i64,
    /// Further prices there whose use is metered.
    pub metered_prices: Vec<String>,
    /// Days before the first payment.
    pub trial_days: u32,
    /// The plan.
    pub plan_id: String,
    /// The version of it that is bought.
    pub plan_version: i64,
    /// A code to apply; without one, people may type their own.
    pub promotion: Option<String>,
    /// Whether people may give a tax id.
    pub collect_tax_id: bool,
    /// Where to go after paying.
    pub success_url: String,
    /// Where to go instead of paying.
    pub cancel_url: String,
    /// When nobody can pay any more, seconds since 1970.
    pub expires_at_s: i64,
}

/// A change of plan, price or seats.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeSubscription {
    /// The subscription there.
    pub subscription: String,
    /// Its line there.
    pub item: String,
    /// The customer there.
    pub customer: String,
    /// The price there.
    pub price: String,
    /// All prices there whose use is metered from then on; `None` where what is metered stays as it is.
    #[serde(default)]
    pub metered_prices: Option<Vec<String>>,
    /// How many.
    pub quantity: i64,
    /// The plan.
    pub plan_id: String,
    /// The version of it that is bought.
    pub plan_version: i64,
    /// Whether the rest of the period is evened out on the next invoice.
    pub prorate: bool,
    /// Whether what it costs is billed at once, and nothing changes where that is not paid.
    #[serde(default)]
    pub paid_first: bool,
    /// Whether it ends the trial, so that what it costs is due now.
    #[serde(default)]
    pub ends_trial: bool,
}

/// A change that waits for the end of the period.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScheduleChange {
    /// What it becomes then.
    pub change: ChangeSubscription,
    /// How many until then.
    pub quantity_now: i64,
    /// How often the new price is due.
    pub interval: Interval,
    /// Every how many of them.
    pub interval_count: u32,
}

/// Money to be given back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundCommand {
    /// The invoice there.
    pub invoice: String,
    /// Minor units; all that is left where none.
    pub amount: Option<i64>,
    /// Why, as the provider's list has it.
    pub reason: Option<String>,
}

/// Something to be taken off an invoice. Of what was paid, the three ways in which it is given back add up to the amount.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreditNoteCommand {
    /// The invoice there.
    pub invoice: String,
    /// Minor units.
    pub amount: i64,
    /// What of it goes back to where it came from.
    pub refund: i64,
    /// What of it becomes the customer's balance.
    pub balance: i64,
    /// What of it was given back elsewhere.
    pub out_of_band: i64,
    /// Why, as the provider's list has it.
    pub reason: Option<String>,
    /// Words for the customer.
    pub memo: Option<String>,
}

/// A coupon and its code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateCoupon {
    /// The code that people type.
    pub code: String,
    /// Per cent off.
    pub percent_off: Option<u32>,
    /// Minor units off.
    pub amount_off: Option<i64>,
    /// The currency of `amount_off`.
    pub currency: Option<Currency>,
    /// How long it lasts.
    pub duration: CouponDuration,
    /// How often it may be used in all.
    pub max_redemptions: Option<i64>,
}

/// How long a coupon lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CouponDuration {
    /// For the first invoice.
    Once,
    /// For ever.
    Forever,
    /// For so many months.
    Months(u32),
}

/// Metered use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportUsage {
    /// The customer there.
    pub customer: String,
    /// The meter.
    pub meter: String,
    /// How much more.
    pub amount: i64,
    /// What makes the report one of a kind.
    pub identifier: String,
    /// When it was used, seconds since 1970.
    pub at_s: i64,
}

/// What a provider did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum Outcome {
    /// It made or changed the object with this id.
    Object {
        /// The id there.
        id: String,
    },
    /// It opened a page.
    Page {
        /// The id there, where the page has one.
        id: Option<String>,
        /// Where people go.
        url: String,
    },
    /// Nothing was left to do.
    Nothing,
}

impl Outcome {
    /// Returns the id of the object, where there is one.
    pub fn id(&self) -> Option<&str> {
        match self {
            Self::Object { id } => Some(id),
            Self::Page { id, .. } => id.as_deref(),
            Self::Nothing => None,
        }
    }
}
