//! Log lines: formatted on the thread that logs, written by another one.

use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::EnvFilter;

use crate::settings::{InvalidSettings, LogFormat};

/// Lines that may wait for the writer.
const QUEUE: usize = 65_536;

/// Starts logging to standard error. Dropping the guard writes what still waits.
pub(crate) fn start(filter: &str, format: LogFormat) -> Result<WorkerGuard, InvalidSettings> {
    let filter =
        EnvFilter::try_new(filter).map_err(|error| InvalidSettings::Value(format!("log: {error}")))?;
    let (writer, guard) =
        NonBlockingBuilder::default().buffered_lines_limit(QUEUE).lossy(false).finish(std::io::stderr());
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer).with_target(false);
    let started = match format {
        LogFormat::Text => tracing::subscriber::set_global_default(lines.with_ansi(false).finish()),
        LogFormat::Json => tracing::subscriber::set_global_default(lines.json().flatten_event(true).finish()),
    };
    started.map_err(|error| InvalidSettings::Value(error.to_string()))?;
    quoin_web::panics::log_through_tracing();
    Ok(guard)
}
