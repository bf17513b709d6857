//! Writes [`Value`]s in the type that the server inferred for a parameter.

use std::error::Error;

use bytes::{BufMut, BytesMut};
use tokio_postgres::types::{Format, IsNull, Kind, ToSql, Type};

use crate::value::Value;

/// Microseconds from 1970 to 2000, where PostgreSQL counts from.
pub(super) const EPOCH_OFFSET_MICROS: i64 = 946_684_800_000_000;

/// One parameter on its way to the server.
#[derive(Debug)]
pub(super) struct Param<'a>(pub(super) &'a Value<'a>);

/// A value that the parameter's type cannot hold.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(super) struct Unencodable {
    /// The SQLSTATE that the server itself would give.
    pub(super) code: &'static str,
    /// Says what does not fit.
    pub(super) message: String,
}

type Written = Result<IsNull, Box<dyn Error + Sync + Send>>;

impl ToSql for Param<'_> {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Written {
        let ty = base(ty);
        if !is_binary(self.0, ty) {
            return write_text(self.0, out);
        }
        match self.0 {
            Value::Int(number) => return write_int(*number, ty, out),
            Value::Real(number) if *ty == Type::FLOAT4 => write_float4(*number, out),
            Value::Real(number) => out.put_f64(*number),
            Value::Bool(truth) => out.put_u8(u8::from(*truth)),
            Value::Bytes(bytes) if *ty == Type::BYTEA => out.put_slice(bytes),
            Value::Bytes(_) => {
                let message = format!("raw bytes do not fit the type {ty}");
                return Err(Unencodable { code: "42804", message }.into());
            }
            Value::Id(id) => out.put_slice(id.as_bytes()),
            Value::Time(time) => out.put_i64(time.as_micros().saturating_sub(EPOCH_OFFSET_MICROS)),
            Value::Null | Value::Text(_) | Value::Json(_) => return write_text(self.0, out),
        }
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    fn to_sql_checked(&self, ty: &Type, out: &mut BytesMut) -> Written {
        self.to_sql(ty, out)
    }

    fn encode_format(&self, ty: &Type) -> Format {
        if is_binary(self.0, base(ty)) { Format::Binary } else { Format::Text }
    }
}

/// Tells whether a value goes out in the binary form of `ty`; everything else goes as text, like an untyped literal.
fn is_binary(value: &Value<'_>, ty: &Type) -> bool {
    match value {
        Value::Int(_) => [Type::INT2, Type::INT4, Type::INT8, Type::FLOAT4, Type::FLOAT8].contains(ty),
        Value::Real(_) => [Type::FLOAT4, Type::FLOAT8].contains(ty),
        Value::Bool(_) => *ty == Type::BOOL,
        Value::Bytes(_) => true,
        Value::Id(_) => *ty == Type::UUID,
        Value::Time(_) => *ty == Type::TIMESTAMPTZ,
        Value::Null | Value::Text(_) | Value::Json(_) => false,
    }
}

/// Returns the type beneath a domain.
pub(super) fn base(ty: &Type) -> &Type {
    match ty.kind() {
        Kind::Domain(inner) => base(inner),
        _ => ty,
    }
}

fn write_text(value: &Value<'_>, out: &mut BytesMut) -> Written {
    match value {
        Value::Null => return Ok(IsNull::Yes),
        Value::Text(text) | Value::Json(text) => {
            if text.contains('\0') {
                let message = "a text cannot hold the character NUL".to_owned();
                return Err(Unencodable { code: "22021", message }.into());
            }
            out.put_slice(text.as_bytes());
        }
        Value::Int(number) => out.put_slice(number.to_string().as_bytes()),
        Value::Real(number) => out.put_slice(number.to_string().as_bytes()),
        Value::Bool(truth) => out.put_slice(if *truth { b"true" } else { b"false" }),
        Value::Id(id) => out.put_slice(id.hyphenated().to_string().as_bytes()),
        Value::Time(time) => out.put_slice(time.to_string().as_bytes()),
        Value::Bytes(bytes) => out.put_slice(bytes),
    }
    Ok(IsNull::No)
}

fn write_int(number: i64, ty: &Type, out: &mut BytesMut) -> Written {
    let out_of_range =
        |_| Unencodable { code: "22003", message: format!("{number} is out of range for type {ty}") };
    match *ty {
        Type::INT2 => out.put_i16(i16::try_from(number).map_err(out_of_range)?),
        Type::INT4 => out.put_i32(i32::try_from(number).map_err(out_of_range)?),
        Type::FLOAT4 => write_float4(as_double(number), out),
        Type::FLOAT8 => out.put_f64(as_double(number)),
        _ => out.put_i64(number),
    }
    Ok(IsNull::No)
}

/// Rounds as SQL does when an integer meets a column of doubles.
#[expect(clippy::cast_precision_loss, reason = "SQL rounds here as well")]
const fn as_double(number: i64) -> f64 {
    number as f64
}

#[expect(clippy::cast_possible_truncation, reason = "SQL rounds here as well")]
fn write_float4(number: f64, out: &mut BytesMut) {
    out.put_f32(number as f32);
}
