//! Columns and the constraints that stand beside them.

use sqlparser::ast::{
    CheckConstraint, ColumnDef, ColumnOption, Expr, ForeignKeyConstraint, GeneratedAs, Ident,
    KeyOrIndexDisplay, NullsDistinctOption, PrimaryKeyConstraint, ReferentialAction, Spanned,
    UniqueConstraint,
};

use super::data_types::column_type;
use super::expressions::{Place, Resolver};
use super::names::{name, object_name, parts};
use super::refusal::Refusal;
use super::tables::{free_name, require_columns};
use crate::model::expression::Expression;
use crate::model::literal::Literal;
use crate::model::logical_type::LogicalType;
use crate::model::table::{Check, Column, ForeignKey, Identity, Key, Schema, Table};

/// Adds the column itself: name, type, nullability, default, identity.
pub(super) fn define(definition: &ColumnDef, table: &mut Table) -> Result<(), Refusal> {
    let line = definition.name.span.start.line;
    let column_name = name(&definition.name)?;
    if table.column(&column_name).is_some() {
        return Err(Refusal::at(definition.name.span, format!("the column {column_name} is there twice")));
    }
    let (kind, is_serial) = column_type(&definition.data_type).map_err(|refusal| refusal.or_line(line))?;
    let mut column = Column {
        name: column_name,
        kind,
        nullable: !is_serial,
        default: None,
        identity: is_serial.then_some(Identity::ByDefault),
        comment: None,
    };
    for option in &definition.options {
        match &option.option {
            ColumnOption::NotNull => column.nullable = false,
            ColumnOption::Default(expr) => column.default = Some(default(expr, &column.kind)?),
            ColumnOption::Generated { generated_as, sequence_options, generation_expr: None, .. }
                if sequence_options.as_ref().is_none_or(Vec::is_empty) =>
            {
                column.nullable = false;
                column.identity = Some(match generated_as {
                    GeneratedAs::Always => Identity::Always,
                    GeneratedAs::ByDefault => Identity::ByDefault,
                    GeneratedAs::ExpStored => {
                        return Err(Refusal::at(definition.span(), "a generated column is not accepted"));
                    }
                });
            }
            ColumnOption::Null
            | ColumnOption::PrimaryKey(_)
            | ColumnOption::Unique(_)
            | ColumnOption::ForeignKey(_)
            | ColumnOption::Check(_) => {}
            other => {
                return Err(Refusal { line, reason: format!("the column option {other} is not accepted") });
            }
        }
    }
    table.columns.push(column);
    Ok(())
}

