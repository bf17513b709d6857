//! `create table`, `create index`, and dropping them.

use sqlparser::ast::{CreateIndex, CreateTable, Expr, IndexColumn, OrderByOptions, Spanned, TableConstraint};

use super::Change;
use super::columns::{
    add_check, add_foreign_key, add_primary_key, add_unique, define, is_plain_key, is_plain_primary_key,
};
use super::expressions::{Place, Resolver};
use super::names::{name, object_name};
use super::plain::{is_plain_index, is_plain_table};
use super::refusal::Refusal;
use crate::model::table::{Index, Schema, Table};

/// How many columns a table may have.
const MOST_COLUMNS: usize = 200;

/// Accepts `create table`.
pub(super) fn create(create: &CreateTable, schema: &mut Schema) -> Result<Vec<Change>, Refusal> {
    if !is_plain_table(create) {
        return Err(Refusal::at(create.span(), "create table takes columns and constraints only"));
    }
    let table_name = object_name(&create.name)?;
    if relation_exists(schema, &table_name) {
        return if create.if_not_exists && schema.contains_key(&table_name) {
            Ok(vec![Change::Document])
        } else {
            Err(Refusal::at(create.name.span(), format!("the name {table_name} is taken")))
        };
    }
    if create.columns.is_empty() || create.columns.len() > MOST_COLUMNS {
        return Err(Refusal::at(create.span(), format!("a table has 1 to {MOST_COLUMNS} columns")));
    }
    let mut table = Table::named(&table_name);
    for column in &create.columns {
        define(column, &mut table)?;
    }
    for column in &create.columns {
        super::columns::constrain(column, &mut table, schema)?;
    }
    for constraint in &create.constraints {
        table_constraint(constraint, &mut table, schema)?;
    }
    super::columns::settle(&mut table)?;
    schema.insert(table_name, table.clone());
    Ok(vec![Change::CreateTable(table)])
}

/// Accepts a constraint of a whole table.
pub(super) fn table_constraint(
    constraint: &TableConstraint,
    table: &mut Table,
    schema: &Schema,
) -> Result<(), Refusal> {
    match constraint {
        TableConstraint::PrimaryKey(key) if is_plain_primary_key(key) => {
            add_primary_key(table, key.name.as_ref(), plain_columns(&key.columns)?)
        }
        TableConstraint::Unique(key) if is_plain_key(key) => {
            add_unique(table, schema, key.name.as_ref(), plain_columns(&key.columns)?)
        }
        TableConstraint::ForeignKey(key) => {
            let columns = key.columns.iter().map(name).collect::<Result<_, _>>()?;
            add_foreign_key(table, schema, key, columns)
        }
        TableConstraint::Check(check) => add_check(table, schema, check.name.as_ref(), check),
        other => Err(Refusal::at(other.span(), format!("the constraint {other} is not accepted"))),
    }
}

/// Reads a list of bare column names.
///
/// # Errors
/// Refuses expressions, orders and operator classes.
pub(super) fn plain_columns(columns: &[IndexColumn]) -> Result<Vec<String>, Refusal> {
    columns
        .iter()
        .map(|column| match &column.column.expr {
            Expr::Identifier(ident)
                if column.operator_class.is_none()
                    && column.column.with_fill.is_none()
                    && column.column.options == (OrderByOptions { sort: None, nulls_first: None }) =>
            {
                name(ident)
            }
            other => {
                Err(Refusal::at(other.span(), format!("only bare columns are accepted here, not {column}")))
            }
        })
        .collect()
}

/// Accepts `create index`.
pub(super) fn create_index(create: &CreateIndex, schema: &mut Schema) -> Result<Change, Refusal> {
    if !is_plain_index(create) {
        return Err(Refusal::at(create.span(), "create index takes columns and a condition only"));
    }
    let table_name = object_name(&create.table_name)?;
    let table = find(schema, &table_name)?;
    let columns = index_columns(&create.columns)?;
    require_columns(table, &columns)?;
    let index_name = match &create.name {
        Some(name) => object_name(name)?,
        None => free_name(schema, &format!("{table_name}_{}_idx", columns.join("_"))),
    };
    if relation_exists(schema, &index_name) {
        return if create.if_not_exists {
            Ok(Change::Document)
        } else {
            Err(Refusal::here(format!("the name {index_name} is taken")))
        };
    }
    let condition = match &create.predicate {
        None => None,
        Some(predicate) => {
            Resolver::new(schema, Place::Constraint, Some(table)).condition(predicate)?;
            Some(predicate.to_string())
        }
    };
    let index = Index { name: index_name, columns, unique: create.unique, condition };
    if let Some(table) = schema.get_mut(&table_name) {
        table.indexes.push(index.clone());
    }
    Ok(Change::CreateIndex(table_name, index))
}

