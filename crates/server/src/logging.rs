//! Log lines: formatted on the thread that logs, gathered, and written by another one.
//!
//! Waking the writer for each line cost more than the line. It is woken when the first line arrives and then waits a
//! moment for more, so that a busy server makes one system call for hundreds of lines.

use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use quoin_web::panics::log_through_tracing;
use tracing_subscriber::EnvFilter;

use crate::settings::{InvalidSettings, LogFormat};

/// How long lines are gathered.
const GATHERED: Duration = Duration::from_millis(3);
/// How much may wait for a slow reader of the log before lines are left out, in bytes.
const ROOM: usize = 16 * 1024 * 1024;

/// The lines that wait.
#[derive(Default)]
struct Waiting {
    bytes: Vec<u8>,
    left_out: u64,
    closing: bool,
}

#[derive(Default)]
struct Shared {
    waiting: Mutex<Waiting>,
    filled: Condvar,
}

/// Where a formatted line goes.
struct Line(Arc<Shared>);

/// Writes what still waits when dropped.
pub(crate) struct LogGuard {
    shared: Arc<Shared>,
    writer: Option<JoinHandle<()>>,
}

/// Starts logging to standard error.
pub(crate) fn start(filter: &str, format: LogFormat) -> Result<LogGuard, InvalidSettings> {
    let invalid = |error: &dyn std::fmt::Display| InvalidSettings::Value(format!("log: {error}"));
    let filter = EnvFilter::try_new(filter).map_err(|error| invalid(&error))?;
    let shared = Arc::<Shared>::default();
    let (for_lines, for_writer) = (shared.clone(), shared.clone());
    let writer = std::thread::Builder::new().name("log".into()).spawn(move || for_writer.serve());
    let writer = writer.map_err(|error| invalid(&error))?;
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(move || Line(for_lines.clone()))
        .with_target(false);
    let started = match format {
        LogFormat::Text => tracing::subscriber::set_global_default(lines.with_ansi(false).finish()),
        LogFormat::Json => tracing::subscriber::set_global_default(lines.json().flatten_event(true).finish()),
    };
    started.map_err(|error| invalid(&error))?;
    log_through_tracing();
    Ok(LogGuard { shared, writer: Some(writer) })
}

impl Write for Line {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut waiting = self.0.lock();
        if waiting.bytes.len() + line.len() > ROOM {
            waiting.left_out += 1;
            return Ok(line.len());
        }
        let is_first = waiting.bytes.is_empty();
        waiting.bytes.extend_from_slice(line);
        drop(waiting);
        if is_first {
            self.0.filled.notify_one();
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn serve(&self) {
        let mut bytes = Vec::new();
        loop {
            let empty = |waiting: &mut Waiting| waiting.bytes.is_empty() && !waiting.closing;
            let closing = {
                let waiting = self.filled.wait_while(self.lock(), empty);
                waiting.unwrap_or_else(PoisonError::into_inner).closing
            };
            if !closing {
                std::thread::sleep(GATHERED);
            }
            let mut waiting = self.lock();
            std::mem::swap(&mut bytes, &mut waiting.bytes);
            let (left_out, closing) = (std::mem::take(&mut waiting.left_out), waiting.closing);
            drop(waiting);
            if left_out > 0 {
                let note = format!("{left_out} log lines were left out: whoever reads the log is too slow\n");
                bytes.extend_from_slice(note.as_bytes());
            }
            // A log that cannot be written has nowhere to say so.
            io::stderr().write_all(&bytes).ok();
            bytes.clear();
            if closing {
                return;
            }
        }
    }
}

impl Drop for LogGuard {
    fn drop(&mut self) {
        self.shared.lock().closing = true;
        self.shared.filled.notify_one();
        if let Some(writer) = self.writer.take() {
            // The writer panics only where the process is ending anyway.
            writer.join().ok();
        }
    }
}
