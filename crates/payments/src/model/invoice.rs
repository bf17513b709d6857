//! An invoice as it stands here.

use quoin_kernel::billing::Subject;
use quoin_kernel::{Id, Timestamp};
use serde::{Deserialize, Serialize};

use super::money::Currency;

/// The kind of thing that an [`InvoiceId`] names.
#[derive(Debug)]
pub enum InvoiceRow {}

/// Identifies an invoice here.
pub type InvoiceId = Id<InvoiceRow>;

/// One line of an invoice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct InvoiceLine {
    /// What it is for.
    pub description: Option<String>,
    /// Minor units; negative for credit.
    pub amount: i64,
    /// How many.
    pub quantity: Option<i64>,
    /// The begin of what it is for.
    pub period_start: Option<Timestamp>,
    /// The end of what it is for.
    pub period_end: Option<Timestamp>,
    /// Whether it evens out a change within a period.
    pub proration: bool,
}

/// An invoice as it stands here.
#[derive(Debug, Clone, PartialEq)]
pub struct Invoice {
    /// Its id here.
    pub id: InvoiceId,
    /// Who is billed.
    pub subject: Subject,
    /// Which provider keeps it.
    pub provider: String,
    /// Its id there.
    pub remote_id: String,
    /// The subscription it is for, by its id there.
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
    /// What was given back.
    pub amount_refunded: i64,
    /// What credit notes took off.
    pub amount_credited: i64,
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
    /// What does not add up, if anything.
    pub mismatch: Option<String>,
    /// When it last changed here.
    pub updated_at: Timestamp,
}

impl Invoice {
    /// Tells whether it asks for a period, and not only for what evens out a change within one.
    pub fn bills_a_period(&self) -> bool {
        self.lines.iter().any(|line| !line.proration && line.quantity.is_some())
    }
}
