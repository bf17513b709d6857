//! Running compiled statements and rendering what they give.

use quoin_db::statement::DynamicSql;
use quoin_db::{DbError, Row, Tx, Value};

use crate::error::DataError;
use crate::model::query::range::MOST_ROWS;
use crate::render::Renderer;

/// A statement with its parameters, ready to run, again if need be.
#[derive(Debug, Clone)]
pub(crate) struct Prepared {
    sql: DynamicSql,
    params: Vec<Value<'static>>,
}

impl Prepared {
    /// Wraps what a builder has finished.
    pub(crate) fn new((sql, params): (String, Vec<Value<'static>>)) -> Self {
        Self { sql: DynamicSql(sql), params }
    }

    /// Runs it and returns how many rows it changed or gave.
    pub(crate) fn execute(&self, tx: &mut Tx<'_>) -> Result<u64, DbError> {
        tx.execute(&self.sql, &self.params)
    }

    /// Runs it and returns the number in its first row.
    pub(crate) fn number(&self, tx: &mut Tx<'_>) -> Result<u64, DbError> {
        let number: i64 = tx.query_one(&self.sql, &self.params, |row| row.get(0))?;
        Ok(u64::try_from(number).unwrap_or(0))
    }

    /// Runs it and returns the truth in its first row; no row and NULL are not true.
    pub(crate) fn truth(&self, tx: &mut Tx<'_>) -> Result<Option<bool>, DbError> {
        tx.query_opt(&self.sql, &self.params, |row| Ok(row.get::<Option<bool>>(0)?.unwrap_or(false)))
    }

    /// Runs it and hands each row to `each`.
    pub(crate) fn for_each(
        &self,
        tx: &mut Tx<'_>,
        each: impl FnMut(&Row<'_>) -> Result<(), DataError>,
    ) -> Result<(), DataError> {
        tx.for_each(&self.sql, &self.params, each)
    }
}

/// Rows on their way into an answer.
#[derive(Debug)]
pub(crate) struct Collected {
    /// The text so far.
    pub(crate) text: String,
    /// How many rows there were, written or not.
    pub(crate) rows: u64,
    /// How many rows are written.
    pub(crate) written: u64,
    /// Rows before this one are counted and not written.
    skip: u64,
    most: u64,
}

impl Collected {
    /// Starts to collect.
    pub(crate) fn new(renderer: &Renderer) -> Self {
        Self::window(renderer, 0, MOST_ROWS)
    }

    /// Starts to collect rows `skip` to `skip + most`.
    pub(crate) fn window(renderer: &Renderer, skip: u64, most: u64) -> Self {
        let mut text = String::with_capacity(1024);
        renderer.begin(&mut text);
        Self { text, rows: 0, written: 0, skip, most }
    }

    /// Takes a row.
    pub(crate) fn take(&mut self, renderer: &Renderer, row: &Row<'_>) -> Result<(), DataError> {
        if self.rows >= self.skip && self.written < self.most {
            renderer.row(row, self.written, &mut self.text)?;
            self.written += 1;
        }
        self.rows += 1;
        Ok(())
    }
}
