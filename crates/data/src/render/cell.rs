//! One value of a row.

use std::fmt::Write as _;

use quoin_db::{Engine, Row};
use quoin_kernel::Timestamp;

use super::RenderError;
use crate::model::query::Output;
use quoin_policy::model::decimal::Decimal;
use quoin_policy::model::json_text::{Json, write_compact, write_string};
use quoin_policy::model::literal::Literal;
use quoin_policy::model::logical_type::LogicalType;
use quoin_policy::model::moment::write_moment;

/// Writes a column as JSON; tells whether it is NULL, in which case nothing is written.
pub(super) fn write_column(
    row: &Row<'_>,
    index: usize,
    kind: &LogicalType,
    engine: Engine,
    out: &mut String,
) -> Result<bool, RenderError> {
    match kind {
        LogicalType::Uuid | LogicalType::Text | LogicalType::Varchar(_) | LogicalType::Date => {
            let Some(text) = row.get::<Option<String>>(index)? else { return Ok(true) };
            write_string(&text, out);
        }
        LogicalType::SmallInt | LogicalType::Int | LogicalType::BigInt => {
            let Some(number) = row.get::<Option<i64>>(index)? else { return Ok(true) };
            // Writing into a String cannot fail.
            let _ = write!(out, "{number}");
        }
        LogicalType::Bool => {
            let Some(truth) = row.get::<Option<bool>>(index)? else { return Ok(true) };
            out.push_str(if truth { "true" } else { "false" });
        }
        LogicalType::TimestampTz => {
            let Some(moment) = row.get::<Option<Timestamp>>(index)? else { return Ok(true) };
            out.push('"');
            write_moment(moment, out);
            out.push('"');
        }
        LogicalType::Json if engine == Engine::Sqlite => {
            let Some(document) = row.get::<Option<String>>(index)? else { return Ok(true) };
            out.push_str(&document);
        }
        LogicalType::Json | LogicalType::Other(_) => {
            let Some(document) = row.get::<Option<String>>(index)? else { return Ok(true) };
            write_compact(&document, out);
        }
        LogicalType::Double | LogicalType::Numeric(_) => {
            let literal = read(row, index, kind)?;
            if literal == Literal::Null {
                return Ok(true);
            }
            write_literal(&literal, out);
        }
    }
    Ok(false)
}

/// Reads a column as a value.
fn read(row: &Row<'_>, index: usize, kind: &LogicalType) -> Result<Literal, RenderError> {
    let text = || row.get::<Option<String>>(index);
    Ok(match kind {
        LogicalType::Uuid | LogicalType::Text | LogicalType::Varchar(_) | LogicalType::Date => {
            text()?.map_or(Literal::Null, Literal::Text)
        }
        LogicalType::SmallInt | LogicalType::Int | LogicalType::BigInt => {
            row.get::<Option<i64>>(index)?.map_or(Literal::Null, Literal::Int)
        }
        LogicalType::Bool => row.get::<Option<bool>>(index)?.map_or(Literal::Null, Literal::Bool),
        LogicalType::TimestampTz => {
            row.get::<Option<Timestamp>>(index)?.map_or(Literal::Null, Literal::Moment)
        }
        LogicalType::Double => row.get::<Option<f64>>(index)?.map_or(Literal::Null, Literal::Real),
        LogicalType::Numeric(size) => match text()? {
            None => Literal::Null,
            Some(text) => decimal(&text, *size),
        },
        LogicalType::Json | LogicalType::Other(_) => match text()? {
            None => Literal::Null,
            Some(document) => {
                let mut compact = String::with_capacity(document.len());
                write_compact(&document, &mut compact);
                Literal::Json(compact)
            }
        },
    })
}

/// Gives a decimal the scale of its column, or none that is not needed.
fn decimal(text: &str, size: Option<(u8, u8)>) -> Literal {
    match (Decimal::parse(text), size) {
        (Some(decimal), Some((_, scale))) => Literal::Decimal(decimal.rounded(usize::from(scale))),
        (Some(decimal), None) => Literal::Decimal(decimal.trimmed()),
        // `NaN`, which only PostgreSQL's own tools can put there.
        (None, _) => Literal::Text(text.to_owned()),
    }
}

/// Writes an output that is a part of a column, or cast; tells whether it is NULL.
pub(super) fn write_output(
    row: &Row<'_>,
    index: usize,
    output: &Output,
    out: &mut String,
) -> Result<bool, RenderError> {
    let literal = value(row, index, output)?;
    if literal == Literal::Null {
        return Ok(true);
    }
    write_literal(&literal, out);
    Ok(false)
}

/// Returns an output as text, for CSV.
pub(super) fn text(row: &Row<'_>, index: usize, output: &Output) -> Result<Option<String>, RenderError> {
    let literal = value(row, index, output)?;
    Ok((literal != Literal::Null).then(|| literal.to_text()))
}

fn value(row: &Row<'_>, index: usize, output: &Output) -> Result<Literal, RenderError> {
    let mut literal = read(row, index, &output.kind)?;
    if !output.path.is_empty() {
        literal = part(&literal, output);
    }
    let Some(cast) = &output.cast else { return Ok(literal) };
    match literal {
        Literal::Null => Ok(Literal::Null),
        // A number becomes an integer by rounding, as PostgreSQL's cast does.
        Literal::Real(_) | Literal::Decimal(_) if cast.is_integer() => {
            let rounded = Decimal::parse(&literal.to_text()).map(|decimal| decimal.rounded(0).to_string());
            Ok(Literal::parse(cast, &rounded.unwrap_or_default())?)
        }
        literal => Ok(Literal::parse(cast, &literal.to_text())?),
    }
}

fn part(document: &Literal, output: &Output) -> Literal {
    let Literal::Json(document) = document else { return Literal::Null };
    let Ok(json) = Json::parse(document) else { return Literal::Null };
    let Some(found) = json.get(&output.path) else { return Literal::Null };
    if output.as_text {
        return found.as_text().map_or(Literal::Null, Literal::Text);
    }
    let mut text = String::new();
    found.write(&mut text);
    Literal::Json(text)
}

fn write_literal(literal: &Literal, out: &mut String) {
    match literal {
        Literal::Null => out.push_str("null"),
        Literal::Bool(_) | Literal::Int(_) | Literal::Decimal(_) => out.push_str(&literal.to_text()),
        // JSON has no infinity, which only PostgreSQL's own tools can put there.
        Literal::Real(number) if number.is_finite() => {
            let _ = write!(out, "{number}");
        }
        Literal::Json(document) | Literal::Raw(document) => out.push_str(document),
        other => write_string(&other.to_text(), out),
    }
}
