//! An object and the version of its bytes.

use quoin_kernel::{Id, Timestamp, UserId};
use serde_json::Value;

use super::{BucketId, ObjectName, Owner, StoreKey, StoreKind};

/// The kind of thing that an [`ObjectId`] names.
#[derive(Debug)]
pub enum ObjectKind {}

/// The kind of thing that a [`VersionId`] names.
#[derive(Debug)]
pub enum VersionKind {}

/// Identifies an object through all its versions and names.
pub type ObjectId = Id<ObjectKind>;

/// Identifies one version of an object's bytes, in rows and in the store.
pub type VersionId = Id<VersionKind>;

/// What an uploader says about the bytes.
#[derive(Debug, Clone, PartialEq)]
pub struct Description {
    /// The media type.
    pub content_type: String,
    /// The coding that is already applied to the bytes.
    pub content_encoding: Option<String>,
    /// How long readers may keep a copy.
    pub cache_control: String,
    /// A JSON object of the uploader's own.
    pub user_metadata: Value,
}

/// The bytes of an object at one time.
#[derive(Debug, Clone, PartialEq)]
pub struct Version {
    /// The version.
    pub id: VersionId,
    /// The store that holds it.
    pub store: StoreKind,
    /// Its key there.
    pub key: StoreKey,
    /// How many bytes it has.
    pub size_bytes: u64,
    /// Their SHA-256; missing only for a large direct upload until it has been read once.
    pub sha256: Option<[u8; 32]>,
    /// What was said about them.
    pub description: Description,
}

/// An object.
#[derive(Debug, Clone, PartialEq)]
pub struct Object {
    /// Its id.
    pub id: ObjectId,
    /// Where it lies.
    pub bucket_id: BucketId,
    /// Whose it is.
    pub owner: Owner,
    /// Its name.
    pub name: ObjectName,
    /// Its present bytes.
    pub version: Version,
    /// Who stored it, where it was a person.
    pub created_by: Option<UserId>,
    /// When it was first stored.
    pub created_at: Timestamp,
    /// When its bytes last changed.
    pub updated_at: Timestamp,
}

impl Version {
    /// Returns the strong entity tag: every change of the bytes is another version.
    pub fn etag(&self) -> String {
        format!("\"{}\"", self.id.uuid().simple())
    }
}
