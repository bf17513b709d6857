//! One value of one logical type: read from text, refused in PostgreSQL's words, bound to either engine.

use quoin_db::{Engine, Value};
use quoin_kernel::Timestamp;
use uuid::Uuid;

use super::decimal::Decimal;
use super::json_text::{BadJson, Json};
use super::logical_type::{LogicalType, NUMERIC_DIGITS};
use super::moment::{BadMoment, parse_date, parse_moment, write_moment};

/// Holds a value that has been checked against its type.
#[derive(Debug, Clone, PartialEq)]
pub enum Literal {
    /// SQL NULL.
    Null,
    /// A truth value.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// A finite double.
    Real(f64),
    /// A text.
    Text(String),
    /// A UUID.
    Uuid(Uuid),
    /// A moment.
    Moment(Timestamp),
    /// A date as `2026-08-01`.
    Date(String),
    /// An exact decimal.
    Decimal(Decimal),
    /// A document in canonical form.
    Json(String),
    /// A text that only PostgreSQL can read, for a type of its own.
    Raw(String),
}

/// A text that is no value of a type, with the SQLSTATE and message that PostgreSQL gives.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct BadValue {
    /// The SQLSTATE.
    pub code: &'static str,
    /// The message.
    pub message: String,
}

fn syntax(code: &'static str, kind: &str, text: &str) -> BadValue {
    BadValue { code, message: format!("invalid input syntax for type {kind}: \"{text}\"") }
}

impl Literal {
    /// Reads `text` as a value of `kind`.
    ///
    /// # Errors
    /// SQLSTATE `22P02` (syntax), `22003` (number out of range), `22001` (too long), `22007`/`22008` (moments),
    /// `22021`/`22P05` (U+0000).
    pub fn parse(kind: &LogicalType, text: &str) -> Result<Self, BadValue> {
        if text.contains('\0') {
            let message = "invalid byte sequence for encoding \"UTF8\": 0x00".to_owned();
            return Err(BadValue { code: "22021", message });
        }
        match kind {
            LogicalType::Uuid => parse_uuid(text),
            LogicalType::Text => Ok(Self::Text(text.to_owned())),
            LogicalType::Varchar(length) => parse_varchar(text, *length),
            LogicalType::SmallInt => parse_int(text, kind, i64::from(i16::MIN)..=i64::from(i16::MAX)),
            LogicalType::Int => parse_int(text, kind, i64::from(i32::MIN)..=i64::from(i32::MAX)),
            LogicalType::BigInt => parse_int(text, kind, i64::MIN..=i64::MAX),
            LogicalType::Bool => parse_bool(text),
            LogicalType::Double => parse_double(text),
            LogicalType::Numeric(size) => parse_numeric(text, *size),
            LogicalType::Json => parse_json(text),
            LogicalType::TimestampTz => {
                parse_moment(text).map(Self::Moment).map_err(|bad| bad_moment(bad, kind, text))
            }
            LogicalType::Date => {
                let date = parse_date(text).map_err(|bad| bad_moment(bad, kind, text))?;
                Ok(Self::Date(date.to_string()))
            }
            LogicalType::Other(_) => Ok(Self::Raw(text.to_owned())),
        }
    }

    /// Returns the parameter that `engine` takes.
    ///
    /// PostgreSQL gets every value as text and reads it as the type that the statement expects there.
    pub fn bind(&self, engine: Engine) -> Value<'static> {
        match (self, engine) {
            (Self::Null, _) => Value::Null,
            (Self::Bool(truth), Engine::Sqlite) => Value::Int(i64::from(*truth)),
            (Self::Int(number), Engine::Sqlite) => Value::Int(*number),
            (Self::Real(number), Engine::Sqlite) => Value::Real(*number),
            (Self::Uuid(id), Engine::Sqlite) => Value::Id(*id),
            (Self::Moment(moment), Engine::Sqlite) => Value::Time(*moment),
            (Self::Decimal(decimal), Engine::Sqlite) => bind_decimal(decimal),
            (other, _) => Value::from(other.to_text()),
        }
    }

    /// Returns the value as the text that PostgreSQL reads back as the same value. Empty for NULL.
    pub fn to_text(&self) -> String {
        match self {
            Self::Null => String::new(),
            Self::Bool(truth) => truth.to_string(),
            Self::Int(number) => number.to_string(),
            Self::Real(number) => number.to_string(),
            Self::Uuid(id) => id.to_string(),
            Self::Moment(moment) => {
                let mut out = String::new();
                write_moment(*moment, &mut out);
                out
            }
            Self::Decimal(decimal) => decimal.to_string(),
            Self::Text(text) | Self::Date(text) | Self::Json(text) | Self::Raw(text) => text.clone(),
        }
    }

    /// Writes the value into SQLite's SQL, for constraints and seeds, which take no parameters.
    pub fn to_sqlite_sql(&self) -> String {
        match self.bind(Engine::Sqlite) {
            Value::Null => "NULL".to_owned(),
            Value::Int(number) => number.to_string(),
            Value::Real(number) => format!("{number:?}"),
            Value::Id(id) => format!("'{id}'"),
            Value::Time(moment) => format!("'{moment}'"),
            Value::Text(text) => format!("'{}'", text.replace('\'', "''")),
            other => unreachable_kind(&other),
        }
    }
}

