//! The query string in pieces.

use crate::error::DataError;

/// The longest query string that is read, in bytes.
const LONGEST: usize = 32 * 1024;

/// Holds what the query string says, not yet resolved against a table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Parameters {
    /// `select`
    pub select: Option<String>,
    /// `order`
    pub order: Option<String>,
    /// `limit`
    pub limit: Option<String>,
    /// `offset`
    pub offset: Option<String>,
    /// `columns`
    pub columns: Option<String>,
    /// `on_conflict`
    pub on_conflict: Option<String>,
    /// Everything else: filters and logic, in order.
    pub filters: Vec<(String, String)>,
}

impl Parameters {
    /// Reads a query string.
    ///
    /// # Errors
    /// 400 where it is too long, or not UTF-8 after decoding.
    pub fn parse(query: &str) -> Result<Self, DataError> {
        if query.len() > LONGEST {
            return Err(DataError::TooMuch(format!("a query string has at most {LONGEST} bytes")));
        }
        let mut read = Self::default();
        for (key, value) in form_urlencoded::parse(query.as_bytes()) {
            if key.contains('\u{fffd}') || value.contains('\u{fffd}') || value.contains('\0') {
                return Err(DataError::BadQuery(
                    "query string".into(),
                    "it holds bytes that are no text".into(),
                ));
            }
            let value = value.into_owned();
            match key.as_ref() {
                "select" => read.select = Some(value),
                "order" => read.order = Some(value),
                "limit" => read.limit = Some(value),
                "offset" => read.offset = Some(value),
                "columns" => read.columns = Some(value),
                "on_conflict" => read.on_conflict = Some(value),
                _ => read.filters.push((key.into_owned(), value)),
            }
        }
        Ok(read)
    }
}
