//! Statements that update and delete rows.

use quoin_db::{Engine, Value};

use super::condition::{Guard, WriteCondition};
use super::inserting::InsertRows;
use super::reading::ReadRows;
use super::statement::Assignments;
use crate::error::DataError;
use quoin_policy::catalogue::TableEntry;
use quoin_policy::compile::builder::SqlBuilder;
use quoin_policy::compile::policy::{Part, binds};
use quoin_policy::model::expression::Expression;
use quoin_policy::model::literal::Literal;
use quoin_policy::model::table::{Column, Command};

/// Writes statements that update and delete rows.
pub trait ChangeRows {
    /// Writes the change of the rows that match. On SQLite the last answered column says whether policies agree.
    fn update_rows(
        &mut self,
        entry: &TableEntry,
        sets: &Assignments,
        filter: &Expression,
        returning: &[&Column],
        reads: bool,
    ) -> Result<(), DataError>;

    /// Writes which existing rows a change may touch.
    fn existing(&mut self, entry: &TableEntry, command: Command, reads: bool) -> Result<(), DataError>;

    /// Writes what policies demand of a row that a change leaves behind.
    fn left_behind(&mut self, entry: &TableEntry, reads: bool) -> Result<(), DataError>;

    /// Writes whether policies let the row that exists be changed; no row where there is none. SQLite only.
    fn check_existing(
        &mut self,
        entry: &TableEntry,
        filter: &Expression,
        guarded: bool,
    ) -> Result<(), DataError>;

    /// Writes the query of rows that the change would leave behind against policies. SQLite only.
    fn refused_changes(
        &mut self,
        entry: &TableEntry,
        sets: &Assignments,
        filter: &Expression,
        reads: bool,
    ) -> Result<(), DataError>;

    /// Writes the removal of the rows that match.
    fn delete_rows(
        &mut self,
        entry: &TableEntry,
        filter: &Expression,
        returning: &[&Column],
        reads: bool,
    ) -> Result<(), DataError>;
}

impl ChangeRows for SqlBuilder<'_> {
    fn update_rows(
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
            assigned(self, entry, name, value);
        }
        let guarded = self.engine == Engine::Sqlite && binds(entry, self.requester());
        self.within(entry.table.name.clone(), |sql| {
            sql.push(" where ");
            let guard: Guard<'_> = &|sql| sql.existing(entry, Command::Update, reads);
            sql.condition(filter, guarded.then_some(guard))?;
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

    fn existing(&mut self, entry: &TableEntry, command: Command, reads: bool) -> Result<(), DataError> {
        self.policy(entry, command, Part::Using)?;
        if reads {
            self.push(" and ");
            self.select_policy(entry)?;
        }
        Ok(())
    }

    fn left_behind(&mut self, entry: &TableEntry, reads: bool) -> Result<(), DataError> {
        self.push("(");
        self.policy(entry, Command::Update, Part::Check)?;
        if reads {
            self.push(" and ");
            self.select_policy(entry)?;
        }
        self.push(")");
        Ok(())
    }

    fn check_existing(
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
            sql.expression(filter)?;
            Ok(())
        })
    }

    fn refused_changes(
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
            sql.condition(filter, Some(&|sql| sql.existing(entry, Command::Update, reads)))?;
            sql.push(") as ").name(&entry.table.name).push(" where not ifnull(");
            sql.left_behind(entry, reads)?;
            sql.push(", 0) limit 1");
            Ok(())
        })
    }

    fn delete_rows(
        &mut self,
        entry: &TableEntry,
        filter: &Expression,
        returning: &[&Column],
        reads: bool,
    ) -> Result<(), DataError> {
        self.push("delete from ").table(&entry.table.name).push(" where ");
        self.within(entry.table.name.clone(), |sql| {
            let guarded = sql.engine == Engine::Sqlite && binds(entry, sql.requester());
            let guard: Guard<'_> = &|sql| sql.existing(entry, Command::Delete, reads);
            sql.condition(filter, guarded.then_some(guard))?;
            sql.returning(returning, false);
            Ok(())
        })
    }
}

fn assigned(sql: &mut SqlBuilder<'_>, entry: &TableEntry, name: &str, value: &Literal) {
    let Literal::Raw(raw) = value else {
        sql.value(value);
        return;
    };
    // A type that only PostgreSQL knows: it reads the JSON itself.
    let kind = entry.table.column(name).map_or_else(|| "text".to_owned(), |column| column.kind.to_string());
    sql.push("(select v from jsonb_to_record(").param(Value::from(format!("{{\"v\":{raw}}}")));
    sql.push("::jsonb) as quoin_value (v ").push(&kind).push("))");
}
