//! Conditional requests (RFC 9110, section 13): whether what a client has, or expects, is still so.

use quoin_kernel::Timestamp;

use super::range::Part;

/// The headers that make a request conditional, as they came.
#[derive(Debug, Clone, Copy, Default)]
pub struct Conditions<'a> {
    /// `If-Match`.
    pub if_match: Option<&'a str>,
    /// `If-None-Match`.
    pub if_none_match: Option<&'a str>,
    /// `If-Modified-Since`.
    pub if_modified_since: Option<&'a str>,
    /// `If-Unmodified-Since`.
    pub if_unmodified_since: Option<&'a str>,
    /// `If-Range`.
    pub if_range: Option<&'a str>,
    /// `Range`.
    pub range: Option<&'a str>,
}

/// What a reading request comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Send this part.
    Send(Part),
    /// 304: the client has it.
    NotModified,
    /// 412: it is not what the client expects.
    Failed,
}

impl Conditions<'_> {
    /// Decides, in the order of section 13.2.2.
    pub fn judge(&self, etag: &str, modified_at: Timestamp, size_bytes: u64) -> Verdict {
        let modified_s = modified_at.as_seconds();
        let expected = match (self.if_match, self.if_unmodified_since) {
            (Some(list), _) => names(list, etag, Comparison::Strong),
            (None, Some(date)) => read_date(date).is_none_or(|since_s| modified_s <= since_s),
            (None, None) => true,
        };
        if !expected {
            return Verdict::Failed;
        }
        let known = match (self.if_none_match, self.if_modified_since) {
            (Some(list), _) => names(list, etag, Comparison::Weak),
            (None, Some(date)) => read_date(date).is_some_and(|since_s| modified_s <= since_s),
            (None, None) => false,
        };
        if known {
            return Verdict::NotModified;
        }
        let Some(range) = self.range.filter(|_| self.range_still_fits(etag, modified_s)) else {
            return Verdict::Send(Part::Whole);
        };
        Verdict::Send(Part::read(range, size_bytes))
    }

    /// A part of another version must not be glued to what the client has.
    fn range_still_fits(&self, etag: &str, modified_s: i64) -> bool {
        match self.if_range.map(str::trim) {
            None => true,
            Some(tag) if tag.starts_with('"') => tag == etag,
            Some(weak) if weak.starts_with("W/") => false,
            Some(date) => read_date(date) == Some(modified_s),
        }
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Comparison {
    Strong,
    Weak,
}

/// Tells whether a list of entity tags names this one.
fn names(list: &str, etag: &str, comparison: Comparison) -> bool {
    list.split(',').map(str::trim).any(|tag| {
        let tag = match comparison {
            Comparison::Weak => tag.strip_prefix("W/").unwrap_or(tag),
            Comparison::Strong => tag,
        };
        tag == "*" || tag == etag
    })
}

/// Reads an HTTP date as seconds since 1970.
fn read_date(text: &str) -> Option<i64> {
    let text = text.trim();
    // jiff reads RFC 2822, of which the one form that HTTP writes is part.
    let parsed = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
    Some(parsed.as_second())
}

/// Writes a moment as HTTP dates are written.
pub fn http_date(at: Timestamp) -> String {
    let moment = jiff::Timestamp::from_second(at.as_seconds()).unwrap_or_default();
    let written = jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&moment);
    written.unwrap_or_default()
}
