//! Turns a migration in the common dialect into each engine's own.

use super::Migration;
use crate::error::DbError;
use crate::statement;

/// The logical types, as SQLite and as PostgreSQL write them.
const TYPES: [(&str, &str, &str); 8] = [
    ("{id}", "text", "uuid"),
    ("{time}", "text", "timestamptz"),
    ("{bool}", "integer", "boolean"),
    ("{json}", "text", "jsonb"),
    ("{int}", "integer", "bigint"),
    ("{real}", "real", "double precision"),
    ("{text}", "text", "text"),
    ("{bytes}", "blob", "bytea"),
];

/// Refuses what would not mean the same on both engines.
///
/// # Errors
/// [`DbError::Migration`] for a deferrable constraint (one row would fail everybody's commit on SQLite) and for a type
/// token that does not exist.
pub(super) fn check(migration: &Migration) -> Result<(), DbError> {
    for sql in [Some(migration.sql), migration.postgres].into_iter().flatten() {
        if sql.to_ascii_lowercase().contains("deferrable") {
            return Err(migration.error("constraints must not be deferrable"));
        }
        if let Some(token) = unknown_token(sql) {
            return Err(migration.error(format!("there is no type {token}")));
        }
    }
    Ok(())
}

/// Writes PostgreSQL's types.
pub(super) fn to_postgres(sql: &str) -> String {
    TYPES.iter().fold(sql.to_owned(), |sql, (token, _, postgres)| sql.replace(token, postgres))
}

/// Writes SQLite's types, turns the schema into a prefix and makes every table STRICT.
pub(super) fn to_sqlite(sql: &str) -> String {
    let typed = TYPES.iter().fold(sql.to_owned(), |sql, (token, sqlite, _)| sql.replace(token, sqlite));
    strict_tables(&statement::to_sqlite(&typed))
}

fn unknown_token(sql: &str) -> Option<&str> {
    let words = sql.match_indices('{').filter_map(|(start, _)| {
        let end = sql[start..].find('}')? + start;
        Some(&sql[start..=end])
    });
    let is_word = |token: &str| {
        let word = &token[1..token.len() - 1];
        !word.is_empty() && word.chars().all(|letter| letter.is_ascii_lowercase())
    };
    let mut unknown = words.filter(|token| is_word(token) && !TYPES.iter().any(|(known, ..)| known == token));
    unknown.next()
}

/// Appends `strict` to every `create table … (…)`.
fn strict_tables(sql: &str) -> String {
    let mut out = String::with_capacity(sql.len() + 64);
    for statement in split(sql) {
        let (text, end) = match statement.strip_suffix(';') {
            Some(text) => (text, ";"),
            None => (statement, ""),
        };
        let text_end = text.trim_end().len();
        out.push_str(&text[..text_end]);
        if is_table(text) {
            out.push_str(" strict");
        }
        out.push_str(&text[text_end..]);
        out.push_str(end);
    }
    out
}

fn is_table(statement: &str) -> bool {
    let code = without_leading_comments(statement).trim_end();
    let mut words = code.split_ascii_whitespace();
    let is =
        |word: Option<&str>, expected: &str| word.is_some_and(|word| word.eq_ignore_ascii_case(expected));
    is(words.next(), "create") && is(words.next(), "table") && code.ends_with(')')
}

fn without_leading_comments(sql: &str) -> &str {
    let mut rest = sql.trim_start();
    loop {
        let after = if rest.starts_with("--") {
            rest.find('\n').map(|end| &rest[end..])
        } else if rest.starts_with("/*") {
            rest.find("*/").map(|end| &rest[end + 2..])
        } else {
            return rest;
        };
        rest = after.unwrap_or_default().trim_start();
    }
}

/// Cuts after every semicolon that stands outside quotes and comments. The pieces together are the whole text.
fn split(sql: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let (mut start, mut position) = (0, 0);
    while let Some(next) = sql[position..].chars().next() {
        let rest = &sql[position..];
        position += match next {
            '\'' | '"' => quoted_length(rest, next),
            '-' if rest.starts_with("--") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => rest.find("*/").map_or(rest.len(), |end| end + 2),
            other => other.len_utf8(),
        };
        if next == ';' {
            pieces.push(&sql[start..position]);
            start = position;
        }
    }
    pieces.push(&sql[start..]);
    pieces
}

/// A doubled quote ends one quoted piece and begins the next, which comes to the same.
fn quoted_length(rest: &str, quote: char) -> usize {
    rest[1..].find(quote).map_or(rest.len(), |end| end + 2)
}
