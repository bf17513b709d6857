//! Comparing with the provider and repairing, for events that never came.
//!
//! A comparison takes as long as there are subscriptions, so it is made in pieces: how far it has come is written down after each
//! page, and whoever compares next goes on from there. One compares at a time.

mod round;

use std::sync::Arc;
use std::time::Duration;

use quoin_db::{DbError, Tx};
use quoin_kernel::Timestamp;

use crate::Payments;
use crate::error::PaymentsError;
use crate::model::explanation::Changes;
use crate::model::remote::Remote;
use crate::model::{ObjectKind, ObjectRef};
use crate::port::Provider;
use crate::store::checkouts_global::{self, Session};
use crate::store::{customers, differences_global, invoices_global, subscriptions_global};

/// How far back the frequent comparison looks for invoices, refunds and disputes: providers repeat an event for days.
const LATELY: Duration = Duration::from_hours(35 * 24);

/// Why something differed that the provider listed.
const UNHEARD: &str = "the event never came, or was not handled";

/// How many objects of ours are compared before it is written down how far that has come.
const PAGE: u32 = 100;

/// How far back to compare what has ended: invoices, refunds and disputes. Products, subscriptions and open checkouts are always
/// compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// As far as events may still be on their way.
    Lately,
    /// All there is.
    Everything,
}

impl Reach {
    /// Returns the name that rows carry.
    const fn as_str(self) -> &'static str {
        match self {
            Self::Lately => "lately",
            Self::Everything => "everything",
        }
    }
}

/// What a comparison found.
#[derive(Debug, Clone, Default, serde::Serialize, schemars::JsonSchema)]
pub struct Reconciled {
    /// Whether it came to the end; where it did not, the next one goes on from there.
    pub complete: bool,
    /// What it was at when its time was up: a provider and what was listed of it.
    pub at: Option<String>,
    /// How many objects were compared.
    pub checked: u64,
    /// What differed, and what it is now.
    pub repaired: Vec<Repair>,
    /// What could not be compared.
    pub failed: Vec<String>,
}

/// Something that differed from the provider.
#[derive(Debug, Clone, serde::Serialize, schemars::JsonSchema)]
pub struct Repair {
    /// Its kind.
    pub kind: ObjectKind,
    /// Its id at the provider.
    pub id: String,
    /// What it was and became.
    pub changes: Changes,
    /// Why it differed, as far as that is known.
    pub why: String,
}

