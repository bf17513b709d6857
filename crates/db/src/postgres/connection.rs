//! One connection to the server and what is known about it.

use std::cell::Cell;
use std::future::Future;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::task::JoinHandle;
use tokio_postgres::Client;
use tokio_postgres_rustls::MakeRustlsConnect;

use super::cache::StatementCache;
use super::error::{is_lost, refused, translate};
use super::url::Target;
use crate::error::DbError;
use crate::signal::Signals;
use crate::stats::Stats;

/// What the threads of a pool share, besides their queue.
pub(super) struct Shared {
    /// Where to.
    pub(super) target: Target,
    /// How to speak TLS.
    pub(super) tls: MakeRustlsConnect,
    /// How long the server lets one statement run.
    pub(super) statement_timeout: Duration,
    /// Who is woken by commits.
    pub(super) signals: Arc<Signals>,
    /// What is counted.
    pub(super) stats: Arc<Stats>,
}

/// How long connecting, TLS and authentication may take together.
const OPEN_TIMEOUT: Duration = Duration::from_secs(5);

/// How much later than the server this side gives up on a statement: by then the network is gone.
const GRACE: Duration = Duration::from_secs(2);

/// How long closing a connection may take.
const GOODBYE_TIMEOUT: Duration = Duration::from_millis(200);

/// The oldest server whose behaviour the tests have seen.
const OLDEST_VERSION: u32 = 14;

/// A connection, owned by one thread and driven by that thread's runtime while it waits.
pub(super) struct Connection {
    runtime: Rc<Runtime>,
    /// The driver's handle.
    pub(super) client: Client,
    /// Ends when the connection does.
    pub(super) driver: JoinHandle<()>,
    /// Statements prepared on it.
    pub(super) statements: StatementCache,
    patience: Duration,
    usual_patience: Duration,
    lost: Cell<bool>,
}

impl Connection {
    /// Connects, checks the server and sets the session up.
    pub(super) fn open(runtime: &Rc<Runtime>, shared: &Shared) -> Result<Self, DbError> {
        let opening = async { tokio::time::timeout(OPEN_TIMEOUT, connect(shared)).await };
        let (client, driver) = runtime.block_on(opening).unwrap_or_else(|_| Err(timed_out()))?;
        Ok(Self {
            runtime: Rc::clone(runtime),
            client,
            driver,
            statements: StatementCache::default(),
            patience: shared.statement_timeout + GRACE,
            usual_patience: shared.statement_timeout + GRACE,
            lost: Cell::new(false),
        })
    }

    /// Waits longer than usual for each answer, until the transaction ends.
    pub(super) fn be_patient(&mut self, limit: Duration) {
        self.patience = self.usual_patience.max(limit + GRACE);
    }

    /// Waits as long as usual again.
    pub(super) fn be_usual(&mut self) {
        self.patience = self.usual_patience;
    }

    /// Waits for the server, but not for ever; notes when the connection turns out to be gone.
    pub(super) fn wait<T>(&self, work: impl Future<Output = Result<T, tokio_postgres::Error>>) -> Waited<T> {
        match self.runtime.block_on(async { tokio::time::timeout(self.patience, work).await }) {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => {
                if is_lost(&error) {
                    self.lost.set(true);
                }
                Err(Failed::Driver(error))
            }
            Err(_) => {
                self.lost.set(true);
                Err(Failed::Silence)
            }
        }
    }

    /// Says goodbye to the server, if it still listens.
    pub(super) fn close(self) {
        let Self { runtime, client, driver, statements, .. } = self;
        if driver.is_finished() {
            return;
        }
        // Without a client the driver ends by itself; where the network hangs, it is not waited for.
        drop((statements, client));
        let abort = driver.abort_handle();
        if runtime.block_on(async { tokio::time::timeout(GOODBYE_TIMEOUT, driver).await }).is_err() {
            abort.abort();
        }
    }

    /// Tells whether this connection must be thrown away.
    pub(super) fn is_lost(&self) -> bool {
        self.lost.get() || self.client.is_closed()
    }
}

/// What [`Connection::wait`] gives.
pub(super) type Waited<T> = Result<T, Failed>;

/// Why waiting for the server gave nothing.
pub(super) enum Failed {
    /// The driver reported an error.
    Driver(tokio_postgres::Error),
    /// The server said nothing for longer than any statement may run.
    Silence,
}

impl From<Failed> for DbError {
    fn from(failed: Failed) -> Self {
        match failed {
            Failed::Driver(error) => translate(error),
            Failed::Silence => timed_out(),
        }
    }
}

async fn connect(shared: &Shared) -> Result<(Client, JoinHandle<()>), DbError> {
    let (client, connection) =
        shared.target.config.connect(shared.tls.clone()).await.map_err(cannot_connect)?;
    check_version(connection.parameter("server_version").unwrap_or_default())?;
    let encoding = connection.parameter("server_encoding").unwrap_or_default();
    if encoding != "UTF8" {
        return Err(refused("0A000", format!("the database must be encoded in UTF8, not in {encoding}")));
    }
    let driver = tokio::runtime::Handle::current().spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a connection to PostgreSQL ended");
        }
    });
    client.batch_execute(&session_settings(shared)).await.map_err(cannot_connect)?;
    Ok((client, driver))
}

/// The defaults are those of a read, so that a statement whose `BEGIN` failed on the way can change nothing.
fn session_settings(shared: &Shared) -> String {
    let statement_ms = shared.statement_timeout.as_millis();
    let idle_ms = statement_ms.saturating_mul(2);
    format!(
        "set default_transaction_isolation = 'repeatable read'; set default_transaction_read_only = on; \
         set statement_timeout = {statement_ms}; set idle_in_transaction_session_timeout = {idle_ms}; \
         set timezone = 'UTC'; set client_min_messages = warning; set jit = off"
    )
}

fn check_version(version: &str) -> Result<(), DbError> {
    let digits: String = version.chars().take_while(char::is_ascii_digit).collect();
    match digits.parse::<u32>() {
        Ok(major) if major >= OLDEST_VERSION => Ok(()),
        _ => Err(refused(
            "0A000",
            format!("PostgreSQL {OLDEST_VERSION} or newer is needed; this is {version}"),
        )),
    }
}

/// A server that cannot be talked to is an outage, whatever the driver calls it; a refusal of the server stays one.
fn cannot_connect(error: tokio_postgres::Error) -> DbError {
    match translate(error) {
        DbError::Driver(cause) => DbError::Unreachable(cause),
        other => other,
    }
}

fn timed_out() -> DbError {
    DbError::Unreachable("the PostgreSQL server did not answer in time".into())
}
