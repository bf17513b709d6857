//! What a page's form holds.

use serde_json::{Map, Value};

use crate::error::StripeError;

/// The fields of a form that a page sent.
#[derive(Debug)]
pub(super) struct Form(Map<String, Value>);

impl Form {
    /// Reads a body.
    pub(super) fn read(body: &[u8]) -> Result<Self, StripeError> {
        crate::form::parse(body).map(Self)
    }

    /// Returns a field without the blanks around it; nothing where it is empty.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty())
    }

    /// Returns a field, or an empty text.
    pub(super) fn or_empty(&self, name: &str) -> String {
        self.text(name).unwrap_or_default().to_owned()
    }

    /// Returns the fields as a declared call would see them.
    pub(super) fn fields(&self) -> &Map<String, Value> {
        &self.0
    }

    /// Reads `12/34` or `12 / 2034`.
    pub(super) fn expiry(&self, name: &str) -> (i64, i64) {
        let text = self.text(name).unwrap_or_default();
        let (month, year) = text
            .split_once(['/', '-'])
            .unwrap_or((text.get(..2).unwrap_or(text), text.get(2..).unwrap_or("")));
        (month.trim().parse().unwrap_or(0), year.trim().parse().unwrap_or(0))
    }
}
