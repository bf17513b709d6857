//! Statements that read rows.

use quoin_db::{Engine, Value};

use super::condition::{Guard, WriteCondition};
use crate::error::DataError;
use crate::model::query::{OrderTerm, Window};
use quoin_policy::catalogue::{TableEntry, ViewSource};
use quoin_policy::compile::builder::SqlBuilder;
use quoin_policy::compile::policy::binds;
use quoin_policy::model::expression::Expression;
use quoin_policy::model::logical_type::{Family, LogicalType};
use quoin_policy::model::table::Column;

/// Writes statements that read rows.
pub trait ReadRows {
    /// Writes the query of the rows that match.
    fn select_rows(
        &mut self,
        entry: &TableEntry,
        columns: &[&Column],
        filter: &Expression,
        order: &[OrderTerm],
        window: Window,
    ) -> Result<(), DataError>;

    /// Writes the query of how many rows match.
    fn count_rows(&mut self, entry: &TableEntry, filter: &Expression) -> Result<(), DataError>;

    /// Writes columns in the form in which they are read back.
    fn read_columns(&mut self, columns: &[&Column], qualified: bool);
}

impl ReadRows for SqlBuilder<'_> {
    fn select_rows(
        &mut self,
        entry: &TableEntry,
        columns: &[&Column],
        filter: &Expression,
        order: &[OrderTerm],
        window: Window,
    ) -> Result<(), DataError> {
        self.push("select ");
        let table = entry.table.name.clone();
        self.within(table, |sql| {
            sql.read_columns(columns, true);
            source_and_condition(sql, entry, filter)?;
            write_order(sql, order)?;
            // Two parameters, so that every page shares one text.
            let number = |number: u64| Value::Int(i64::try_from(number).unwrap_or(i64::MAX));
            sql.push(" limit ").param(number(window.limit)).push(" offset ").param(number(window.offset));
            Ok(())
        })
    }

    fn count_rows(&mut self, entry: &TableEntry, filter: &Expression) -> Result<(), DataError> {
        self.push("select count(*)");
        self.within(entry.table.name.clone(), |sql| source_and_condition(sql, entry, filter))
    }

    fn read_columns(&mut self, columns: &[&Column], qualified: bool) {
        if columns.is_empty() {
            self.push("1");
        }
        for (index, column) in columns.iter().enumerate() {
            if index > 0 {
                self.push(", ");
            }
            let (before, after) = reading(self.engine, &column.kind);
            self.push(before);
            if let Some(row) = self.nearest_row().filter(|_| qualified).map(str::to_owned) {
                self.name(&row).push(".");
            }
            self.name(&column.name).push(after);
        }
    }
}

fn source_and_condition(
    sql: &mut SqlBuilder<'_>,
    entry: &TableEntry,
    filter: &Expression,
) -> Result<(), DataError> {
    sql.push(" from ");
    if let Some(view) = &entry.view {
        write_view(sql, entry, view);
        sql.push(" as ").name(&entry.table.name);
    } else {
        sql.table(&entry.table.name);
    }
    sql.push(" where ");
    // PostgreSQL knows its own tables' policies, and nothing of Quoin's views.
    let ours = sql.engine == Engine::Sqlite || entry.view.is_some();
    let guard: Guard<'_> = &|sql| Ok(sql.select_policy(entry)?);
    sql.condition(filter, (ours && binds(entry, sql.requester())).then_some(guard))
}

/// Writes a view's query. SQLite takes a text out of a document as whatever it holds, so texts are made texts.
fn write_view(sql: &mut SqlBuilder<'_>, entry: &TableEntry, view: &ViewSource) {
    if sql.engine == Engine::Postgres {
        sql.push("(").push(view.select).push(")");
        return;
    }
    sql.push("(select ");
    for (index, column) in entry.table.columns.iter().enumerate() {
        sql.push(if index > 0 { ", " } else { "" });
        let is_text = column.kind == LogicalType::Text;
        sql.push(if is_text { "cast(" } else { "" }).name(&column.name);
        sql.push(if is_text { " as text) as " } else { " as " }).name(&column.name);
    }
    sql.push(" from (").push(&view.select.replace("quoin.", "quoin_")).push("))");
}

fn write_order(sql: &mut SqlBuilder<'_>, order: &[OrderTerm]) -> Result<(), DataError> {
    for (index, term) in order.iter().enumerate() {
        sql.push(if index == 0 { " order by " } else { ", " });
        if sql.engine == Engine::Sqlite && term.value.kind() == LogicalType::Json {
            return Err(DataError::NotOnSqlite("orders of documents"));
        }
        sql.expression(&term.value)?;
        if term.value.kind().family() == Family::Text {
            sql.byte_order();
        }
        sql.push(if term.descending { " desc" } else { " asc" });
        // Said only where it matters, since an index serves the order without it.
        let is_default = sql.engine == Engine::Postgres && term.nulls_first == term.descending;
        if term.nullable && !is_default {
            sql.push(if term.nulls_first { " nulls first" } else { " nulls last" });
        }
    }
    Ok(())
}

/// Says what stands before and after a column so that it is read as the same thing on both engines.
fn reading(engine: Engine, kind: &LogicalType) -> (&'static str, &'static str) {
    match (engine, kind) {
        (Engine::Postgres, LogicalType::Numeric(_) | LogicalType::Json) => ("", "::text"),
        (Engine::Postgres, LogicalType::Date) => ("to_char(", ", 'YYYY-MM-DD')"),
        (Engine::Postgres, LogicalType::Other(_)) => ("to_jsonb(", ")::text"),
        (Engine::Sqlite, LogicalType::Numeric(_)) => ("cast(", " as text)"),
        _ => ("", ""),
    }
}
