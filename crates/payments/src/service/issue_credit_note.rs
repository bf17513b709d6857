//! Taking something off an invoice after it was issued: less to pay, or a credit for what was paid.

use quoin_audit::Entry;
use quoin_db::{DbError, Tx};
use quoin_kernel::Timestamp;
use quoin_kernel::billing::Subject;
use quoin_kernel::page::{Listed, Page};
use uuid::Uuid;

use super::give_back::{CallId, Claimed, unsettled};
use crate::Payments;
use crate::error::PaymentsError;
use crate::model::command::CreditNoteCommand;
use crate::model::credit_note::{CreditNote, CreditNoteId};
use crate::model::invoice::InvoiceId;
use crate::model::money::Money;
use crate::model::remote::RemoteCreditNote;
use crate::model::{Command, Invoice, ObjectKind, ObjectRef};
use crate::store::{credit_notes, customers, intents_global};

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
    /// Issues a credit note and answers it. A repeated `call` issues no other one.
    ///
    /// # Errors
    /// [`PaymentsError::Unsettled`] where it may still be issued.
    pub async fn issue_credit_note(
        &self,
        wish: CreditWish,
        call: Option<CallId>,
        entry: Entry,
    ) -> Result<CreditNote, PaymentsError> {
        let id = wish.invoice_id;
        let describe = move |invoice: &Invoice, left| describe(invoice, left, &wish);
        let Claimed { invoice, intent } = self.claim_give_back(id, call, entry, describe).await?;
        let outcome = self.give_back(intent).await?;
        let provider = self.provider_named(&invoice.provider)?;
        let remote = outcome.id().unwrap_or_default().to_owned();
        let objects = [(ObjectKind::CreditNote, &remote), (ObjectKind::Invoice, &invoice.remote_id)];
        for (kind, id) in objects {
            if let Err(error) = self.refresh(&provider, &ObjectRef::new(kind, id), "credit_note").await {
                tracing::warn!(%error, kind = kind.as_str(), "what a credit note changed is fetched later");
            }
        }
        self.note_down(invoice, intent, remote).await.map_err(unsettled)
    }

    /// Finds a note that was issued, or writes down what was asked for until it can be fetched.
    async fn note_down(
        &self,
        invoice: Invoice,
        intent: Uuid,
        remote: String,
    ) -> Result<CreditNote, PaymentsError> {
        let (now, id) = (self.now(), CreditNoteId::new(self.now(), self.app().rng()));
        let write = move |tx: &mut Tx<'_>| {
            let (subject, provider) = (invoice.subject, invoice.provider.as_str());
            if let Some(known) = credit_notes::find_by_remote(tx, subject, provider, &remote)? {
                return Ok(known);
            }
            if let Some(Command::CreateCreditNote(wish)) =
                intents_global::find(tx, intent)?.map(|intent| intent.command)
            {
                credit_notes::upsert(tx, &invoice, &as_asked(&invoice, wish, &remote, now), (id, now))?;
            }
            let found = credit_notes::find_by_remote(tx, subject, provider, &remote)?;
            found.ok_or(PaymentsError::NoSuch("credit note"))
        };
        self.db().write("payments.credit_notes.note", write).await
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

/// Says what a note is that was issued as asked.
fn as_asked(invoice: &Invoice, wish: CreditNoteCommand, id: &str, now: Timestamp) -> RemoteCreditNote {
    RemoteCreditNote {
        id: id.to_owned(),
        invoice: wish.invoice,
        number: None,
        amount: wish.amount,
        currency: invoice.currency,
        reason: wish.reason,
        memo: wish.memo,
        refunded: wish.refund,
        credited: wish.balance,
        out_of_band: wish.out_of_band,
        refunds: Vec::new(),
        status: "issued".into(),
        created_at: now,
    }
}

/// Checks a wish against what is owed, or against what was paid and is not given back yet.
fn describe(invoice: &Invoice, left: i64, wish: &CreditWish) -> Result<Command, PaymentsError> {
    if invoice.status == "open" && wish.give_back.is_some() {
        let problem = "nothing was paid that could be given back".to_owned();
        return Err(PaymentsError::Unusable { field: "give_back", problem });
    }
    if left <= 0 {
        return Err(PaymentsError::NothingToRefund);
    }
    if !(1..=left).contains(&wish.amount) {
        let problem = format!("must be between 1 and {left}, which is what is left");
        return Err(PaymentsError::Unusable { field: "amount", problem });
    }
    let way = (invoice.status == "paid").then(|| wish.give_back.unwrap_or(GiveBack::Balance));
    let by = |this: GiveBack| if way == Some(this) { wish.amount } else { 0 };
    Ok(Command::CreateCreditNote(CreditNoteCommand {
        invoice: invoice.remote_id.clone(),
        amount: wish.amount,
        refund: by(GiveBack::Refund),
        balance: by(GiveBack::Balance),
        out_of_band: by(GiveBack::OutOfBand),
        reason: wish.reason.clone(),
        memo: wish.memo.clone(),
    }))
}
