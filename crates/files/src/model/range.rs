//! Byte ranges (RFC 9110, section 14). One range is served; a request for several gets the whole, which that section
//! allows and which leaves nothing to gain from asking for thousands.

use std::ops::Range;

/// Which part of an object to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// All of it, with 200.
    Whole,
    /// These bytes, with 206.
    Bytes(Range<u64>),
    /// None of it, with 416: the range begins after the end.
    Unsatisfiable,
}

impl Part {
    /// Reads the header `Range` for an object of this size. What cannot be read counts as absent.
    pub fn read(header: &str, size_bytes: u64) -> Self {
        let Some(spec) = header.trim().strip_prefix("bytes=") else { return Self::Whole };
        let Some((first, last)) = spec.trim().split_once('-') else { return Self::Whole };
        match (position(first), position(last)) {
            (Position::At(first), Position::None) => within(first, size_bytes, size_bytes),
            (Position::At(first), Position::At(last)) if first <= last => {
                within(first, last.saturating_add(1), size_bytes)
            }
            (Position::None, Position::At(0)) => Self::Unsatisfiable,
            (Position::None, Position::At(length)) => {
                within(size_bytes.saturating_sub(length), size_bytes, size_bytes)
            }
            _ => Self::Whole,
        }
    }
}

enum Position {
    At(u64),
    None,
    Unreadable,
}

fn position(text: &str) -> Position {
    match text.trim() {
        "" => Position::None,
        digits if digits.bytes().all(|b| b.is_ascii_digit()) => {
            // More digits than fit lie behind every end.
            Position::At(digits.parse().unwrap_or(u64::MAX))
        }
        _ => Position::Unreadable,
    }
}

fn within(start: u64, end: u64, size_bytes: u64) -> Part {
    if start >= size_bytes { Part::Unsatisfiable } else { Part::Bytes(start..end.min(size_bytes)) }
}
