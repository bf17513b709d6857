//! A Stripe that runs offline, beside the other rooms in development and alone by `quoin stripe-twin`.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use quoin_db::{Databases, Db, Options, SqliteOptions};
use quoin_kernel::clock::SystemClock;
use quoin_kernel::rng::SystemRng;
use quoin_kernel::{Problem, Secret};
use quoin_payments::StripeConfig;
use quoin_stripe_twin::{SECRET_KEY, StripeTwin};
use quoin_web::listen::Shutdown;
use quoin_web::{App, AppParts, Front, Mode, WebConfig};
use url::Url;

use crate::boot::CannotStart;
use crate::data_dir::DataDir;
use crate::settings::Settings;
use crate::{logging, serve};

/// The twin's database in the data directory.
pub const DATABASE_FILE: &str = "stripe-twin.db";

/// Opens the twin where nothing else makes people pay and there is nothing to lose: in development, in the process that
/// serves everything, without a key of Stripe's own.
///
/// # Errors
/// Where its database cannot be opened, and where half of Stripe's credentials are set: somebody believes that they sell.
pub(crate) async fn open(
    app: &App,
    settings: &Settings,
    data_dir: &DataDir,
) -> Result<Option<StripeTwin>, CannotStart> {
    if app.config().mode == Mode::Production
        || !settings.only.is_empty()
        || settings.stripe.secret_key.is_some()
    {
        return Ok(None);
    }
    if settings.stripe.webhook_secret.is_some() || settings.stripe.api_url.is_some() {
        let message = "stripe.webhook_secret and stripe.api_url need stripe.secret_key beside them";
        return Err(CannotStart::Setting(message.into()));
    }
    Ok(Some(StripeTwin::open(app, &data_dir.file(DATABASE_FILE)).await?))
}

/// Returns what the payments room needs to meet the twin as it meets Stripe: over HTTP, at the address that this process
/// itself listens at, and with signed events coming back the same way.
///
/// # Errors
/// Where the twin's database does not take the endpoint, and where the address makes no URL.
pub(crate) async fn credentials(twin: &StripeTwin, listen: SocketAddr) -> Result<StripeConfig, Problem> {
    let url = Url::parse(&format!("http://{listen}/")).map_err(Problem::internal)?;
    let endpoint = url.join("stripe").map_err(Problem::internal)?;
    Ok(StripeConfig {
        secret_key: Some(Secret::new(SECRET_KEY.to_owned())),
        webhook_secret: Some(twin.ensure_endpoint(&endpoint).await?),
        api_url: Some(url.into()),
        account: None,
    })
}

/// Delivers the twin's webhooks and lets happen what falls due.
pub fn start(app: &App, twin: &StripeTwin) {
    let twin = twin.clone();
    app.tasks().spawn("stripe_twin", async move { twin.run().await });
}

/// Serves the twin and nothing else, on loopback, until it is told to stop.
///
/// # Errors
/// Off loopback, and whatever else stands in the way of starting.
pub(crate) fn serve_alone(settings: &Settings, forward_to: Option<&Url>) -> Result<(), CannotStart> {
    if !settings.listen.ip().is_loopback() {
        return Err(CannotStart::Setting(
            "the twin of Stripe serves loopback only: any test key opens it".into(),
        ));
    }
    let _logs = logging::start(&settings.log, settings.log_format)
        .map_err(|error| CannotStart::Setting(error.to_string()))?;
    serve::single_threaded()?.block_on(alone(settings, forward_to))
}

async fn alone(settings: &Settings, forward_to: Option<&Url>) -> Result<(), CannotStart> {
    let data_dir = DataDir::open(&settings.data_dir)?;
    let listeners = serve::bind(settings.listen, 1)?;
    let listen = serve::address(&listeners)?;
    let url = settings.public_url.clone().unwrap_or_else(|| format!("http://{listen}"));
    let url = url.parse().map_err(|_| CannotStart::Setting(format!("public_url: {url:?} is no URL")))?;
    let options = SqliteOptions { reader_threads: 1, ..SqliteOptions::at(data_dir.file(DATABASE_FILE)) };
    let db = Db::open(&Options::Sqlite(options))?;
    let rng = Arc::new(SystemRng::default());
    let master_key = data_dir.master_key(settings.master_key.as_ref(), rng.as_ref())?;
    let config = WebConfig::at(url, Mode::Development);
    let clock = Arc::new(SystemClock);
    let app = App::new(AppParts { db: Databases::shared(db.clone()), clock, rng, config, master_key });
    let twin = StripeTwin::on(&app, db).await?;
    let webhook_secret = match forward_to {
        Some(url) => Some(twin.ensure_endpoint(url).await?),
        None => None,
    };
    let front = Front::new(app.clone(), twin.module().routes);
    start(&app, &twin);
    let shutdown = Shutdown::default();
    let threads = serve::start_threads(listeners, &front, settings, &shutdown)?;
    announce(&app, webhook_secret.as_ref());
    serve::wait_for_the_end().await;
    shutdown.begin();
    serve::join(threads).await;
    app.tasks().shut_down(Duration::from_secs(4)).await;
    twin.close();
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the one answer of the command to whoever started it")]
fn announce(app: &App, webhook_secret: Option<&Secret<String>>) {
    let url = app.config().public_url.as_str().trim_end_matches('/').to_owned();
    println!("The Stripe twin is ready at {url}, its dashboard at {url}/_twin");
    println!("secret key      {SECRET_KEY}");
    if let Some(secret) = webhook_secret {
        println!("webhook secret  {}", secret.expose());
    }
}
