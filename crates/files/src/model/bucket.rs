//! A bucket: a name, who may read it, and what may be put into it.

use quoin_kernel::{Id, Timestamp, UserId};

use super::BucketName;
use crate::error::FilesError;

/// The kind of thing that a [`BucketId`] names.
#[derive(Debug)]
pub enum BucketKind {}

/// Identifies a bucket, also after another one has got its name.
pub type BucketId = Id<BucketKind>;

/// The most types that a bucket may list.
const MAX_TYPES: usize = 100;

/// What a bucket lets in and out.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BucketRules {
    /// Whether everybody may read its objects.
    pub public: bool,
    /// The largest object, in bytes; the instance's limit where none is set.
    pub max_object_bytes: Option<u64>,
    /// The content types it takes, `image/*` for a family; all of them where none are set.
    pub allowed_types: Option<Vec<String>>,
}

/// A bucket.
#[derive(Debug, Clone)]
pub struct Bucket {
    /// Its id, which callers do not see.
    pub id: BucketId,
    /// Its name.
    pub name: BucketName,
    /// Its rules.
    pub rules: BucketRules,
    /// Who made it, where it was a person.
    pub created_by: Option<UserId>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its rules last changed.
    pub updated_at: Timestamp,
}

impl BucketRules {
    /// Checks the list of types.
    ///
    /// # Errors
    /// [`FilesError::InvalidType`] for an entry that no content type could match.
    pub fn check(&self) -> Result<(), FilesError> {
        let types = self.allowed_types.as_deref().unwrap_or_default();
        if types.len() > MAX_TYPES {
            return Err(FilesError::InvalidType(format!("more than {MAX_TYPES} types")));
        }
        match types.iter().find(|entry| !is_pattern(entry)) {
            Some(entry) => Err(FilesError::InvalidType(entry.chars().take(100).collect())),
            None => Ok(()),
        }
    }

    /// Demands that objects of this type may be put here.
    ///
    /// # Errors
    /// [`FilesError::InvalidType`].
    pub fn demand_type(&self, content_type: &str) -> Result<(), FilesError> {
        let Some(allowed) = &self.allowed_types else { return Ok(()) };
        let essence = essence(content_type);
        let matches = |entry: &String| {
            let entry = entry.to_ascii_lowercase();
            match entry.strip_suffix("/*") {
                Some(family) => essence.split('/').next() == Some(family),
                None => entry == "*" || entry == "*/*" || self::essence(&entry) == essence,
            }
        };
        if allowed.iter().any(matches) {
            return Ok(());
        }
        Err(FilesError::InvalidType(content_type.to_owned()))
    }
}

/// Returns a content type without its parameters, in lower case.
pub fn essence(content_type: &str) -> String {
    content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// Tells whether a text is a content type (RFC 9110, section 8.3.1) that a header can carry.
pub fn is_content_type(text: &str) -> bool {
    let essence = essence(text);
    let is_token = |part: &str| {
        !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || "!#$&^_.+-".contains(c))
    };
    let has_shape = essence.split_once('/').is_some_and(|(family, kind)| is_token(family) && is_token(kind));
    has_shape && text.len() <= 255 && text.chars().all(|c| c.is_ascii_graphic() || c == ' ')
}

fn is_pattern(entry: &str) -> bool {
    matches!(entry, "*" | "*/*") || is_content_type(&entry.replace("/*", "/any"))
}
