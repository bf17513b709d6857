//! A refund: money that went back, whoever sent it.

use quoin_db::Tx;
use quoin_kernel::{Id, Timestamp};
use serde_json::json;

use super::Applied;
use crate::Payments;
use crate::error::PaymentsError;
use crate::model::explanation::changes;
use crate::model::remote::RemoteRefund;
use crate::port::Provider;
use crate::store::{invoices, invoices_global};

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
        let (before, after) =
            (json!({"amount_refunded": invoice.amount_refunded}), json!({"amount_refunded": refunded}));
        Ok(Applied::with(changes(Some(&before), &after)))
    }
}
