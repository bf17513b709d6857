//! Statements inside a transaction of SQLite.

use std::time::Duration;

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{CachedStatement, Connection, ToSql};

use super::connection::Connected;
use super::error::{from_driver, from_driver_with};
use super::row::DriverRow;
use crate::error::DbError;
use crate::tx::{Row, RowInner};
use crate::value::Value;

/// A running transaction on one connection.
pub(crate) struct SqliteTx<'a> {
    connection: &'a Connection,
    connected: &'a Connected,
    /// Rows this connection had changed when the transaction was entered.
    changes_before: u64,
    /// Something other than a change of rows was done, which the counter does not show.
    other_changes: bool,
}

impl<'a> SqliteTx<'a> {
    pub(super) fn on(connected: &'a Connected) -> Self {
        let connection = &connected.connection;
        Self { connection, connected, changes_before: connection.total_changes(), other_changes: false }
    }

    /// Tells whether anything was done that a refusal must undo. A statement that failed has undone itself.
    pub(crate) fn has_changed(&self) -> bool {
        self.other_changes || self.connection.total_changes() != self.changes_before
    }

    /// Stops statements only when they still run after `limit` from now.
    pub(crate) fn allow_time(&mut self, limit: Duration) {
        self.connected.limit(limit);
    }

    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn prepare_only(&mut self, sql: &str) -> Result<(), DbError> {
        self.connection.prepare(sql).map(|_| ()).map_err(from_driver)
    }

    pub(crate) fn execute(&mut self, sql: &str, params: &[Value<'_>]) -> Result<u64, DbError> {
        let mut statement = self.prepare(sql, params)?;
        self.other_changes |= !statement.readonly() && !changes_rows(sql);
        if statement.column_count() == 0 {
            let changed = statement.raw_execute().map_err(|error| self.explain(error))?;
            return Ok(changed as u64);
        }
        // A statement with RETURNING is finished only when all its rows are read.
        let mut rows = statement.raw_query();
        let mut count = 0;
        while rows.next().map_err(|error| self.explain(error))?.is_some() {
            count += 1;
        }
        Ok(count)
    }

    pub(crate) fn for_each<E: From<DbError>>(
        &mut self,
        sql: &str,
        params: &[Value<'_>],
        each: &mut impl FnMut(&Row<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut statement = self.prepare(sql, params)?;
        self.other_changes |= !statement.readonly() && !changes_rows(sql);
        let mut rows = statement.raw_query();
        while let Some(row) = rows.next().map_err(|error| self.explain(error))? {
            each(&Row(RowInner::Sqlite(&DriverRow(row))))?;
        }
        Ok(())
    }

    pub(crate) fn batch(&mut self, sql: &str) -> Result<(), DbError> {
        self.other_changes = true;
        self.connection.execute_batch(sql).map_err(|error| self.explain(error))
    }

    fn prepare(&self, sql: &str, params: &[Value<'_>]) -> Result<CachedStatement<'a>, DbError> {
        let mut statement = self.connection.prepare_cached(sql).map_err(from_driver)?;
        if statement.parameter_count() != params.len() {
            return Err(DbError::Refused {
                code: "08P01".into(),
                message: format!("{} parameters given, {} needed", params.len(), statement.parameter_count()),
                detail: None,
                hint: None,
            });
        }
        for (index, value) in params.iter().enumerate() {
            refuse_nul(value)?;
            statement.raw_bind_parameter(index + 1, Bound(value)).map_err(from_driver)?;
        }
        Ok(statement)
    }

    fn explain(&self, error: rusqlite::Error) -> DbError {
        from_driver_with(self.connection, error)
    }
}

/// Tells whether a statement changes rows, which SQLite counts, and not the schema or a setting.
fn changes_rows(sql: &str) -> bool {
    let word =
        sql.trim_start().split(|character: char| !character.is_ascii_alphabetic()).next().unwrap_or_default();
    ["insert", "update", "delete", "with", "replace"].iter().any(|change| word.eq_ignore_ascii_case(change))
}

/// PostgreSQL cannot hold NUL in a text; what one engine refuses, the other refuses too.
fn refuse_nul(value: &Value<'_>) -> Result<(), DbError> {
    let (Value::Text(text) | Value::Json(text)) = value else {
        return Ok(());
    };
    if !text.as_bytes().contains(&0) {
        return Ok(());
    }
    Err(DbError::Refused {
        code: "22021".into(),
        message: "invalid byte sequence for encoding \"UTF8\": 0x00".into(),
        detail: None,
        hint: None,
    })
}

struct Bound<'a>(&'a Value<'a>);

impl ToSql for Bound<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self.0 {
            Value::Null => ToSqlOutput::Borrowed(ValueRef::Null),
            Value::Bool(truth) => i64::from(*truth).into(),
            Value::Int(number) => (*number).into(),
            Value::Real(number) => (*number).into(),
            Value::Text(text) | Value::Json(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
            Value::Bytes(bytes) => ToSqlOutput::Borrowed(ValueRef::Blob(bytes)),
            Value::Id(id) => id.hyphenated().to_string().into(),
            Value::Time(time) => time.to_string().into(),
        })
    }
}
