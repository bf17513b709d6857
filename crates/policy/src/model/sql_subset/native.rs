//! What PostgreSQL is given of a migration: its author's own text without the statements that are Quoin's to keep.

use std::borrow::Cow;

use sqlparser::tokenizer::Location;

use super::{Change, PlannedChange};

/// Blanks the statements about `storage.objects`, a table that PostgreSQL does not have. Lines stay where they are.
pub fn native_text<'s>(sql: &'s str, changes: &[PlannedChange]) -> Cow<'s, str> {
    let blanks: Vec<_> = changes
        .iter()
        .filter(|planned| planned.change == Change::Guard)
        .map(|planned| planned.span)
        .collect();
    if blanks.is_empty() {
        return Cow::Borrowed(sql);
    }
    let mut place = Location { line: 1, column: 1 };
    let mut out = String::with_capacity(sql.len());
    for c in sql.chars() {
        let blank = blanks.iter().any(|span| span.start <= place && (place < span.end || span.end.line == 0));
        out.push(if blank && c != '\n' { ' ' } else { c });
        if c == '\n' {
            place = Location { line: place.line + 1, column: 1 };
        } else {
            place.column += 1;
        }
    }
    Cow::Owned(out)
}
