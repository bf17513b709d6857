//! The statements of the Database API.

use quoin_db::{Engine, Value};

use super::builder::SqlBuilder;
use super::policy::{Part, binds};
use crate::catalogue::{TableEntry, ViewSource};
use crate::error::DataError;
use crate::model::expression::Expression;
use crate::model::json_text;
use crate::model::literal::Literal;
use crate::model::logical_type::LogicalType;
use crate::model::query::{OrderTerm, Window};
use crate::model::table::{Column, Command};

/// A value for each column that a write sets.
pub type Assignments = Vec<(String, Literal)>;

/// Says which unique key an upsert goes by, and what it does with rows that exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// The key's columns.
    pub columns: Vec<String>,
    /// Whether rows that exist are changed, or left alone.
    pub merge: bool,
}

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
            self.expression(&term.value)?;
            if term.value.kind().family() == crate::model::logical_type::Family::Text {
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

    /// Writes the insertion of one row. On SQLite every column is given; what policies refuse is not inserted.
    ///
    /// `reads` says that the caller will see rows, which PostgreSQL holds to the policies for reading as well.
    pub fn insert_row(
        &mut self,
        entry: &TableEntry,
        row: &Assignments,
        conflict: Option<&Conflict>,
        returning: &[&Column],
        reads: bool,
    ) -> Result<(), DataError> {
        self.push("insert into ").table(&entry.table.name);
        let guarded = self.engine == Engine::Sqlite && binds(entry, self.requester);
        if row.is_empty() && !guarded {
            self.push(" default values");
        } else if guarded {
            self.push(" (").names(written_names(entry)).push(") select ");
            self.names(written_names(entry)).push(" from ");
            self.proposed(entry, row);
            self.push(" as ").name(&entry.table.name).push(" where ");
            self.within(entry.table.name.clone(), |sql| sql.insert_check(entry, reads))?;
        } else if self.engine == Engine::Postgres && row.iter().any(|(_, value)| matches!(value, Literal::Raw(_))) {
            self.push(" (").names(row.iter().map(|(name, _)| name.as_str())).push(")");
            self.recordset(entry, row, std::slice::from_ref(row));
        } else {
            self.push(" (").names(row.iter().map(|(name, _)| name.as_str())).push(") values (");
            self.list(row, |sql, (_, value)| {
                sql.value(value);
                Ok(())
            })?.push(")");
        }
        if let Some(conflict) = conflict {
            self.on_conflict(conflict, row);
        }
        self.returning(returning, conflict.is_some_and(|conflict| conflict.merge));
        Ok(())
    }

    /// Writes the insertion of rows with the same columns, as one parameter. PostgreSQL only.
    pub fn insert_rows(
        &mut self,
        entry: &TableEntry,
        rows: &[Assignments],
        conflict: Option<&Conflict>,
        returning: &[&Column],
    ) {
        let Some(first) = rows.first() else { return };
        self.push("insert into ").table(&entry.table.name);
        self.push(" (").names(first.iter().map(|(name, _)| name.as_str())).push(")");
        self.recordset(entry, first, rows);
        if let Some(conflict) = conflict {
            self.on_conflict(conflict, first);
        }
        self.returning(returning, conflict.is_some_and(|conflict| conflict.merge));
    }

    fn recordset(&mut self, entry: &TableEntry, first: &Assignments, rows: &[Assignments]) {
        self.push(" select ").names(first.iter().map(|(name, _)| name.as_str()));
        self.push(" from jsonb_to_recordset(").param(Value::from(document(rows))).push("::jsonb) as quoin_rows (");
        for (index, (name, _)) in first.iter().enumerate() {
            if index > 0 {
                self.push(", ");
            }
            let kind = entry.table.column(name).map_or_else(|| "text".to_owned(), |column| column.kind.to_string());
            self.name(name).push(" ").push(&kind);
        }
        self.push(")");
    }

    fn on_conflict(&mut self, conflict: &Conflict, row: &Assignments) {
        self.push(" on conflict (").names(conflict.columns.iter().map(String::as_str)).push(") do ");
        if !conflict.merge || row.is_empty() {
            self.push("nothing");
            return;
        }
        self.push("update set ");
        for (index, (name, _)) in row.iter().enumerate() {
            if index > 0 {
                self.push(", ");
            }
            self.name(name).push(" = excluded.").name(name);
        }
    }

    fn returning(&mut self, returning: &[&Column], tells_inserted: bool) {
        if returning.is_empty() && !tells_inserted {
            return;
        }
        self.push(" returning ");
        self.read_columns(returning, false);
        if tells_inserted && self.engine == Engine::Postgres {
            // A row version that nobody has superseded was inserted just now.
            self.push(", (xmax = 0)");
        }
    }

    /// Writes a subquery whose one row is the row that is proposed, NULL where nothing is given.
    pub fn proposed(&mut self, entry: &TableEntry, row: &Assignments) {
        self.push("(select ");
        for (index, column) in entry.table.columns.iter().enumerate() {
            if index > 0 {
                self.push(", ");
            }
            match row.iter().find(|(name, _)| *name == column.name) {
                Some((_, value)) => {
                    self.value(value);
                }
                None if column.identity.is_some() => {
                    let table = Literal::Text(entry.table.name.clone());
                    self.push("(select coalesce(max(seq), 0) + 1 from sqlite_sequence where name = ");
                    self.value(&table).push(")");
                }
                None => {
                self.push("null");
            }
            }
            self.push(" as ").name(&column.name);
        }
        self.push(")");
    }

    /// Writes what policies demand of a row that is inserted.
    pub fn insert_check(&mut self, entry: &TableEntry, reads: bool) -> Result<(), DataError> {
        self.policy(entry, Command::Insert, Part::Check)?;
        if reads {
            self.push(" and ");
            self.select_policy(entry)?;
        }
        Ok(())
    }

    /// Writes the change of the rows that match. On SQLite the last answered column says whether policies agree.
    pub fn update_rows(
        &mut self,
        entry: &TableEntry,
        sets: &Assignments,
        filter: &Expression,
        returning: &[&Column],
        reads: bool,
    ) -> Result<(), DataError> {
        self.push("update ").table(&entry.table.name).push(" set ");
        for (index, (name, value)) in sets.iter().enumerate() {
            if index > 0 {
                self.push(", ");
            }
            self.name(name).push(" = ");
            self.assigned(entry, name, value);
        }
        let guarded = self.engine == Engine::Sqlite && binds(entry, self.requester);
        self.within(entry.table.name.clone(), |sql| {
            sql.push(" where ");
            sql.expression(filter)?;
            if guarded {
                sql.push(" and ");
                sql.existing(entry, Command::Update, reads)?;
            }
            if guarded || !returning.is_empty() {
                sql.push(" returning ");
                sql.read_columns(returning, false);
            }
            if guarded {
                sql.push(", ");
                sql.left_behind(entry, reads)?;
            }
            Ok(())
        })
    }

    fn assigned(&mut self, entry: &TableEntry, name: &str, value: &Literal) {
        let Literal::Raw(raw) = value else {
            self.value(value);
            return;
        };
        // A type that only PostgreSQL knows: it reads the JSON itself.
        let kind = entry.table.column(name).map_or_else(|| "text".to_owned(), |column| column.kind.to_string());
        self.push("(select v from jsonb_to_record(").param(Value::from(format!("{{\"v\":{raw}}}")));
        self.push("::jsonb) as quoin_value (v ").push(&kind).push("))");
    }

    /// Writes which existing rows a change may touch.
    pub fn existing(&mut self, entry: &TableEntry, command: Command, reads: bool) -> Result<(), DataError> {
        self.policy(entry, command, Part::Using)?;
        if reads {
            self.push(" and ");
            self.select_policy(entry)?;
        }
        Ok(())
    }

    /// Writes what policies demand of a row that a change leaves behind.
    pub fn left_behind(&mut self, entry: &TableEntry, reads: bool) -> Result<(), DataError> {
        self.push("(");
        self.policy(entry, Command::Update, Part::Check)?;
        if reads {
            self.push(" and ");
            self.select_policy(entry)?;
        }
        self.push(")");
        Ok(())
    }

    /// Writes whether policies let the proposed row in. SQLite only.
    pub fn check_proposed(&mut self, entry: &TableEntry, row: &Assignments) -> Result<(), DataError> {
        self.push("select (");
        self.within(entry.table.name.clone(), |sql| sql.insert_check(entry, true))?;
        self.push(") from ");
        self.proposed(entry, row);
        self.push(" as ").name(&entry.table.name);
        Ok(())
    }

    /// Writes whether policies let the row that exists be changed; no row where there is none. SQLite only.
    pub fn check_existing(
        &mut self,
        entry: &TableEntry,
        filter: &Expression,
        guarded: bool,
    ) -> Result<(), DataError> {
        self.push("select (");
        self.within(entry.table.name.clone(), |sql| {
            if guarded {
                sql.existing(entry, Command::Update, true)?;
            } else {
                sql.push("1=1");
            }
            sql.push(") from ").table(&entry.table.name).push(" where ");
            sql.expression(filter)
        })
    }

    /// Writes the query of rows that the change would leave behind against policies. SQLite only.
    pub fn refused_changes(
        &mut self,
        entry: &TableEntry,
        sets: &Assignments,
        filter: &Expression,
        reads: bool,
    ) -> Result<(), DataError> {
        self.push("select 1 from (select ");
        self.within(entry.table.name.clone(), |sql| {
            for (index, column) in entry.table.columns.iter().enumerate() {
                sql.push(if index > 0 { ", " } else { "" });
                match sets.iter().find(|(name, _)| *name == column.name) {
                    Some((_, value)) => sql.value(value),
                    None => sql.name(&column.name),
                };
                sql.push(" as ").name(&column.name);
            }
            sql.push(" from ").table(&entry.table.name).push(" where ");
            sql.expression(filter)?;
            sql.push(" and ");
            sql.existing(entry, Command::Update, reads)?;
            sql.push(") as ").name(&entry.table.name).push(" where not ifnull(");
            sql.left_behind(entry, reads)?;
            sql.push(", 0) limit 1");
            Ok(())
        })
    }

    /// Writes the removal of the rows that match.
    pub fn delete_rows(
        &mut self,
        entry: &TableEntry,
        filter: &Expression,
        returning: &[&Column],
        reads: bool,
    ) -> Result<(), DataError> {
        self.push("delete from ").table(&entry.table.name).push(" where ");
        self.within(entry.table.name.clone(), |sql| {
            sql.expression(filter)?;
            if sql.engine == Engine::Sqlite && binds(entry, sql.requester) {
                sql.push(" and ");
                sql.existing(entry, Command::Delete, reads)?;
            }
            sql.returning(returning, false);
            Ok(())
        })
    }
}

/// Names the columns that an insert on SQLite writes: all of them, identity included.
fn written_names(entry: &TableEntry) -> impl Iterator<Item = &str> {
    entry.table.columns.iter().map(|column| column.name.as_str())
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

/// Writes rows as one JSON document for PostgreSQL to take apart.
fn document(rows: &[Assignments]) -> String {
    let mut out = String::from("[");
    for (index, row) in rows.iter().enumerate() {
        out.push_str(if index > 0 { ",{" } else { "{" });
        for (position, (name, value)) in row.iter().enumerate() {
            if position > 0 {
                out.push(',');
            }
            json_text::write_string(name, &mut out);
            out.push(':');
            match value {
                Literal::Null => out.push_str("null"),
                Literal::Json(raw) | Literal::Raw(raw) => out.push_str(raw),
                other => json_text::write_string(&other.to_text(), &mut out),
            }
        }
        out.push('}');
    }
    out.push(']');
    out
}
