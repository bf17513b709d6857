//! Puts the rooms together: database, schema, services, routes.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use quoin_data::Data;
use quoin_db::{Databases, Db, DbError, Engine, Options, PostgresOptions, SqliteOptions, migrate};
use quoin_federation::NameServers;
use quoin_identity::Identity;
use quoin_identity::authenticator::LiveIssuers;
use quoin_identity::remote::RemoteAuthenticator;
use quoin_identity::service::{FirstKeys, PresetKeys};
use quoin_jobs::{Worker, WorkerParts};
use quoin_kernel::clock::SystemClock;
use quoin_kernel::port::{Authenticator, Issuers};
use quoin_kernel::rng::SystemRng;
use quoin_kernel::{Clock, Problem, Rng};
use quoin_pages::{Frame, Pages};
use quoin_payments::{Entitled, Payments, StripeConfig};
use quoin_stripe_twin::StripeTwin;
use quoin_tenancy::Tenancy;
use quoin_web::config::RedirectAllowList;
use quoin_web::outbound::OutboundConfig;
use quoin_web::{App, AppParts, Front, Mode, Ports, WebConfig};
use url::Url;

use crate::data_dir::{DataDir, DataDirError};
use crate::instance_global;
use crate::modules::{self, Rooms};
use crate::passkeys;
use crate::providers;
use crate::settings::{ModeSetting, Room, Settings};
use crate::{stores, stripe_twin, upstream, user_migrations};

/// The database file in the data directory.
pub const DATABASE_FILE: &str = "quoin.db";

/// A composed instance that answers requests, in memory or behind a listener.
pub struct Instance {
    /// What every room shares.
    pub app: App,
    /// Answers requests.
    pub front: Front,
    /// The room of people, where this process serves it.
    pub identity: Option<Identity>,
    /// Knows what plans allow.
    pub entitled: Entitled,
    /// A Stripe that runs offline, where this process needs one.
    pub stripe_twin: Option<StripeTwin>,
    /// Works through the queue.
    pub worker: Worker,
    /// Keys that were generated just now.
    pub first_keys: FirstKeys,
    /// The locked data directory.
    pub data_dir: DataDir,
}

/// The outside as parameters, so that tests decide time and randomness.
pub struct Outside {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub rng: Arc<dyn Rng>,
}

impl Default for Outside {
    fn default() -> Self {
        Self { clock: Arc::new(SystemClock), rng: Arc::new(SystemRng::default()) }
    }
}

