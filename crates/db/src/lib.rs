//! One SQL text, two engines: SQLite and PostgreSQL. The only crate that names a database driver.
//!
//! A [`Statement`] is one SQL text in the common dialect. A transaction is a plain synchronous closure given to
//! [`Db::read`] or [`Db::write`]; it may be run again, so ids and times are made before it. On SQLite every write goes
//! through one thread that commits many of them at once, for one `fdatasync` beside it; on PostgreSQL each runs `SERIALIZABLE` on a pooled
//! connection and is repeated after a serialization failure.
//!
//! Reading order: [`value`] (what goes in and out), [`statement`], [`error`], [`tx`] (what a closure can do), [`Db`],
//! then `sqlite/` and `postgres/`.

pub mod database;
pub mod dialect;
pub mod error;
pub mod migrate;
mod postgres;
mod signal;
mod sqlite;
pub mod statement;
pub mod stats;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod tx;
pub mod value;

pub use database::{Databases, Db, Options, PostgresOptions, SqliteOptions};
pub use error::DbError;
pub use migrate::{Migration, migrate};
pub use signal::Topic;
pub use sqlite::{BackupProgress, copy_while_running};
pub use statement::{Engine, Statement};
pub use tx::{Row, Tx};
pub use value::{FromValue, Value};
