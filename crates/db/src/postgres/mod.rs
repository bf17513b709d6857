//! PostgreSQL: a pool of threads, each of which owns one connection.
//!
//! A thread takes a transaction from the [`queue`], runs its closure on its [`connection`] and answers. The closure is
//! synchronous, but the connection is driven by a small runtime of the thread, so that `BEGIN` travels together with the
//! first statement and nobody waits for the end of a read. Session defaults are read-only, so that a statement whose
//! `BEGIN` failed cannot write.
//!
//! Reading order: [`pool`] (what callers see), [`queue`], [`worker`] (connects, reconnects), [`transaction`] (what is run
//! again, and when), [`tx`] (statements), [`params`] and [`row`] (values in and out), [`error`], [`url`] and [`tls`].

mod cache;
mod connection;
mod error;
mod params;
mod pool;
mod queue;
mod row;
mod tls;
mod transaction;
mod tx;
mod url;
mod worker;

#[cfg(test)]
mod tests;

pub(crate) use pool::PostgresPool;
pub(crate) use row::DriverRow;
pub(crate) use tx::PostgresTx;

/// Runs a command that no transaction may hold, such as `create database`, on a connection of its own.
#[cfg(any(test, feature = "testing"))]
pub(crate) fn run_outside_transactions(url: &str, command: &str) -> Result<(), crate::error::DbError> {
    use crate::error::DbError;
    let target = url::Target::parse(url)?;
    let tls = tls::connector(&target)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| DbError::Driver(Box::new(error)))?.block_on(async {
        let (client, connection) = target.config.connect(tls).await.map_err(error::translate)?;
        let (_, ran) = futures_util::future::join(connection, async move {
            // The client is dropped with this block, which ends the connection as well.
            client.batch_execute(command).await
        })
        .await;
        ran.map_err(error::translate)
    })
}
