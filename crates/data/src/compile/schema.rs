//! Migrations on SQLite: changes of the schema as SQLite's own statements.

use crate::error::DataError;
use quoin_policy::catalogue::Catalogue;
use quoin_policy::compile::builder::SqlBuilder;
use quoin_policy::model::expression::Expression;
use quoin_policy::model::literal::Literal;
use quoin_policy::model::logical_type::LogicalType;
use quoin_policy::model::requester::Requester;
use quoin_policy::model::sql_subset::expressions::Place;
use quoin_policy::model::sql_subset::{Change, stored_expression};
use quoin_policy::model::table::{Column, Index, Schema, Table};
use uuid::Uuid;

/// Writes changes as SQL for SQLite.
pub struct SqliteSchema<'a> {
    catalogue: &'a Catalogue,
    requester: &'a Requester,
    schema: &'a Schema,
}

impl<'a> SqliteSchema<'a> {
    /// Starts with the schema as it is after the change.
    pub fn new(catalogue: &'a Catalogue, requester: &'a Requester, schema: &'a Schema) -> Self {
        Self { catalogue, requester, schema }
    }

    /// Writes one change; `None` where only the documents change. `uuid` makes the ids that defaults ask for.
    ///
    /// # Errors
    /// A seed whose claim has another type than its column.
    pub fn sql(&self, change: &Change, uuid: &mut dyn FnMut() -> Uuid) -> Result<Option<String>, DataError> {
        let mut sql = SqlBuilder::inline(self.catalogue, self.requester);
        match change {
            Change::Document | Change::Guard => return Ok(None),
            Change::CreateTable(table) => self.create_table(&mut sql, table)?,
            Change::AddColumn(table, column) => self.add_column(&mut sql, table, column, uuid)?,
            Change::CreateIndex(table, index) => self.create_index(&mut sql, table, index)?,
            Change::DropColumn(table, column) => {
                sql.push("alter table ").name(table).push(" drop column ").name(column);
            }
            Change::DropTable(table) => {
                sql.push("drop table ").name(table);
            }
            Change::DropIndex(index) => {
                sql.push("drop index ").name(index);
            }
            Change::Insert(table, columns, rows, leave_existing) => {
                let Some(table) = self.schema.get(table) else { return Ok(None) };
                self.insert(&mut sql, table, (columns, rows), uuid)?;
                sql.push(if *leave_existing { " on conflict do nothing" } else { "" });
            }
            Change::Update(table, sets, filter) => {
                sql.push("update ").name(table).push(" set ");
                sql.within(table.clone(), |sql| {
                    sql.list(sets, |sql, (name, value)| {
                        sql.name(name).push(" = ");
                        sql.expression(value)
                    })
                    .map(drop)?;
                    condition(sql, filter.as_ref())
                })?;
            }
            Change::Delete(table, filter) => {
                sql.push("delete from ").name(table);
                sql.within(table.clone(), |sql| condition(sql, filter.as_ref()))?;
            }
        }
        Ok(Some(sql.finish().0))
    }

    fn create_table(&self, sql: &mut SqlBuilder<'_>, table: &Table) -> Result<(), DataError> {
        sql.push("create table ").name(&table.name).push(" (");
        sql.list(&table.columns, |sql, column| {
            Self::column(sql, column);
            if column.identity.is_some() {
                sql.push(" primary key autoincrement");
            }
            Ok::<_, DataError>(())
        })?;
        let has_identity = table.columns.iter().any(|column| column.identity.is_some());
        if let Some(key) = table.primary_key.as_ref().filter(|_| !has_identity) {
            sql.push(", constraint ").name(&key.name).push(" primary key (");
            sql.names(key.columns.iter().map(String::as_str)).push(")");
        }
        for check in &table.checks {
            sql.push(", constraint ").name(&check.name).push(" check (");
            self.stored(sql, table, &check.condition)?;
            sql.push(")");
        }
        for key in &table.foreign_keys {
            sql.push(", constraint ").name(&key.name).push(" foreign key (");
            sql.names(key.columns.iter().map(String::as_str))
                .push(") references ")
                .name(&key.table)
                .push(" (");
            sql.names(key.referred.iter().map(String::as_str)).push(")");
            Self::actions(sql, key);
        }
        sql.push(") strict");
        for key in &table.uniques {
            sql.push("; ");
            let index =
                Index { name: key.name.clone(), columns: key.columns.clone(), unique: true, condition: None };
            self.create_index(sql, &table.name, &index)?;
        }
        Ok(())
    }

    fn column(sql: &mut SqlBuilder<'_>, column: &Column) {
        let kind = if column.identity.is_some() { "INTEGER" } else { column.kind.sqlite_name() };
        sql.name(&column.name).push(" ").push(kind);
        if !column.nullable {
            sql.push(" not null");
        }
    }

    fn actions(sql: &mut SqlBuilder<'_>, key: &quoin_policy::model::table::ForeignKey) {
        for (when, action) in [("delete", &key.on_delete), ("update", &key.on_update)] {
            if let Some(action) = action {
                sql.push(" on ").push(when).push(" ").push(action);
            }
        }
    }

