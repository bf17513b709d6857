//! What a transaction's closure can do: run statements and read rows.

use std::time::Duration;

use quoin_kernel::Timestamp;
use uuid::Uuid;

use crate::error::DbError;
use crate::postgres;
use crate::sqlite;
use crate::statement::{Engine, Sql};
use crate::value::{FromValue, Value};

/// A running transaction. Lives on the thread that owns the connection and cannot await.
pub struct Tx<'a> {
    inner: TxInner<'a>,
    topics: Vec<&'static str>,
}

pub(crate) enum TxInner<'a> {
    Sqlite(sqlite::SqliteTx<'a>),
    Postgres(postgres::PostgresTx<'a>),
}

/// One row of an answer.
pub struct Row<'a>(pub(crate) RowInner<'a>);

pub(crate) enum RowInner<'a> {
    Sqlite(&'a sqlite::DriverRow<'a>),
    Postgres(&'a postgres::DriverRow),
}

impl<'a> Tx<'a> {
    pub(crate) fn new(inner: TxInner<'a>) -> Self {
        Self { inner, topics: Vec::new() }
    }

    /// Wakes whoever waits for `topic` (see [`crate::Db::subscribe`]) once this transaction has committed.
    pub fn notify_on_commit(&mut self, topic: &'static str) {
        if !self.topics.contains(&topic) {
            self.topics.push(topic);
        }
    }

    /// Tells whether anything was done on SQLite that a refusal must undo; PostgreSQL undoes whole transactions.
    pub(crate) fn has_changed(&self) -> bool {
        match &self.inner {
            TxInner::Sqlite(tx) => tx.has_changed(),
            TxInner::Postgres(_) => true,
        }
    }