/// Why an instance does not start.
#[derive(Debug, thiserror::Error)]
pub enum CannotStart {
    /// The data directory.
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    /// The database.
    #[error("the database cannot be opened: {0}")]
    Database(#[from] DbError),
    /// A setting that only shows to be wrong now.
    #[error("{0}")]
    Setting(String),
    /// A room refuses to start.
    #[error("{}", .0.message())]
    Room(#[from] Problem),
}

impl Instance {
    /// Composes an instance. `listen` is the address people will reach, known only once it is bound where the port was 0.
    ///
    /// # Errors
    /// The first thing that stands in the way, in words for the operator.
    pub async fn start(
        settings: &Settings,
        listen: SocketAddr,
        outside: Outside,
    ) -> Result<Self, CannotStart> {
        let data_dir = DataDir::open(&settings.data_dir)?;
        let master_key = data_dir.master_key(settings.master_key.as_ref(), outside.rng.as_ref())?;
        let db = Db::open(&database_options(settings, &data_dir)?)?;
        migrate(&db, modules::MIGRATIONS).await?;
        let web = web_config(settings, listen, &db).await?;
        instance_global::check_master_key(&db, &master_key).await?;
        let databases = Databases::shared(db.clone());
        let (clock, rng) = (outside.clock, outside.rng);
        let parts =
            AppParts { db: databases, clock: clock.clone(), rng: rng.clone(), config: web, master_key };
        let app = App::new(parts);
        let entitled = start_entitled(&app, settings).await?;
        let (rooms, first_keys) = start_rooms(&app, settings, listen, &data_dir, &entitled).await?;
        let twin = rooms.stripe_twin.clone();
        register_health(&app, &db);
        let identity = rooms.identity.clone();
        let (files, payments) = (rooms.files.clone(), rooms.payments.clone());
        let parts = modules::compose(&app, rooms);
        if db.engine() == Engine::Sqlite {
            quoin_jobs::take_over(&db, clock.now()).await?;
            if let Some(files) = &files {
                let given_up = quoin_files::service::sweep::give_up_idle(files, Duration::ZERO).await;
                given_up.map_err(Problem::from)?;
            }
            if let Some(payments) = &payments {
                payments.take_over_leases().await.map_err(Problem::from)?;
            }
        }
        let worker = Worker::new(WorkerParts {
            db,
            types: parts.jobs,
            schedules: parts.schedules,
            subscriptions: parts.subscriptions,
            config: settings.jobs.clone(),
            clock,
            rng,
        });
        let worker = worker.map_err(|error| CannotStart::Setting(error.to_string()))?;
        let front = Front::new(app.clone(), parts.routes);
        Ok(Self { app, front, identity, entitled, stripe_twin: twin, worker, first_keys, data_dir })
    }
}

/// Starts what runs beside requests: the queue's worker, which takes no more jobs once `stop` ends, and the watch over
/// revocations and keys, which requests need to the last.
pub fn start_background(
    app: &App,
    identity: Option<Identity>,
    entitled: Entitled,
    worker: Worker,
    stop: impl Future<Output = ()> + Send + 'static,
) {
    quoin_jobs::start(app, worker, stop);
    let tasks = app.tasks().clone();
    let here = app.clone();
    app.tasks().spawn("payments.watch", async move {
        tokio::select! { () = entitled.watch() => {}, () = tasks.stopping() => {} }
        if let Err(error) = entitled.give_back_all_calls(here.now()).await {
            tracing::warn!(%error, "calls held in reserve were not given back and count as used");
        }
    });
    let Some(identity) = identity else { return };
    let tasks = app.tasks().clone();
    app.tasks().spawn("identity.watch", async move {
        tokio::select! { () = identity.watch() => {}, () = tasks.stopping() => {} }
    });
}

fn database_options(settings: &Settings, data_dir: &DataDir) -> Result<Options, DataDirError> {
    Ok(match &settings.database_url {
        Some(url) => Options::Postgres(PostgresOptions {
            connections: settings.database_connections,
            ..PostgresOptions::at(url.expose().clone())
        }),
        None => Options::Sqlite(SqliteOptions::at(data_dir.private_file(DATABASE_FILE)?)),
    })
}

async fn web_config(settings: &Settings, listen: SocketAddr, db: &Db) -> Result<WebConfig, CannotStart> {
    let public_url = match &settings.public_url {
        Some(text) => parse_url("public_url", text)?,
        None => parse_url("listen", &format!("http://{listen}"))?,
    };
    let mode = settle_mode(settings, listen, &public_url, db).await?;
    let site_url = settings.site_url.as_deref().map(|text| parse_url("site_url", text)).transpose()?;
    let redirects = RedirectAllowList::parse(&settings.redirect_urls)
        .map_err(|error| CannotStart::Setting(format!("redirect_urls: {error}")))?;
    let config = WebConfig::at(public_url, mode);
    Ok(WebConfig {
        site_url: site_url.unwrap_or_else(|| config.public_url.clone()),
        language: settings.language,
        redirects,
        trusted_proxies: settings.trusted_proxies,
        cors_origins: settings.cors_origins.clone(),
        outbound: OutboundConfig {
            allowed_networks: settings.outbound_networks.clone(),
            ..OutboundConfig::default()
        },
        hsts_include_subdomains: settings.hsts_include_subdomains,
        ..config
    })
}

async fn settle_mode(
    settings: &Settings,
    listen: SocketAddr,
    public_url: &Url,
    db: &Db,
) -> Result<Mode, CannotStart> {
    let is_local = listen.ip().is_loopback() && is_loopback(public_url);
    let by_default = if is_local { Mode::Development } else { Mode::Production };
    let wished = settings.mode.map(|mode| match mode {
        ModeSetting::Development => Mode::Development,
        ModeSetting::Production => Mode::Production,
    });
    if wished == Some(Mode::Development) && !is_local {
        let message =
            "mode = development is for loopback only: listen and public_url must both be loopback addresses";
        return Err(CannotStart::Setting(message.into()));
    }
    Ok(instance_global::settle_mode(db, wished, by_default).await?)
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        None => false,
    }
}

fn parse_url(name: &str, text: &str) -> Result<Url, CannotStart> {
    let parsed =
        Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    parsed.ok_or_else(|| CannotStart::Setting(format!("{name}: {text:?} is not an http or https URL")))
}

/// Every process keeps the limits of plans, whatever rooms it serves.
async fn start_entitled(app: &App, settings: &Settings) -> Result<Entitled, CannotStart> {
    let entitled = Entitled::new(app, &settings.payments);
    entitled.reload().await?;
    app.connect_entitlements(Arc::new(entitled.clone()));
    app.connect_call_meter(Arc::new(entitled.clone()));
    Ok(entitled)
}

async fn start_rooms(
    app: &App,
    settings: &Settings,
    listen: SocketAddr,
    data_dir: &DataDir,
    entitled: &Entitled,
) -> Result<(Rooms, FirstKeys), CannotStart> {
    let tenancy = Tenancy::new(app.clone(), settings.tenancy.clone());
    let mut first_keys = FirstKeys::default();
    let mut identity = None;
    let (authenticator, issuers): (Arc<dyn Authenticator>, Arc<dyn Issuers>) =
        if settings.serves(Room::Identity) {
            let room = Identity::start(app.clone(), settings.identity.clone()).await?;
            let secret = settings.secret_key.clone();
            let preset = PresetKeys { publishable: settings.publishable_key.clone(), secret };
            first_keys = room.ensure_first_keys(&preset).await?;
            providers::connect(&room, settings).map_err(CannotStart::Setting)?;
            upstream::connect(&room).map_err(CannotStart::Setting)?;
            passkeys::connect(&room).map_err(|error| CannotStart::Setting(error.to_string()))?;
            let (session_issuer, people) = (Arc::new(room.clone()), Arc::new(room.clone()));
            let records = Arc::new(NameServers::new(settings.tenancy.dns_servers.clone()));
            tenancy.connect(quoin_tenancy::Ports { session_issuer, people, records });
            room.connect_billing(Arc::new(entitled.clone()));
            identity = Some(room.clone());
            (Arc::new(room.clone()), Arc::new(room))
        } else {
            (remote_authenticator(app, settings)?, Arc::new(LiveIssuers::new(app.clone())))
        };
    app.connect(Ports { authenticator, memberships: Arc::new(tenancy.clone()), issuers });
    let frame = Frame::open(app, &settings.identity.product_name, &settings.pages)
        .map_err(|error| CannotStart::Setting(error.to_string()))?;
    app.connect_pages(Arc::new(frame.clone()));
    let pages = identity.as_ref().map(|people| Pages::new(people, &tenancy, &frame));
    let mail = pages.as_ref().map(|_| quoin_mail::open(app, &settings.mail, frame.brand())).transpose();
    let mail = mail.map_err(|error| CannotStart::Setting(error.to_string()))?;
    let data = start_data(app, settings).await?;
    let files = settings.serves(Room::Files).then(|| {
        // A process without the Database API still holds files to the policies that are written there.
        let elsewhere = || Data::new(app.clone(), settings.data.clone(), modules::views());
        let catalogues = Arc::new(data.clone().unwrap_or_else(elsewhere));
        stores::open_files(app, &settings.files, data_dir, catalogues)
    });
    let (audit, files) = (settings.audit.clone(), files.transpose()?);
    let stripe_twin = stripe_twin::open(app, settings, data_dir).await?;
    let stripe = match &stripe_twin {
        Some(twin) => stripe_twin::credentials(twin, listen).await?,
        None => settings.stripe.clone(),
    };
    let payments = start_payments(app, settings, &stripe, entitled).await?;
    Ok((
        Rooms { tenancy, audit, mail, identity, frame, pages, data, files, payments, stripe_twin },
        first_keys,
    ))
}

/// Opens the room of payments, and makes plans of the file that are missing. What differs is shown, never overwritten.
async fn start_payments(
    app: &App,
    settings: &Settings,
    stripe: &StripeConfig,
    entitled: &Entitled,
) -> Result<Option<Payments>, CannotStart> {
    if !settings.serves(Room::Payments) {
        return Ok(None);
    }
    let room = Payments::new(app.clone(), settings.payments.clone(), stripe, entitled.clone())?;
    if let Some(path) = &settings.payments.plans_file {
        let text = std::fs::read_to_string(path).map_err(|error| {
            CannotStart::Setting(format!("payments.plans_file: {}: {error}", path.display()))
        })?;
        let sync = room.add_missing_plans(&text).await.map_err(Problem::from)?;
        for drift in sync.drift {
            tracing::warn!(plan = drift.plan, state = drift.state, fields = ?drift.fields, "a plan differs from the file");
        }
    }
    Ok(Some(room))
}

/// Prepares the users' tables and applies their own migrations, so that no route answers before they are there.
async fn start_data(app: &App, settings: &Settings) -> Result<Option<Data>, CannotStart> {
    if !settings.serves(Room::Data) {
        return Ok(None);
    }
    let data = Data::new(app.clone(), settings.data.clone(), modules::views());
    data.prepare().await?;
    let files = user_migrations::read(&settings.migrations_dir).map_err(CannotStart::Setting)?;
    for name in data.migrate(files).await? {
        tracing::info!(migration = name, "a migration of the users' tables was applied");
    }
    Ok(Some(data))
}

fn remote_authenticator(app: &App, settings: &Settings) -> Result<Arc<RemoteAuthenticator>, CannotStart> {
    let missing = || {
        CannotStart::Setting(
            "a process without the identity room needs identity_url, service_id and service_secret \
             (an API key with the scope introspect)"
                .into(),
        )
    };
    let url = settings.identity_url.as_deref().ok_or_else(missing)?;
    let id = settings.service_id.as_deref().ok_or_else(missing)?;
    let secret = settings.service_secret.as_ref().ok_or_else(missing)?;
    let remote = Arc::new(RemoteAuthenticator::new(&parse_url("identity_url", url)?, id, secret)?);
    let asked = remote.clone();
    app.health().register("identity", move || {
        let asked = asked.clone();
        async move { asked.reload_keys().await }
    });
    Ok(remote)
}

fn register_health(app: &App, db: &Db) {
    let db = db.clone();
    app.health().register("database", move || {
        let db = db.clone();
        async move { db.read("server.health", instance_global::ping).await.map_err(Problem::from) }
    });
}
