//! What every door needs, shared by all requests: databases, time, randomness, keys and the ports that say who calls.

use std::fmt;
use std::sync::{Arc, OnceLock};

use axum::response::Response;
use quoin_db::Databases;
use quoin_kernel::port::{Authenticator, CallMeter, Issuers, Memberships};
use quoin_kernel::seal::MasterKey;
use quoin_kernel::{Clock, Id, Issuer, Problem, Rng, Timestamp};

use crate::calls::Calls;
use crate::config::WebConfig;
use crate::entitlements::Entitlements;
use crate::health::Health;
use crate::metrics::Metrics;
use crate::outbound::Outbound;
use crate::tasks::Tasks;
use crate::view::{Pages, View};

/// Holds what every door needs; cloning shares it.
#[derive(Clone)]
pub struct App(Arc<AppInner>);

/// What an [`App`] is made of.
pub struct AppParts {
    /// The instance's own database and its tenants'.
    pub db: Databases,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The source of randomness.
    pub rng: Arc<dyn Rng>,
    /// Addresses, limits and lists of the HTTP side.
    pub config: WebConfig,
    /// The key under which secrets at rest are sealed.
    pub master_key: MasterKey,
}

/// The ports through which the doors learn who calls; other rooms implement them.
#[derive(Clone)]
pub struct Ports {
    /// Says who holds a credential.
    pub authenticator: Arc<dyn Authenticator>,
    /// Says who belongs to which organisation.
    pub memberships: Arc<dyn Memberships>,
    /// Says who could still sign what they have signed.
    pub issuers: Arc<dyn Issuers>,
}

struct AppInner {
    parts: AppParts,
    ports: OnceLock<Ports>,
    entitlements: OnceLock<Arc<dyn Entitlements>>,
    call_meter: OnceLock<Arc<dyn CallMeter>>,
    pages: OnceLock<Arc<dyn Pages>>,
    calls: Calls,
    metrics: Metrics,
    health: Health,
    outbound: Outbound,
    tasks: Tasks,
}

impl App {
    /// Gathers the parts. Until [`App::connect`] is called, every door answers 503.
    pub fn new(parts: AppParts) -> Self {
        let outbound = Outbound::new(&parts.config.outbound);
        let calls = Calls::keeping(parts.config.recent_calls);
        Self(Arc::new(AppInner {
            parts,
            ports: OnceLock::new(),
            entitlements: OnceLock::new(),
            call_meter: OnceLock::new(),
            pages: OnceLock::new(),
            calls,
            metrics: Metrics::default(),
            health: Health::default(),
            outbound,
            tasks: Tasks::default(),
        }))
    }

    /// Hands over the ports, once: the rooms that implement them need the `App` first.
    pub fn connect(&self, ports: Ports) {
        if self.0.ports.set(ports).is_err() {
            tracing::warn!("the ports of this app were connected already; the first ones stay");
        }
    }

    /// Hands over who knows what plans allow, once. Without it nothing is limited.
    pub fn connect_entitlements(&self, entitlements: Arc<dyn Entitlements>) {
        if self.0.entitlements.set(entitlements).is_err() {
            tracing::warn!("the entitlements of this app were connected already; the first ones stay");
        }
    }

    /// Returns who knows what plans allow, where anything is limited.
    pub fn entitlements(&self) -> Option<Arc<dyn Entitlements>> {
        self.0.entitlements.get().cloned()
    }

    /// Hands over who counts calls, once. Without it none is counted.
    pub fn connect_call_meter(&self, meter: Arc<dyn CallMeter>) {
        if self.0.call_meter.set(meter).is_err() {
            tracing::warn!("the call meter of this app was connected already; the first one stays");
        }
    }

    /// Returns who counts calls, where any plan limits them.
    pub(crate) fn call_meter(&self) -> Option<&dyn CallMeter> {
        self.0.call_meter.get().map(AsRef::as_ref).filter(|meter| meter.is_limited())
    }

    /// Hands over who shows pages, once.
    pub fn connect_pages(&self, pages: Arc<dyn Pages>) {
        if self.0.pages.set(pages).is_err() {
            tracing::warn!("the pages of this app were connected already; the first ones stay");
        }
    }

    /// Shows a page.
    ///
    /// # Errors
    /// 500 before [`App::connect_pages`], or for a page that cannot be shown.
    pub fn show(&self, view: View) -> Result<Response, Problem> {
        let pages =
            self.0.pages.get().ok_or_else(|| Problem::internal("nobody shows pages in this process"))?;
        pages.show(view)
    }

    /// Returns the databases.
    pub fn db(&self) -> &Databases {
        &self.0.parts.db
    }

    /// Returns the clock.
    pub fn clock(&self) -> &dyn Clock {
        self.0.parts.clock.as_ref()
    }

    /// Returns the clock for what outlives a call.
    pub fn shared_clock(&self) -> Arc<dyn Clock> {
        self.0.parts.clock.clone()
    }

    /// Returns the present moment.
    pub fn now(&self) -> Timestamp {
        self.0.parts.clock.now()
    }

    /// Returns the source of randomness.
    pub fn rng(&self) -> &dyn Rng {
        self.0.parts.rng.as_ref()
    }

    /// Returns the source of randomness for threads that outlive a call.
    pub fn shared_rng(&self) -> Arc<dyn Rng> {
        self.0.parts.rng.clone()
    }

    /// Makes an identifier from the present moment.
    pub fn id<K>(&self) -> Id<K> {
        Id::new(self.now(), self.rng())
    }

    /// Returns the configuration of the HTTP side.
    pub fn config(&self) -> &WebConfig {
        &self.0.parts.config
    }

    /// Returns the key under which secrets at rest are sealed.
    pub fn master_key(&self) -> &MasterKey {
        &self.0.parts.master_key
    }

    /// Returns the recent calls of this node.
    pub fn calls(&self) -> &Calls {
        &self.0.calls
    }

    /// Returns the counters of this node.
    pub fn metrics(&self) -> &Metrics {
        &self.0.metrics
    }

    /// Returns the checks behind `/readyz`.
    pub fn health(&self) -> &Health {
        &self.0.health
    }

    /// Returns the guarded HTTP client.
    pub fn outbound(&self) -> &Outbound {
        &self.0.outbound
    }

    /// Returns the keeper of background tasks.
    pub fn tasks(&self) -> &Tasks {
        &self.0.tasks
    }

    /// Tells whether whoever had something signed could still have it signed.
    ///
    /// # Errors
    /// 503 where that cannot be found out, also before [`App::connect`].
    pub async fn is_live(&self, issuer: &Issuer) -> Result<bool, Problem> {
        self.ports()?.issuers.is_live(issuer, self.now()).await
    }

    /// Returns the ports.
    ///
    /// # Errors
    /// 503 before [`App::connect`]: closed rather than open.
    pub(crate) fn ports(&self) -> Result<&Ports, Problem> {
        self.0.ports.get().ok_or_else(|| {
            Problem::unavailable("identity_unavailable", "The server cannot check who is calling now", 5)
        })
    }
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App").field("config", self.config()).finish_non_exhaustive()
    }
}
