//! What a write sends: rows as JSON or CSV, each value checked against its column.

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::error::DataError;
use quoin_policy::model::json_text::Json;
use quoin_policy::model::literal::Literal;
use quoin_policy::model::logical_type::LogicalType;
use quoin_policy::model::table::Table;

/// The most rows that one request writes.
const MOST_ROWS: usize = 10_000;

/// One row: the members of its object, in order, with their JSON texts.
#[derive(Debug)]
pub struct BodyRow<'b>(pub Vec<(String, &'b RawValue)>);

impl<'de: 'b, 'b> Deserialize<'de> for BodyRow<'b> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Vec<(String, &'de RawValue)>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members: Self::Value = Vec::new();
                while let Some((key, value)) = map.next_entry::<String, &'de RawValue>()? {
                    match members.iter_mut().find(|(known, _)| *known == key) {
                        Some(known) => known.1 = value,
                        None => members.push((key, value)),
                    }
                }
                Ok(members)
            }
        }
        deserializer.deserialize_map(Members).map(BodyRow)
    }
}

/// Rows as the columns they name, each value checked.
pub type Rows = Vec<Vec<(String, Literal)>>;

/// Says which columns a write concerns and what an absent member means.
#[derive(Debug, Clone, Default)]
pub struct Shape {
    /// The columns named by `columns`; else those of the first row.
    pub columns: Option<Vec<String>>,
    /// Whether absent members get their defaults instead of NULL.
    pub missing_default: bool,
}

fn bad(reason: impl Into<String>) -> DataError {
    DataError::BadBody(reason.into())
}

/// Reads one object or an array of objects.
///
/// # Errors
/// `PGRST102` (no JSON, or rows with other members than the first), `PGRST204` (no such column), the SQLSTATE of a
/// value that is none of its column's type.
pub fn json_rows(body: &[u8], table: &Table, shape: &Shape) -> Result<Rows, DataError> {
    let text = std::str::from_utf8(body).map_err(|_| bad("The body is not UTF-8"))?;
    let rows: Vec<BodyRow<'_>> = match text.trim_start().as_bytes().first() {
        None => return Err(bad("Empty or invalid json")),
        Some(b'[') => serde_json::from_str(text),
        Some(_) => serde_json::from_str(text).map(|row| vec![row]),
    }
    .map_err(|_| bad("Empty or invalid json"))?;
    refuse_many(rows.len())?;
    let Some(first) = rows.first() else { return Ok(Vec::new()) };
    let first_names: Vec<String> = first.0.iter().map(|(name, _)| name.clone()).collect();
    let columns = shape.columns.as_ref().unwrap_or(&first_names);
    require(columns, table)?;
    rows.iter()
        .map(|row| {
            if shape.columns.is_none() && !same_names(row, &first_names) {
                return Err(bad("All object keys must match"));
            }
            json_row(row, columns, table, shape)
        })
        .collect()
}

fn json_row(
    row: &BodyRow<'_>,
    columns: &[String],
    table: &Table,
    shape: &Shape,
) -> Result<Vec<(String, Literal)>, DataError> {
    let mut values = Vec::with_capacity(columns.len());
    for name in columns {
        let Some(column) = table.column(name) else { continue };
        match row.0.iter().find(|(key, _)| key == name) {
            Some((_, raw)) => values.push((name.clone(), from_json(&column.kind, raw.get())?)),
            None if shape.missing_default => {}
            None => values.push((name.clone(), Literal::Null)),
        }
    }
    Ok(values)
}

fn same_names(row: &BodyRow<'_>, names: &[String]) -> bool {
    row.0.len() == names.len() && row.0.iter().all(|(name, _)| names.contains(name))
}

/// Refuses columns that the table does not have.
///
/// # Errors
/// `PGRST204`.
pub fn require(columns: &[String], table: &Table) -> Result<(), DataError> {
    match columns.iter().find(|name| table.column(name).is_none()) {
        None => Ok(()),
        Some(name) => Err(DataError::UnknownBodyColumn(table.name.clone(), name.clone())),
    }
}

