//! Statements inside a transaction.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use futures_util::future::join;
use futures_util::{FutureExt, StreamExt};
use tokio_postgres::{Client, Error, RowStream, Statement};

use super::connection::{Connection, Failed, Waited};
use super::error::{is_lost, refused};
use super::params::Param;
use super::row::DriverRow;
use crate::error::DbError;
use crate::tx::{Row, RowInner};
use crate::value::Value;

/// How many rows are taken from the driver before they are handed on.
const ROWS_AT_ONCE: usize = 1024;

/// A transaction on a connection of the pool.
pub(crate) struct PostgresTx<'a> {
    pub(super) connection: &'a mut Connection,
    pub(super) progress: &'a mut Progress,
}

/// How far a transaction has come, and what went wrong with it, whatever its closure makes of that.
pub(super) struct Progress {
    /// Commands that travel with the next statement: `BEGIN`, savepoints, role and claims. Where one fails, so does that.
    deferred: String,
    begun: bool,
    /// A statement failed, and no savepoint has undone it yet: the server would turn `COMMIT` into `ROLLBACK`.
    aborted: bool,
    /// Why the whole transaction should be run again.
    pub(super) again: Option<Again>,
}

/// Names a failure that running the whole transaction again may cure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Again {
    /// Another transaction came first (40001, 40P01).
    Collision,
    /// A statement was prepared before the schema changed.
    StaleStatement,
    /// The connection broke before `COMMIT` was sent, so nothing of it has happened.
    ConnectionLost,
}

impl Progress {
    /// Starts with `begin`, which is sent when the first statement is.
    pub(super) fn new(begin: &str) -> Self {
        Self { deferred: begin.to_owned(), begun: false, aborted: false, again: None }
    }

    /// Tells whether the server would really commit.
    pub(super) const fn may_commit(&self) -> bool {
        !self.aborted && self.again.is_none()
    }
}

