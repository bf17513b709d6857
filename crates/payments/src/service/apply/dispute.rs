//! A dispute: somebody asks their bank for the money back. By rule, the plan gives nothing until that is settled, and where it is
//! lost, until a later period is paid.

use quoin_db::{DbError, Tx};
use quoin_kernel::Timestamp;
use quoin_kernel::billing::Subject;

use super::Applied;
use super::invoice::newest_paid;
use super::subscription::recompute_access;
use crate::Payments;
use crate::error::PaymentsError;
use crate::model::Subscription;
use crate::model::remote::RemoteDispute;
use crate::port::Provider;
use crate::store::{disputes, invoices_global, subscriptions_global};

impl Payments {
    pub(super) fn apply_dispute(
        &self,
        tx: &mut Tx<'_>,
        provider: &dyn Provider,
        remote: &RemoteDispute,
        now: Timestamp,
    ) -> Result<Applied, PaymentsError> {
        let invoice = match &remote.invoice {
            Some(invoice) => invoices_global::find_by_remote(tx, provider.name(), invoice)?,
            None => None,
        };
        let subscription = invoice.and_then(|invoice| invoice.subscription);
        let before = match &subscription {
            Some(id) => subscriptions_global::find_by_remote(tx, provider.name(), id)?,
            None => None,
        };
        let Some(before) = before else { return Ok(Applied::foreign()) };
        disputes::upsert(tx, &before, remote, now)?;
        let disputed = is_disputed(tx, before.subject, (provider.name(), &before.remote_id))?;
        let mut after = Subscription { disputed, updated_at: now, ..before.clone() };
        after.access = recompute_access(self, &after, now);
        self.write_subscription(tx, Some(&before), &after, now)
    }
}

/// Tells whether a payment of a subscription is disputed: undecided, or lost and no later period is paid.
pub(super) fn is_disputed(tx: &mut Tx<'_>, subject: Subject, of: (&str, &str)) -> Result<bool, DbError> {
    let standing = disputes::list_standing(tx, subject, of)?;
    if standing.is_empty() {
        return Ok(false);
    }
    let paid = newest_paid(tx, subject, of)?;
    for one in standing {
        let lost = match one.invoice.filter(|_| one.lost) {
            Some(invoice) => invoices_global::find_by_remote(tx, of.0, &invoice)?,
            None => None,
        };
        let made_good = |lost: crate::model::Invoice| {
            paid.as_ref().is_some_and(|paid| paid.id != lost.id && paid.issued_at > lost.issued_at)
        };
        if !lost.is_some_and(made_good) {
            return Ok(true);
        }
    }
    Ok(false)
}
