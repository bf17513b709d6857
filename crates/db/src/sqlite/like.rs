//! `quoin_like(text, pattern, fold)`: LIKE that looks at the clock.
//!
//! SQLite's LIKE and GLOB take up to text × pattern steps within one call, and nothing can stop them before its end. Here
//! what stands between two `%` is searched for in linear time, unless it holds `_`, and the search ends when the time of
//! its statement is over.

use std::sync::Arc;

use rusqlite::functions::{Context, FunctionFlags};
use rusqlite::{Connection, Error, ffi};

/// How many failed places lie between two looks at the clock.
const PLACES_PER_CHECK: usize = 256;

/// Makes the function known to a connection; `is_over` says when to stop.
pub(super) fn register(
    connection: &Connection,
    is_over: impl Fn() -> bool + Send + 'static,
) -> Result<(), Error> {
    let flags =
        FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC | FunctionFlags::SQLITE_DIRECTONLY;
    connection.create_scalar_function("quoin_like", 3, flags, move |context| call(context, &is_over))
}

fn call(context: &Context<'_>, is_over: &impl Fn() -> bool) -> Result<Option<bool>, Error> {
    let Some(text) = context.get_raw(0).as_str_or_null()? else { return Ok(None) };
    let fold: bool = context.get(2)?;
    let pattern: Arc<Pattern> = context.get_or_create_aux(1, |value| {
        let text = value.as_str()?;
        Ok::<_, rusqlite::types::FromSqlError>(if fold {
            Pattern::new(&text.to_ascii_lowercase())
        } else {
            Pattern::new(text)
        })
    })?;
    let matched = if fold {
        pattern.matches(&text.to_ascii_lowercase(), is_over)
    } else {
        pattern.matches(text, is_over)
    };
    matched.map(Some).map_err(|Stopped| {
        Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_INTERRUPT), Some("interrupted".into()))
    })
}

/// The statement's time was over before the answer was known.
#[derive(Debug, PartialEq, Eq)]
struct Stopped;

/// What stands between `%`; the first part begins at the text's beginning, the last one ends at its end.
struct Pattern(Vec<Vec<Piece>>);

enum Piece {
    Text(String),
    /// So many characters, whatever they are.
    Any(usize),
}

impl Pattern {
    fn new(pattern: &str) -> Self {
        let mut parts = vec![Vec::new()];
        let mut rest = pattern.chars();
        while let Some(letter) = rest.next() {
            match letter {
                '%' => parts.push(Vec::new()),
                '_' => push_any(parts.last_mut()),
                '\\' => push_letter(parts.last_mut(), rest.next().unwrap_or('\\')),
                other => push_letter(parts.last_mut(), other),
            }
        }
        Self(parts)
    }

    fn matches(&self, text: &str, is_over: &impl Fn() -> bool) -> Result<bool, Stopped> {
        let Some((first, others)) = self.0.split_first() else { return Ok(text.is_empty()) };
        let Some(mut rest) = after(first, text) else { return Ok(false) };
        let Some((last, between)) = others.split_last() else { return Ok(rest.is_empty()) };
        for part in between {
            match find(part, rest, is_over)? {
                Some(found) => rest = found,
                None => return Ok(false),
            }
        }
        Ok(ending(rest, length(last)).and_then(|end| after(last, end)).is_some())
    }
}

fn push_letter(part: Option<&mut Vec<Piece>>, letter: char) {
    let Some(part) = part else { return };
    match part.last_mut() {
        Some(Piece::Text(text)) => text.push(letter),
        _ => part.push(Piece::Text(letter.to_string())),
    }
}

fn push_any(part: Option<&mut Vec<Piece>>) {
    let Some(part) = part else { return };
    match part.last_mut() {
        Some(Piece::Any(count)) => *count += 1,
        _ => part.push(Piece::Any(1)),
    }
}

/// Returns how many characters a part takes.
fn length(part: &[Piece]) -> usize {
    let lengths = part.iter().map(|piece| match piece {
        Piece::Text(text) => text.chars().count(),
        Piece::Any(count) => *count,
    });
    lengths.sum()
}

/// Returns the last `count` characters.
fn ending(text: &str, count: usize) -> Option<&str> {
    let Some(before_last) = count.checked_sub(1) else { return Some("") };
    text.char_indices().rev().nth(before_last).map(|(start, _)| &text[start..])
}

/// Returns what follows the part where the text begins with it.
fn after<'t>(part: &[Piece], text: &'t str) -> Option<&'t str> {
    part.iter().try_fold(text, |rest, piece| match piece {
        Piece::Text(wanted) => rest.strip_prefix(wanted.as_str()),
        Piece::Any(count) => {
            let (last, letter) = rest.char_indices().nth(count - 1)?;
            Some(&rest[last + letter.len_utf8()..])
        }
    })
}

/// Returns what follows the first place at which the part stands.
fn find<'t>(part: &[Piece], text: &'t str, is_over: &impl Fn() -> bool) -> Result<Option<&'t str>, Stopped> {
    let mut rest = text;
    for place in 1_usize.. {
        if let Some(Piece::Text(wanted)) = part.first() {
            let Some(at) = rest.find(wanted.as_str()) else { return Ok(None) };
            rest = &rest[at..];
        }
        if let Some(found) = after(part, rest) {
            return Ok(Some(found));
        }
        let mut letters = rest.chars();
        if letters.next().is_none() {
            return Ok(None);
        }
        rest = letters.as_str();
        if place.is_multiple_of(PLACES_PER_CHECK) && is_over() {
            return Err(Stopped);
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::{Pattern, Stopped};

    fn like(text: &str, pattern: &str) -> bool {
        Pattern::new(pattern).matches(text, &|| false).unwrap()
    }

    #[test]
    fn it_matches_what_like_matches() {
        for (text, pattern) in [
            ("", ""),
            ("", "%"),
            ("", "%%"),
            ("abc", "abc"),
            ("abc", "a%"),
            ("abc", "%c"),
            ("abc", "%b%"),
            ("abc", "a%c"),
            ("abc", "a_c"),
            ("abc", "___"),
            ("abc", "%_%_%"),
            ("äöü", "_ö_"),
            ("äöü", "%_ü"),
            ("aXbXc", "%X_"),
            ("abab", "%ab"),
            ("aab", "a%ab"),
            ("50%", r"50\%"),
            ("a_b", r"a\_b"),
            (r"a\b", r"a\\b"),
            ("ab\nc", "a%c"),
            ("xaaab", "%a_b"),
            ("*[?", "*[?"),
        ] {
            assert!(like(text, pattern), "{text} like {pattern}");
        }
    }

    #[test]
    fn it_refuses_what_like_refuses() {
        for (text, pattern) in [
            ("a", ""),
            ("", "_"),
            ("abc", "ab"),
            ("abc", "bc"),
            ("abc", "%b"),
            ("abc", "____"),
            ("abc", "a%b"),
            ("ab", "ab%b"),
            ("ab", "a%ab"),
            ("ABC", "abc"),
            ("50x", r"50\%"),
            ("ä", "__"),
            ("aXb", "%X"),
        ] {
            assert!(!like(text, pattern), "{text} like {pattern}");
        }
    }

    #[test]
    fn it_ends_when_the_time_is_over() {
        let (text, pattern) = ("a".repeat(300_000), format!("%{}b%", "a_".repeat(4000)));
        let looks = Cell::new(0);
        let is_over = || {
            looks.set(looks.get() + 1);
            looks.get() > 3
        };
        assert_eq!(Pattern::new(&pattern).matches(&text, &is_over), Err(Stopped));
        assert_eq!(looks.get(), 4);
    }
}
