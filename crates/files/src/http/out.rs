//! How buckets and objects look on the wire.

use quoin_kernel::{Timestamp, UserId};
use serde::Serialize;
use serde_json::Value;

use crate::model::{Bucket, Object, ObjectId, VersionId};

/// A bucket.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(super) struct BucketOut {
    /// Its name, which is also its id.
    id: String,
    /// Its name.
    name: String,
    /// Always `STANDARD`.
    #[serde(rename = "type")]
    kind: &'static str,
    /// Who made it; empty where a key did.
    owner: String,
    /// Whether everybody may read its objects.
    public: bool,
    /// The largest object, in bytes; null for the instance's limit.
    file_size_limit: Option<u64>,
    /// The types it takes; null for all.
    allowed_mime_types: Option<Vec<String>>,
    /// When it was made.
    created_at: Timestamp,
    /// When its rules last changed.
    updated_at: Timestamp,
}

/// A sentence.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(super) struct MessageOut {
    /// What was done.
    pub(super) message: &'static str,
}

/// What was stored.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(super) struct StoredOut {
    /// The object.
    #[serde(rename = "Id")]
    id: ObjectId,
    /// Bucket and name.
    #[serde(rename = "Key")]
    key: String,
}

/// An object in a list, or a folder, of which only the name is known.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(super) struct ObjectOut {
    /// The name: its last part in a folder, all of it elsewhere.
    pub(super) name: String,
    /// The object; null for a folder.
    pub(super) id: Option<ObjectId>,
    /// When its bytes last changed.
    pub(super) updated_at: Option<Timestamp>,
    /// When it was first stored.
    pub(super) created_at: Option<Timestamp>,
    /// The same as `updated_at`: reads are not written down.
    pub(super) last_accessed_at: Option<Timestamp>,
    /// What is known of the bytes.
    pub(super) metadata: Option<MetadataOut>,
    /// The present version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) version: Option<VersionId>,
    /// The bucket's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) bucket_id: Option<String>,
    /// Who stored it, where it was a person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) owner: Option<UserId>,
    /// What the uploader said besides.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) user_metadata: Option<Value>,
}

/// What is known of an object's bytes.
#[derive(Debug, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct MetadataOut {
    /// The entity tag.
    e_tag: String,
    /// How many bytes.
    size: u64,
    /// Of which type.
    mimetype: String,
    /// How long readers may keep a copy.
    cache_control: String,
    /// When the bytes last changed.
    last_modified: Timestamp,
    /// How many bytes.
    content_length: u64,
    /// The coding that is already applied.
    #[serde(skip_serializing_if = "Option::is_none")]
    content_encoding: Option<String>,
    /// Always 200.
    http_status_code: u16,
}

/// Everything that is known of one object.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(super) struct InfoOut {
    /// The object.
    id: ObjectId,
    /// Its name.
    name: String,
    /// The present version.
    version: VersionId,
    /// The bucket's name.
    bucket_id: String,
    /// How many bytes.
    size: u64,
    /// Of which type.
    content_type: String,
    /// The coding that is already applied.
    content_encoding: Option<String>,
    /// How long readers may keep a copy.
    cache_control: String,
    /// The entity tag.
    etag: String,
    /// The SHA-256, in hexadecimal digits; null until a large direct upload has been read once.
    sha256: Option<String>,
    /// What the uploader said besides.
    metadata: Value,
    /// When the bytes last changed.
    last_modified: Timestamp,
    /// When it was first stored.
    created_at: Timestamp,
}

impl From<Bucket> for BucketOut {
    fn from(bucket: Bucket) -> Self {
        Self {
            id: bucket.name.to_string(),
            name: bucket.name.to_string(),
            kind: "STANDARD",
            owner: bucket.created_by.map(|id| id.to_string()).unwrap_or_default(),
            public: bucket.rules.public,
            file_size_limit: bucket.rules.max_object_bytes,
            allowed_mime_types: bucket.rules.allowed_types,
            created_at: bucket.created_at,
            updated_at: bucket.updated_at,
        }
    }
}

impl StoredOut {
    pub(super) fn new(bucket: &impl std::fmt::Display, object: &Object) -> Self {
        Self { id: object.id, key: format!("{bucket}/{}", object.name) }
    }
}

impl ObjectOut {
    /// Shows an object by all of its name.
    pub(super) fn of(object: &Object) -> Self {
        let version = &object.version;
        Self {
            name: object.name.to_string(),
            id: Some(object.id),
            updated_at: Some(object.updated_at),
            created_at: Some(object.created_at),
            last_accessed_at: Some(object.updated_at),
            metadata: Some(MetadataOut {
                e_tag: version.etag(),
                size: version.size_bytes,
                mimetype: version.description.content_type.clone(),
                cache_control: version.description.cache_control.clone(),
                last_modified: object.updated_at,
                content_length: version.size_bytes,
                content_encoding: version.description.content_encoding.clone(),
                http_status_code: 200,
            }),
            version: Some(version.id),
            bucket_id: None,
            owner: object.created_by,
            user_metadata: None,
        }
    }

    /// Shows an object by the last part of its name.
    pub(super) fn leaf(object: &Object) -> Self {
        Self { name: object.name.leaf().to_owned(), ..Self::of(object) }
    }

    /// Shows a folder.
    pub(super) fn folder(name: String) -> Self {
        Self {
            name,
            id: None,
            updated_at: None,
            created_at: None,
            last_accessed_at: None,
            metadata: None,
            version: None,
            bucket_id: None,
            owner: None,
            user_metadata: None,
        }
    }

    /// Says in which bucket it is, and what its uploader said.
    pub(super) fn in_bucket(mut self, bucket: &impl std::fmt::Display, object: &Object) -> Self {
        self.bucket_id = Some(bucket.to_string());
        self.user_metadata = Some(object.version.description.user_metadata.clone());
        self
    }
}

impl InfoOut {
    pub(super) fn new(bucket: &impl std::fmt::Display, object: Object) -> Self {
        let version = object.version;
        Self {
            id: object.id,
            name: object.name.to_string(),
            version: version.id,
            bucket_id: bucket.to_string(),
            size: version.size_bytes,
            etag: version.etag(),
            content_type: version.description.content_type,
            content_encoding: version.description.content_encoding,
            cache_control: version.description.cache_control,
            sha256: version.sha256.map(|hash| hex(&hash)),
            metadata: version.description.user_metadata,
            last_modified: object.updated_at,
            created_at: object.created_at,
        }
    }
}

/// Writes bytes as hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing into a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
