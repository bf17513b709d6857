//! `alter table` and `comment on`.

use sqlparser::ast::{
    AlterColumnOperation, AlterTable, AlterTableOperation, ColumnDef, ColumnOption, CommentObject, Ident,
    ObjectName, Spanned, TableConstraint,
};

use super::Change;
use super::columns::{constrain, default, define, settle};
use super::names::{guarded_name, name, object_name, parts};
use super::refusal::Refusal;
use super::tables::{find, table_constraint};
use crate::model::expression::Expression;
use crate::model::storage_objects;
use crate::model::table::{Index, Schema, Table};

/// Tells whether a statement does nothing but enable row level security on `storage.objects`, where it always is.
pub(super) fn only_guards_objects(alter: &AlterTable) -> bool {
    let enables =
        |operation: &AlterTableOperation| matches!(operation, AlterTableOperation::EnableRowLevelSecurity);
    guarded_name(&alter.name).is_ok_and(|name| name == storage_objects::NAME)
        && alter.operations.iter().all(enables)
}

/// Accepts `alter table`.
pub(super) fn alter(alter: &AlterTable, schema: &mut Schema) -> Result<Vec<Change>, Refusal> {
    if alter.location.is_some() || alter.on_cluster.is_some() || alter.table_type.is_some() || alter.if_exists
    {
        return Err(Refusal::at(alter.name.span(), "this form of alter table is not accepted"));
    }
    let table_name = object_name(&alter.name)?;
    let mut table = find(schema, &table_name)?.clone();
    let mut changes = Vec::new();
    for operation in &alter.operations {
        changes.extend(apply(operation, &mut table, schema)?);
    }
    schema.insert(table_name, table);
    Ok(changes)
}

fn apply(
    operation: &AlterTableOperation,
    table: &mut Table,
    schema: &Schema,
) -> Result<Vec<Change>, Refusal> {
    match operation {
        AlterTableOperation::EnableRowLevelSecurity => table.row_security = true,
        AlterTableOperation::DisableRowLevelSecurity => table.row_security = false,
        // The owner is the platform, whose key passes over policies by design; forcing them changes nothing.
        AlterTableOperation::ForceRowLevelSecurity => {
            return Err(Refusal::here("force row level security would bind Quoin itself: enable is enough"));
        }
        AlterTableOperation::AddColumn {
            if_not_exists: false, column_def, column_position: None, ..
        } => {
            return add_column(column_def, table, schema);
        }
        AlterTableOperation::AddConstraint {
            constraint: constraint @ TableConstraint::Unique(_),
            not_valid: false,
        } => {
            table_constraint(constraint, table, schema)?;
            let index = table.uniques.last().map(|key| Index {
                name: key.name.clone(),
                columns: key.columns.clone(),
                unique: true,
                condition: None,
            });
            return Ok(index
                .map(|index| Change::CreateIndex(table.name.clone(), index))
                .into_iter()
                .collect());
        }
        AlterTableOperation::AlterColumn { column_name, op } => alter_column(column_name, op, table)?,
        AlterTableOperation::DropColumn { column_names, if_exists: false, drop_behavior: None, .. } => {
            return drop_columns(column_names, table, schema);
        }
        other => {
            return Err(Refusal::here(format!("alter table … {other} is not accepted")));
        }
    }
    Ok(vec![Change::Document])
}

fn alter_column(column: &Ident, operation: &AlterColumnOperation, table: &mut Table) -> Result<(), Refusal> {
    let column_name = name(column)?;
    let missing = || Refusal::at(column.span, format!("there is no column {column_name}"));
    let column = table.columns.iter_mut().find(|column| column.name == column_name).ok_or_else(missing)?;
    match operation {
        AlterColumnOperation::SetDefault { value } if column.identity.is_none() => {
            column.default = Some(default(value, &column.kind)?);
        }
        AlterColumnOperation::DropDefault if column.identity.is_none() => column.default = None,
        other => return Err(Refusal::here(format!("alter column … {other} is not accepted"))),
    }
    Ok(())
}

/// Adds a column to a table that may hold rows: what they get must be known and the same for SQLite.
fn add_column(definition: &ColumnDef, table: &mut Table, schema: &Schema) -> Result<Vec<Change>, Refusal> {
    if definition.options.iter().any(|option| matches!(option.option, ColumnOption::PrimaryKey(_))) {
        return Err(Refusal::at(definition.span(), "a primary key is made with its table"));
    }
    let known = (table.uniques.len(), table.checks.len(), table.foreign_keys.len());
    define(definition, table)?;
    constrain(definition, table, schema)?;
    settle(table)?;
    let Some(column) = table.columns.last().cloned() else { return Ok(Vec::new()) };
    let filled = fill(&column, schema)?;
    let adds_reference = table.foreign_keys.len() > known.2;
    if !column.nullable && !filled {
        return Err(Refusal::at(
            definition.span(),
            "rows that exist need a value: give a default that is a literal or now()",
        ));
    }
    if filled && adds_reference {
        return Err(Refusal::at(definition.span(), "a new reference starts empty: it takes no default"));
    }
    let mut changes = vec![Change::AddColumn(table.name.clone(), column)];
    for key in &table.uniques[known.0..] {
        let index =
            Index { name: key.name.clone(), columns: key.columns.clone(), unique: true, condition: None };
        changes.push(Change::CreateIndex(table.name.clone(), index));
    }
    Ok(changes)
}

