//! Statements that insert rows.

use quoin_db::{Engine, Value};

use super::reading::ReadRows;
use super::statement::{Assignments, Conflict};
use crate::error::DataError;
use quoin_policy::catalogue::TableEntry;
use quoin_policy::compile::builder::SqlBuilder;
use quoin_policy::compile::policy::{Part, binds};
use quoin_policy::model::json_text;
use quoin_policy::model::literal::Literal;
use quoin_policy::model::table::{Column, Command};

/// Writes statements that insert rows.
pub trait InsertRows {
    /// Writes the insertion of one row. On SQLite every column is given; what policies refuse is not inserted.
    ///
    /// `reads` says that the caller will see rows, which PostgreSQL holds to the policies for reading as well.
    fn insert_row(
        &mut self,
        entry: &TableEntry,
        row: &Assignments,
        conflict: Option<&Conflict>,
        returning: &[&Column],
        reads: bool,
    ) -> Result<(), DataError>;

    /// Writes the insertion of rows with the same columns, as one parameter. PostgreSQL only.
    fn insert_rows(
        &mut self,
        entry: &TableEntry,
        rows: &[Assignments],
        conflict: Option<&Conflict>,
        returning: &[&Column],
    );

    /// Writes the columns that a write answers, and whether the row was inserted just now.
    fn returning(&mut self, returning: &[&Column], tells_inserted: bool);

    /// Writes a subquery whose one row is the row that is proposed, NULL where nothing is given.
    fn proposed(&mut self, entry: &TableEntry, row: &Assignments);

    /// Writes what policies demand of a row that is inserted.
    fn insert_check(&mut self, entry: &TableEntry, reads: bool) -> Result<(), DataError>;

    /// Writes whether policies let the proposed row in. SQLite only.
    fn check_proposed(&mut self, entry: &TableEntry, row: &Assignments) -> Result<(), DataError>;
}

impl InsertRows for SqlBuilder<'_> {
    fn insert_row(
        &mut self,
        entry: &TableEntry,
        row: &Assignments,
        conflict: Option<&Conflict>,
        returning: &[&Column],
        reads: bool,
    ) -> Result<(), DataError> {
        self.push("insert into ").table(&entry.table.name);
        let guarded = self.engine == Engine::Sqlite && binds(entry, self.requester());
        if row.is_empty() && !guarded {
            self.push(" default values");
        } else if guarded {
            self.push(" (").names(written_names(entry)).push(") select ");
            self.names(written_names(entry)).push(" from ");
            self.proposed(entry, row);
            self.push(" as ").name(&entry.table.name).push(" where ");
            self.within(entry.table.name.clone(), |sql| sql.insert_check(entry, reads))?;
        } else if self.engine == Engine::Postgres
            && row.iter().any(|(_, value)| matches!(value, Literal::Raw(_)))
        {
            self.push(" (").names(row.iter().map(|(name, _)| name.as_str())).push(")");
            recordset(self, entry, row, std::slice::from_ref(row));
        } else {
            self.push(" (").names(row.iter().map(|(name, _)| name.as_str())).push(") values (");
            self.list(row, |sql, (_, value)| {
                sql.value(value);
                Ok::<_, DataError>(())
            })?
            .push(")");
        }
        if let Some(conflict) = conflict {
            on_conflict(self, conflict, row);
        }
        self.returning(returning, conflict.is_some_and(|conflict| conflict.merge));
        Ok(())
    }

    fn insert_rows(
        &mut self,
        entry: &TableEntry,
        rows: &[Assignments],
        conflict: Option<&Conflict>,
        returning: &[&Column],
    ) {
        let Some(first) = rows.first() else { return };
        self.push("insert into ").table(&entry.table.name);
        self.push(" (").names(first.iter().map(|(name, _)| name.as_str())).push(")");
        recordset(self, entry, first, rows);
        if let Some(conflict) = conflict {
            on_conflict(self, conflict, first);
        }
        self.returning(returning, conflict.is_some_and(|conflict| conflict.merge));
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

    fn proposed(&mut self, entry: &TableEntry, row: &Assignments) {
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

    fn insert_check(&mut self, entry: &TableEntry, reads: bool) -> Result<(), DataError> {
        self.policy(entry, Command::Insert, Part::Check)?;
        if reads {
            self.push(" and ");
            self.select_policy(entry)?;
        }
        Ok(())
    }

    fn check_proposed(&mut self, entry: &TableEntry, row: &Assignments) -> Result<(), DataError> {
        self.push("select (");
        self.within(entry.table.name.clone(), |sql| sql.insert_check(entry, true))?;
        self.push(") from ");
        self.proposed(entry, row);
        self.push(" as ").name(&entry.table.name);
        Ok(())
    }
}

fn recordset(sql: &mut SqlBuilder<'_>, entry: &TableEntry, first: &Assignments, rows: &[Assignments]) {
    sql.push(" select ").names(first.iter().map(|(name, _)| name.as_str()));
    sql.push(" from jsonb_to_recordset(").param(Value::from(document(rows))).push("::jsonb) as quoin_rows (");
    for (index, (name, _)) in first.iter().enumerate() {
        if index > 0 {
            sql.push(", ");
        }
        let kind =
            entry.table.column(name).map_or_else(|| "text".to_owned(), |column| column.kind.to_string());
        sql.name(name).push(" ").push(&kind);
    }
    sql.push(")");
}

fn on_conflict(sql: &mut SqlBuilder<'_>, conflict: &Conflict, row: &Assignments) {
    sql.push(" on conflict (").names(conflict.columns.iter().map(String::as_str)).push(") do ");
    if !conflict.merge || row.is_empty() {
        sql.push("nothing");
        return;
    }
    sql.push("update set ");
    for (index, (name, _)) in row.iter().enumerate() {
        if index > 0 {
            sql.push(", ");
        }
        sql.name(name).push(" = excluded.").name(name);
    }
}

/// Names the columns that an insert on SQLite writes: all of them, identity included.
fn written_names(entry: &TableEntry) -> impl Iterator<Item = &str> {
    entry.table.columns.iter().map(|column| column.name.as_str())
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
