//! PostgreSQL: the pool of connections.

use std::sync::Arc;

use quoin_kernel::Timestamp;
use uuid::Uuid;

use crate::database::PostgresOptions;
use crate::error::DbError;
use crate::signal::Signals;
use crate::stats::Stats;
use crate::tx::{Row, Tx};
use crate::value::Value;

/// A pool that no server answers.
pub(crate) struct PostgresPool(std::convert::Infallible);
/// A transaction.
pub(crate) struct PostgresTx<'a>(std::convert::Infallible, std::marker::PhantomData<&'a ()>);
/// A row.
pub struct DriverRow(std::convert::Infallible);

impl PostgresPool {
    pub(crate) fn open(_: &PostgresOptions, _: Arc<Signals>, _: Arc<Stats>) -> Result<Self, DbError> {
        Err(DbError::Unreachable("this engine is being built".into()))
    }
    pub(crate) async fn read<T, E, F>(&self, _: &'static str, _: F) -> Result<T, E>
    where
        F: FnMut(&mut Tx<'_>) -> Result<T, E>,
    {
        match self.0 {}
    }
    pub(crate) async fn write<T, E, F>(&self, _: &'static str, _: F) -> Result<T, E>
    where
        F: FnMut(&mut Tx<'_>) -> Result<T, E>,
    {
        match self.0 {}
    }
    pub(crate) async fn write_read_committed<T, E, F>(&self, _: &'static str, _: F) -> Result<T, E>
    where
        F: FnMut(&mut Tx<'_>) -> Result<T, E>,
    {
        match self.0 {}
    }
    pub(crate) fn close(&self) {
        match self.0 {}
    }
}

impl PostgresTx<'_> {
    pub(crate) fn execute(&mut self, _: &str, _: &[Value<'_>]) -> Result<u64, DbError> {
        match self.0 {}
    }
    pub(crate) fn for_each<E: From<DbError>>(
        &mut self,
        _: &str,
        _: &[Value<'_>],
        _: &mut impl FnMut(&Row<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        match self.0 {}
    }
    pub(crate) fn batch(&mut self, _: &str) -> Result<(), DbError> {
        match self.0 {}
    }
}

macro_rules! reader {
    ($($name:ident -> $ty:ty;)*) => {
        impl DriverRow {$(
            pub(crate) fn $name(&self, _: usize) -> Result<Option<$ty>, DbError> {
                match self.0 {}
            }
        )*}
    };
}

reader! {
    read_id -> Uuid;
    read_time -> Timestamp;
    read_bool -> bool;
    read_int -> i64;
    read_real -> f64;
    read_text -> String;
    read_bytes -> Vec<u8>;
    read_json -> serde_json::Value;
}
