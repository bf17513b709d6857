//! Giving money back, all of it or a part.

use quoin_audit::Entry;
use quoin_db::DbError;

use crate::Payments;
use crate::error::PaymentsError;
use crate::model::command::RefundCommand;
use crate::model::invoice::InvoiceId;
use crate::model::{Command, Invoice, ObjectKind, ObjectRef};
use crate::store::invoices_global;

/// What is to be given back.
#[derive(Debug, Clone)]
pub struct RefundWish {
    /// Of which invoice.
    pub invoice_id: InvoiceId,
    /// Minor units; all that is left where none.
    pub amount: Option<i64>,
    /// `duplicate`, `fraudulent` or `requested_by_customer`.
    pub reason: Option<String>,
}

impl Payments {
    /// Gives money back and answers the invoice as it stands then.
    pub async fn refund(&self, wish: RefundWish, entry: Entry) -> Result<Invoice, PaymentsError> {
        let id = wish.invoice_id;
        let invoice = self.invoice(id).await?;
        let left = self.left_to_give_back(&invoice).await?;
        if invoice.status != "paid" || left <= 0 {
            return Err(PaymentsError::NothingToRefund);
        }
        if wish.amount.is_some_and(|amount| amount <= 0 || amount > left) {
            let problem = format!("must be between 1 and {left}, which is what is left");
            return Err(PaymentsError::Unusable { field: "amount", problem });
        }
        let provider = self.provider_named(&invoice.provider)?;
        let command = Command::Refund(RefundCommand {
            invoice: invoice.remote_id.clone(),
            amount: wish.amount,
            reason: wish.reason,
        });
        let intent = self.intent(provider.as_ref(), format!("refund:{}", invoice.remote_id), command);
        let entry = entry.in_org_of(invoice.subject.org_id()).on(invoice.id);
        let intent_id = self
            .db()
            .write("payments.refunds.claim", move |tx| {
                quoin_audit::record(tx, &entry)?;
                Self::write_down(tx, &intent)
            })
            .await?;
        let outcome = self.carry_out(intent_id).await?;
        if let Some(refund) = outcome.id() {
            let object = ObjectRef::new(ObjectKind::Refund, refund);
            if let Err(error) = self.refresh(&provider, &object, "refund").await {
                tracing::warn!(%error, "a refund is fetched later");
            }
        }
        self.invoice(id).await
    }

    pub(crate) async fn invoice(&self, id: InvoiceId) -> Result<Invoice, PaymentsError> {
        let found: Result<_, DbError> =
            self.db().read("payments.invoices.get", move |tx| invoices_global::find_any(tx, id)).await;
        found?.ok_or(PaymentsError::NoSuch("invoice"))
    }
}
