//! The twin as a whole: opened on a file, asked over HTTP, working in the background.

use std::path::Path;
use std::sync::Arc;

use quoin_db::{Db, Options, SqliteOptions, Tx, migrate};
use quoin_kernel::{Problem, Secret};
use quoin_web::outbound::{Outbound, OutboundConfig};
use quoin_web::{App, FromRef, Mode, Module};
use url::Url;

use crate::chaos::{ApiFault, Knob};
use crate::desk::{Cause, Desk};
use crate::error::StripeError;
use crate::ids::Mint;
use crate::links::Links;
use crate::{MIGRATIONS, objects, routes, work};

/// A key that opens the twin; any other `sk_test_…` does as well.
pub const SECRET_KEY: &str = "sk_test_quoin_stripe_twin";

/// A Stripe that runs offline. Cloning shares it.
#[derive(Clone)]
pub struct StripeTwin(Arc<Inner>);

struct Inner {
    app: App,
    db: Db,
    outbound: Outbound,
}

/// What a [`Desk`] is made of, drawn before its transaction.
#[derive(Clone)]
pub(crate) struct DeskParts {
    pub(crate) mint: Mint,
    pub(crate) links: Links,
    pub(crate) real_now_ms: i64,
}

impl DeskParts {
    /// Opens a desk in a transaction.
    pub(crate) fn open<'a, 'c>(self, tx: &'a mut Tx<'c>, cause: Cause) -> Desk<'a, 'c> {
        let Self { mint, links, real_now_ms } = self;
        Desk { tx, mint, links, now: real_now_ms / 1000, real_now_ms, clock: None, cause }
    }
}

impl StripeTwin {
    /// Opens the twin's own database, making it where it is missing.
    ///
    /// # Errors
    /// In production, and where the file cannot be opened.
    pub async fn open(app: &App, file: &Path) -> Result<Self, Problem> {
        let options = SqliteOptions { reader_threads: 1, ..SqliteOptions::at(file) };
        Self::on(app, Db::open(&Options::Sqlite(options))?).await
    }

    /// Opens the twin on a database that holds nothing else.
    ///
    /// # Errors
    /// In production, and where its tables cannot be made.
    pub async fn on(app: &App, db: Db) -> Result<Self, Problem> {
        if app.config().mode == Mode::Production {
            return Err(Problem::new(
                500,
                "stripe_twin_in_production",
                "The twin of Stripe does not run in production: set stripe.secret_key",
            ));
        }
        migrate(&db, &[MIGRATIONS]).await?;
        // Endpoints are the developer's own, and nearly always on this machine.
        let everywhere = ["0.0.0.0/0", "::/0"].iter().filter_map(|network| network.parse().ok());
        let config =
            OutboundConfig { allowed_networks: everywhere.collect(), ..app.config().outbound.clone() };
        Ok(Self(Arc::new(Inner { app: app.clone(), db, outbound: Outbound::new(&config) })))
    }

    /// Describes the twin to `server`: `/v1/…` and `/_twin`.
    pub fn module(&self) -> Module {
        Module::new("stripe_twin", routes::routes(self))
    }

    /// Delivers webhooks and does what falls due, until the shutdown.
    pub async fn run(&self) {
        let tasks = self.app().tasks().clone();
        tokio::select! { () = work::run(self) => {}, () = tasks.stopping() => {} }
    }

    /// Makes sure that every event is delivered to `url`, and returns the secret under which deliveries are signed.
    ///
    /// # Errors
    /// Where the twin's database fails.
    pub async fn ensure_endpoint(&self, url: &Url) -> Result<Secret<String>, Problem> {
        let (parts, url) = (self.desk_parts(), url.to_string());
        let secret = self.db().write("stripe_twin.endpoint.ensure", move |tx| {
            let mut desk = parts.clone().open(tx, Cause::default());
            objects::webhook_endpoint::ensure(&mut desk, &url)
        });
        secret.await.map(Secret::new).map_err(Problem::internal)
    }

    /// Makes an event happen, with everything it needs: `customer.subscription.updated` makes a subscription and changes
    /// it. Returns the ids of the events that came of it.
    ///
    /// # Errors
    /// Where the twin knows no way to make that event happen.
    pub async fn trigger(&self, event: &str) -> Result<Vec<String>, Problem> {
        let (parts, event) = (self.desk_parts(), event.to_owned());
        let happened = self.db().write("stripe_twin.trigger", move |tx| {
            let mut desk = parts.clone().open(tx, Cause::default());
            crate::objects::trigger::trigger(&mut desk, &event)
        });
        happened.await.map_err(|error: StripeError| Problem::invalid(error.message()))
    }

    /// Finishes what waits and closes the database.
    pub fn close(&self) {
        self.db().close();
    }

    pub(crate) fn app(&self) -> &App {
        &self.0.app
    }

    pub(crate) fn db(&self) -> &Db {
        &self.0.db
    }

    pub(crate) fn outbound(&self) -> &Outbound {
        &self.0.outbound
    }

    pub(crate) fn now_ms(&self) -> i64 {
        self.app().now().as_micros().div_euclid(1000)
    }

    pub(crate) fn desk_parts(&self) -> DeskParts {
        DeskParts {
            mint: Mint::draw(self.app().rng()),
            links: Links::below(self.app().config().public_url.clone()),
            real_now_ms: self.now_ms(),
        }
    }

    /// Asks the chaos knob about a call.
    pub(crate) async fn api_fault(&self, path: &str) -> Result<Option<ApiFault>, StripeError> {
        let knob = self.db().read("stripe_twin.chaos.read", Knob::read).await?;
        Ok(knob.api_fault(path, &mut Mint::draw(self.app().rng())))
    }

    /// Runs a change at a desk, outside of the API: pages and background work.
    pub(crate) async fn change<T, F>(&self, name: &'static str, mut change: F) -> Result<T, StripeError>
    where
        T: Send + 'static,
        F: FnMut(&mut Desk<'_, '_>) -> Result<T, StripeError> + Send + 'static,
    {
        let parts = self.desk_parts();
        let done = self.db().write(name, move |tx| {
            let mut desk = parts.clone().open(tx, Cause::default());
            match change(&mut desk) {
                // A refused card is news that stays, so it must not undo the transaction.
                Err(error) if error.keeps_changes() => Ok(Err(error)),
                other => other.map(Ok),
            }
        });
        done.await?
    }

    /// Reads at a desk, outside of the API.
    pub(crate) async fn look<T, F>(&self, name: &'static str, mut look: F) -> Result<T, StripeError>
    where
        T: Send + 'static,
        F: FnMut(&mut Desk<'_, '_>) -> Result<T, StripeError> + Send + 'static,
    {
        let parts = self.desk_parts();
        self.db().read(name, move |tx| look(&mut parts.clone().open(tx, Cause::default()))).await
    }
}

impl FromRef<StripeTwin> for App {
    fn from_ref(twin: &StripeTwin) -> Self {
        twin.app().clone()
    }
}
