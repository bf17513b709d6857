//! Asking the provider how an object stands, and writing it down.
//!
//! One fetch per object runs at a time, under a lease. It covers the news that had come when it began; what comes later
//! makes it run again. The transaction that writes the answer gives the lease back first, by its fencing token: a fetch
//! that lost its lease writes nothing. So the last completed fetch wins, and it began after everything it covers.

use std::sync::Arc;
use std::time::Duration;

use quoin_db::{DbError, Tx};
use quoin_kernel::port::BoxFuture;
use quoin_kernel::{Id, Timestamp};

use super::apply::Applied;
use crate::error::PaymentsError;
use crate::model::explanation::Fetched;
use crate::model::remote::{Remote, RemoteDispute, RemoteRefund, RemoteSubscription};
use crate::model::{Invoice, ObjectKind, ObjectRef};
use crate::port::Provider;
use crate::store::objects_global::{self, Lease};
use crate::store::{
    intents_global, invoices_global, prices_global, reconciliations_global, subscriptions_global,
};
use crate::{Payments, jobs};

/// How long one fetch may hold the lease.
const LEASE: Duration = Duration::from_secs(50);
/// How long to wait for others' fetches before one of one's own.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often to look whether they have ended.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// What came of a wish to fetch.
#[derive(Debug, Clone, PartialEq)]
pub enum Fetch {
    /// It is written down, and changed this.
    Done(Applied),
    /// Somebody else is fetching it, or took over.
    Busy,
}

