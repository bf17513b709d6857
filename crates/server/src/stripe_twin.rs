//! A Stripe that runs offline, beside the other rooms in development and alone by `quoin stripe-twin`.

use quoin_kernel::Problem;
use quoin_stripe_twin::StripeTwin;
use quoin_web::{App, Mode};

use crate::data_dir::DataDir;
use crate::settings::Settings;

/// The twin's database in the data directory.
pub const DATABASE_FILE: &str = "stripe-twin.db";

/// Opens the twin where there is nothing to lose: in development, in the process that serves everything.
///
/// # Errors
/// Where its database cannot be opened.
pub(crate) async fn open(
    app: &App,
    settings: &Settings,
    data_dir: &DataDir,
) -> Result<Option<StripeTwin>, Problem> {
    if app.config().mode == Mode::Production || !settings.only.is_empty() {
        return Ok(None);
    }
    StripeTwin::open(app, &data_dir.file(DATABASE_FILE)).await.map(Some)
}

/// Delivers the twin's webhooks and lets happen what falls due.
pub fn start(app: &App, twin: &StripeTwin) {
    let twin = twin.clone();
    app.tasks().spawn("stripe_twin", async move { twin.run().await });
}
