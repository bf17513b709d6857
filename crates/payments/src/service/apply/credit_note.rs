//! A credit note: what was taken off an invoice, whoever issued it.

use quoin_db::Tx;
use quoin_kernel::Timestamp;
use serde_json::json;

use super::Applied;
use crate::error::PaymentsError;
use crate::model::credit_note::CreditNoteId;
use crate::model::explanation::changes;
use crate::model::remote::RemoteCreditNote;
use crate::model::{ObjectKind, ObjectRef};
use crate::port::Provider;
use crate::store::{credit_notes, invoices_global};
use crate::{Payments, jobs};

impl Payments {
    pub(super) fn apply_credit_note(
        &self,
        tx: &mut Tx<'_>,
        provider: &dyn Provider,
        remote: &RemoteCreditNote,
        now: Timestamp,
    ) -> Result<Applied, PaymentsError> {
        let invoice = invoices_global::find_by_remote(tx, provider.name(), &remote.invoice)?;
        let Some(invoice) = invoice.filter(|invoice| invoice.currency == remote.currency) else {
            return Ok(Applied::foreign());
        };
        let id = CreditNoteId::new(now, self.app().rng());
        let credited = credit_notes::upsert(tx, &invoice, remote, (id, now))?;
        self.settle_access(tx, provider, invoice.subscription.as_deref(), now)?;
        for refund in &remote.refunds {
            let object = ObjectRef::new(ObjectKind::Refund, refund);
            jobs::hear(self.app().rng(), tx, provider.name(), (&object, "credit_note"), now)?;
        }
        let (before, after) =
            (json!({"amount_credited": invoice.amount_credited}), json!({"amount_credited": credited}));
        Ok(Applied::with(changes(Some(&before), &after)))
    }
}
