//! The list of our own of what migrations may say: read, checked against the schema, and turned into changes.
//!
//! The parser is no filter: it takes far more than either engine runs. Every statement passes through [`plan`], which
//! knows each accepted form and refuses the rest by line and reason, the same on both engines.
//!
//! Reading order: [`plan`], `tables` and `columns`, `alterations`, `policies`, `seeds`, then [`expressions`].

mod alterations;
mod columns;
mod data_types;
pub mod expressions;
mod functions;
mod names;
mod native;
mod plain;
mod policies;
pub mod refusal;
mod seeds;
mod tables;

use std::sync::Arc;

use sqlparser::ast::{ObjectType, Statement};
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Span, Token, Tokenizer};

pub use self::data_types::logical_type;
use self::expressions::{Place, Resolver};
use self::names::object_name;
pub use self::native::native_text;
pub use self::refusal::Refusal;
use super::expression::Expression;
use super::storage_objects;
use super::table::{Column, Index, Schema, Table};

/// The first line of a migration that goes to PostgreSQL unread and that SQLite refuses.
pub const POSTGRES_ONLY: &str = "-- quoin: postgres-only";

/// One change that a migration makes, besides what it writes into the schema's documents.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// A new table.
    CreateTable(Table),
    /// A new column of a table, and the index that makes it unique, where it is.
    AddColumn(String, Column),
    /// A new index of a table.
    CreateIndex(String, Index),
    /// A column goes.
    DropColumn(String, String),
    /// A table goes.
    DropTable(String),
    /// An index goes.
    DropIndex(String),
    /// Rows are added: table, columns, rows, and whether those that exist are left alone.
    Insert(String, Vec<String>, Vec<Vec<Expression>>, bool),
    /// Rows are changed: table, assignments, condition.
    Update(String, Vec<(String, Expression)>, Option<Expression>),
    /// Rows are removed: table, condition.
    Delete(String, Option<Expression>),
    /// Only the table's document changes: row level security, policies, defaults, comments.
    Document,
    /// Only the policies on `storage.objects` change, of which no engine knows.
    Guard,
}

/// A change, where it stands, and the schema after its statement.
#[derive(Debug, Clone)]
pub struct PlannedChange {
    /// The statement's line.
    pub line: u64,
    /// Where the statement stands, without its semicolon.
    pub span: Span,
    /// The change.
    pub change: Change,
    /// The schema after the statement.
    pub schema: Arc<Schema>,
}

/// Refuses a migration that goes to PostgreSQL unread where it names Quoin's own schema.
///
/// # Errors
/// The line of the first such name.
pub fn refuse_system_names(sql: &str) -> Result<(), Refusal> {
    let tokens = Tokenizer::new(&PostgreSqlDialect {}, sql)
        .tokenize_with_location()
        .map_err(|error| Refusal { line: error.location.line, reason: error.message })?;
    for token in tokens {
        if let Token::Word(word) = &token.token {
            let name = word.value.to_lowercase();
            if name == "quoin" || name.starts_with("quoin_") {
                let reason = format!("the name {} is Quoin's own", word.value);
                return Err(Refusal { line: token.span.start.line, reason });
            }
        }
    }
    Ok(())
}

/// Tells whether a migration is marked as PostgreSQL's own.
pub fn is_postgres_only(sql: &str) -> bool {
    sql.trim_start().lines().next().is_some_and(|line| line.trim() == POSTGRES_ONLY)
}

/// Reads a migration, checks it against `schema`, which it carries forward, and lists the changes in order.
///
/// # Errors
/// The first thing that is not accepted, with its line.
pub fn plan(sql: &str, schema: &mut Schema) -> Result<Vec<PlannedChange>, Refusal> {
    let mut parser =
        Parser::new(&PostgreSqlDialect {}).try_with_sql(sql).map_err(|error| unreadable(&error))?;
    storage_objects::ensure(schema);
    let mut changes = Vec::new();
    loop {
        while parser.consume_token(&Token::SemiColon) {}
        let start = parser.peek_token();
        if start.token == Token::EOF {
            return Ok(changes);
        }
        let line = start.span.start.line;
        let statement = parser.parse_statement().map_err(|error| unreadable(&error).or_line(line))?;
        let end = parser.peek_token();
        if !matches!(end.token, Token::SemiColon | Token::EOF) {
            let reason = format!("expected ; but found {}", end.token);
            return Err(Refusal { line: end.span.start.line, reason });
        }
        let accepted = accept(&statement, schema).map_err(|refusal| refusal.or_line(line))?;
        let after = Arc::new(schema.clone());
        changes.extend(accepted.into_iter().map(|change| PlannedChange {
            line,
            span: Span::new(start.span.start, end.span.start),
            change,
            schema: after.clone(),
        }));
    }
}