/// `bind` yields no other kinds for SQLite; were it to, NULL could not widen what a rule lets through.
fn unreachable_kind(value: &Value<'_>) -> String {
    tracing::error!(?value, "a literal was bound to a kind that SQL text cannot hold");
    "NULL".to_owned()
}

fn bind_decimal(decimal: &Decimal) -> Value<'static> {
    decimal.as_i64().map_or_else(
        // Fifteen digits at most, checked when read: the double gives the same decimal back.
        || Value::Real(decimal.to_string().parse().unwrap_or(f64::NAN)),
        Value::Int,
    )
}

fn parse_uuid(text: &str) -> Result<Literal, BadValue> {
    let is_urn = text.len() > 38;
    match Uuid::parse_str(text.trim()) {
        Ok(id) if !is_urn => Ok(Literal::Uuid(id)),
        _ => Err(syntax("22P02", "uuid", text)),
    }
}

fn parse_varchar(text: &str, length: u32) -> Result<Literal, BadValue> {
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    match text.char_indices().nth(length) {
        None => Ok(Literal::Text(text.to_owned())),
        // The standard lets spaces beyond the length go silently.
        Some((cut, _)) if text[cut..].chars().all(|c| c == ' ') => Ok(Literal::Text(text[..cut].to_owned())),
        Some(_) => {
            let message = format!("value too long for type character varying({length})");
            Err(BadValue { code: "22001", message })
        }
    }
}

fn parse_int(
    text: &str,
    kind: &LogicalType,
    range: std::ops::RangeInclusive<i64>,
) -> Result<Literal, BadValue> {
    let digits = text.trim();
    let unsigned = digits.strip_prefix(['-', '+']).unwrap_or(digits);
    if unsigned.is_empty() || !unsigned.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(syntax("22P02", kind.base_name(), text));
    }
    match digits.parse::<i64>() {
        Ok(number) if range.contains(&number) => Ok(Literal::Int(number)),
        _ => {
            let message = format!("value \"{text}\" is out of range for type {}", kind.base_name());
            Err(BadValue { code: "22003", message })
        }
    }
}

fn parse_bool(text: &str) -> Result<Literal, BadValue> {
    match text.trim().to_ascii_lowercase().as_str() {
        "t" | "true" | "y" | "yes" | "on" | "1" => Ok(Literal::Bool(true)),
        "f" | "false" | "n" | "no" | "off" | "0" => Ok(Literal::Bool(false)),
        _ => Err(syntax("22P02", "boolean", text)),
    }
}

/// Tells whether a text is a decimal number, of whatever size; `NaN` and infinity are none.
fn is_number(text: &str) -> bool {
    let text = text.trim();
    text.bytes().all(|byte| b"+-.eE0123456789".contains(&byte)) && text.parse::<f64>().is_ok()
}

fn parse_double(text: &str) -> Result<Literal, BadValue> {
    let trimmed = text.trim();
    if !is_number(trimmed) {
        return Err(syntax("22P02", "double precision", text));
    }
    match trimmed.parse::<f64>() {
        // SQLite keeps no negative zero apart, so neither engine does.
        Ok(0.0) => Ok(Literal::Real(0.0)),
        Ok(number) if number.is_finite() => Ok(Literal::Real(number)),
        _ => {
            let message = format!("\"{text}\" is out of range for type double precision");
            Err(BadValue { code: "22003", message })
        }
    }
}

fn parse_numeric(text: &str, size: Option<(u8, u8)>) -> Result<Literal, BadValue> {
    let overflow = || BadValue { code: "22003", message: "numeric field overflow".to_owned() };
    if !is_number(text) {
        return Err(syntax("22P02", "numeric", text));
    }
    let decimal = Decimal::parse(text).ok_or_else(overflow)?;
    let decimal = match size {
        None => decimal.trimmed(),
        Some((precision, scale)) => {
            let rounded = decimal.rounded(usize::from(scale));
            if rounded.whole_digits() > usize::from(precision.saturating_sub(scale)) {
                return Err(overflow());
            }
            rounded
        }
    };
    // Beyond these bounds a double would lose the number, or its digits.
    let fits =
        decimal.significant_digits() <= usize::from(NUMERIC_DIGITS) && decimal.is_within_powers_of_ten(300);
    if !fits && decimal.as_i64().is_none() {
        return Err(overflow());
    }
    Ok(Literal::Decimal(decimal))
}

fn parse_json(text: &str) -> Result<Literal, BadValue> {
    match Json::parse(text) {
        Ok(json) => {
            let mut canonical = String::with_capacity(text.len());
            json.write(&mut canonical);
            Ok(Literal::Json(canonical))
        }
        Err(BadJson::Syntax) => {
            Err(BadValue { code: "22P02", message: "invalid input syntax for type json".to_owned() })
        }
        Err(BadJson::Nul) => {
            Err(BadValue { code: "22P05", message: "unsupported Unicode escape sequence".to_owned() })
        }
    }
}

fn bad_moment(bad: BadMoment, kind: &LogicalType, text: &str) -> BadValue {
    match bad {
        BadMoment::Syntax => syntax("22007", kind.base_name(), text),
        BadMoment::Range => {
            BadValue { code: "22008", message: format!("date/time field value out of range: \"{text}\"") }
        }
    }
}
