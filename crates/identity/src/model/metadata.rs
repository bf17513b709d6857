//! The two JSON objects about a person: one they edit, one that only administrators edit.

use quoin_kernel::Problem;
use serde::Serialize;
use serde_json::{Map, Value};

/// How many bytes of JSON one object holds at most: both travel in every access token, hence in every request's headers.
pub const MAX_BYTES: usize = 4096;

/// A JSON object that is small enough for a token and storable on every engine.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Metadata(Map<String, Value>);

impl Metadata {
    /// Wraps what the database holds; anything but an object reads as the empty one.
    pub fn stored(value: Value) -> Self {
        match value {
            Value::Object(object) => Self(object),
            _ => Self::default(),
        }
    }

    /// Applies a change: keys are set, keys given as null are removed, keys not named stay.
    ///
    /// # Errors
    /// 400 `validation_failed` naming `field` where the result is too large.
    pub fn merged(&self, changes: &Map<String, Value>, field: &str) -> Result<Self, Problem> {
        let mut object = self.0.clone();
        for (key, value) in changes {
            if value.is_null() {
                object.remove(key);
            } else {
                object.insert(key.clone(), value.clone());
            }
        }
        let merged = Self(object);
        check(&merged.to_json(), field)?;
        Ok(merged)
    }

    /// Returns the value as it is stored.
    pub fn to_json(&self) -> Value {
        Value::Object(self.0.clone())
    }

    /// Returns the object as tokens and answers show it.
    pub const fn object(&self) -> &Map<String, Value> {
        &self.0
    }
}

fn check(value: &Value, field: &str) -> Result<(), Problem> {
    if value.to_string().len() <= MAX_BYTES {
        return Ok(());
    }
    let why = format!("must not be larger than {MAX_BYTES} bytes, because it is part of every token");
    Err(Problem::invalid(format!("{field} {why}.")).field(field, why))
}
