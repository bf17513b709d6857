//! What buckets and objects may be called. Names are never joined into a path of the machine; these rules keep them
//! usable in URLs, in headers, and before people's eyes.

use std::fmt;

use serde_json::Value;

use crate::error::FilesError;

/// The longest name of an object, in bytes; S3 and GCS keep as much.
pub const MAX_OBJECT_NAME_BYTES: usize = 1024;
/// The longest name of a bucket, in characters.
const MAX_BUCKET_NAME_CHARS: usize = 100;
/// The ASCII characters besides letters and digits that names may hold: what every store's tools can show.
const MARKS: &str = "_!.*'() &$=@;:+,?-";
/// What the addresses below `/storage/v1/object/` mean already.
const RESERVED: &[&str] =
    &["authenticated", "copy", "info", "list", "list-v2", "move", "public", "sign", "upload", "usage"];

/// The name of a bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BucketName(String);

/// The name of an object in its bucket: folders and a leaf, separated by slashes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ObjectName(String);

impl BucketName {
    /// Checks a name.
    ///
    /// # Errors
    /// [`FilesError::InvalidBucketName`].
    pub fn new(text: &str) -> Result<Self, FilesError> {
        let is_usable = !text.is_empty()
            && text.chars().count() <= MAX_BUCKET_NAME_CHARS
            && text.trim() == text
            && text.chars().all(|c| c.is_ascii_alphanumeric() || MARKS.contains(c))
            && !text.starts_with('.')
            && !RESERVED.contains(&text);
        if is_usable { Ok(Self(text.to_owned())) } else { Err(FilesError::InvalidBucketName) }
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl ObjectName {
    /// Checks a name.
    ///
    /// # Errors
    /// [`FilesError::InvalidName`] for an empty or overlong one, for `.`, `..` and nothing between slashes, and for
    /// characters that are invisible, turn the direction of text, or that stores cannot show.
    pub fn new(text: &str) -> Result<Self, FilesError> {
        let segments_are_names =
            text.split('/').all(|segment| !matches!(segment, "" | "." | "..") && segment.trim() == segment);
        let is_usable =
            text.len() <= MAX_OBJECT_NAME_BYTES && segments_are_names && text.chars().all(may_stand);
        if is_usable { Ok(Self(text.to_owned())) } else { Err(FilesError::InvalidName(shown(text))) }
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the folders before the last slash; empty for none.
    pub fn folder(&self) -> &str {
        self.0.rsplit_once('/').map_or("", |(folder, _)| folder)
    }

    /// Returns what is after the last slash.
    pub fn leaf(&self) -> &str {
        self.0.rsplit_once('/').map_or(self.0.as_str(), |(_, leaf)| leaf)
    }
}

/// Folds a text for comparisons that ignore case.
pub fn fold(text: &str) -> String {
    text.to_lowercase()
}

fn may_stand(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_alphanumeric() || c == '/' || MARKS.contains(c);
    }
    !c.is_control() && !c.is_whitespace() && !is_deceptive(c)
}

/// Marks that change the direction of text, show nothing, or mean something only to some program.
fn is_deceptive(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
        | '\u{e000}'..='\u{f8ff}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{ffff}'
        | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{10ffff}')
}

/// Cuts a refused name to what an answer may repeat of it.
fn shown(text: &str) -> String {
    text.chars().filter(|c| may_stand(*c)).take(100).collect()
}

impl fmt::Display for BucketName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Reads a size as the contract writes it: a number of bytes, or a text such as `20MB`, in powers of a thousand.
///
/// # Errors
/// [`FilesError::InvalidSizeLimit`].
pub fn parse_size(value: &Value) -> Result<u64, FilesError> {
    let text = match value {
        Value::Number(number) => return number.as_u64().ok_or(FilesError::InvalidSizeLimit),
        Value::String(text) => text.trim().to_ascii_lowercase(),
        _ => return Err(FilesError::InvalidSizeLimit),
    };
    let digits_end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (digits, unit) = text.split_at(digits_end);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let factor: u64 = match unit.trim() {
        "" | "b" => 1,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        "tb" => 1_000_000_000_000,
        _ => return Err(FilesError::InvalidSizeLimit),
    };
    let whole: u64 = whole.parse().map_err(|_| FilesError::InvalidSizeLimit)?;
    let thousandths: u64 = match fraction {
        "" => 0,
        some => format!("{some:0<3.3}").parse().map_err(|_| FilesError::InvalidSizeLimit)?,
    };
    let bytes = whole.checked_mul(factor).and_then(|bytes| bytes.checked_add(thousandths * factor / 1000));
    bytes.filter(|bytes| i64::try_from(*bytes).is_ok()).ok_or(FilesError::InvalidSizeLimit)
}
