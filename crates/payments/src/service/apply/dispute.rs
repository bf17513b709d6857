//! A dispute: somebody asks their bank for the money back. By rule, the plan gives nothing until that is settled.

use quoin_db::Tx;
use quoin_kernel::Timestamp;

use super::Applied;
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
        let disputed = disputes::any_stands(tx, before.subject, provider.name(), &before.remote_id)?;
        let mut after = Subscription { disputed, updated_at: now, ..before.clone() };
        after.access = recompute_access(self, &after, now);
        self.write_subscription(tx, Some(&before), &after, now)
    }
}