    fn stored(&self, sql: &mut SqlBuilder<'_>, table: &Table, source: &str) -> Result<(), DataError> {
        let expression = stored_expression(source, self.schema, table, Place::Constraint, None)?;
        // Inside the table's own definition its columns go by their bare names.
        Ok(sql.within(String::new(), |sql| sql.expression(&expression))?)
    }

    fn create_index(&self, sql: &mut SqlBuilder<'_>, table: &str, index: &Index) -> Result<(), DataError> {
        sql.push(if index.unique { "create unique index " } else { "create index " });
        sql.name(&index.name).push(" on ").name(table).push(" (");
        sql.names(index.columns.iter().map(String::as_str)).push(")");
        if let (Some(condition), Some(table)) = (&index.condition, self.schema.get(table)) {
            sql.push(" where ");
            self.stored(sql, table, condition)?;
        }
        Ok(())
    }

    /// Adds a column; the default is written too, for rows that exist. New rows get theirs from Quoin.
    fn add_column(
        &self,
        sql: &mut SqlBuilder<'_>,
        table: &str,
        column: &Column,
        uuid: &mut dyn FnMut() -> Uuid,
    ) -> Result<(), DataError> {
        let Some(owner) = self.schema.get(table) else { return Ok(()) };
        sql.push("alter table ").name(table).push(" add column ");
        Self::column(sql, column);
        if let Some(default) = self.default(owner, column)? {
            let value = self.requester.constant(&default, uuid)?;
            let value = assigned(&column.kind, value)?;
            if value != Literal::Null {
                sql.push(" default ").value(&value);
            }
        }
        for check in owner.checks.iter().filter(|check| speaks_only_of(check, owner, column)) {
            sql.push(" constraint ").name(&check.name).push(" check (");
            self.stored(sql, owner, &check.condition)?;
            sql.push(")");
        }
        for key in owner.foreign_keys.iter().filter(|key| key.columns == [column.name.clone()]) {
            sql.push(" constraint ").name(&key.name).push(" references ").name(&key.table).push(" (");
            sql.names(key.referred.iter().map(String::as_str)).push(")");
            Self::actions(sql, key);
        }
        Ok(())
    }

    fn default(&self, table: &Table, column: &Column) -> Result<Option<Expression>, DataError> {
        let Some(source) = &column.default else { return Ok(None) };
        Ok(Some(stored_expression(source, self.schema, table, Place::Default, Some(&column.kind))?))
    }

    fn insert(
        &self,
        sql: &mut SqlBuilder<'_>,
        table: &Table,
        (columns, rows): (&[String], &[Vec<Expression>]),
        uuid: &mut dyn FnMut() -> Uuid,
    ) -> Result<(), DataError> {
        let absent: Vec<&Column> = table
            .columns
            .iter()
            .filter(|column| column.default.is_some() && !columns.contains(&column.name))
            .collect();
        sql.push("insert into ").name(&table.name).push(" (");
        let names =
            columns.iter().map(String::as_str).chain(absent.iter().map(|column| column.name.as_str()));
        sql.names(names).push(") values ");
        sql.list(rows, |sql, row| {
            sql.push("(");
            let given = columns.iter().filter_map(|name| table.column(name)).zip(row);
            let mut values = Vec::with_capacity(table.columns.len());
            for (column, expression) in given {
                values.push(assigned(&column.kind, self.requester.constant(expression, uuid)?)?);
            }
            for column in &absent {
                if let Some(default) = self.default(table, column)? {
                    values.push(assigned(&column.kind, self.requester.constant(&default, uuid)?)?);
                }
            }
            sql.list(&values, |sql, value| {
                sql.value(value);
                Ok::<_, DataError>(())
            })?
            .push(")");
            Ok::<_, DataError>(())
        })?;
        Ok(())
    }
}

/// Reads a value as its column's type: rounded, cut or refused as an assignment does.
///
/// # Errors
/// The SQLSTATE of a value that does not fit.
pub fn assigned(kind: &LogicalType, value: Literal) -> Result<Literal, DataError> {
    if value == Literal::Null { Ok(value) } else { Ok(Literal::parse(kind, &value.to_text())?) }
}

fn condition(sql: &mut SqlBuilder<'_>, filter: Option<&Expression>) -> Result<(), DataError> {
    if let Some(filter) = filter {
        sql.push(" where ");
        sql.expression(filter)?;
    }
    Ok(())
}

/// Tells whether a check came with this very column: it speaks of it, and no other check of the table's birth does.
fn speaks_only_of(check: &quoin_policy::model::table::Check, table: &Table, column: &Column) -> bool {
    let schema = Schema::new();
    let Ok(expression) = stored_expression(&check.condition, &schema, table, Place::Constraint, None) else {
        return false;
    };
    let mut speaks = false;
    expression.walk(&mut |part| {
        speaks |= matches!(part, Expression::Column { name, .. } if *name == column.name);
    });
    speaks
}
