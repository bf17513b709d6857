//! A credit note: what is taken off an invoice after it was issued.

use quoin_kernel::billing::Subject;
use quoin_kernel::{Id, Timestamp};

use super::invoice::InvoiceId;
use super::money::Currency;

/// The kind of thing that a [`CreditNoteId`] names.
#[derive(Debug)]
pub enum CreditNoteRow {}

/// Identifies a credit note here.
pub type CreditNoteId = Id<CreditNoteRow>;

/// A credit note as it stands here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreditNote {
    /// Its id here.
    pub id: CreditNoteId,
    /// Who was billed.
    pub subject: Subject,
    /// Of which invoice.
    pub invoice_id: InvoiceId,
    /// Its number for people.
    pub number: Option<String>,
    /// Minor units.
    pub amount: i64,
    /// The currency.
    pub currency: Currency,
    /// Why, as the provider's list has it.
    pub reason: Option<String>,
    /// Why, in words for the customer.
    pub memo: Option<String>,
    /// What of it went back to where it came from.
    pub refunded: i64,
    /// What of it pays the next invoices.
    pub credited: i64,
    /// What of it was given back elsewhere.
    pub out_of_band: i64,
    /// `issued` or `void`.
    pub status: String,
    /// When it was issued.
    pub created_at: Timestamp,
}
