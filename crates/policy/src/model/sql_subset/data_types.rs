//! Which column types are accepted.

use sqlparser::ast::{CharacterLength, DataType, ExactNumberInfo, TimezoneInfo};

use super::names::parts;
use super::refusal::Refusal;
use crate::model::logical_type::{LogicalType, NUMERIC_DIGITS};

/// The accepted types, as refusals list them.
const ACCEPTED: &str = "uuid, text, varchar(n), smallint, int, bigint, boolean, double precision, numeric(p,s), jsonb, \
                        timestamptz, date";

/// Says what type a column gets, and whether the database counts it up (`serial`).
///
/// # Errors
/// Refuses every type that does not mean the same on both engines.
pub(super) fn column_type(data_type: &DataType) -> Result<(LogicalType, bool), Refusal> {
    if let DataType::Custom(name, arguments) = data_type
        && arguments.is_empty()
        && let [ident] = parts(name)?.as_slice()
    {
        match ident.value.to_lowercase().as_str() {
            "serial" | "serial4" => return Ok((LogicalType::Int, true)),
            "bigserial" | "serial8" => return Ok((LogicalType::BigInt, true)),
            _ => {}
        }
    }
    logical_type(data_type).map(|kind| (kind, false))
}

/// Reads a type name in a column or cast.
///
/// # Errors
/// Refuses every type that does not mean the same on both engines.
pub fn logical_type(data_type: &DataType) -> Result<LogicalType, Refusal> {
    Ok(match data_type {
        DataType::Uuid => LogicalType::Uuid,
        DataType::Text | DataType::Varchar(None) | DataType::CharacterVarying(None) => LogicalType::Text,
        DataType::Varchar(Some(CharacterLength::IntegerLength { length, unit: None }))
        | DataType::CharacterVarying(Some(CharacterLength::IntegerLength { length, unit: None })) => {
            varchar(*length)?
        }
        DataType::SmallInt(None) | DataType::Int2(None) => LogicalType::SmallInt,
        DataType::Int(None) | DataType::Integer(None) | DataType::Int4(None) => LogicalType::Int,
        DataType::BigInt(None) | DataType::Int8(None) => LogicalType::BigInt,
        DataType::Bool | DataType::Boolean => LogicalType::Bool,
        DataType::DoublePrecision | DataType::Float8 => LogicalType::Double,
        DataType::Numeric(size) | DataType::Decimal(size) => numeric(*size)?,
        DataType::JSONB => LogicalType::Json,
        DataType::JSON => {
            return Err(Refusal::here("json keeps spaces and key order on one engine only: use jsonb"));
        }
        DataType::Timestamp(None, TimezoneInfo::Tz | TimezoneInfo::WithTimeZone) => LogicalType::TimestampTz,
        DataType::Timestamp(..) => {
            return Err(Refusal::here(
                "timestamp without time zone means a different moment to everyone: use timestamptz",
            ));
        }
        DataType::Date => LogicalType::Date,
        DataType::Float4 | DataType::Real | DataType::Float(_) => {
            return Err(Refusal::here("real loses digits in different ways: use double precision"));
        }
        other => {
            return Err(Refusal::here(format!("the type {other} is not accepted; accepted are {ACCEPTED}")));
        }
    })
}

fn varchar(length: u64) -> Result<LogicalType, Refusal> {
    match u32::try_from(length) {
        Ok(length) if (1..=10_485_760).contains(&length) => Ok(LogicalType::Varchar(length)),
        _ => Err(Refusal::here("the length of varchar must be between 1 and 10485760")),
    }
}

fn numeric(size: ExactNumberInfo) -> Result<LogicalType, Refusal> {
    let (precision, scale) = match size {
        ExactNumberInfo::None => return Ok(LogicalType::Numeric(None)),
        ExactNumberInfo::Precision(precision) => (precision, 0),
        ExactNumberInfo::PrecisionAndScale(precision, scale) => (precision, scale),
    };
    match (u8::try_from(precision), u8::try_from(scale)) {
        (Ok(precision), Ok(scale)) if (1..=NUMERIC_DIGITS).contains(&precision) && scale <= precision => {
            Ok(LogicalType::Numeric(Some((precision, scale))))
        }
        _ => Err(Refusal::here(format!(
            "numeric(p,s) needs 0 <= s <= p <= {NUMERIC_DIGITS}, which is what both engines keep exactly"
        ))),
    }
}
