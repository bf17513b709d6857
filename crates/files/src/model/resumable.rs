//! Resumable uploads (tus 1.0): what is announced, how far it has come, and how headers say so.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use quoin_kernel::{Id, Timestamp, UserId};

use super::{BucketName, Description, ObjectName, Owner, StoreKey, StoreKind, VersionId};
use crate::error::FilesError;

/// The version of the protocol that is spoken.
pub const TUS_VERSION: &str = "1.0.0";

/// The kind of thing that a [`ResumableId`] names.
#[derive(Debug)]
pub enum ResumableKind {}

/// Identifies a resumable upload.
pub type ResumableId = Id<ResumableKind>;

/// An upload that comes in pieces.
#[derive(Debug, Clone, PartialEq)]
pub struct Resumable {
    /// Its id, the last part of its URL.
    pub id: ResumableId,
    /// Whose the object will be.
    pub owner: Owner,
    /// Who sends it, where it is a person.
    pub person: Option<UserId>,
    /// The bucket.
    pub bucket: BucketName,
    /// The object's name.
    pub name: ObjectName,
    /// Whether it may take the place of an object.
    pub replaces: bool,
    /// What is said about the bytes.
    pub description: Description,
    /// How many bytes there will be.
    pub length_bytes: u64,
    /// How many are safe.
    pub offset_bytes: u64,
    /// When it was announced.
    pub created_at: Timestamp,
    /// From when on it is not known any more.
    pub expires_at: Timestamp,
    /// Whether the object is there.
    pub completed: bool,
}

/// What of an upload has come with one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// Where in the object it begins.
    pub start_bytes: u64,
    /// The version whose intent keeps it.
    pub version: VersionId,
    /// The store that holds it.
    pub store: StoreKind,
    /// Its key there.
    pub key: StoreKey,
    /// How many bytes.
    pub size_bytes: u64,
    /// Their SHA-256.
    pub sha256: [u8; 32],
}

/// Why a request of the protocol is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResumableError {
    /// Another version of the protocol, or none.
    #[error("Tus-Resumable must be {TUS_VERSION}")]
    Version,
    /// The length is missing, is to come later, or cannot be read.
    #[error("Upload-Length must say how many bytes will come")]
    Length,
    /// The metadata cannot be read, or names no bucket or object.
    #[error("Upload-Metadata must hold bucketName and objectName, each a key and a value in Base64")]
    Metadata,
    /// The offset is missing or cannot be read.
    #[error("Upload-Offset must be a number of bytes")]
    Offset,
    /// The body is of another type.
    #[error("Content-Type must be application/offset+octet-stream")]
    ContentType,
    /// The bytes do not go on where the upload has come to.
    #[error("the upload has come to byte {0}")]
    Elsewhere(u64),
    /// More bytes than were announced.
    #[error("more bytes came than were announced")]
    TooMany,
    /// The checksum's algorithm is not known, or its value cannot be read.
    #[error("Upload-Checksum must be sha1, sha256 or sha512 and a value in Base64")]
    Checksum,
    /// The bytes are not those of the checksum; none of them was kept.
    #[error("the bytes differ from their checksum")]
    ChecksumDiffers,
}

/// What `Upload-Metadata` says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Announcement {
    /// The bucket's name.
    pub bucket: String,
    /// The object's name.
    pub name: String,
    /// The media type.
    pub content_type: Option<String>,
    /// How long readers may keep it.
    pub cache_control: Option<String>,
    /// Metadata of the uploader's own, a JSON object.
    pub metadata: Option<String>,
}

impl Announcement {
    /// Reads the header: comma-separated pairs of a key and a value in Base64.
    ///
    /// # Errors
    /// [`ResumableError::Metadata`].
    pub fn read(header: &str) -> Result<Self, FilesError> {
        let mut announcement = Self::default();
        for pair in header.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once(' ').unwrap_or((pair, ""));
            let text = STANDARD.decode(value.trim()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
            let text = text.ok_or(ResumableError::Metadata)?;
            match key {
                "bucketName" => announcement.bucket = text,
                "objectName" => announcement.name = text,
                "contentType" => announcement.content_type = Some(text),
                "cacheControl" => announcement.cache_control = Some(text),
                "metadata" => announcement.metadata = Some(text),
                // Clients add what they like, such as the file's name on their side.
                _ => {}
            }
        }
        if announcement.bucket.is_empty() || announcement.name.is_empty() {
            return Err(ResumableError::Metadata.into());
        }
        Ok(announcement)
    }
}

impl From<ResumableError> for FilesError {
    fn from(error: ResumableError) -> Self {
        Self::Resumable(error)
    }
}

impl ResumableError {
    /// Returns the status and code of the answer.
    pub fn status(&self) -> (u16, &'static str) {
        match self {
            Self::Version => (412, "tus_version"),
            Self::Length | Self::Metadata | Self::Offset | Self::Checksum => (400, "InvalidRequest"),
            Self::ContentType => (415, "InvalidMimeType"),
            Self::Elsewhere(_) => (409, "upload_offset_mismatch"),
            Self::TooMany => (413, "EntityTooLarge"),
            // The protocol's own status.
            Self::ChecksumDiffers => (460, "BadDigest"),
        }
    }
}
