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

pub(crate) use pool::PostgresPool;
pub(crate) use row::DriverRow;
pub(crate) use tx::PostgresTx;
