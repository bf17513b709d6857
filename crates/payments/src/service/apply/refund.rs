//! A refund: money that went back, whoever sent it. By rule, the plan may give nothing where all that was paid for the period
//! went back.

use quoin_db::{DbError, Tx};
use quoin_kernel::billing::Subject;
use quoin_kernel::{Id, Timestamp};
use serde_json::json;

use super::Applied;
use super::dispute::is_disputed;
use super::invoice::newest_paid;
use super::subscription::recompute_access;
use crate::error::PaymentsError;
use crate::model::explanation::changes;
use crate::model::remote::RemoteRefund;
use crate::model::{ObjectKind, ObjectRef, Subscription};
use crate::port::Provider;
use crate::store::{credit_notes, invoices, invoices_global, subscriptions_global};
use crate::{Payments, jobs};

impl Payments {
    pub(super) fn apply_refund(
        &self,
        tx: &mut Tx<'_>,
        provider: &dyn Provider,
        remote: &RemoteRefund,
        now: Timestamp,
    ) -> Result<Applied, PaymentsError> {
        let invoice = match &remote.invoice {
            Some(invoice) => invoices_global::find_by_remote(tx, provider.name(), invoice)?,
            None => None,
        };
        let Some(invoice) = invoice.filter(|invoice| invoice.currency == remote.currency) else {
            return Ok(Applied::foreign());
        };
        let id = Id::new(now, self.app().rng());
        let refunded = invoices::upsert_refund(tx, &invoice, remote, (id, now))?;
        self.settle_access(tx, provider, invoice.subscription.as_deref(), now)?;
        let (before, after) =
            (json!({"amount_refunded": invoice.amount_refunded}), json!({"amount_refunded": refunded}));
        Ok(Applied::with(changes(Some(&before), &after)))
    }

    /// Decides anew what a subscription opens, after an invoice of it was paid or something of one went back.
    pub(super) fn settle_access(
        &self,
        tx: &mut Tx<'_>,
        provider: &dyn Provider,
        subscription: Option<&str>,
        now: Timestamp,
    ) -> Result<(), PaymentsError> {
        let before = match subscription {
            Some(id) => subscriptions_global::find_by_remote(tx, provider.name(), id)?,
            None => None,
        };
        let Some(before) = before else { return Ok(()) };
        if before.paid_last.is_some() {
            // What is held may be paid now, and the provider says nothing of the subscription then.
            let object = ObjectRef::new(ObjectKind::Subscription, &before.remote_id);
            jobs::hear(self.app().rng(), tx, provider.name(), (&object, "invoice"), now)?;
        }
        let refunded = is_refunded(tx, before.subject, provider.name(), &before.remote_id)?;
        let disputed = is_disputed(tx, before.subject, (provider.name(), &before.remote_id))?;
        let mut after = Subscription { refunded, disputed, updated_at: now, ..before.clone() };
        after.access = recompute_access(self, &after, now);
        self.write_subscription(tx, Some(&before), &after, now).map(drop)
    }
}

/// Tells whether all went back that was paid for the present period: of the newest paid invoice that asks for a period, not only
/// for what evens out a change.
pub(super) fn is_refunded(
    tx: &mut Tx<'_>,
    subject: Subject,
    provider: &str,
    subscription: &str,
) -> Result<bool, DbError> {
    let newest = newest_paid(tx, subject, (provider, subscription))?;
    let Some(newest) = newest.filter(|newest| newest.amount_paid > 0) else { return Ok(false) };
    let back = newest.amount_refunded.max(credit_notes::sum_refunded(tx, &newest)?);
    Ok(back + credit_notes::sum_out_of_band(tx, &newest)? >= newest.amount_paid)
}