fn accept(statement: &Statement, schema: &mut Schema) -> Result<Vec<Change>, Refusal> {
    match statement {
        Statement::CreateTable(table) => tables::create(table, schema),
        Statement::CreateIndex(index) => tables::create_index(index, schema).map(|change| vec![change]),
        Statement::AlterTable(alter) if alterations::only_guards_objects(alter) => Ok(vec![Change::Guard]),
        Statement::AlterTable(alter) => alterations::alter(alter, schema),
        Statement::CreatePolicy(policy) => policies::create(policy, schema).map(|change| vec![change]),
        Statement::DropPolicy(policy) => policies::drop(policy, schema).map(|change| vec![change]),
        Statement::Insert(insert) => seeds::insert(insert, schema).map(|change| vec![change]),
        Statement::Update(update) => seeds::update(update, schema).map(|change| vec![change]),
        Statement::Delete(delete) => seeds::delete(delete, schema).map(|change| vec![change]),
        Statement::Comment { object_type, object_name, comment, if_exists: false, .. } => {
            alterations::comment(*object_type, object_name, comment.as_deref(), schema)
                .map(|()| vec![Change::Document])
        }
        Statement::Drop {
            object_type: object_type @ (ObjectType::Table | ObjectType::Index),
            if_exists,
            names,
            cascade: false,
            ..
        } => {
            let mut changes = Vec::new();
            for name in names {
                let name = object_name(name)?;
                changes.extend(match object_type {
                    ObjectType::Table => tables::drop(&name, *if_exists, schema)?,
                    _ => tables::drop_index(&name, *if_exists, schema)?,
                });
            }
            Ok(changes)
        }
        Statement::Grant(_) | Statement::Revoke(_) => {
            Err(Refusal::here("grants are implied by row level security and need not be written"))
        }
        other => {
            let text = other.to_string();
            let start: Vec<&str> = text.split_whitespace().take(3).collect();
            let reason = format!(
                "the statement {} … is not accepted; begin the file with `{POSTGRES_ONLY}` if it is meant for PostgreSQL alone",
                start.join(" ")
            );
            Err(Refusal::here(reason))
        }
    }
}

/// Turns the parser's error into a refusal; its message ends with the place.
fn unreadable(error: &ParserError) -> Refusal {
    let message = match error {
        ParserError::TokenizerError(message) | ParserError::ParserError(message) => message.as_str(),
        ParserError::RecursionLimitExceeded => return Refusal::here("the statement is nested too deeply"),
    };
    let Some((reason, place)) = message.split_once(" at Line: ") else { return Refusal::here(message) };
    let line = place.split(',').next().and_then(|line| line.trim().parse().ok()).unwrap_or(0);
    Refusal { line, reason: reason.to_owned() }
}

/// Reads an expression that a table's document keeps as SQL.
///
/// # Errors
/// Refuses what [`Resolver`] refuses.
pub fn stored_expression(
    sql: &str,
    schema: &Schema,
    table: &Table,
    place: Place,
    wanted: Option<&super::logical_type::LogicalType>,
) -> Result<Expression, Refusal> {
    let mut parser =
        Parser::new(&PostgreSqlDialect {}).try_with_sql(sql).map_err(|error| unreadable(&error))?;
    let expr = parser.parse_expr().map_err(|error| unreadable(&error))?;
    let row = (place != Place::Default).then_some(table);
    let mut resolver = Resolver::new(schema, place, row);
    match wanted {
        Some(kind) => resolver.value(&expr, Some(kind)),
        None => resolver.condition(&expr),
    }
}
