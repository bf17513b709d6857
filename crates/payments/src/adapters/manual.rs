//! The provider without a provider: orders become invoices that people pay by bank transfer, an administrator confirms
//! them, or grants a plan outright. Its books are tables of ours; it speaks the same port as everybody else.

mod changes;
mod credit;
mod deeds;
mod time;

use std::time::Duration;

use quoin_db::{Db, DbError, Tx};
use quoin_kernel::Timestamp;
use quoin_kernel::port::BoxFuture;
use quoin_web::App;
use uuid::Uuid;

pub(crate) use self::deeds::DUE_AFTER;
use self::deeds::{Failed, find, invoice_for, perform};
use crate::jobs;
use crate::model::command::ChangeSubscription;
use crate::model::invoice::InvoiceLine;
use crate::model::money::Money;
use crate::model::remote::{Remote, RemoteInvoice, RemoteItem, RemoteSubscription};
use crate::model::{
    Announcement, Command, Interval, ObjectKind, ObjectRef, Outcome, Plan, Price, PriceId, Status,
};
use crate::port::{IntentKey, InvalidAnnouncement, Preview, Provider, ProviderError, RemotePage};
use crate::service::serve_manually::Grant;
use crate::store::{manual_books_global as books, prices_global};

const PAGE: u32 = 200;

/// Keeps the books.
pub struct Manual {
    app: App,
    grace: Duration,
}

type Done<T> = Result<T, ProviderError>;

impl Manual {
    /// Opens the books. `grace` is how long a missing payment changes nothing.
    pub(crate) const fn new(app: App, grace: Duration) -> Self {
        Self { app, grace }
    }

    fn db(&self) -> &Db {
        self.app.db().system()
    }

    /// Finds the price that a granted plan is held by, or makes one of nothing.
    pub(crate) fn price_of(&self, tx: &mut Tx<'_>, plan: &Plan, now: Timestamp) -> Result<Price, DbError> {
        if let Some(price) = plan.prices.iter().find(|price| price.amount == 0 && price.remote_id.is_some()) {
            return Ok(price.clone());
        }
        let id = PriceId::new(now, self.app.rng());
        let currency = plan.prices.first().map(|price| price.currency).or_else(|| "usd".parse().ok());
        let price = Price {
            id,
            interval: Some(Interval::Year),
            interval_count: 1,
            amount: 0,
            currency: currency.ok_or(DbError::NoRow("currency"))?,
            trial_days: 0,
            per_seat: false,
            meter: None,
            // Nobody buys it; it is what a grant hangs on.
            active: false,
            remote_id: Some(format!("price_{}", id.uuid().simple())),
            created_at: now,
        };
        prices_global::insert(tx, &plan.id, &price)?;
        Ok(price)
    }

    /// Writes a granted plan into the books and returns the subscription's id there.
    pub(crate) fn grant(
        &self,
        tx: &mut Tx<'_>,
        grant: &Grant,
        (plan, price): (&Plan, &Price),
        customer: &str,
        now: Timestamp,
    ) -> Result<String, DbError> {
        let mut random = [0; 16];
        self.app.rng().fill(&mut random);
        let id = format!("sub_{}", Uuid::from_bytes(random).simple());
        let item = RemoteItem {
            id: format!("si_{id}"),
            price: price.remote_id.clone().unwrap_or_default(),
            product: plan.remote_id.clone().unwrap_or_default(),
            quantity: grant.quantity,
            amount: 0,
            currency: price.currency,
            metered: false,
            created_at: now,
            period_start: Some(now),
            period_end: grant.until,
        };
        let metadata = [
            ("quoin_subject".to_owned(), grant.subject.to_string()),
            ("quoin_plan".to_owned(), plan.id.to_string()),
            ("quoin_plan_version".to_owned(), plan.version.to_string()),
        ];
        let one = RemoteSubscription {
            id: id.clone(),
            customer: customer.to_owned(),
            status: Status::Active,
            items: vec![item],
            started_at: now,
            trial_end: None,
            cancel_at: grant.until,
            canceled_at: None,
            ended_at: None,
            paused: false,
            resumes_at: None,
            latest_invoice: None,
            waiting: None,
            discount: None,
            unpaid_since: None,
            live: true,
            metadata: metadata.into_iter().collect(),
        };
        books::put_subscription(tx, &one, now)?;
        Ok(id)
    }

    /// Tells whether a subscription in the books was granted: nobody has ordered it.
    pub(crate) fn is_grant(tx: &mut Tx<'_>, subscription: &str) -> Result<bool, DbError> {
        let found = books::find_subscription(tx, subscription)?;
        Ok(found.is_some_and(|one| !one.metadata.contains_key("quoin_checkout")))
    }

    /// Writes that the money of an invoice has arrived; returns the subscription that it is for.
    pub(crate) fn confirm(tx: &mut Tx<'_>, invoice: &str, now: Timestamp) -> Result<Option<String>, DbError> {
        time::confirm(tx, invoice, now)
    }

    /// Lets time pass in the books: granted plans end, paid periods end and are invoiced anew.
    pub(crate) async fn advance(&self, now: Timestamp) -> Result<(), DbError> {
        let mut after = String::new();
        loop {
            let from = after.clone();
            let (rng, name, grace) = (self.app.shared_rng(), self.name(), self.grace);
            let passed = self.db().write("payments.manual.advance", move |tx| {
                let page = books::list_subscriptions(tx, &from, PAGE)?;
                for one in &page {
                    if time::pass_time(tx, one, grace, now)? {
                        let object = ObjectRef::new(ObjectKind::Subscription, &one.id);
                        jobs::hear(rng.as_ref(), tx, name, (&object, "time"), now)?;
                    }
                }
                Ok::<_, DbError>(page.last().map(|one| one.id.clone()))
            });
            match passed.await? {
                Some(last) => after = last,
                None => return Ok(()),
            }
        }
    }