impl PostgresTx<'_> {
    /// Runs a statement and returns how many rows it changed.
    pub(crate) fn execute(&mut self, sql: &str, params: &[Value<'_>]) -> Result<u64, DbError> {
        let (statement, cached) = self.prepare(sql, params)?;
        let deferred = self.take_deferred();
        let client = &self.connection.client;
        let work = client.execute_raw(&statement, params.iter().map(Param));
        let waited = self.connection.wait(after(client, &deferred, work));
        waited.map_err(|failed| self.note(failed, cached))
    }

    /// Runs a statement and hands each row to `each`.
    pub(crate) fn for_each<E: From<DbError>>(
        &mut self,
        sql: &str,
        params: &[Value<'_>],
        each: &mut dyn FnMut(&Row<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let (statement, cached) = self.prepare(sql, params)?;
        let deferred = self.take_deferred();
        let client = &self.connection.client;
        let work = async {
            let mut rows = Box::pin(client.query_raw(&statement, params.iter().map(Param)).await?);
            let first = take_rows(rows.as_mut()).await?;
            Ok((rows, first))
        };
        let waited = self.connection.wait(after(client, &deferred, work));
        let (mut stream, mut rows) = waited.map_err(|failed| self.note(failed, cached))?;
        loop {
            let is_last = rows.len() < ROWS_AT_ONCE;
            for row in rows {
                each(&Row(RowInner::Postgres(&DriverRow(row))))?;
            }
            if is_last {
                return Ok(());
            }
            let waited = self.connection.wait(take_rows(stream.as_mut()));
            rows = waited.map_err(|failed| self.note(failed, cached))?;
        }
    }

    /// Runs several statements without parameters.
    pub(crate) fn batch(&mut self, sql: &str) -> Result<(), DbError> {
        let deferred = self.take_deferred();
        let client = &self.connection.client;
        let waited = self.connection.wait(after(client, &deferred, client.batch_execute(sql)));
        waited.map_err(|failed| self.note(failed, false))
    }

    /// Lets the statements that follow take up to `limit` each, until the transaction ends.
    pub(crate) fn allow_time(&mut self, limit: Duration) -> Result<(), DbError> {
        self.connection.be_patient(limit);
        let limit_ms = limit.as_millis();
        self.batch(&format!("set local statement_timeout = {limit_ms}"))
    }

    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn prepare_only(&mut self, sql: &str) -> Result<(), DbError> {
        self.prepare_now(sql).map(|_| ())
    }

    /// Sets a savepoint; it travels with the next statement.
    pub(crate) fn begin_part(&mut self) {
        self.defer("savepoint quoin_part");
    }

    /// Ends the innermost savepoint: keeps what was done since, or undoes it, failures included.
    pub(crate) fn end_part(&mut self, keep: bool) {
        if !keep {
            self.progress.aborted = false;
            self.defer("rollback to savepoint quoin_part");
        }
        self.defer("release savepoint quoin_part");
    }

    /// Commits and waits until the server says so.
    pub(super) fn commit(&mut self) -> Waited<()> {
        if !self.progress.begun {
            return Ok(());
        }
        self.defer("commit");
        let deferred = self.take_deferred();
        self.connection.wait(self.connection.client.batch_execute(&deferred))
    }

    /// Sends `end` (`commit` of a read, or `rollback`) and waits for nothing: the next transaction queues up behind it.
    pub(super) fn send_end(&mut self, end: &str) {
        if self.progress.begun && !self.connection.is_lost() {
            // The first poll hands the command to the driver, which drops the answer when nobody listens.
            let _ = self.connection.client.batch_execute(end).now_or_never();
        }
    }

    fn prepare(&mut self, sql: &str, params: &[Value<'_>]) -> Result<(Statement, bool), DbError> {
        let (statement, cached) = match self.connection.statements.get(sql) {
            Some(statement) => (statement, true),
            None => (self.prepare_now(sql)?, false),
        };
        let expected = statement.params().len();
        if expected == params.len() {
            return Ok((statement, cached));
        }
        let message = format!("the statement has {expected} parameters, and {} were given", params.len());
        Err(refused("08P01", message))
    }

    fn prepare_now(&mut self, sql: &str) -> Result<Statement, DbError> {
        let deferred = self.take_deferred();
        let client = &self.connection.client;
        let waited = self.connection.wait(after(client, &deferred, client.prepare(sql)));
        let statement = waited.map_err(|failed| self.note(failed, false))?;
        self.connection.statements.insert(sql, statement.clone());
        Ok(statement)
    }

    /// Sends commands with the next statement or the commit.
    pub(crate) fn defer(&mut self, command: &str) {
        if !self.progress.deferred.is_empty() {
            self.progress.deferred.push_str("; ");
        }
        self.progress.deferred.push_str(command);
    }

    fn take_deferred(&mut self) -> String {
        self.progress.begun = true;
        std::mem::take(&mut self.progress.deferred)
    }

    /// Remembers what a failure means for the whole transaction.
    fn note(&mut self, failed: Failed, cached: bool) -> DbError {
        let again = match &failed {
            Failed::Silence => None,
            Failed::Driver(error) => again_after(error, cached),
        };
        if again == Some(Again::StaleStatement) {
            self.connection.statements.clear();
            self.connection.client.clear_type_cache();
        }
        let by_server = matches!(&failed, Failed::Driver(error) if error.as_db_error().is_some());
        self.progress.aborted |= by_server || again.is_some();
        self.progress.again = self.progress.again.or(again);
        failed.into()
    }
}

/// Tells whether a failure may be cured by running the transaction again.
///
/// A statement of the cache that no longer fits the schema fails in many ways: the answer's type changed (0A000), a
/// parameter's type was inferred from a column that has another one now (42…), somebody deallocated it (26000).
pub(super) fn again_after(error: &Error, cached: bool) -> Option<Again> {
    if is_lost(error) {
        return Some(Again::ConnectionLost);
    }
    match error.code()?.code() {
        "40001" | "40P01" => Some(Again::Collision),
        // A policy's refusal has nothing to do with the statement's age.
        "42501" => None,
        code if cached && ["0A", "26", "42"].contains(&&code[..2]) => Some(Again::StaleStatement),
        _ => None,
    }
}

/// Sends `deferred` and `work` in one go, and gives the first failure.
async fn after<T>(
    client: &Client,
    deferred: &str,
    work: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    if deferred.is_empty() {
        return work.await;
    }
    let (sent, done) = join(client.batch_execute(deferred), work).await;
    sent?;
    done
}

async fn take_rows(stream: std::pin::Pin<&mut RowStream>) -> Result<Vec<tokio_postgres::Row>, Error> {
    let mut stream = pin!(stream);
    let mut rows = Vec::new();
    while rows.len() < ROWS_AT_ONCE {
        match stream.next().await {
            Some(row) => rows.push(row?),
            None => break,
        }
    }
    Ok(rows)
}
