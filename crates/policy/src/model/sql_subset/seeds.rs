//! Rows that a migration adds, changes or removes.

use sqlparser::ast::{
    AssignmentTarget, ConflictTarget, Delete, Expr, FromTable, Insert, OnConflictAction, OnInsert, SetExpr,
    Spanned, TableFactor, TableObject, TableWithJoins, Update,
};

use super::Change;
use super::expressions::{Place, Resolver};
use super::names::{name, object_name, parts};
use super::plain::{is_plain_delete, is_plain_insert, is_plain_update};
use super::refusal::Refusal;
use super::tables::{find, require_columns};
use crate::model::expression::Expression;
use crate::model::literal::Literal;
use crate::model::table::{Column, Schema, Table};

/// Accepts `insert into … (…) values … [on conflict do nothing]`.
pub(super) fn insert(insert: &Insert, schema: &Schema) -> Result<Change, Refusal> {
    let TableObject::TableName(object) = &insert.table else {
        return Err(Refusal::here("insert names a table"));
    };
    let table = find(schema, &object_name(object)?)?;
    let query = insert.source.as_deref().filter(|_| is_plain_insert(insert));
    let rows = match query.map(|query| query.body.as_ref()) {
        Some(SetExpr::Values(values)) if !values.explicit_row && !values.value_keyword => &values.rows,
        _ => return Err(Refusal::at(object.span(), "insert takes columns and values only")),
    };
    let columns = insert_columns(insert, table)?;
    let mut read = Vec::with_capacity(rows.len());
    for row in rows {
        if row.content.len() != columns.len() {
            return Err(Refusal::at(
                object.span(),
                "a row has another number of values than columns are named",
            ));
        }
        let pairs = columns.iter().zip(&row.content);
        read.push(
            pairs.map(|(column, expr)| seed(expr, column, schema, None)).collect::<Result<Vec<_>, _>>()?,
        );
    }
    let names = columns.iter().map(|column| column.name.clone()).collect();
    Ok(Change::Insert(table.name.clone(), names, read, leaves_existing(insert)?))
}

fn insert_columns<'t>(insert: &Insert, table: &'t Table) -> Result<Vec<&'t Column>, Refusal> {
    if insert.columns.is_empty() {
        return Err(Refusal::here("insert names its columns"));
    }
    let mut columns = Vec::new();
    for object in &insert.columns {
        let [ident] = parts(object)?[..] else {
            return Err(Refusal::at(object.span(), "a column has one name"));
        };
        let column_name = name(ident)?;
        let missing = || Refusal::at(ident.span, format!("{} has no column {column_name}", table.name));
        columns.push(table.column(&column_name).ok_or_else(missing)?);
    }
    Ok(columns)
}

fn leaves_existing(insert: &Insert) -> Result<bool, Refusal> {
    match &insert.on {
        None => Ok(false),
        Some(OnInsert::OnConflict(conflict)) if conflict.action == OnConflictAction::DoNothing => {
            match &conflict.conflict_target {
                None | Some(ConflictTarget::Columns(_)) => Ok(true),
                Some(_) => Err(Refusal::here("on conflict names columns or nothing")),
            }
        }
        Some(_) => Err(Refusal::here("only on conflict do nothing is accepted")),
    }
}

/// Reads a value for a column: it must be a value of the column's type.
fn seed(expr: &Expr, column: &Column, schema: &Schema, row: Option<&Table>) -> Result<Expression, Refusal> {
    let place = if row.is_some() { Place::Constraint } else { Place::Default };
    let value = Resolver::new(schema, place, row).value(expr, Some(&column.kind))?;
    let wrong = |reason: String| Refusal::at(expr.span(), reason);
    match value {
        Expression::Constant(Literal::Null, _) => {
            Ok(Expression::Constant(Literal::Null, column.kind.clone()))
        }
        Expression::Constant(literal, kind) if kind.family() == column.kind.family() => {
            let literal =
                Literal::parse(&column.kind, &literal.to_text()).map_err(|bad| wrong(bad.message))?;
            Ok(Expression::Constant(literal, column.kind.clone()))
        }
        other if other.kind() == column.kind => Ok(other),
        other => {
            Err(wrong(format!("{} is no value for the {} column {}", other.kind(), column.kind, column.name)))
        }
    }
}

/// Accepts `update … set … where …`.
pub(super) fn update(update: &Update, schema: &Schema) -> Result<Change, Refusal> {
    if !is_plain_update(update) {
        return Err(Refusal::at(update.table.span(), "update takes assignments and a condition only"));
    }
    let table = plain_target(&update.table, schema)?;
    let mut sets = Vec::new();
    for assignment in &update.assignments {
        let AssignmentTarget::ColumnName(object) = &assignment.target else {
            return Err(Refusal::at(assignment.span(), "update sets one column at a time"));
        };
        let [ident] = parts(object)?[..] else {
            return Err(Refusal::at(object.span(), "a column has one name"));
        };
        let column_name = name(ident)?;
        require_columns(table, std::slice::from_ref(&column_name))?;
        if let Some(column) = table.column(&column_name) {
            sets.push((column_name, seed(&assignment.value, column, schema, Some(table))?));
        }
    }
    Ok(Change::Update(table.name.clone(), sets, filter(update.selection.as_ref(), schema, table)?))
}

/// Accepts `delete from … where …`.
pub(super) fn delete(delete: &Delete, schema: &Schema) -> Result<Change, Refusal> {
    let (FromTable::WithFromKeyword(from) | FromTable::WithoutKeyword(from)) = &delete.from;
    let [target] = from.as_slice() else { return Err(Refusal::here("delete names one table")) };
    if !is_plain_delete(delete) {
        return Err(Refusal::at(target.span(), "delete takes a condition only"));
    }
    let table = plain_target(target, schema)?;
    Ok(Change::Delete(table.name.clone(), filter(delete.selection.as_ref(), schema, table)?))
}

fn filter(selection: Option<&Expr>, schema: &Schema, table: &Table) -> Result<Option<Expression>, Refusal> {
    selection.map(|expr| Resolver::new(schema, Place::Constraint, Some(table)).condition(expr)).transpose()
}

fn plain_target<'s>(target: &TableWithJoins, schema: &'s Schema) -> Result<&'s Table, Refusal> {
    match &target.relation {
        TableFactor::Table { name: object, alias: None, args: None, .. } if target.joins.is_empty() => {
            find(schema, &object_name(object)?)
        }
        other => Err(Refusal::at(other.span(), "one table without an alias is named here")),
    }
}
