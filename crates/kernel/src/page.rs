//! Paging for lists of ours: a limit, an opaque cursor, never a count.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The rows a list gives when nothing is asked.
pub const DEFAULT_LIMIT: u32 = 50;
/// The rows a list gives at most.
pub const MAX_LIMIT: u32 = 1000;

/// Says which part of a list is wanted, as the query string carries it.
#[derive(Debug, Clone, Default, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PageIn {
    /// How many rows, 1 to 1000; 50 by default.
    pub limit: Option<u32>,
    /// The `next_cursor` of the page before.
    pub cursor: Option<String>,
}

/// A checked request for a page: rows after `after`, in order of their id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// How many rows at most.
    pub limit: u32,
    /// The id of the last row of the page before.
    pub after: Option<Uuid>,
}

/// A limit outside 1 to 1000, or a cursor that no list has given.
#[derive(Debug, thiserror::Error)]
pub enum InvalidPage {
    /// The limit is outside its range.
    #[error("limit must be between 1 and {MAX_LIMIT}")]
    Limit,
    /// The cursor was not made by a list.
    #[error("cursor is not one that a list has given")]
    Cursor,
}

impl PageIn {
    /// Checks limit and cursor.
    pub fn check(&self) -> Result<Page, InvalidPage> {
        let limit = self.limit.unwrap_or(DEFAULT_LIMIT);
        if !(1..=MAX_LIMIT).contains(&limit) {
            return Err(InvalidPage::Limit);
        }
        let after = self.cursor.as_deref().map(read_cursor).transpose()?;
        Ok(Page { limit, after })
    }
}

fn read_cursor(cursor: &str) -> Result<Uuid, InvalidPage> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| InvalidPage::Cursor)?;
    Uuid::from_slice(&bytes).map_err(|_| InvalidPage::Cursor)
}

/// One page of a list.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub struct Listed<T> {
    /// The rows.
    pub data: Vec<T>,
    /// Asks for the page after this one; null at the end.
    pub next_cursor: Option<String>,
}

impl<T> Listed<T> {
    /// Builds a page from `limit + 1` rows: the extra row only shows that there is more.
    pub fn from_rows<R>(
        mut rows: Vec<R>,
        page: Page,
        id: impl Fn(&R) -> Uuid,
        out: impl FnMut(R) -> T,
    ) -> Self {
        let limit = page.limit as usize;
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next_cursor = rows.last().filter(|_| more).map(|row| URL_SAFE_NO_PAD.encode(id(row)));
        Self { data: rows.into_iter().map(out).collect(), next_cursor }
    }
}
