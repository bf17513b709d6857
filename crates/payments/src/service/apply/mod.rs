//! Writing down what a provider answered, after checking that it is about us and what we sold.

mod checkout;
mod credit_note;
mod customer;
mod dispute;
mod invoice;
mod paid_last;
mod product;
mod refund;
mod subscription;

use quoin_db::Tx;
use quoin_kernel::Timestamp;

use crate::Payments;
use crate::error::PaymentsError;
use crate::model::ObjectRef;
use crate::model::explanation::Changes;
use crate::model::remote::Remote;
use crate::port::Provider;

pub(crate) use subscription::recompute_access;

/// What an answer changed.
#[derive(Debug, Clone, PartialEq)]
pub struct Applied {
    /// `applied`, `unchanged`, `missing` or `foreign`.
    pub outcome: &'static str,
    /// Field by field.
    pub changes: Changes,
}

impl Applied {
    /// Not ours: another customer, another mode.
    pub(crate) fn foreign() -> Self {
        Self { outcome: "foreign", changes: Changes::new() }
    }

    /// Not there, neither here nor at the provider.
    pub(crate) fn missing() -> Self {
        Self { outcome: "missing", changes: Changes::new() }
    }

    pub(crate) fn with(changes: Changes) -> Self {
        Self { outcome: if changes.is_empty() { "unchanged" } else { "applied" }, changes }
    }
}

impl Payments {
    /// Writes an answer down.
    pub(crate) fn apply(
        &self,
        tx: &mut Tx<'_>,
        provider: &dyn Provider,
        object: &ObjectRef,
        remote: Option<&Remote>,
        now: Timestamp,
    ) -> Result<Applied, PaymentsError> {
        match remote {
            None => self.apply_absence(tx, provider, object, now),
            Some(Remote::Product(product)) => self.apply_product(tx, provider, product, now),
            Some(Remote::Price { .. } | Remote::Customer) => Ok(Applied::with(Changes::new())),
            Some(Remote::Checkout(checkout)) => self.apply_checkout(tx, provider, checkout, now),
            Some(Remote::Subscription(one)) => self.apply_subscription(tx, provider, one, now),
            Some(Remote::Invoice(invoice)) => self.apply_invoice(tx, provider, invoice, now),
            Some(Remote::Refund(refund)) => self.apply_refund(tx, provider, refund, now),
            Some(Remote::CreditNote(note)) => self.apply_credit_note(tx, provider, note, now),
            Some(Remote::Dispute(dispute)) => self.apply_dispute(tx, provider, dispute, now),
        }
    }
}
