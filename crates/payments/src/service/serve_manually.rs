//! What administrators do by hand: grant a plan, and confirm that a transfer has arrived.

use quoin_audit::Entry;
use quoin_kernel::Timestamp;
use quoin_kernel::billing::Subject;

use crate::Payments;
use crate::adapters::manual::Manual;
use crate::error::PaymentsError;
use crate::model::invoice::InvoiceId;
use crate::model::remote::RemoteInvoice;
use crate::model::{Invoice, ObjectKind, ObjectRef, PlanId, Subscription};
use crate::port::Provider;
use crate::store::{customers, manual_books_global, plans_global, subscriptions_global};

/// A plan that an administrator gives to somebody.
#[derive(Debug, Clone)]
pub struct Grant {
    /// To whom.
    pub subject: Subject,
    /// Which plan.
    pub plan: PlanId,
    /// How many seats.
    pub quantity: i64,
    /// Until when; for ever by default.
    pub until: Option<Timestamp>,
}

impl Payments {
    /// Gives somebody a plan without payment.
    pub async fn grant_plan(&self, grant: Grant, entry: Entry) -> Result<Subscription, PaymentsError> {
        let (manual, wanted, now) = (self.manual().clone(), grant.clone(), self.now());
        let entry = entry.in_org_of(grant.subject.org_id()).on(grant.subject.uuid());
        let remote_id = self
            .db()
            .write("payments.grants.create", move |tx| {
                let plan = plans_global::find(tx, &wanted.plan)?.ok_or(PaymentsError::NoSuchPlan)?;
                let price = manual.price_of(tx, &plan, now)?;
                customers::insert(tx, wanted.subject, manual.name(), now)?;
                let customer = format!("cus_{}", wanted.subject.uuid().simple());
                customers::set_remote(tx, wanted.subject, manual.name(), &customer)?;
                quoin_audit::record(tx, &entry)?;
                Ok::<_, PaymentsError>(manual.grant(tx, &wanted, (&plan, &price), &customer, now)?)
            })
            .await?;
        self.entitled().reload().await?;
        self.see(ObjectKind::Subscription, &remote_id).await?;
        let find =
            move |tx: &mut quoin_db::Tx<'_>| subscriptions_global::find_by_remote(tx, "manual", &remote_id);
        let found: Result<_, quoin_db::DbError> = self.db().read("payments.grants.get", find).await;
        found?.ok_or(PaymentsError::NoSuch("subscription"))
    }

    /// Writes down that the money of an invoice has arrived.
    pub async fn confirm_transfer(&self, id: InvoiceId, entry: Entry) -> Result<Invoice, PaymentsError> {
        let invoice = self.invoice(id).await?;
        if invoice.provider != self.manual().name() {
            return Err(PaymentsError::WrongState(
                "Only invoices paid by bank transfer are confirmed by hand.",
            ));
        }
        let entry = entry.in_org_of(invoice.subject.org_id()).on(invoice.id);
        let (remote, now) = (invoice.remote_id.clone(), self.now());
        let subscription = self
            .db()
            .write("payments.transfers.confirm", move |tx| {
                let is_void = |invoice: RemoteInvoice| invoice.status == "void";
                if manual_books_global::find_invoice(tx, &remote)?.is_some_and(is_void) {
                    return Err(PaymentsError::WrongState("The invoice is void: its order was called off."));
                }
                quoin_audit::record(tx, &entry)?;
                Ok(Manual::confirm(tx, &remote, now)?)
            })
            .await?;
        self.see(ObjectKind::Invoice, &invoice.remote_id).await?;
        if let Some(subscription) = subscription {
            self.see(ObjectKind::Subscription, &subscription).await?;
        }
        self.invoice(id).await
    }

    /// Finds the invoice of an order that was not called off, by the checkout that it began with.
    pub(crate) async fn order_invoice(&self, checkout: uuid::Uuid) -> Result<RemoteInvoice, PaymentsError> {
        let id = format!("in_{}", checkout.simple());
        let find = move |tx: &mut quoin_db::Tx<'_>| manual_books_global::find_invoice(tx, &id);
        let found: Result<Option<RemoteInvoice>, quoin_db::DbError> =
            self.db().read("payments.transfers.get", find).await;
        found?.filter(|invoice| invoice.status != "void").ok_or(PaymentsError::NoSuch("order"))
    }

    async fn see(&self, kind: ObjectKind, id: &str) -> Result<(), PaymentsError> {
        let provider: std::sync::Arc<dyn Provider> = self.manual().clone();
        self.refresh(&provider, &ObjectRef::new(kind, id), "administrator").await.map(|_| ())
    }
}
