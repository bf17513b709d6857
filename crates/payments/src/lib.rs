//! Payments API: what is sold, who has paid for it, and what that opens.
//!
//! Nouns: a *plan* with its *prices* is sold to a *subject*, an organisation or a person; a *provider* makes them pay. A
//! *subscription* is what the provider says of it. An *entitlement* is what the plan in force gives. An *intent* is what
//! a provider was asked to do; an *event* is news from it.
//!
//! Invariants:
//!
//! - The state of a subscription is what the provider answered to the last completed fetch, never what an event says, so
//!   the order, number and timing of events mean nothing. One fetch of an object runs at a time, under a lease whose
//!   fencing token the writing transaction checks.
//! - Nothing is asked of a provider before it is written down with the key that makes it happen once.
//! - Nobody gets what a plan gives by coming back from a payment page: only by what the provider says when asked.
//! - A limit is checked and counted by one statement, in the transaction of what it limits.
//!
//! Reading order: [`model`], [`port`], `adapters/`, `store/`, `service/` (begin with `carry_out`, `fetch_object` and
//! `entitle`), `http/`, `jobs`.

pub mod adapters;
pub mod config;
#[cfg(any(test, feature = "testing"))]
pub mod conformance;
mod error;
mod http;
mod jobs;
pub mod model;
pub mod port;
pub mod service;
mod store;
mod views;

use std::sync::Arc;

use quoin_audit::{Actor, Entry};
use quoin_db::{Db, Migration, Statement, migrations};
use quoin_kernel::port::Origin;
use quoin_kernel::{Problem, Timestamp};
use quoin_web::{App, FromRef, Module};

use adapters::manual::Manual;
use adapters::stripe::Stripe;
pub use config::{PaymentsConfig, ProviderName, StripeConfig};
pub use error::PaymentsError;
pub use jobs::{FORGET_ORG, FORGET_PERSON};
use port::Provider;
pub use service::entitle::Entitled;
pub use views::views;

/// The room's schema.
pub static MIGRATIONS: &[Migration] = migrations!(
    "payments",
    "0001_plans",
    "0002_subscriptions",
    "0003_ledger",
    "0004_use",
    "0005_manual",
    "0006_attempts",
    "0007_disputes",
    "0008_scheduled",
    "0009_limits_told",
    "0010_erasure_and_credit",
    "0011_resuming",
    "0012_checkouts_of_a_provider",
    "0013_intents_that_wait",
    "0014_reconciliations",
    "0015_refunded",
    "0016_former_customers",
    "0017_lost_disputes",
    "0018_paid_last",
    "0019_changed_there",
    "0020_holders",
    "0021_no_addresses"
);

/// Every statement of this room.
pub static STATEMENTS: &[&[&Statement]] = &[
    store::checkouts::ALL,
    store::checkouts_global::ALL,
    store::credit_notes::ALL,
    store::customers::ALL,
    store::differences_global::ALL,
    store::disputes::ALL,
    store::entitlements::ALL,
    store::events_global::ALL,
    store::intents_global::ALL,
    store::invoices::ALL,
    store::invoices_global::ALL,
    store::manual_books_global::ALL,
    store::objects_global::ALL,
    store::plans_global::ALL,
    store::prices_global::ALL,
    store::reconciliations_global::ALL,
    store::standings::ALL,
    store::subscriptions::ALL,
    store::subscriptions_global::ALL,
    store::usage::ALL,
    store::usage_global::ALL,
];

/// The room: everything its services need. Cloning shares it.
#[derive(Clone)]
pub struct Payments(Arc<Inner>);

struct Inner {
    app: App,
    config: PaymentsConfig,
    stripe: Option<Arc<dyn Provider>>,
    manual: Arc<Manual>,
    entitled: Entitled,
}