/// Reads the columns of an index; `desc` and `nulls first` are accepted, since they change no answer.
fn index_columns(columns: &[IndexColumn]) -> Result<Vec<String>, Refusal> {
    columns
        .iter()
        .map(|column| match &column.column.expr {
            Expr::Identifier(ident) if column.operator_class.is_none() => name(ident),
            other => Err(Refusal::at(other.span(), format!("an index takes columns here, not {column}"))),
        })
        .collect()
}

/// Accepts `drop table`.
pub(super) fn drop(table_name: &str, if_exists: bool, schema: &mut Schema) -> Result<Vec<Change>, Refusal> {
    if !schema.contains_key(table_name) {
        return if if_exists { Ok(vec![Change::Document]) } else { Err(no_table(table_name)) };
    }
    let refers = |table: &&Table| {
        table.name != table_name && table.foreign_keys.iter().any(|key| key.table == table_name)
    };
    if let Some(other) = schema.values().find(refers) {
        return Err(Refusal::here(format!("the table {} refers to {table_name}", other.name)));
    }
    if let Some((other, policy)) = super::policies::asking(schema, table_name) {
        return Err(Refusal::here(format!(
            "the policy \"{policy}\" of {other} asks {table_name}: drop it first"
        )));
    }
    schema.remove(table_name);
    Ok(vec![Change::DropTable(table_name.to_owned())])
}

/// Accepts `drop index`.
pub(super) fn drop_index(name: &str, if_exists: bool, schema: &mut Schema) -> Result<Vec<Change>, Refusal> {
    for table in schema.values_mut() {
        if let Some(position) = table.indexes.iter().position(|index| index.name == name) {
            let dropped = table.indexes.remove(position);
            if dropped.unique && is_referred_to(schema, &dropped) {
                return Err(Refusal::here(format!("a foreign key rests on the index {name}")));
            }
            return Ok(vec![Change::DropIndex(name.to_owned())]);
        }
    }
    if if_exists {
        Ok(vec![Change::Document])
    } else {
        Err(Refusal::here(format!("there is no index {name}")))
    }
}

fn is_referred_to(schema: &Schema, index: &Index) -> bool {
    schema.values().flat_map(|table| &table.foreign_keys).any(|key| key.referred == index.columns)
}

/// Tells whether a table, key or index is called so; PostgreSQL keeps them in one namespace.
pub(super) fn relation_exists(schema: &Schema, name: &str) -> bool {
    let index_like = |table: &Table| {
        let keys = table.primary_key.iter().chain(&table.uniques).map(|key| &key.name);
        keys.chain(table.indexes.iter().map(|index| &index.name)).any(|held| held == name)
    };
    schema.contains_key(name) || schema.values().any(index_like)
}

/// Appends a number where a made-up name is taken, as PostgreSQL does.
pub(super) fn free_name(schema: &Schema, wanted: &str) -> String {
    let wanted: String = wanted.chars().take(63).collect();
    if !relation_exists(schema, &wanted) {
        return wanted;
    }
    (1..=u32::MAX)
        .map(|number| format!("{wanted}{number}"))
        .find(|name| !relation_exists(schema, name))
        .unwrap_or(wanted)
}

/// Finds a table that a statement names.
pub(super) fn find<'s>(schema: &'s Schema, name: &str) -> Result<&'s Table, Refusal> {
    schema.get(name).filter(|table| !table.read_only).ok_or_else(|| no_table(name))
}

fn no_table(name: &str) -> Refusal {
    Refusal::here(format!("there is no table {name}"))
}

/// Refuses columns that a table does not have.
pub(super) fn require_columns(table: &Table, columns: &[String]) -> Result<(), Refusal> {
    match columns.iter().find(|column| table.column(column).is_none()) {
        None => Ok(()),
        Some(column) => Err(Refusal::here(format!("the table {} has no column {column}", table.name))),
    }
}