/// Adds the constraints written beside a column, once every column is known.
pub(super) fn constrain(definition: &ColumnDef, table: &mut Table, schema: &Schema) -> Result<(), Refusal> {
    let column = vec![name(&definition.name)?];
    for option in &definition.options {
        let named = option.name.as_ref();
        match &option.option {
            ColumnOption::PrimaryKey(key) if is_plain_primary_key(key) => {
                add_primary_key(table, named.or(key.name.as_ref()), column.clone())?;
            }
            ColumnOption::Unique(key) if is_plain_key(key) => {
                add_unique(table, schema, named.or(key.name.as_ref()), column.clone())?;
            }
            ColumnOption::ForeignKey(key) => {
                let mut key = key.clone();
                key.name = key.name.or_else(|| option.name.clone());
                add_foreign_key(table, schema, &key, column.clone())?;
            }
            ColumnOption::Check(check) => add_check(table, schema, named.or(check.name.as_ref()), check)?,
            ColumnOption::PrimaryKey(_) | ColumnOption::Unique(_) => {
                return Err(Refusal::at(definition.span(), "a key takes no further options"));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Checks what only the whole table shows: identity columns stand alone in the primary key.
pub(super) fn settle(table: &mut Table) -> Result<(), Refusal> {
    let key = table.primary_key.as_ref().map(|key| key.columns.clone()).unwrap_or_default();
    for column in &mut table.columns {
        if key.contains(&column.name) {
            column.nullable = false;
        }
        if column.identity.is_none() {
            continue;
        }
        if !column.kind.is_integer() || key != [column.name.clone()] || column.default.is_some() {
            let reason =
                format!("the identity column {} must be an integer and the whole primary key", column.name);
            return Err(Refusal::here(reason));
        }
    }
    Ok(())
}

/// Reads a default: a literal, a fact about the caller, `now()` or `gen_random_uuid()`.
pub(super) fn default(expr: &Expr, kind: &LogicalType) -> Result<String, Refusal> {
    let schema = Schema::new();
    let value = Resolver::new(&schema, Place::Default, None).value(expr, Some(kind))?;
    let is_constant = match &value {
        Expression::Constant(..) | Expression::Claim(_) | Expression::Now | Expression::RandomUuid => true,
        Expression::ToText(inner) => matches!(**inner, Expression::Claim(_) | Expression::RandomUuid),
        _ => false,
    };
    if !is_constant {
        return Err(Refusal::at(
            expr.span(),
            format!("{expr} is no default: only literals, auth.…(), now() and gen_random_uuid() are"),
        ));
    }
    let (family, wanted) = (value.kind().family(), kind.family());
    if family != wanted {
        return Err(Refusal::at(
            expr.span(),
            format!("the default is {} but the column {kind}", value.kind()),
        ));
    }
    if let Expression::Constant(literal, _) = &value
        && *literal != Literal::Null
    {
        Literal::parse(kind, &literal.to_text()).map_err(|bad| Refusal::at(expr.span(), bad.message))?;
    }
    Ok(expr.to_string())
}

/// Tells whether a primary key is columns and a name alone.
pub(super) fn is_plain_primary_key(key: &PrimaryKeyConstraint) -> bool {
    key.index_name.is_none()
        && key.index_type.is_none()
        && key.include.is_empty()
        && key.index_options.is_empty()
        && key.characteristics.is_none()
}

/// Tells whether a unique constraint is columns and a name alone.
pub(super) fn is_plain_key(key: &UniqueConstraint) -> bool {
    key.index_name.is_none()
        && key.index_type.is_none()
        && key.include.is_empty()
        && key.index_options.is_empty()
        && key.characteristics.is_none()
        && key.index_type_display == KeyOrIndexDisplay::None
        && key.nulls_distinct == NullsDistinctOption::None
}

/// Adds the primary key.
pub(super) fn add_primary_key(
    table: &mut Table,
    named: Option<&Ident>,
    columns: Vec<String>,
) -> Result<(), Refusal> {
    require_columns(table, &columns)?;
    if table.primary_key.is_some() {
        return Err(Refusal::here(format!("the table {} has two primary keys", table.name)));
    }
    let key_name = named.map_or_else(|| Ok(format!("{}_pkey", table.name)), name)?;
    table.primary_key = Some(Key { name: key_name, columns });
    Ok(())
}

/// Adds a unique constraint.
pub(super) fn add_unique(
    table: &mut Table,
    schema: &Schema,
    named: Option<&Ident>,
    columns: Vec<String>,
) -> Result<(), Refusal> {
    require_columns(table, &columns)?;
    let made_up = || free_name(schema, &format!("{}_{}_key", table.name, columns.join("_")));
    let key_name = named.map_or_else(|| Ok(made_up()), name)?;
    if table.has_named(&key_name) {
        return Err(Refusal::here(format!("the constraint {key_name} is there twice")));
    }
    table.uniques.push(Key { name: key_name, columns });
    Ok(())
}

/// Adds a reference to another table, or to the table itself.
pub(super) fn add_foreign_key(
    table: &mut Table,
    schema: &Schema,
    key: &ForeignKeyConstraint,
    columns: Vec<String>,
) -> Result<(), Refusal> {
    require_columns(table, &columns)?;
    if key.characteristics.is_some() || key.match_kind.is_some() || key.index_name.is_some() {
        return Err(Refusal::here(
            "a deferrable or match reference is not accepted: it would fail other people's commits",
        ));
    }
    if parts(&key.foreign_table)?.first().is_some_and(|first| first.value == "auth") {
        return Err(Refusal::here(
            "people live in Quoin's own tables: keep auth.uid() in a uuid column instead of a reference",
        ));
    }
    let target_name = object_name(&key.foreign_table)?;
    let target = if target_name == table.name { Some(&*table) } else { schema.get(&target_name) };
    let target = target.ok_or_else(|| Refusal::here(format!("there is no table {target_name}")))?;
    let mut referred = key.referred_columns.iter().map(name).collect::<Result<Vec<_>, _>>()?;
    if referred.is_empty() {
        referred = target.primary_key.as_ref().map(|key| key.columns.clone()).unwrap_or_default();
    }
    require_columns(target, &referred)?;
    if referred.len() != columns.len() || target.unique_over(&referred).is_none() {
        return Err(Refusal::here(format!("{target_name} has no key over ({})", referred.join(", "))));
    }
    for (from, to) in columns.iter().zip(&referred) {
        let kind = |table: &Table, column: &str| table.column(column).map(|column| column.kind.family());
        if kind(table, from) != kind(target, to) {
            return Err(Refusal::here(format!("{from} and {target_name}.{to} are of different types")));
        }
    }
    let made_up = || format!("{}_{}_fkey", table.name, columns.join("_"));
    let key_name = key.name.as_ref().map_or_else(|| Ok(made_up()), name)?;
    let on_delete = action(key.on_delete)?;
    let on_update = action(key.on_update)?;
    table.foreign_keys.push(ForeignKey {
        name: key_name,
        columns,
        table: target_name,
        referred,
        on_delete,
        on_update,
    });
    Ok(())
}

fn action(action: Option<ReferentialAction>) -> Result<Option<String>, Refusal> {
    match action {
        Some(ReferentialAction::SetDefault) => {
            Err(Refusal::here("set default is not accepted: defaults are filled by Quoin"))
        }
        other => Ok(other.map(|action| action.to_string().to_lowercase())),
    }
}

/// Adds a check constraint.
pub(super) fn add_check(
    table: &mut Table,
    schema: &Schema,
    named: Option<&Ident>,
    check: &CheckConstraint,
) -> Result<(), Refusal> {
    if check.no_inherit || check.enforced.is_some() {
        return Err(Refusal::at(check.span(), "a check constraint takes no further options"));
    }
    let condition = Resolver::new(schema, Place::Constraint, Some(table)).condition(&check.expr)?;
    let check_name = match named {
        Some(ident) => name(ident)?,
        None => check_name(table, &condition),
    };
    if table.has_named(&check_name) {
        return Err(Refusal::at(check.span(), format!("the constraint {check_name} is there twice")));
    }
    table.checks.push(Check { name: check_name, condition: check.expr.to_string() });
    Ok(())
}

/// Makes up a name as PostgreSQL does: with the column where the condition speaks of one only.
fn check_name(table: &Table, condition: &Expression) -> String {
    let mut columns: Vec<String> = Vec::new();
    condition.walk(&mut |part| {
        if let Expression::Column { name, .. } = part
            && !columns.contains(name)
        {
            columns.push(name.clone());
        }
    });
    let base = match columns.as_slice() {
        [column] => format!("{}_{column}_check", table.name),
        _ => format!("{}_check", table.name),
    };
    if !table.has_named(&base) {
        return base;
    }
    (1..=u32::MAX).map(|number| format!("{base}{number}")).find(|name| !table.has_named(name)).unwrap_or(base)
}