impl Payments {
    /// Fetches an object and writes down how it stands.
    ///
    /// # Errors
    /// What the provider or the database does not answer; the news stays, and is fetched later.
    pub fn fetch_object<'a>(
        &'a self,
        provider: &'a Arc<dyn Provider>,
        object: &'a ObjectRef,
    ) -> BoxFuture<'a, Result<Fetch, PaymentsError>> {
        Box::pin(async move {
            let Some(lease) = self.claim_object(provider, object).await? else { return Ok(Fetch::Busy) };
            let started_at = self.now();
            let fetched = match self.read_remote(provider, object).await {
                Ok(remote) => self.write_fetched(provider, object, lease, started_at, remote).await,
                Err(error) => Err(error),
            };
            if let Err(error) = &fetched {
                self.release_object(provider, object, lease, error).await?;
            }
            fetched
        })
    }

    /// Notes that something may have changed and fetches it at once. A fetch that is under way may have begun before the
    /// change, so this waits for its end and makes one of its own.
    ///
    /// # Errors
    /// As [`Payments::fetch_object`]; [`PaymentsError::InProgress`] where others go on fetching it for too long.
    pub(crate) async fn refresh(
        &self,
        provider: &Arc<dyn Provider>,
        object: &ObjectRef,
        cause: &'static str,
    ) -> Result<Applied, PaymentsError> {
        let (name, news, now) = (provider.name(), object.clone(), self.now());
        let note = move |tx: &mut Tx<'_>| objects_global::note(tx, name, &news, cause, now);
        let noted: Result<bool, DbError> = self.db().write("payments.objects.note", note).await;
        noted?;
        let fetched = self.fetch_after_others(provider, object).await;
        if fetched.is_err() {
            let (room, name, news, now) = (self.clone(), provider.name(), object.clone(), self.now());
            let later = move |tx: &mut Tx<'_>| {
                objects_global::set_scheduled(tx, name, &news, true)?;
                jobs::schedule_fetch_once(&room, tx, name, &news, now)
            };
            let scheduled: Result<(), DbError> = self.db().write("payments.objects.later", later).await;
            scheduled?;
        }
        fetched
    }

    async fn fetch_after_others(
        &self,
        provider: &Arc<dyn Provider>,
        object: &ObjectRef,
    ) -> Result<Applied, PaymentsError> {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            match self.fetch_object(provider, object).await? {
                Fetch::Done(applied) => return Ok(applied),
                Fetch::Busy if tokio::time::Instant::now() >= deadline => {
                    return Err(PaymentsError::InProgress);
                }
                Fetch::Busy => tokio::time::sleep(LOOK_EVERY).await,
            }
        }
    }

    async fn claim_object(
        &self,
        provider: &Arc<dyn Provider>,
        object: &ObjectRef,
    ) -> Result<Option<Lease>, DbError> {
        let (name, object, now) = (provider.name(), object.clone(), self.now());
        let claim = move |tx: &mut Tx<'_>| objects_global::claim(tx, name, &object, (now, now + LEASE));
        self.db().write("payments.objects.claim", claim).await
    }

    async fn release_object(
        &self,
        provider: &Arc<dyn Provider>,
        object: &ObjectRef,
        lease: Lease,
        error: &PaymentsError,
    ) -> Result<(), DbError> {
        let (name, object, problem) = (provider.name(), object.clone(), error.to_string());
        let release = move |tx: &mut Tx<'_>| objects_global::release(tx, name, &object, lease, &problem);
        self.db().write("payments.objects.release", release).await
    }

    /// Asks the provider, and then for what is needed to understand the answer where its own news has not come yet: the
    /// product of a price, the invoice of a refund, the subscription of a dispute.
    async fn read_remote(
        &self,
        provider: &Arc<dyn Provider>,
        object: &ObjectRef,
    ) -> Result<Option<Remote>, PaymentsError> {
        let remote = provider.fetch(object).await?;
        match &remote {
            Some(Remote::Subscription(subscription)) => {
                for product in self.unknown_products(subscription).await? {
                    let product = ObjectRef::new(ObjectKind::Product, product);
                    self.refresh(provider, &product, "subscription").await?;
                }
            }
            Some(Remote::Price { product }) => {
                let product = ObjectRef::new(ObjectKind::Product, product);
                self.refresh(provider, &product, "price").await?;
            }
            Some(Remote::CreditNote(note)) => {
                self.know_invoice(provider, &note.invoice, "credit_note").await?;
            }
            Some(Remote::Refund(RemoteRefund { invoice: Some(invoice), .. })) => {
                self.know_invoice(provider, invoice, "refund").await?;
            }
            Some(Remote::Dispute(RemoteDispute { invoice: Some(invoice), .. })) => {
                self.know_subscription_of(provider, invoice, "dispute").await?;
            }
            _ => {}
        }
        Ok(remote)
    }

    /// Makes sure that an invoice is written down, where it is one of ours; returns it.
    async fn know_invoice(
        &self,
        provider: &Arc<dyn Provider>,
        invoice: &str,
        cause: &'static str,
    ) -> Result<Option<Invoice>, PaymentsError> {
        if let Some(known) = self.invoice_of(provider, invoice).await? {
            return Ok(Some(known));
        }
        self.refresh(provider, &ObjectRef::new(ObjectKind::Invoice, invoice), cause).await?;
        Ok(self.invoice_of(provider, invoice).await?)
    }

    async fn invoice_of(&self, provider: &Arc<dyn Provider>, id: &str) -> Result<Option<Invoice>, DbError> {
        let (name, id) = (provider.name(), id.to_owned());
        self.db()
            .read("payments.invoices.known", move |tx| invoices_global::find_by_remote(tx, name, &id))
            .await
    }

    async fn know_subscription_of(
        &self,
        provider: &Arc<dyn Provider>,
        invoice: &str,
        cause: &'static str,
    ) -> Result<(), PaymentsError> {
        let invoice = self.know_invoice(provider, invoice, cause).await?;
        let Some(id) = invoice.and_then(|invoice| invoice.subscription) else { return Ok(()) };
        let (name, wanted) = (provider.name(), id.clone());
        let find = move |tx: &mut Tx<'_>| subscriptions_global::find_by_remote(tx, name, &wanted);
        let known: Result<_, DbError> = self.db().read("payments.subscriptions.known", find).await;
        if known?.is_none() {
            self.refresh(provider, &ObjectRef::new(ObjectKind::Subscription, id), cause).await?;
        }
        Ok(())
    }

    async fn unknown_products(&self, subscription: &RemoteSubscription) -> Result<Vec<String>, DbError> {
        let items: Vec<(String, String)> =
            subscription.items.iter().map(|item| (item.price.clone(), item.product.clone())).collect();
        self.db()
            .read("payments.prices.unknown", move |tx| {
                let mut unknown = Vec::new();
                for (price, product) in &items {
                    if prices_global::find_by_remote(tx, price)?.is_none() && !unknown.contains(product) {
                        unknown.push(product.clone());
                    }
                }
                Ok::<_, DbError>(unknown)
            })
            .await
    }

    async fn write_fetched(
        &self,
        provider: &Arc<dyn Provider>,
        object: &ObjectRef,
        lease: Lease,
        started_at: Timestamp,
        remote: Option<Remote>,
    ) -> Result<Fetch, PaymentsError> {
        let (now, id) = (self.now(), Id::new(self.now(), self.app().rng()));
        let (room, provider, object) = (self.clone(), provider.clone(), object.clone());
        self.db()
            .write("payments.objects.apply", move |tx| {
                let name = provider.name();
                let Some(more) = objects_global::settle(tx, name, &object, lease, (now, None))? else {
                    return Ok(Fetch::Busy);
                };
                let applied = room.apply(tx, provider.as_ref(), &object, remote.as_ref(), now)?;
                let fetched = Fetched {
                    id,
                    fence: lease.fence,
                    covers: lease.covers,
                    started_at,
                    finished_at: now,
                    outcome: applied.outcome.to_owned(),
                    changes: applied.changes.clone(),
                    causes: Vec::new(),
                };
                objects_global::insert_fetch(tx, name, &object, &fetched)?;
                if more {
                    jobs::schedule_fetch(room.app().rng(), tx, name, &object, now)?;
                }
                Ok::<_, PaymentsError>(Fetch::Done(applied))
            })
            .await
    }

    /// Takes over at once what the process before this one was fetching and carrying out when it died. Only where no other
    /// process can be at work: on SQLite.
    pub async fn take_over_leases(&self) -> Result<(), PaymentsError> {
        let take = |tx: &mut Tx<'_>| {
            reconciliations_global::release_all(tx)?;
            Ok(objects_global::release_all(tx)? + intents_global::release_all(tx)?)
        };
        let left: Result<u64, DbError> = self.db().write("payments.take_over", take).await;
        if left? > 0 {
            self.catch_up().await?;
        }
        Ok(())
    }

    /// Schedules what is behind and that nobody is fetching: after jobs were given up, or deleted.
    pub(crate) async fn catch_up(&self) -> Result<(), PaymentsError> {
        for provider in self.providers() {
            let (room, now) = (self.clone(), self.now());
            // What was heard a moment ago has its job already; one more finds nothing left to do.
            self.db()
                .write("payments.objects.catch_up", move |tx| {
                    for object in objects_global::list_behind(tx, provider.name(), now, 500)? {
                        objects_global::set_scheduled(tx, provider.name(), &object, true)?;
                        jobs::schedule_fetch_once(&room, tx, provider.name(), &object, now)?;
                    }
                    Ok::<_, DbError>(())
                })
                .await?;
        }
        Ok(())
    }
}
