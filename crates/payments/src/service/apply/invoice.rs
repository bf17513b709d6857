//! An invoice: whose it is, and whether it adds up.

use quoin_db::{DbError, Tx};
use quoin_kernel::Timestamp;
use quoin_kernel::billing::Subject;
use serde_json::{Value, json};

use super::Applied;
use crate::Payments;
use crate::error::PaymentsError;
use crate::model::Invoice;
use crate::model::explanation::changes;
use crate::model::invoice::InvoiceId;
use crate::model::remote::RemoteInvoice;
use crate::port::Provider;
use crate::store::{customers, invoices, invoices_global};

impl Payments {
    pub(super) fn apply_invoice(
        &self,
        tx: &mut Tx<'_>,
        provider: &dyn Provider,
        remote: &RemoteInvoice,
        now: Timestamp,
    ) -> Result<Applied, PaymentsError> {
        let before = invoices_global::find_by_remote(tx, provider.name(), &remote.id)?;
        // What was billed before somebody was erased is kept also where it is heard of afterwards.
        let owner = customers::find_owner(tx, provider.name(), &remote.customer)?.map(|owner| owner.subject);
        let subject = match (&before, owner) {
            (Some(before), _) => before.subject,
            (None, Some(owner)) if remote.live == provider.is_live() => owner,
            (None, _) => return Ok(Applied::foreign()),
        };
        let id = match &before {
            Some(before) => before.id,
            None => InvoiceId::new(now, self.app().rng()),
        };
        let lines: i64 = remote.lines.iter().map(|line| line.amount).sum();
        let mismatch = match () {
            () if owner != Some(subject) => Some("customer"),
            () if remote.live != provider.is_live() => Some("livemode"),
            // Providers give the first lines of a long invoice only; of a short one all.
            () if remote.lines.len() < 10 && lines != remote.subtotal => Some("lines"),
            () => None,
        };
        let after = Invoice {
            id,
            subject,
            provider: provider.name().to_owned(),
            remote_id: remote.id.clone(),
            subscription: remote.subscription.clone(),
            number: remote.number.clone(),
            status: remote.status.clone(),
            currency: remote.currency,
            subtotal: remote.subtotal,
            total: remote.total,
            amount_paid: remote.amount_paid,
            amount_refunded: before.as_ref().map_or(0, |before| before.amount_refunded),
            amount_credited: before.as_ref().map_or(0, |before| before.amount_credited),
            amount_remaining: remote.amount_remaining,
            lines: remote.lines.clone(),
            hosted_url: remote.hosted_url.clone(),
            pdf_url: remote.pdf_url.clone(),
            issued_at: remote.issued_at,
            due_at: remote.due_at,
            paid_at: remote.paid_at,
            next_attempt_at: remote.next_attempt_at,
            mismatch: mismatch.map(str::to_owned),
            updated_at: now,
        };
        let changed = changes(before.as_ref().map(describe).as_ref(), &describe(&after));
        if !changed.is_empty() || before.is_none() {
            invoices::upsert(tx, &after)?;
            self.settle_access(tx, provider, after.subscription.as_deref(), now)?;
        }
        Ok(Applied::with(changed))
    }
}

/// Finds the newest paid invoice of a subscription that asks for a period.
pub(super) fn newest_paid(
    tx: &mut Tx<'_>,
    subject: Subject,
    of: (&str, &str),
) -> Result<Option<Invoice>, DbError> {
    Ok(invoices::list_paid(tx, subject, of)?.into_iter().find(Invoice::bills_a_period))
}

/// Writes the fields that come from the provider, for comparison and explanation.
fn describe(one: &Invoice) -> Value {
    json!({
        "subscription": one.subscription,
        "number": one.number,
        "status": one.status,
        "subtotal": one.subtotal,
        "total": one.total,
        "amount_paid": one.amount_paid,
        "amount_remaining": one.amount_remaining,
        "lines": one.lines,
        "hosted_url": one.hosted_url,
        "pdf_url": one.pdf_url,
        "issued_at": one.issued_at,
        "due_at": one.due_at,
        "paid_at": one.paid_at,
        "next_attempt_at": one.next_attempt_at,
        "mismatch": one.mismatch,
    })
}
