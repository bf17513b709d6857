//! Statements that read rows.

use quoin_db::{Engine, Value};

use super::builder::SqlBuilder;
use super::policy::binds;
use crate::catalogue::{TableEntry, ViewSource};
use crate::error::DataError;
use crate::model::expression::Expression;
use crate::model::logical_type::{Family, LogicalType};
use crate::model::query::{OrderTerm, Window};
use crate::model::table::Column;

impl SqlBuilder<'_> {
    /// Writes the query of the rows that match.
    pub fn select_rows(
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
            sql.source_and_condition(entry, filter)?;
            sql.order(order)?;
            // Two parameters, so that every page shares one text.
            let number = |number: u64| Value::Int(i64::try_from(number).unwrap_or(i64::MAX));
            sql.push(" limit ").param(number(window.limit)).push(" offset ").param(number(window.offset));
            Ok(())
        })
    }

    /// Writes the query of how many rows match.
    pub fn count_rows(&mut self, entry: &TableEntry, filter: &Expression) -> Result<(), DataError> {
        self.push("select count(*)");
        self.within(entry.table.name.clone(), |sql| sql.source_and_condition(entry, filter))
    }

    fn source_and_condition(&mut self, entry: &TableEntry, filter: &Expression) -> Result<(), DataError> {
        self.push(" from ");
        if let Some(view) = &entry.view {
            self.view(entry, view);
            self.push(" as ").name(&entry.table.name);
        } else {
            self.table(&entry.table.name);
        }
        self.push(" where ");
        self.expression(filter)?;
        // PostgreSQL knows its own tables' policies, and nothing of Quoin's views.
        let ours = self.engine == Engine::Sqlite || entry.view.is_some();
        if ours && binds(entry, self.requester) {
            self.push(" and ");
            self.select_policy(entry)?;
        }
        Ok(())
    }

    /// Writes a view's query. SQLite takes a text out of a document as whatever it holds, so texts are made texts.
    fn view(&mut self, entry: &TableEntry, view: &ViewSource) {
        if self.engine == Engine::Postgres {
            self.push("(").push(view.select).push(")");
            return;
        }
        self.push("(select ");
        for (index, column) in entry.table.columns.iter().enumerate() {
            self.push(if index > 0 { ", " } else { "" });
            let is_text = column.kind == LogicalType::Text;
            self.push(if is_text { "cast(" } else { "" }).name(&column.name);
            self.push(if is_text { " as text) as " } else { " as " }).name(&column.name);
        }
        self.push(" from (").push(&view.select.replace("quoin.", "quoin_")).push("))");
    }

    fn order(&mut self, order: &[OrderTerm]) -> Result<(), DataError> {
        for (index, term) in order.iter().enumerate() {
            self.push(if index == 0 { " order by " } else { ", " });
            if self.engine == Engine::Sqlite && term.value.kind() == LogicalType::Json {
                return Err(DataError::NotOnSqlite("orders of documents"));
            }
            self.expression(&term.value)?;
            if term.value.kind().family() == Family::Text {
                self.byte_order();
            }
            self.push(if term.descending { " desc" } else { " asc" });
            // Said only where it matters, since an index serves the order without it.
            let is_default = self.engine == Engine::Postgres && term.nulls_first == term.descending;
            if term.nullable && !is_default {
                self.push(if term.nulls_first { " nulls first" } else { " nulls last" });
            }
        }
        Ok(())
    }

    /// Writes columns in the form in which they are read back.
    pub fn read_columns(&mut self, columns: &[&Column], qualified: bool) {
        if columns.is_empty() {
            self.push("1");
        }
        for (index, column) in columns.iter().enumerate() {
            if index > 0 {
                self.push(", ");
            }
            let (before, after) = reading(self.engine, &column.kind);
            self.push(before);
            if let Some(row) = self.rows.last().filter(|_| qualified).cloned() {
                self.name(&row).push(".");
            }
            self.name(&column.name).push(after);
        }
    }
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
