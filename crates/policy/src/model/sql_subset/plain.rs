//! Tells a plain statement from one with clauses that are not accepted.
//!
//! The parser knows many dialects, and its statements have dozens of fields. Instead of naming each one, a statement is
//! compared with the plainest one of its kind after the accepted parts have been made equal: whatever still differs is
//! a clause that nobody has looked at, and is refused.

use std::sync::LazyLock;

use sqlparser::ast::{CreateIndex, CreateTable, Delete, Insert, Query, Select, SetExpr, Statement, Update};
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::parser::Parser;

fn sample(sql: &str) -> Option<Statement> {
    Parser::parse_sql(&PostgreSqlDialect {}, sql).ok()?.pop()
}

static TABLE: LazyLock<Option<Statement>> = LazyLock::new(|| sample("create table x (y int)"));
static INDEX: LazyLock<Option<Statement>> = LazyLock::new(|| sample("create index x on y (z)"));
static INSERT: LazyLock<Option<Statement>> = LazyLock::new(|| sample("insert into x (y) values (1)"));
static UPDATE: LazyLock<Option<Statement>> = LazyLock::new(|| sample("update x set y = 1"));
static DELETE: LazyLock<Option<Statement>> = LazyLock::new(|| sample("delete from x"));
static QUERY: LazyLock<Option<Statement>> = LazyLock::new(|| sample("select 1"));

/// Tells whether a table is made of columns and constraints alone.
pub(super) fn is_plain_table(table: &CreateTable) -> bool {
    let Some(Statement::CreateTable(plain)) = TABLE.as_ref() else { return false };
    let mut rest = table.clone();
    rest.name.clone_from(&plain.name);
    rest.columns.clone_from(&plain.columns);
    rest.constraints.clone_from(&plain.constraints);
    rest.if_not_exists = plain.if_not_exists;
    rest == *plain
}

/// Tells whether an index has only a name, columns, uniqueness and a condition.
pub(super) fn is_plain_index(index: &CreateIndex) -> bool {
    let Some(Statement::CreateIndex(plain)) = INDEX.as_ref() else { return false };
    let mut rest = index.clone();
    rest.name.clone_from(&plain.name);
    rest.table_name.clone_from(&plain.table_name);
    rest.columns.clone_from(&plain.columns);
    rest.unique = plain.unique;
    rest.if_not_exists = plain.if_not_exists;
    rest.predicate = None;
    rest == *plain
}

/// Tells whether rows are inserted by values alone; what happens on conflict is looked at elsewhere.
pub(super) fn is_plain_insert(insert: &Insert) -> bool {
    let Some(Statement::Insert(plain)) = INSERT.as_ref() else { return false };
    let mut rest = insert.clone();
    rest.table.clone_from(&plain.table);
    rest.columns.clone_from(&plain.columns);
    rest.source.clone_from(&plain.source);
    rest.on = None;
    rest == *plain
}

/// Tells whether rows are updated by assignments and a condition alone.
pub(super) fn is_plain_update(update: &Update) -> bool {
    let Some(Statement::Update(plain)) = UPDATE.as_ref() else { return false };
    let mut rest = update.clone();
    rest.table.clone_from(&plain.table);
    rest.assignments.clone_from(&plain.assignments);
    rest.selection = None;
    rest == *plain
}

/// Tells whether rows are deleted by a condition alone.
pub(super) fn is_plain_delete(delete: &Delete) -> bool {
    let Some(Statement::Delete(plain)) = DELETE.as_ref() else { return false };
    let mut rest = delete.clone();
    rest.from.clone_from(&plain.from);
    rest.selection = None;
    rest == *plain
}

/// Tells whether a query is `select … from … where …` and nothing else.
pub(super) fn is_plain_select(query: &Query, select: &Select) -> bool {
    let Some(Statement::Query(plain)) = QUERY.as_ref() else { return false };
    let SetExpr::Select(plain_select) = plain.body.as_ref() else { return false };
    let mut rest = query.clone();
    rest.body.clone_from(&plain.body);
    let mut select_rest = select.clone();
    select_rest.projection.clone_from(&plain_select.projection);
    select_rest.from.clone_from(&plain_select.from);
    select_rest.selection = None;
    rest == **plain && select_rest == **plain_select
}