impl Payments {
    /// Tells whether to ask again: always for what others hang on; for the rest where the list says another thing than we do.
    async fn differs(&self, provider: &Arc<dyn Provider>, remote: &Remote) -> Result<bool, DbError> {
        if matches!(remote, Remote::Product(_) | Remote::Subscription(_)) {
            return Ok(true);
        }
        let (name, remote) = (provider.name(), remote.clone());
        let look = move |tx: &mut Tx<'_>| match &remote {
            Remote::CreditNote(one) => Ok(invoices_global::find_by_remote(tx, name, &one.invoice)?.is_some()
                && !differences_global::has_credit_note(tx, name, one)?),
            Remote::Invoice(one) => Ok(customers::find_owner(tx, name, &one.customer)?.is_some()
                && !differences_global::has_invoice(tx, name, one)?),
            Remote::Refund(one) => differences_global::has_refund(tx, name, one).map(|has| !has),
            Remote::Dispute(one) => differences_global::has_dispute(tx, name, one).map(|has| !has),
            _ => Ok(false),
        };
        self.db().read("payments.differences", look).await
    }

    /// Compares the next page of a provider's list; says where the one after it begins.
    async fn compare_listed(
        &self,
        provider: &Arc<dyn Provider>,
        kind: ObjectKind,
        since: Option<Timestamp>,
        after: Option<&str>,
        report: &mut Reconciled,
    ) -> Result<Option<String>, PaymentsError> {
        let page = provider.list(kind, after).await?;
        let is_old =
            |remote: &Remote| since.is_some_and(|since| made_at(remote).is_some_and(|at| at < since));
        for remote in page.objects.iter().filter(|remote| !is_old(remote)) {
            match name(remote) {
                Some(object) if self.differs(provider, remote).await? => {
                    self.compare(provider, &object, UNHEARD, report).await;
                }
                _ => report.checked += 1,
            }
        }
        Ok(page.next.filter(|_| !page.objects.iter().any(is_old)))
    }

    /// Looks at checkouts that are open as far as is known here.
    async fn compare_checkouts(
        &self,
        after: Option<&str>,
        report: &mut Reconciled,
    ) -> Result<Option<String>, PaymentsError> {
        let from = after.unwrap_or_default().to_owned();
        let list = move |tx: &mut Tx<'_>| checkouts_global::list_open(tx, &from, PAGE);
        let open: Result<Vec<Session>, DbError> = self.db().read("payments.checkouts.open", list).await;
        let open = open?;
        let newest = open.last().map(|(_, id)| id.clone());
        for (provider, id) in open {
            let Ok(provider) = self.provider_of(provider.as_deref()) else { continue };
            self.compare(&provider, &ObjectRef::new(ObjectKind::Checkout, id), UNHEARD, report).await;
        }
        Ok(newest)
    }

    /// Looks at what is live here and may be unknown there: what the provider's list has not led to already.
    async fn compare_ours(
        &self,
        provider: &Arc<dyn Provider>,
        (began, after): (Timestamp, Option<&str>),
        report: &mut Reconciled,
    ) -> Result<Option<String>, PaymentsError> {
        let (name, from) = (provider.name(), after.unwrap_or_default().to_owned());
        let list = move |tx: &mut Tx<'_>| subscriptions_global::list_live(tx, name, &from, (began, PAGE));
        let ours: Result<Vec<String>, DbError> = self.db().read("payments.subscriptions.live", list).await;
        let ours = ours?;
        let newest = ours.last().cloned();
        for id in ours {
            let object = ObjectRef::new(ObjectKind::Subscription, id);
            self.compare(provider, &object, "the provider says otherwise than the last fetch", report).await;
        }
        Ok(newest)
    }

    async fn compare(
        &self,
        provider: &Arc<dyn Provider>,
        object: &ObjectRef,
        why: &str,
        report: &mut Reconciled,
    ) {
        report.checked += 1;
        match self.refresh(provider, object, "reconcile").await {
            Ok(applied) if !applied.changes.is_empty() => report.repaired.push(Repair {
                kind: object.kind,
                id: object.id.clone(),
                changes: applied.changes,
                why: why.to_owned(),
            }),
            Ok(_) => {}
            Err(error) => report.failed.push(format!("{} {}: {error}", object.kind.as_str(), object.id)),
        }
    }
}

fn name(remote: &Remote) -> Option<ObjectRef> {
    match remote {
        Remote::Product(product) => Some(ObjectRef::new(ObjectKind::Product, &product.id)),
        Remote::Subscription(one) => Some(ObjectRef::new(ObjectKind::Subscription, &one.id)),
        Remote::Invoice(one) => Some(ObjectRef::new(ObjectKind::Invoice, &one.id)),
        Remote::Refund(one) => Some(ObjectRef::new(ObjectKind::Refund, &one.id)),
        Remote::Dispute(one) => Some(ObjectRef::new(ObjectKind::Dispute, &one.id)),
        Remote::CreditNote(one) => Some(ObjectRef::new(ObjectKind::CreditNote, &one.id)),
        Remote::Price { .. } | Remote::Checkout(_) | Remote::Customer => None,
    }
}

fn made_at(remote: &Remote) -> Option<Timestamp> {
    match remote {
        Remote::Invoice(one) => Some(one.issued_at),
        Remote::Refund(one) => Some(one.created_at),
        Remote::Dispute(one) => Some(one.created_at),
        Remote::CreditNote(one) => Some(one.created_at),
        _ => None,
    }
}
