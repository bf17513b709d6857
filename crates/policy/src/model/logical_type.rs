//! What a column may hold: the types that mean the same on both engines.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Names the type of a column or expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogicalType {
    /// A UUID.
    Uuid,
    /// A text of any length.
    Text,
    /// A text of at most so many characters.
    Varchar(u32),
    /// A 16-bit integer.
    SmallInt,
    /// A 32-bit integer.
    Int,
    /// A 64-bit integer.
    BigInt,
    /// A truth value.
    Bool,
    /// A double.
    Double,
    /// An exact decimal of at most 15 significant digits; with precision and scale where the column names them.
    Numeric(Option<(u8, u8)>),
    /// A JSON document, kept in one canonical form.
    Json,
    /// A moment, kept in UTC with microseconds.
    TimestampTz,
    /// A calendar date.
    Date,
    /// A type that only PostgreSQL knows, by the name it gives it.
    Other(Arc<str>),
}

/// Groups types that may be compared with each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// `uuid`.
    Uuid,
    /// `text` and `varchar`.
    Text,
    /// Every kind of number.
    Number,
    /// `boolean`.
    Bool,
    /// `jsonb`.
    Json,
    /// `timestamptz`.
    TimestampTz,
    /// `date`.
    Date,
    /// A type that only PostgreSQL knows.
    Other,
}

/// The most digits that a `numeric` may hold: as many as a double keeps exactly.
pub const NUMERIC_DIGITS: u8 = 15;

impl LogicalType {
    /// Returns the group of types that this one may be compared with.
    pub fn family(&self) -> Family {
        match self {
            Self::Uuid => Family::Uuid,
            Self::Text | Self::Varchar(_) => Family::Text,
            Self::SmallInt | Self::Int | Self::BigInt | Self::Double | Self::Numeric(_) => Family::Number,
            Self::Bool => Family::Bool,
            Self::Json => Family::Json,
            Self::TimestampTz => Family::TimestampTz,
            Self::Date => Family::Date,
            Self::Other(_) => Family::Other,
        }
    }

    /// Tells whether values are whole numbers.
    pub fn is_integer(&self) -> bool {
        matches!(self, Self::SmallInt | Self::Int | Self::BigInt)
    }

    /// Returns the type in which a value is compared: without length, precision or scale.
    #[must_use]
    pub fn for_comparison(&self) -> Self {
        match self {
            Self::Varchar(_) => Self::Text,
            Self::Numeric(_) => Self::Numeric(None),
            other => other.clone(),
        }
    }

    /// Returns PostgreSQL's name without length or precision, as its messages write it.
    pub fn base_name(&self) -> &str {
        match self {
            Self::Uuid => "uuid",
            Self::Text => "text",
            Self::Varchar(_) => "character varying",
            Self::SmallInt => "smallint",
            Self::Int => "integer",
            Self::BigInt => "bigint",
            Self::Bool => "boolean",
            Self::Double => "double precision",
            Self::Numeric(_) => "numeric",
            Self::Json => "jsonb",
            Self::TimestampTz => "timestamp with time zone",
            Self::Date => "date",
            Self::Other(name) => name,
        }
    }

    /// Reads a type as PostgreSQL's `format_type` writes it.
    pub fn from_postgres(name: &str) -> Self {
        let arguments: Vec<u32> = name
            .split_once('(')
            .and_then(|(_, rest)| rest.strip_suffix(')'))
            .map(|inside| inside.split(',').filter_map(|part| part.trim().parse().ok()).collect())
            .unwrap_or_default();
        let base = name.split('(').next().unwrap_or(name).trim_end();
        let narrow = |value: u32| u8::try_from(value).ok();
        match (base, arguments.as_slice()) {
            ("uuid", []) => Self::Uuid,
            ("text" | "character varying", []) => Self::Text,
            ("character varying", [length]) => Self::Varchar(*length),
            ("smallint", []) => Self::SmallInt,
            ("integer", []) => Self::Int,
            ("bigint", []) => Self::BigInt,
            ("boolean", []) => Self::Bool,
            ("double precision", []) => Self::Double,
            ("numeric", []) => Self::Numeric(None),
            ("numeric", [precision, scale]) => match (narrow(*precision), narrow(*scale)) {
                (Some(precision), Some(scale)) => Self::Numeric(Some((precision, scale))),
                _ => Self::Other(name.into()),
            },
            ("jsonb", []) => Self::Json,
            ("timestamp with time zone", []) => Self::TimestampTz,
            ("date", []) => Self::Date,
            _ => Self::Other(name.into()),
        }
    }

    /// Returns the column type that SQLite's STRICT tables get.
    pub fn sqlite_name(&self) -> &'static str {
        match self {
            // Not INTEGER, which as a primary key would take NULL for "the next number".
            Self::SmallInt | Self::Int | Self::BigInt | Self::Bool => "INT",
            Self::Double => "REAL",
            // A decimal is an INTEGER where it is whole, else a REAL that gives back its 15 digits.
            Self::Numeric(_) => "ANY",
            Self::Uuid
            | Self::Text
            | Self::Varchar(_)
            | Self::Json
            | Self::TimestampTz
            | Self::Date
            | Self::Other(_) => "TEXT",
        }
    }
}

impl fmt::Display for LogicalType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Varchar(length) => write!(f, "character varying({length})"),
            Self::Numeric(Some((precision, scale))) => write!(f, "numeric({precision},{scale})"),
            other => f.write_str(other.base_name()),
        }
    }
}

impl Serialize for LogicalType {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for LogicalType {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self::from_postgres(&String::deserialize(deserializer)?))
    }
}
