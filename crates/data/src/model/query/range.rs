//! `limit`, `offset` and the header `Range`: which part of the rows is answered.

use crate::error::DataError;

/// The most rows that one answer holds.
pub const MOST_ROWS: u64 = 1000;

/// A window over the rows of a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// How many rows are skipped.
    pub offset: u64,
    /// How many rows are answered at most.
    pub limit: u64,
}

impl Window {
    /// Reads the query's `limit` and `offset` and the header `Range: first-last`; the narrower one counts.
    ///
    /// # Errors
    /// `PGRST100` for a number that is none, `PGRST103` for a range that ends before it begins.
    pub fn parse(limit: Option<&str>, offset: Option<&str>, range: Option<&str>) -> Result<Self, DataError> {
        let number = |name: &str, text: &str| {
            // What exceeds a signed 64-bit number exceeds every table.
            match text.trim().parse::<i64>() {
                Ok(number) => u64::try_from(number).map_err(|_| {
                    DataError::BadRange(format!("{name} should be greater than or equal to zero."))
                }),
                Err(_) => {
                    Err(DataError::BadQuery(format!("{name} ({text})"), "expected a whole number".into()))
                }
            }
        };
        let mut offset = offset.map_or(Ok(0), |text| number("offset", text))?;
        let mut limit = limit.map_or(Ok(u64::MAX), |text| number("limit", text))?;
        if let Some((first, last)) = range.and_then(parse_range) {
            if last.is_some_and(|last| last < first) {
                let details = "The lower boundary must be lower than or equal to the upper boundary in the Range header.";
                return Err(DataError::BadRange(details.into()));
            }
            offset = offset.max(first);
            limit = limit.min(last.map_or(u64::MAX, |last| last - first + 1));
        }
        Ok(Self { offset, limit: limit.min(MOST_ROWS) })
    }
}

/// Reads `0-9` or `10-`; anything else is no range of rows and is ignored, as HTTP wants it.
fn parse_range(range: &str) -> Option<(u64, Option<u64>)> {
    let range = range.trim();
    let range = range.strip_prefix("items=").unwrap_or(range);
    let (first, last) = range.split_once('-')?;
    let first: i64 = first.trim().parse().ok()?;
    let last = match last.trim() {
        "" => None,
        last => Some(last.parse::<i64>().ok()?),
    };
    Some((u64::try_from(first).ok()?, last.map(u64::try_from).transpose().ok()?))
}

/// Says which rows an answer holds, of how many: the header `Content-Range`.
pub fn content_range(offset: u64, answered: u64, total: Option<u64>) -> String {
    let total = total.map_or_else(|| "*".to_owned(), |total| total.to_string());
    if answered == 0 { format!("*/{total}") } else { format!("{offset}-{}/{total}", offset + answered - 1) }
}
