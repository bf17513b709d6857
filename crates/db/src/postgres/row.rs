//! Reads columns of PostgreSQL's types as the logical ones.

use std::error::Error;
use std::ops::RangeInclusive;

use quoin_kernel::Timestamp;
use tokio_postgres::types::{FromSql, Kind, Type};
use uuid::Uuid;

use super::params::{EPOCH_OFFSET_MICROS, base};
use crate::error::DbError;

/// One row as the driver received it.
pub(crate) struct DriverRow(pub(super) tokio_postgres::Row);

/// From the year 1 to the last moment that is before 10000 in every time zone: what a `Timestamp` can write.
const WRITABLE_MICROS: RangeInclusive<i64> = -62_135_596_800_000_000..=253_402_207_200_999_999;

/// A column's bytes and type, before anybody has said what they should be.
struct Raw<'a> {
    ty: Type,
    bytes: &'a [u8],
}

impl<'a> FromSql<'a> for Raw<'a> {
    fn from_sql(ty: &Type, bytes: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self { ty: base(ty).clone(), bytes })
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

impl DriverRow {
    /// Reads a `uuid`.
    pub(crate) fn read_id(&self, index: usize) -> Result<Option<Uuid>, DbError> {
        self.read(index, "a uuid", Raw::id)
    }

    /// Reads a `timestamptz`, or a `timestamp` as UTC.
    pub(crate) fn read_time(&self, index: usize) -> Result<Option<Timestamp>, DbError> {
        self.read(index, "a timestamptz of the years 1 to 9999", Raw::time)
    }

    /// Reads a `boolean`.
    pub(crate) fn read_bool(&self, index: usize) -> Result<Option<bool>, DbError> {
        self.read(index, "a boolean", |raw| match (&raw.ty, raw.bytes) {
            (&Type::BOOL, [byte]) => Some(*byte != 0),
            _ => None,
        })
    }

    /// Reads any integer type.
    pub(crate) fn read_int(&self, index: usize) -> Result<Option<i64>, DbError> {
        self.read(index, "an integer", Raw::int)
    }

    /// Reads a float or an integer.
    pub(crate) fn read_real(&self, index: usize) -> Result<Option<f64>, DbError> {
        self.read(index, "a double precision", Raw::real)
    }

    /// Reads a text; also what SQLite holds as one: ids, times and JSON, in the same spelling.
    pub(crate) fn read_text(&self, index: usize) -> Result<Option<String>, DbError> {
        self.read(index, "a text", Raw::text)
    }

    /// Reads a `bytea`.
    pub(crate) fn read_bytes(&self, index: usize) -> Result<Option<Vec<u8>>, DbError> {
        self.read(index, "a bytea", |raw| (raw.ty == Type::BYTEA).then(|| raw.bytes.to_vec()))
    }

    /// Reads `jsonb`, `json`, or a text that holds JSON.
    pub(crate) fn read_json(&self, index: usize) -> Result<Option<serde_json::Value>, DbError> {
        self.read(index, "json", |raw| serde_json::from_str(raw.json_or_text()?).ok())
    }

    fn read<'a, T>(
        &'a self,
        index: usize,
        expected: &'static str,
        convert: impl Fn(&Raw<'a>) -> Option<T>,
    ) -> Result<Option<T>, DbError> {
        let wrong = || DbError::Column { index, expected };
        let raw: Option<Raw<'a>> = self.0.try_get(index).map_err(|_| wrong())?;
        raw.map(|raw| convert(&raw).ok_or_else(wrong)).transpose()
    }
}

impl Raw<'_> {
    fn id(&self) -> Option<Uuid> {
        if self.ty == Type::UUID { Uuid::from_slice(self.bytes).ok() } else { None }
    }

    /// The server's infinities lie outside the writable years, too.
    fn time(&self) -> Option<Timestamp> {
        if self.ty != Type::TIMESTAMPTZ && self.ty != Type::TIMESTAMP {
            return None;
        }
        let micros = i64::from_be_bytes(self.bytes.try_into().ok()?);
        let since_1970 = micros.checked_add(EPOCH_OFFSET_MICROS)?;
        WRITABLE_MICROS.contains(&since_1970).then(|| Timestamp::from_micros(since_1970))
    }

    fn int(&self) -> Option<i64> {
        match self.ty {
            Type::INT2 => self.bytes.try_into().ok().map(|bytes| i16::from_be_bytes(bytes).into()),
            Type::INT4 => self.bytes.try_into().ok().map(|bytes| i32::from_be_bytes(bytes).into()),
            Type::INT8 => self.bytes.try_into().ok().map(i64::from_be_bytes),
            Type::OID => self.bytes.try_into().ok().map(|bytes| u32::from_be_bytes(bytes).into()),
            _ => None,
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "SQL rounds here as well")]
    fn real(&self) -> Option<f64> {
        match self.ty {
            Type::FLOAT4 => self.bytes.try_into().ok().map(|bytes| f32::from_be_bytes(bytes).into()),
            Type::FLOAT8 => self.bytes.try_into().ok().map(f64::from_be_bytes),
            _ => self.int().map(|number| number as f64),
        }
    }

    fn text(&self) -> Option<String> {
        match self.ty {
            Type::UUID => self.id().map(|id| id.hyphenated().to_string()),
            Type::TIMESTAMPTZ | Type::TIMESTAMP => self.time().map(|time| time.to_string()),
            _ => self.json_or_text().map(str::to_owned),
        }
    }

    fn json_or_text(&self) -> Option<&str> {
        let bytes = match self.ty {
            Type::TEXT | Type::VARCHAR | Type::BPCHAR | Type::NAME | Type::UNKNOWN | Type::JSON => self.bytes,
            // Version 1, the only one there is, then the text.
            Type::JSONB => self.bytes.strip_prefix(&[1])?,
            _ if matches!(self.ty.kind(), Kind::Enum(_)) || self.ty.name() == "citext" => self.bytes,
            _ => return None,
        };
        std::str::from_utf8(bytes).ok()
    }
}