    pub(crate) fn take_topics(&mut self) -> Vec<&'static str> {
        std::mem::take(&mut self.topics)
    }

    /// Tells which engine runs this transaction, for SQL that is built while running.
    pub fn engine(&self) -> Engine {
        match &self.inner {
            TxInner::Sqlite(_) => Engine::Sqlite,
            TxInner::Postgres(_) => Engine::Postgres,
        }
    }

    /// Runs a statement and returns how many rows it changed.
    pub fn execute(&mut self, sql: &impl Sql, params: &[Value<'_>]) -> Result<u64, DbError> {
        match &mut self.inner {
            TxInner::Sqlite(tx) => tx.execute(&sql.sql(Engine::Sqlite), params),
            TxInner::Postgres(tx) => tx.execute(&sql.sql(Engine::Postgres), params),
        }
    }

    /// Runs a statement and hands each row to `each`, in order.
    pub fn for_each<E: From<DbError>>(
        &mut self,
        sql: &impl Sql,
        params: &[Value<'_>],
        mut each: impl FnMut(&Row<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        match &mut self.inner {
            TxInner::Sqlite(tx) => tx.for_each(&sql.sql(Engine::Sqlite), params, &mut each),
            TxInner::Postgres(tx) => tx.for_each(&sql.sql(Engine::Postgres), params, &mut each),
        }
    }

    /// Runs a statement and returns every row, mapped.
    pub fn query<T>(
        &mut self,
        sql: &impl Sql,
        params: &[Value<'_>],
        mut map: impl FnMut(&Row<'_>) -> Result<T, DbError>,
    ) -> Result<Vec<T>, DbError> {
        let mut rows = Vec::new();
        self.for_each::<DbError>(sql, params, |row| {
            rows.push(map(row)?);
            Ok(())
        })?;
        Ok(rows)
    }

    /// Runs a statement and returns the first row, mapped, if there is one.
    pub fn query_opt<T>(
        &mut self,
        sql: &impl Sql,
        params: &[Value<'_>],
        map: impl FnMut(&Row<'_>) -> Result<T, DbError>,
    ) -> Result<Option<T>, DbError> {
        Ok(self.query(sql, params, map)?.into_iter().next())
    }

    /// Runs a statement that always gives a row and returns it, mapped.
    ///
    /// # Errors
    /// [`DbError::NoRow`] where there is none.
    pub fn query_one<T>(
        &mut self,
        sql: &impl Sql,
        params: &[Value<'_>],
        map: impl FnMut(&Row<'_>) -> Result<T, DbError>,
    ) -> Result<T, DbError> {
        self.query_opt(sql, params, map)?.ok_or(DbError::NoRow("query_one"))
    }

    /// Runs several statements without parameters, as they stand in the engine's own dialect (migrations, settings).
    pub fn batch(&mut self, sql: &str) -> Result<(), DbError> {
        match &mut self.inner {
            TxInner::Sqlite(tx) => tx.batch(sql),
            TxInner::Postgres(tx) => tx.batch(sql),
        }
    }

    /// Runs commands whose answer nobody needs; on PostgreSQL they travel with the next statement, which fails where
    /// they fail.
    pub fn batch_with_next(&mut self, sql: &str) -> Result<(), DbError> {
        match &mut self.inner {
            TxInner::Sqlite(tx) => tx.batch(sql),
            TxInner::Postgres(tx) => {
                tx.defer(sql);
                Ok(())
            }
        }
    }

    /// Lets the statements of this transaction that follow take up to `limit` each (migrations, copies).
    pub fn allow_time(&mut self, limit: Duration) -> Result<(), DbError> {
        match &mut self.inner {
            TxInner::Sqlite(tx) => {
                tx.allow_time(limit);
                Ok(())
            }
            TxInner::Postgres(tx) => tx.allow_time(limit),
        }
    }

    /// Prepares a statement and does not run it, so that a test can see whether an engine understands it.
    ///
    /// # Errors
    /// What the engine says against it.
    #[cfg(any(test, feature = "testing"))]
    pub fn prepare_only(&mut self, sql: &impl Sql) -> Result<(), DbError> {
        match &mut self.inner {
            TxInner::Sqlite(tx) => tx.prepare_only(&sql.sql(Engine::Sqlite)),
            TxInner::Postgres(tx) => tx.prepare_only(&sql.sql(Engine::Postgres)),
        }
    }

    /// Runs `part` so that its failure undoes only what it did.
    pub fn savepoint<T, E: From<DbError>>(
        &mut self,
        part: impl FnOnce(&mut Self) -> Result<T, E>,
    ) -> Result<T, E> {
        match &mut self.inner {
            TxInner::Sqlite(tx) => tx.batch("savepoint quoin_part")?,
            TxInner::Postgres(tx) => tx.begin_part(),
        }
        let result = part(self);
        let keep = result.is_ok();
        match &mut self.inner {
            TxInner::Sqlite(tx) if keep => tx.batch("release savepoint quoin_part")?,
            TxInner::Sqlite(tx) => {
                tx.batch("rollback to savepoint quoin_part; release savepoint quoin_part")?;
            }
            TxInner::Postgres(tx) => tx.end_part(keep),
        }
        result
    }
}

impl Row<'_> {
    /// Reads column `index` (from 0) as `T`.
    pub fn get<T: FromValue>(&self, index: usize) -> Result<T, DbError> {
        T::from_column(self, index)
    }
}

/// Declares the readers of the logical types; NULL reads as `None`.
macro_rules! readers {
    ($($name:ident -> $ty:ty;)*) => {
        impl Row<'_> {$(
            pub(crate) fn $name(&self, index: usize) -> Result<Option<$ty>, DbError> {
                match self.0 {
                    RowInner::Sqlite(row) => row.$name(index),
                    RowInner::Postgres(row) => row.$name(index),
                }
            }
        )*}
    };
}

readers! {
    read_id -> Uuid;
    read_time -> Timestamp;
    read_bool -> bool;
    read_int -> i64;
    read_real -> f64;
    read_text -> String;
    read_bytes -> Vec<u8>;
    read_json -> serde_json::Value;
}

#[cfg(test)]
mod tests;
