//! The logical types `id time bool json int real text bytes`, converted at the drivers' edge.
//!
//! | logical | SQLite | PostgreSQL |
//! |---|---|---|
//! | id | TEXT, 36 characters | `uuid` |
//! | time | TEXT, RFC 3339 UTC with 6 decimals | `timestamptz` |
//! | bool | INTEGER 0 or 1 | `boolean` |
//! | json | TEXT | `jsonb` |
//! | int | INTEGER | `bigint` |
//! | real | REAL | `double precision` |
//! | text | TEXT | `text` |
//! | bytes | BLOB | `bytea` |

use std::borrow::Cow;

use quoin_kernel::{EmailAddress, Id, Timestamp};
use uuid::Uuid;

use crate::error::DbError;
use crate::tx::Row;

/// Holds one parameter of a statement.
#[derive(Debug, Clone, PartialEq)]
pub enum Value<'a> {
    /// SQL NULL.
    Null,
    /// A truth value.
    Bool(bool),
    /// A 64-bit integer.
    Int(i64),
    /// A double.
    Real(f64),
    /// A text. On PostgreSQL it takes whatever type the statement expects there, as an untyped literal does.
    Text(Cow<'a, str>),
    /// Raw bytes.
    Bytes(Cow<'a, [u8]>),
    /// A UUID.
    Id(Uuid),
    /// A moment.
    Time(Timestamp),
    /// A JSON text.
    Json(Cow<'a, str>),
}

/// Builds the parameters of a statement: `params![id, &email, Option::<i64>::None]`.
#[macro_export]
macro_rules! params {
    ($($value:expr),* $(,)?) => { [$($crate::Value::from($value)),*] };
}

/// Reads one column of a row.
pub trait FromValue: Sized {
    /// Converts column `index` (from 0).
    ///
    /// # Errors
    /// [`DbError::Column`] where the column does not hold this type.
    fn from_column(row: &Row<'_>, index: usize) -> Result<Self, DbError>;
}

impl<K> From<Id<K>> for Value<'_> {
    fn from(id: Id<K>) -> Self {
        Self::Id(id.uuid())
    }
}

impl<'a> From<&'a EmailAddress> for Value<'a> {
    fn from(email: &'a EmailAddress) -> Self {
        Self::Text(Cow::Borrowed(email.as_str()))
    }
}

impl<'a> From<&'a String> for Value<'a> {
    fn from(text: &'a String) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl<'a> From<&'a [u8]> for Value<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self::Bytes(Cow::Borrowed(bytes))
    }
}

impl<'a, const N: usize> From<&'a [u8; N]> for Value<'a> {
    fn from(bytes: &'a [u8; N]) -> Self {
        Self::Bytes(Cow::Borrowed(bytes))
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl From<String> for Value<'_> {
    fn from(text: String) -> Self {
        Self::Text(Cow::Owned(text))
    }
}

impl From<Vec<u8>> for Value<'_> {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(Cow::Owned(bytes))
    }
}

impl From<&serde_json::Value> for Value<'_> {
    fn from(json: &serde_json::Value) -> Self {
        Self::Json(Cow::Owned(json.to_string()))
    }
}

impl From<bool> for Value<'_> {
    fn from(truth: bool) -> Self {
        Self::Bool(truth)
    }
}

impl From<i64> for Value<'_> {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<u32> for Value<'_> {
    fn from(number: u32) -> Self {
        Self::Int(i64::from(number))
    }
}

impl From<f64> for Value<'_> {
    fn from(number: f64) -> Self {
        Self::Real(number)
    }
}

impl From<Uuid> for Value<'_> {
    fn from(id: Uuid) -> Self {
        Self::Id(id)
    }
}

impl From<Timestamp> for Value<'_> {
    fn from(time: Timestamp) -> Self {
        Self::Time(time)
    }
}

impl<'a, T: Into<Value<'a>>> From<Option<T>> for Value<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// Implements [`FromValue`] by the method of [`Row`] that reads this logical type.
macro_rules! read_with {
    ($($ty:ty => $method:ident;)*) => {$(
        impl FromValue for $ty {
            fn from_column(row: &Row<'_>, index: usize) -> Result<Self, DbError> {
                row.$method(index)
            }
        }
    )*};
}

read_with! {
    Option<Uuid> => read_id;
    Option<Timestamp> => read_time;
    Option<bool> => read_bool;
    Option<i64> => read_int;
    Option<f64> => read_real;
    Option<String> => read_text;
    Option<Vec<u8>> => read_bytes;
    Option<serde_json::Value> => read_json;
}

/// Implements [`FromValue`] for the type that is never NULL.
macro_rules! never_null {
    ($($ty:ty),*) => {$(
        impl FromValue for $ty {
            fn from_column(row: &Row<'_>, index: usize) -> Result<Self, DbError> {
                Option::<$ty>::from_column(row, index)?.ok_or(DbError::Column { index, expected: stringify!($ty) })
            }
        }
    )*};
}

never_null!(Uuid, Timestamp, bool, i64, f64, String, Vec<u8>, serde_json::Value);

impl<K> FromValue for Id<K> {
    fn from_column(row: &Row<'_>, index: usize) -> Result<Self, DbError> {
        Uuid::from_column(row, index).map(Self::from_uuid)
    }
}

impl<K> FromValue for Option<Id<K>> {
    fn from_column(row: &Row<'_>, index: usize) -> Result<Self, DbError> {
        Ok(Option::<Uuid>::from_column(row, index)?.map(Id::from_uuid))
    }
}

#[cfg(test)]
mod tests;