impl Payments {
    /// Opens the room with the provider that the configuration names.
    ///
    /// # Errors
    /// 400 where the provider's credentials or address cannot be used.
    pub fn new(
        app: App,
        config: PaymentsConfig,
        stripe: &StripeConfig,
        entitled: Entitled,
    ) -> Result<Self, Problem> {
        let stripe = Stripe::new(stripe)?.map(|stripe| Arc::new(stripe) as Arc<dyn Provider>);
        Ok(Self::with_provider(app, config, stripe, entitled))
    }

    /// Opens the room with a provider of the caller's choice in Stripe's place.
    pub fn with_provider(
        app: App,
        config: PaymentsConfig,
        stripe: Option<Arc<dyn Provider>>,
        entitled: Entitled,
    ) -> Self {
        let manual = Arc::new(Manual::new(app.clone(), config.grace()));
        Self(Arc::new(Inner { app, config, stripe, manual, entitled }))
    }

    /// Describes the room to `server`.
    pub fn module(&self) -> Module {
        Module {
            jobs: jobs::types(self),
            schedules: jobs::schedules(self.config()),
            ..Module::new("payments", http::routes(self.clone()))
        }
    }

    /// The configuration.
    pub fn config(&self) -> &PaymentsConfig {
        &self.0.config
    }

    /// What every room shares.
    pub fn app(&self) -> &App {
        &self.0.app
    }

    /// Who knows what plans allow.
    pub fn entitled(&self) -> &Entitled {
        &self.0.entitled
    }

    pub(crate) fn manual(&self) -> &Arc<Manual> {
        &self.0.manual
    }

    pub(crate) fn db(&self) -> &Db {
        self.0.app.db().system()
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.0.app.now()
    }

    /// Returns the provider that sells.
    ///
    /// # Errors
    /// [`PaymentsError::NotSetUp`] without its credentials.
    pub(crate) fn provider(&self) -> Result<Arc<dyn Provider>, PaymentsError> {
        match self.config().provider {
            ProviderName::Manual => Ok(self.0.manual.clone()),
            ProviderName::Stripe => self.0.stripe.clone().ok_or(PaymentsError::NotSetUp),
        }
    }

    /// Returns the provider that sells, for those who drive it by themselves.
    ///
    /// # Errors
    /// [`PaymentsError::NotSetUp`] without its credentials.
    #[cfg(any(test, feature = "testing"))]
    pub fn selling_provider(&self) -> Result<Arc<dyn Provider>, PaymentsError> {
        self.provider()
    }

    /// Returns the provider that a row names.
    ///
    /// # Errors
    /// [`PaymentsError::NotSetUp`] where it is not set up any more.
    pub(crate) fn provider_named(&self, name: &str) -> Result<Arc<dyn Provider>, PaymentsError> {
        match &self.0.stripe {
            Some(stripe) if stripe.name() == name => Ok(stripe.clone()),
            _ if self.0.manual.name() == name => Ok(self.0.manual.clone()),
            _ => Err(PaymentsError::NotSetUp),
        }
    }

    /// Returns the provider that opened a checkout; the one that sells where that was not written down.
    ///
    /// # Errors
    /// [`PaymentsError::NotSetUp`] where it is not set up any more.
    pub(crate) fn provider_of(&self, name: Option<&str>) -> Result<Arc<dyn Provider>, PaymentsError> {
        name.map_or_else(|| self.provider(), |name| self.provider_named(name))
    }

    /// Returns every provider that is set up.
    pub(crate) fn providers(&self) -> Vec<Arc<dyn Provider>> {
        let manual: Arc<dyn Provider> = self.0.manual.clone();
        self.0.stripe.iter().cloned().chain([manual]).collect()
    }

    /// Starts an audit entry about this request.
    pub(crate) fn entry(&self, actor: Actor, action: &'static str, origin: &Origin) -> Entry {
        Entry::new(self.0.app.rng(), origin.now, actor, action).from(origin)
    }
}

impl FromRef<Payments> for App {
    fn from_ref(payments: &Payments) -> Self {
        payments.0.app.clone()
    }
}

#[cfg(test)]
mod tests;