/// Tells whether a default gives rows that exist a value.
///
/// # Errors
/// Refuses defaults that would give each of them another one.
fn fill(column: &crate::model::table::Column, schema: &Schema) -> Result<bool, Refusal> {
    let Some(sql) = &column.default else { return Ok(false) };
    let nobody = Table::named("");
    let place = super::expressions::Place::Default;
    match super::stored_expression(sql, schema, &nobody, place, Some(&column.kind))? {
        Expression::RandomUuid | Expression::ToText(_) => Err(Refusal::here(
            "a new column cannot give each row that exists another value: set the default afterwards",
        )),
        Expression::Constant(literal, _) => Ok(literal != crate::model::literal::Literal::Null),
        Expression::Now => Ok(true),
        _ => Ok(false),
    }
}

/// Drops columns that nothing else speaks of.
fn drop_columns(columns: &[Ident], table: &mut Table, schema: &Schema) -> Result<Vec<Change>, Refusal> {
    let mut changes = Vec::new();
    for column in columns {
        let column_name = name(column)?;
        if table.column(&column_name).is_none() {
            return Err(Refusal::at(column.span, format!("there is no column {column_name}")));
        }
        if let Some(user) = user_of(&column_name, table, schema) {
            return Err(Refusal::at(
                column.span,
                format!("{user} uses the column {column_name}: drop that first"),
            ));
        }
        table.columns.retain(|held| held.name != column_name);
        changes.push(Change::DropColumn(table.name.clone(), column_name));
    }
    Ok(changes)
}

/// Names something that speaks of a column.
fn user_of(column: &str, table: &Table, schema: &Schema) -> Option<String> {
    let holds = |columns: &[String]| columns.iter().any(|held| held == column);
    let key =
        table.primary_key.iter().chain(&table.uniques).find(|key| holds(&key.columns)).map(|key| &key.name);
    let reference = table.foreign_keys.iter().find(|key| holds(&key.columns)).map(|key| &key.name);
    let index = table.indexes.iter().find(|index| holds(&index.columns)).map(|index| &index.name);
    let referring = schema.values().flat_map(|other| &other.foreign_keys);
    let referring =
        referring.filter(|key| key.table == table.name && holds(&key.referred)).map(|key| &key.name).next();
    if let Some(name) = key.or(reference).or(index).or(referring) {
        return Some(name.clone());
    }
    // Texts are compared by word, which may see a user where there is none but never misses one.
    let speaks = |sql: &str| {
        sql.split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .any(|word| word.eq_ignore_ascii_case(column))
    };
    let check = table.checks.iter().find(|check| speaks(&check.condition)).map(|check| check.name.clone());
    let partial = table.indexes.iter().find(|index| index.condition.as_deref().is_some_and(speaks));
    let partial = partial.map(|index| index.name.clone());
    let policy = schema.values().flat_map(|table| &table.policies).find(|policy| {
        policy.using.as_deref().is_some_and(speaks) || policy.check.as_deref().is_some_and(speaks)
    });
    check.or(partial).or_else(|| policy.map(|policy| format!("the policy \"{}\"", policy.name)))
}

/// Accepts `comment on table` and `comment on column`.
pub(super) fn comment(
    object: CommentObject,
    target: &ObjectName,
    comment: Option<&str>,
    schema: &mut Schema,
) -> Result<(), Refusal> {
    let refuse = || Err(Refusal::at(target.span(), "only tables and their columns take comments here"));
    let path = parts(target)?;
    let (table_name, column_name) = match (object, path.as_slice()) {
        (CommentObject::Table, _) => (object_name(target)?, None),
        (CommentObject::Column, [table, column]) => (name(table)?, Some(name(column)?)),
        (CommentObject::Column, [schema, table, column]) if schema.value == "public" => {
            (name(table)?, Some(name(column)?))
        }
        _ => return refuse(),
    };
    let mut table = find(schema, &table_name)?.clone();
    let comment = comment.map(str::to_owned);
    match column_name {
        None => table.comment = comment,
        Some(column_name) => match table.columns.iter_mut().find(|column| column.name == column_name) {
            Some(column) => column.comment = comment,
            None => return refuse(),
        },
    }
    schema.insert(table_name, table);
    Ok(())
}