fn refuse_many(count: usize) -> Result<(), DataError> {
    if count > MOST_ROWS {
        return Err(DataError::TooMuch(format!("a request writes at most {MOST_ROWS} rows")));
    }
    Ok(())
}

/// Reads a JSON text as a value of a column.
fn from_json(kind: &LogicalType, raw: &str) -> Result<Literal, DataError> {
    let raw = raw.trim();
    if raw == "null" {
        return Ok(Literal::Null);
    }
    match kind {
        LogicalType::Json => Ok(Literal::parse(kind, raw)?),
        LogicalType::Other(_) => {
            // The text reaches PostgreSQL inside a larger document, so it must be one document itself.
            Json::parse(raw).map_err(|_| bad("Empty or invalid json"))?;
            Ok(Literal::Raw(raw.to_owned()))
        }
        _ if raw.starts_with('"') => {
            let text: String = serde_json::from_str(raw).map_err(|_| bad("Empty or invalid json"))?;
            Ok(Literal::parse(kind, &text)?)
        }
        _ => Ok(Literal::parse(kind, raw)?),
    }
}

/// Reads comma-separated values with a header line; an unquoted empty value, or `NULL`, is NULL.
///
/// # Errors
/// As [`json_rows`].
pub fn csv_rows(body: &[u8], table: &Table, shape: &Shape) -> Result<Rows, DataError> {
    let text = std::str::from_utf8(body).map_err(|_| bad("The body is not UTF-8"))?;
    let mut lines = csv_lines(text)?.into_iter();
    let header = lines.next().ok_or_else(|| bad("The CSV has no header line"))?;
    let names: Vec<String> = header.into_iter().map(|(name, _)| name).collect();
    let columns = shape.columns.clone().unwrap_or_else(|| names.clone());
    require(&columns, table)?;
    refuse_many(lines.len())?;
    lines
        .map(|line| {
            if line.len() != names.len() {
                return Err(bad("All lines must have same number of fields"));
            }
            let mut row = Vec::with_capacity(columns.len());
            for (name, (text, quoted)) in names.iter().zip(line) {
                let Some(column) = table.column(name).filter(|_| columns.contains(name)) else { continue };
                let is_null = !quoted && (text.is_empty() || text == "NULL");
                let value = if is_null { Literal::Null } else { csv_value(&column.kind, &text)? };
                row.push((name.clone(), value));
            }
            Ok(row)
        })
        .collect()
}

fn csv_value(kind: &LogicalType, text: &str) -> Result<Literal, DataError> {
    if matches!(kind, LogicalType::Other(_)) {
        let mut quoted = String::new();
        quoin_policy::model::json_text::write_string(text, &mut quoted);
        return Ok(Literal::Raw(quoted));
    }
    Ok(Literal::parse(kind, text)?)
}

/// Reads lines of values, each with whether it stood in quotes (RFC 4180).
fn csv_lines(text: &str) -> Result<Vec<Vec<(String, bool)>>, DataError> {
    let mut lines = Vec::new();
    let mut line = Vec::new();
    let mut value = String::new();
    let (mut quoted, mut inside) = (false, false);
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '"' if inside && rest.peek() == Some(&'"') => {
                rest.next();
                value.push('"');
            }
            '"' if inside => inside = false,
            '"' if value.is_empty() && !quoted => (quoted, inside) = (true, true),
            c if inside => value.push(c),
            ',' => line.push((std::mem::take(&mut value), std::mem::take(&mut quoted))),
            '\r' if rest.peek() == Some(&'\n') => {}
            '\n' => {
                line.push((std::mem::take(&mut value), std::mem::take(&mut quoted)));
                lines.push(std::mem::take(&mut line));
            }
            c => value.push(c),
        }
    }
    if inside {
        return Err(bad("A quoted value of the CSV does not end"));
    }
    if !value.is_empty() || quoted || !line.is_empty() {
        line.push((value, quoted));
        lines.push(line);
    }
    Ok(lines)
}
