//! Cutting query texts: at separators outside quotes and parentheses.

use crate::error::DataError;
use quoin_policy::model::json_text::Step;

/// Splits at `separator` where it stands outside of double quotes and parentheses.
pub(super) fn split(text: &str, separator: char) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut start, mut depth, mut quoted, mut escaped) = (0, 0_usize, false, false);
    for (index, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '(' | '{' if !quoted => depth += 1,
            ')' | '}' if !quoted => depth = depth.saturating_sub(1),
            c if c == separator && !quoted && depth == 0 => {
                parts.push(&text[start..index]);
                start = index + c.len_utf8();
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

/// Removes the quotes around a value and the backslashes in it; other values stay as they are.
pub(super) fn unquote(text: &str) -> String {
    let Some(inner) = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else {
        return text.to_owned();
    };
    let mut out = String::with_capacity(inner.len());
    let mut rest = inner.chars();
    while let Some(c) = rest.next() {
        out.push(if c == '\\' { rest.next().unwrap_or('\\') } else { c });
    }
    out
}

/// Reads `(a,"b,c")` or `{a,b}` as its items.
pub(super) fn items(text: &str, open: char, close: char) -> Option<Vec<String>> {
    let inner = text.trim().strip_prefix(open)?.strip_suffix(close)?;
    if inner.is_empty() {
        return Some(Vec::new());
    }
    Some(split(inner, ',').into_iter().map(unquote).collect())
}

/// A field with the way into its document: `data->a->>b`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Field {
    pub(super) column: String,
    pub(super) path: Vec<Step>,
    pub(super) as_text: bool,
}

/// Reads a field.
///
/// # Errors
/// `PGRST100` where it has no name or a step without one.
pub(super) fn field(text: &str) -> Result<Field, DataError> {
    let bad = || {
        DataError::BadQuery(
            format!("field ({text})"),
            "a field is column, column->key or column->>key".into(),
        )
    };
    let mut pieces = text.split("->");
    let column = unquote(pieces.next().unwrap_or_default().trim());
    if column.is_empty() {
        return Err(bad());
    }
    let mut path = Vec::new();
    let mut as_text = false;
    for piece in pieces {
        // A text ends the path: nothing can be taken out of it.
        if as_text || path.len() >= 16 {
            return Err(bad());
        }
        let (key, text) = piece.strip_prefix('>').map_or((piece, false), |key| (key, true));
        as_text = text;
        let key = unquote(key.trim());
        if key.is_empty() || key.contains(['"', '\\']) {
            return Err(bad());
        }
        path.push(key.parse().map_or(Step::Key(key), Step::Index));
    }
    Ok(Field { column, path, as_text })
}
