//! What members see: subscriptions, invoices, entitlements, use.

use quoin_db::{DbError, Tx};
use quoin_kernel::billing::Subject;
use quoin_kernel::page::{Listed, Page};
use serde_json::{Map, Value};

use crate::Payments;
use crate::error::PaymentsError;
use crate::model::invoice::InvoiceId;
use crate::model::remote::RemoteInvoice;
use crate::model::{Invoice, ObjectKind, ObjectRef, Subscription, SubscriptionId};
use crate::store::entitlements::Granted;
use crate::store::usage::{self, UsageSum};
use crate::store::{customers, invoices, subscriptions};

/// What a subject has and how much of it is used.
#[derive(Debug, Clone)]
pub struct EntitlementsNow {
    /// The plan in force.
    pub plan: Option<String>,
    /// Each by its name: a scalar, or a limit with its use.
    pub entitlements: Map<String, Value>,
    /// Metered use, newest period first.
    pub usage: Vec<UsageSum>,
    /// Where a larger plan is to be had.
    pub upgrade_url: String,
}

impl Payments {
    /// Lists a subject's subscriptions, newest first.
    pub async fn list_subscriptions(&self, subject: Subject) -> Result<Vec<Subscription>, DbError> {
        self.db().read("payments.subscriptions.list", move |tx| subscriptions::list(tx, subject)).await
    }

    /// Lists a subject's invoices, newest first, without drafts.
    pub async fn list_invoices(&self, subject: Subject, page: Page) -> Result<Listed<Invoice>, DbError> {
        let rows =
            self.db().read("payments.invoices.list", move |tx| invoices::list(tx, subject, page)).await?;
        Ok(Listed::from_rows(rows, page, |row| row.id.uuid(), |row| row))
    }

    /// Finds an invoice of the subject and asks where it can be seen now: such links end.
    pub async fn invoice_document(&self, subject: Subject, id: InvoiceId) -> Result<String, PaymentsError> {
        let invoice = self.find_invoice(subject, id).await?;
        let provider = self.provider_named(&invoice.provider)?;
        let object = ObjectRef::new(ObjectKind::Invoice, &invoice.remote_id);
        if let Err(error) = self.refresh(&provider, &object, "document").await {
            tracing::warn!(%error, "the link of an invoice may be old");
        }
        let invoice = self.find_invoice(subject, id).await?;
        invoice.pdf_url.or(invoice.hosted_url).ok_or(PaymentsError::NoSuch("document"))
    }

    async fn find_invoice(&self, subject: Subject, id: InvoiceId) -> Result<Invoice, PaymentsError> {
        let found: Result<_, DbError> =
            self.db().read("payments.invoices.get", move |tx| invoices::find(tx, subject, id)).await;
        found?.ok_or(PaymentsError::NoSuch("invoice"))
    }

    /// Says what the next invoice of a subscription will be.
    pub async fn upcoming_invoice(
        &self,
        subject: Subject,
        id: SubscriptionId,
    ) -> Result<Option<RemoteInvoice>, PaymentsError> {
        let one = self.get_subscription(subject, id).await?;
        let provider = self.provider_named(&one.provider)?;
        let name = provider.name();
        let find = move |tx: &mut Tx<'_>| customers::find(tx, subject, name);
        let customer: Result<Option<String>, DbError> = self.db().read("payments.customers.get", find).await;
        let customer = customer?.ok_or(PaymentsError::NoCustomer)?;
        Ok(provider.upcoming(&customer, &one.remote_id).await?)
    }

    /// Says what a subject has and how much of it is used.
    pub async fn entitlements(&self, subject: Subject) -> Result<EntitlementsNow, PaymentsError> {
        let (entitled, now) = (self.entitled().clone(), self.now());
        let (rows, usage) = self
            .db()
            .write("payments.entitlements.list", move |tx| {
                Ok::<_, DbError>((entitled.list(tx, subject, now)?, usage::list(tx, subject)?))
            })
            .await?;
        let standing = quoin_kernel::port::Billing::coverage(self.entitled(), subject).await;
        let plan = standing.map_err(|_| PaymentsError::InProgress)?.plan;
        let entitlements = rows.iter().map(|row| (row.name.clone(), shown(row))).collect();
        Ok(EntitlementsNow {
            plan,
            entitlements,
            usage,
            upgrade_url: self.entitled().upgrade_url().to_owned(),
        })
    }
}

/// Writes one row as the API shows it: the scalar, or the limit with its use.
fn shown(row: &Granted) -> Value {
    row.value.clone().unwrap_or_else(|| {
        serde_json::json!({
            "limit": row.allowed, "mode": if row.mode == "open" { "soft" } else { &row.mode },
            "used": row.used, "per": row.per, "resets_at": row.resets_at,
        })
    })
}
