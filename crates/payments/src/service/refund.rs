//! Giving money back, all of it or a part.

use quoin_audit::Entry;
use quoin_db::DbError;

use super::give_back::{CallId, unsettled};
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
    /// Gives money back and answers the invoice as it stands then. A repeated `call` gives back nothing more.
    ///
    /// # Errors
    /// [`PaymentsError::Unsettled`] where the money may still go back.
    pub async fn refund(
        &self,
        wish: RefundWish,
        call: Option<CallId>,
        entry: Entry,
    ) -> Result<Invoice, PaymentsError> {
        let id = wish.invoice_id;
        let describe = move |invoice: &Invoice, left| describe(invoice, left, &wish);
        let claimed = self.claim_give_back(id, call, entry, describe).await?;
        let outcome = self.give_back(claimed.intent).await?;
        if let Some(refund) = outcome.id() {
            let provider = self.provider_named(&claimed.invoice.provider)?;
            let object = ObjectRef::new(ObjectKind::Refund, refund);
            if let Err(error) = self.refresh(&provider, &object, "refund").await {
                tracing::warn!(%error, "a refund is fetched later");
            }
        }
        self.invoice(id).await.map_err(unsettled)
    }

    pub(crate) async fn invoice(&self, id: InvoiceId) -> Result<Invoice, PaymentsError> {
        let found: Result<_, DbError> =
            self.db().read("payments.invoices.get", move |tx| invoices_global::find_any(tx, id)).await;
        found?.ok_or(PaymentsError::NoSuch("invoice"))
    }
}

/// Checks a wish against what is left. The amount is always said: of what is left, providers know only a part.
fn describe(invoice: &Invoice, left: i64, wish: &RefundWish) -> Result<Command, PaymentsError> {
    if invoice.status != "paid" || left <= 0 {
        return Err(PaymentsError::NothingToRefund);
    }
    let amount = wish.amount.unwrap_or(left);
    if !(1..=left).contains(&amount) {
        let problem = format!("must be between 1 and {left}, which is what is left");
        return Err(PaymentsError::Unusable { field: "amount", problem });
    }
    Ok(Command::Refund(RefundCommand {
        invoice: invoice.remote_id.clone(),
        amount: Some(amount),
        reason: wish.reason.clone(),
    }))
}
