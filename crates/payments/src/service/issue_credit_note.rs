//! Taking something off an invoice after it was issued: less to pay, or a credit for what was paid.

use quoin_audit::Entry;
use quoin_db::{DbError, Tx};
use quoin_kernel::billing::Subject;
use quoin_kernel::page::{Listed, Page};

use crate::Payments;
use crate::error::PaymentsError;
use crate::model::command::CreditNoteCommand;
use crate::model::credit_note::CreditNote;
use crate::model::invoice::InvoiceId;
use crate::model::money::Money;
use crate::model::{Command, Invoice, ObjectKind, ObjectRef};
use crate::store::{credit_notes, customers};

/// How what was paid is given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GiveBack {
    /// As balance, which pays the next invoices.
    Balance,
    /// To where it came from.
    Refund,
    /// It was given back in another way.
    OutOfBand,
}

/// What is to be taken off.
#[derive(Debug, Clone)]
pub struct CreditWish {
    /// Of which invoice.
    pub invoice_id: InvoiceId,
    /// Minor units.
    pub amount: i64,
    /// `duplicate`, `fraudulent`, `order_change` or `product_unsatisfactory`.
    pub reason: Option<String>,
    /// Words for the customer.
    pub memo: Option<String>,
    /// How it is given back where the invoice is paid; as balance by default.
    pub give_back: Option<GiveBack>,
}

impl Payments {
    /// Issues a credit note and answers it.
    pub async fn issue_credit_note(
        &self,
        wish: CreditWish,
        entry: Entry,
    ) -> Result<CreditNote, PaymentsError> {
        let invoice = self.invoice(wish.invoice_id).await?;
        let provider = self.provider_named(&invoice.provider)?;
        let command = Command::CreateCreditNote(self.describe_credit(&invoice, wish).await?);
        let intent = self.intent(provider.as_ref(), format!("credit:{}", invoice.remote_id), command);
        let entry = entry.in_org_of(invoice.subject.org_id()).on(invoice.id);
        let intent_id = self
            .db()
            .write("payments.credit_notes.claim", move |tx| {
                quoin_audit::record(tx, &entry)?;
                Self::write_down(tx, &intent)
            })
            .await?;
        let outcome = self.carry_out(intent_id).await?;
        let remote = outcome.id().unwrap_or_default().to_owned();
        self.refresh(&provider, &ObjectRef::new(ObjectKind::CreditNote, &remote), "credit_note").await?;
        let object = ObjectRef::new(ObjectKind::Invoice, &invoice.remote_id);
        if let Err(error) = self.refresh(&provider, &object, "credit_note").await {
            tracing::warn!(%error, "a credited invoice is fetched later");
        }
        let (subject, name) = (invoice.subject, provider.name());
        let find = move |tx: &mut Tx<'_>| credit_notes::find_by_remote(tx, subject, name, &remote);
        let found: Result<_, DbError> = self.db().read("payments.credit_notes.get", find).await;
        found?.ok_or(PaymentsError::NoSuch("credit note"))
    }

    /// Checks a wish against what is owed, or against what was paid and is not given back yet.
    async fn describe_credit(
        &self,
        invoice: &Invoice,
        wish: CreditWish,
    ) -> Result<CreditNoteCommand, PaymentsError> {
        let left = match invoice.status.as_str() {
            "open" if wish.give_back.is_some() => {
                let problem = "nothing was paid that could be given back".to_owned();
                return Err(PaymentsError::Unusable { field: "give_back", problem });
            }
            "open" => invoice.amount_remaining,
            "paid" => self.left_to_give_back(invoice).await?,
            _ => 0,
        };
        if left <= 0 {
            return Err(PaymentsError::NothingToRefund);
        }
        if !(1..=left).contains(&wish.amount) {
            let problem = format!("must be between 1 and {left}, which is what is left");
            return Err(PaymentsError::Unusable { field: "amount", problem });
        }
        let way = (invoice.status == "paid").then(|| wish.give_back.unwrap_or(GiveBack::Balance));
        let by = |this: GiveBack| if way == Some(this) { wish.amount } else { 0 };
        Ok(CreditNoteCommand {
            invoice: invoice.remote_id.clone(),
            amount: wish.amount,
            refund: by(GiveBack::Refund),
            balance: by(GiveBack::Balance),
            out_of_band: by(GiveBack::OutOfBand),
            reason: wish.reason,
            memo: wish.memo,
        })
    }

    /// Says how much of an invoice was paid and is not given back in one way or another.
    pub(crate) async fn left_to_give_back(&self, invoice: &Invoice) -> Result<i64, DbError> {
        let one = invoice.clone();
        let sum = move |tx: &mut Tx<'_>| credit_notes::sum_given(tx, &one);
        let given = self.db().read("payments.credit_notes.sum", sum).await?;
        Ok(invoice.amount_paid - invoice.amount_refunded - given)
    }

    /// Lists a subject's credit notes, newest first.
    pub async fn list_credit_notes(
        &self,
        subject: Subject,
        page: Page,
    ) -> Result<Listed<CreditNote>, DbError> {
        let list = move |tx: &mut Tx<'_>| credit_notes::list(tx, subject, page);
        let rows = self.db().read("payments.credit_notes.list", list).await?;
        Ok(Listed::from_rows(rows, page, |row| row.id.uuid(), |row| row))
    }

    /// Asks the provider what a subject has in its favour, which pays its next invoices; negative where it owes.
    pub async fn balance(&self, subject: Subject) -> Result<Option<Money>, PaymentsError> {
        let provider = self.provider()?;
        let name = provider.name();
        let find = move |tx: &mut Tx<'_>| customers::find(tx, subject, name);
        let customer: Result<Option<String>, DbError> = self.db().read("payments.customers.get", find).await;
        match customer? {
            Some(customer) => Ok(provider.balance(&customer).await?),
            None => Ok(None),
        }
    }
}