    async fn carry_out(&self, command: &Command, key: &IntentKey) -> Done<Outcome> {
        let (command, intent, now) = (command.clone(), key.intent, self.app.now());
        let bank_page = self.app.config().link("/payments/v1/transfers");
        let done = self.db().write("payments.manual.perform", move |tx| {
            perform(tx, &command, intent, (now, bank_page.as_str()))
        });
        done.await.map_err(Failed::into_error)
    }
}

impl Provider for Manual {
    fn name(&self) -> &'static str {
        "manual"
    }

    fn is_live(&self) -> bool {
        true
    }

    fn perform<'a>(&'a self, command: &'a Command, key: &'a IntentKey) -> BoxFuture<'a, Done<Outcome>> {
        Box::pin(self.carry_out(command, key))
    }

    fn look_up<'a>(
        &'a self,
        command: &'a Command,
        key: &'a IntentKey,
    ) -> BoxFuture<'a, Done<Option<Outcome>>> {
        Box::pin(async move {
            match command {
                Command::CreateCoupon(_) => Ok(None),
                // Everything here is made under ids that follow from the command, so doing it again finds it.
                _ => self.carry_out(command, key).await.map(Some),
            }
        })
    }

    fn fetch<'a>(&'a self, object: &'a ObjectRef) -> BoxFuture<'a, Done<Option<Remote>>> {
        let object = object.clone();
        Box::pin(async move {
            let read = move |tx: &mut Tx<'_>| find(tx, &object);
            let found: Result<Option<Remote>, DbError> = self.db().read("payments.manual.fetch", read).await;
            found.map_err(|error| ProviderError::Unavailable(Box::new(error)))
        })
    }

    fn list<'a>(&'a self, kind: ObjectKind, after: Option<&'a str>) -> BoxFuture<'a, Done<RemotePage>> {
        let after = after.unwrap_or_default().to_owned();
        Box::pin(async move {
            if kind != ObjectKind::Subscription {
                return Ok(RemotePage::default());
            }
            let list = move |tx: &mut Tx<'_>| books::list_subscriptions(tx, &after, PAGE);
            let page: Result<Vec<RemoteSubscription>, DbError> =
                self.db().read("payments.manual.list", list).await;
            let page = page.map_err(|error| ProviderError::Unavailable(Box::new(error)))?;
            let next = page.last().filter(|_| page.len() == PAGE as usize).map(|one| one.id.clone());
            Ok(RemotePage { objects: page.into_iter().map(Remote::Subscription).collect(), next })
        })
    }

    fn preview<'a>(&'a self, change: &'a ChangeSubscription) -> BoxFuture<'a, Done<Preview>> {
        let (price, quantity) = (change.price.clone(), change.quantity);
        Box::pin(async move {
            let find = move |tx: &mut Tx<'_>| prices_global::find_by_remote(tx, &price);
            let found: Result<_, DbError> = self.db().read("payments.manual.preview", find).await;
            let found = found.map_err(|error| ProviderError::Unavailable(Box::new(error)))?;
            let Some((plan, price)) = found else {
                return Err(Failed::Refused("There is no such price.").into_error());
            };
            let total = price.amount.saturating_mul(quantity);
            let line = InvoiceLine {
                description: Some(plan.to_string()),
                amount: total,
                quantity: Some(quantity),
                period_start: None,
                period_end: None,
                proration: false,
            };
            // Nothing is evened out here: the change shows on the next invoice.
            Ok(Preview { currency: price.currency, total, amount_due: 0, lines: vec![line] })
        })
    }

    fn upcoming<'a>(
        &'a self,
        _: &'a str,
        subscription: &'a str,
    ) -> BoxFuture<'a, Done<Option<RemoteInvoice>>> {
        let (id, now) = (subscription.to_owned(), self.app.now());
        Box::pin(async move {
            let find = move |tx: &mut Tx<'_>| books::find_subscription(tx, &id);
            let found: Result<_, DbError> = self.db().read("payments.manual.upcoming", find).await;
            let found = found.map_err(|error| ProviderError::Unavailable(Box::new(error)))?;
            let goes_on = found.filter(|one| one.cancel_at.is_none() && !one.status.is_over());
            Ok(goes_on
                .map(|one| RemoteInvoice { status: "draft".into(), ..invoice_for(&one, String::new(), now) }))
        })
    }

    fn balance<'a>(&'a self, customer: &'a str) -> BoxFuture<'a, Done<Option<Money>>> {
        let customer = customer.to_owned();
        Box::pin(async move {
            let find = move |tx: &mut Tx<'_>| books::find_balances(tx, &customer);
            let found: Result<Vec<Money>, DbError> = self.db().read("payments.manual.balance", find).await;
            // Whoever pays in several currencies sees the one in which they have the most.
            let found = found.map_err(|error| ProviderError::Unavailable(Box::new(error)))?;
            Ok(found.into_iter().max_by_key(|money| money.amount))
        })
    }

    fn read_announcement(
        &self,
        _: Option<&str>,
        _: &[u8],
        _: Timestamp,
    ) -> Result<Announcement, InvalidAnnouncement> {
        // Nobody announces anything: what happens here is done by ourselves.
        Err(InvalidAnnouncement::NoSecret)
    }
}
