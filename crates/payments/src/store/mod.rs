//! SQL, and nothing else. Files named `…_global` hold what belongs to no one subject.

pub(crate) mod checkouts;
pub(crate) mod checkouts_global;
pub(crate) mod credit_notes;
pub(crate) mod customers;
pub(crate) mod differences_global;
pub(crate) mod disputes;
pub(crate) mod entitlements;
pub(crate) mod events_global;
pub(crate) mod intents_global;
pub(crate) mod invoices;
pub(crate) mod invoices_global;
pub(crate) mod manual_books_global;
pub(crate) mod objects_global;
pub(crate) mod plans_global;
pub(crate) mod prices_global;
pub(crate) mod reconciliations_global;
pub(crate) mod standings;
pub(crate) mod subscriptions;
pub(crate) mod subscriptions_global;
pub(crate) mod usage;
pub(crate) mod usage_global;

use quoin_db::{DbError, Row};
use quoin_kernel::billing::Subject;
use serde::de::DeserializeOwned;
use serde_json::Value;
use uuid::Uuid;

/// Reads a document that this room wrote.
fn document<T: DeserializeOwned>(row: &Row<'_>, index: usize) -> Result<T, DbError> {
    let value: Value = row.get(index)?;
    serde_json::from_value(value).map_err(|_| DbError::Column { index, expected: "a document of this room" })
}

/// Reads a document that may be absent.
fn optional_document<T: DeserializeOwned>(row: &Row<'_>, index: usize) -> Result<Option<T>, DbError> {
    let value: Option<Value> = row.get(index)?;
    let read = value.filter(|value| !value.is_null()).map(serde_json::from_value).transpose();
    read.map_err(|_| DbError::Column { index, expected: "a document of this room" })
}

/// Writes a document.
fn json(value: &impl serde::Serialize) -> Result<Value, DbError> {
    serde_json::to_value(value).map_err(|error| DbError::Driver(Box::new(error)))
}

/// Reads a text by its names.
fn named<T>(row: &Row<'_>, index: usize, parse: impl Fn(&str) -> Option<T>) -> Result<T, DbError> {
    parse(&row.get::<String>(index)?).ok_or(DbError::Column { index, expected: "a known name" })
}

/// Reads whose row it is.
fn subject(row: &Row<'_>, kind: usize, id: usize) -> Result<Subject, DbError> {
    let uuid: Uuid = row.get(id)?;
    Subject::parse(&row.get::<String>(kind)?, uuid)
        .ok_or(DbError::Column { index: kind, expected: "org or user" })
}
