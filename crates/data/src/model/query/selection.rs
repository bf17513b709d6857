//! `select`: which columns are answered, under which names, as which types.

use super::text::{Field, field, split, unquote};
use crate::error::DataError;
use quoin_policy::model::json_text::Step;
use quoin_policy::model::logical_type::{Family, LogicalType};
use quoin_policy::model::table::Table;

/// How many outputs one selection may name.
const MOST_OUTPUTS: usize = 400;

/// Lists the outputs of an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Selection {
    /// The outputs, in order.
    pub outputs: Vec<Output>,
}

/// One member of each answered row.
#[derive(Debug, Clone, PartialEq)]
pub struct Output {
    /// The member's name.
    pub label: String,
    /// The column it comes from.
    pub column: String,
    /// The column's type.
    pub kind: LogicalType,
    /// The way into the column's document.
    pub path: Vec<Step>,
    /// Whether the part is wanted as text.
    pub as_text: bool,
    /// The type it is cast to.
    pub cast: Option<LogicalType>,
}

impl Selection {
    /// Reads `select`; every column where it is absent.
    ///
    /// # Errors
    /// `PGRST100` (syntax), `42703` (no such column), `PGRST200` (embedding), `PGRST123` (aggregates).
    pub fn parse(select: Option<&str>, table: &Table) -> Result<Self, DataError> {
        let mut outputs = Vec::new();
        for item in split(select.unwrap_or("*"), ',') {
            match item.trim() {
                "*" | "" => outputs.extend(table.columns.iter().map(whole)),
                item => outputs.push(output(item, table)?),
            }
        }
        if outputs.len() > MOST_OUTPUTS {
            return Err(DataError::TooMuch(format!("select names at most {MOST_OUTPUTS} outputs")));
        }
        Ok(Self { outputs })
    }
}

fn whole(column: &quoin_policy::model::table::Column) -> Output {
    Output {
        label: column.name.clone(),
        column: column.name.clone(),
        kind: column.kind.clone(),
        path: Vec::new(),
        as_text: false,
        cast: None,
    }
}

fn output(item: &str, table: &Table) -> Result<Output, DataError> {
    let (alias, rest) = split_alias(item);
    if let Some((name, _)) = rest.split_once('(') {
        return Err(refuse_call(name, table));
    }
    let (path, cast) = match rest.rsplit_once("::") {
        Some((path, name)) => (path, Some(cast_type(name)?)),
        None => (rest, None),
    };
    let Field { column, path, as_text } = field(path)?;
    let unknown = || DataError::UnknownColumn(table.name.clone(), column.clone());
    let kind = table.column(&column).ok_or_else(unknown)?.kind.clone();
    if !path.is_empty() && !matches!(kind.family(), Family::Json | Family::Other) {
        return Err(not_a_document(&kind));
    }
    if alias == Some("") {
        let details = "an alias stands before the colon".to_owned();
        return Err(DataError::BadQuery(format!("select ({item})"), details));
    }
    let label = alias.map_or_else(|| default_label(&column, &path), unquote);
    Ok(Output { label, column, kind, path, as_text, cast })
}

/// Splits `alias:rest`; the `::` of a cast is no alias.
fn split_alias(item: &str) -> (Option<&str>, &str) {
    match item.find(':') {
        Some(at) if !item[at + 1..].starts_with(':') => (Some(item[..at].trim()), item[at + 1..].trim()),
        _ => (None, item),
    }
}

/// A document's part is called like its last key.
fn default_label(column: &str, path: &[Step]) -> String {
    let last_key = path.iter().rev().find_map(|step| match step {
        Step::Key(key) => Some(key.as_str()),
        Step::Index(_) => None,
    });
    last_key.unwrap_or(column).to_owned()
}

fn refuse_call(name: &str, table: &Table) -> DataError {
    let name = name.trim_start_matches("...").split(['!', '.']).next().unwrap_or(name);
    if ["count", "sum", "avg", "min", "max"].contains(&name) {
        return DataError::NotImplemented(
            "PGRST123",
            "Use of aggregate functions is not allowed".into(),
            400,
        );
    }
    let message =
        format!("Could not find a relationship between '{}' and '{name}' in the schema cache", table.name);
    DataError::NotImplemented("PGRST200", message, 400)
}

pub(super) fn not_a_document(kind: &LogicalType) -> DataError {
    DataError::Refused {
        code: "42883".into(),
        message: format!("operator does not exist: {} -> unknown", kind.base_name()),
        role: quoin_policy::model::requester::RequestRole::Authenticated,
    }
}

fn cast_type(name: &str) -> Result<LogicalType, DataError> {
    Ok(match name.trim().to_lowercase().as_str() {
        "text" | "varchar" => LogicalType::Text,
        "int" | "integer" | "int4" => LogicalType::Int,
        "bigint" | "int8" => LogicalType::BigInt,
        "smallint" | "int2" => LogicalType::SmallInt,
        "bool" | "boolean" => LogicalType::Bool,
        "float8" | "double precision" => LogicalType::Double,
        "numeric" | "decimal" => LogicalType::Numeric(None),
        "jsonb" | "json" => LogicalType::Json,
        "uuid" => LogicalType::Uuid,
        "timestamptz" => LogicalType::TimestampTz,
        "date" => LogicalType::Date,
        other => {
            return Err(DataError::Refused {
                code: "42704".into(),
                message: format!("type \"{other}\" does not exist"),
                role: quoin_policy::model::requester::RequestRole::Authenticated,
            });
        }
    })
}
