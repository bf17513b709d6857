//! What this room needs of a store of bytes, in its own words. Adapters translate; every one of them passes the same
//! suite (`tests/conformance.rs`).

use std::ops::Range;
use std::pin::Pin;

use bytes::Bytes;
use futures_util::Stream;
use quoin_kernel::port::BoxFuture;
use quoin_kernel::{Problem, Timestamp};

use crate::model::{StoreKey, StoreKind};

/// Bytes on their way, in pieces of the sender's choice. A piece is asked for when there is room for it.
pub type ByteStream = Pin<Box<dyn Stream<Item = Result<Bytes, StoreError>> + Send>>;

/// What a store keeps beside the bytes, for people who look into it with its own tools.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// The media type.
    pub content_type: String,
    /// The coding that is already applied.
    pub content_encoding: Option<String>,
    /// The bucket's name.
    pub bucket: String,
    /// The object's name when it was stored.
    pub name: String,
}

/// A URL to which somebody without credentials may send one object.
#[derive(Debug, Clone)]
pub struct SignedUpload {
    /// The URL.
    pub url: String,
    /// The method.
    pub method: &'static str,
    /// The headers that must be sent exactly so.
    pub headers: Vec<(String, String)>,
}

/// What a direct upload is bound to.
#[derive(Debug, Clone)]
pub struct Announced {
    /// How many bytes.
    pub size_bytes: u64,
    /// Of which type.
    pub content_type: String,
    /// With which SHA-256, where the uploader knows it.
    pub sha256: Option<[u8; 32]>,
    /// From when on.
    pub at: Timestamp,
    /// For how long.
    pub expires_in: std::time::Duration,
}

/// A key that a store holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// The key.
    pub key: StoreKey,
    /// How many bytes.
    pub size_bytes: u64,
    /// Since when.
    pub stored_at: Timestamp,
}

/// Hears that a store has begun an upload on its side, before the first part is sent, so that no crash leaves parts
/// that nobody knows of.
pub trait UploadLog: Send + Sync {
    /// Remembers the store's id of the upload.
    fn began<'a>(&'a self, upload_id: &'a str) -> BoxFuture<'a, Result<(), StoreError>>;
}

/// Why a store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// There is nothing under this key.
    #[error("the store holds nothing under this key")]
    Missing,
    /// There is something under this key.
    #[error("the store holds something under this key already")]
    Taken,
    /// No space is left.
    #[error("no space is left in the store")]
    Full,
    /// The store cannot be reached, is too slow, or asks to slow down.
    #[error("the store does not answer")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The store refuses the credentials or the permission is missing.
    #[error("the store refuses these credentials")]
    Denied(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// What came back is not what was stored.
    #[error("the store gave {got} bytes of {expected}")]
    Short {
        /// How many came.
        got: u64,
        /// How many there should be.
        expected: u64,
    },
    /// The store gives other bytes than were stored.
    #[error("the store gives other bytes than were stored")]
    Differs,
    /// The store has got other bytes than were sent, and has kept none of them.
    #[error("the store has got other bytes than were sent")]
    Damaged(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The bytes could not be had from where they come.
    #[error("the bytes stopped")]
    Source(Problem),
    /// Anything else.
    #[error("the store failed")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Full => Self::new(507, "storage_full", "No space is left for files"),
            StoreError::Unavailable(source) => {
                Self::unavailable("storage_unavailable", "The object store does not answer now", 2)
                    .source(source)
            }
            StoreError::Differs | StoreError::Short { .. } => {
                Self::new(502, "storage_differs", "The object store gives other bytes than were stored")
                    .source(error)
            }
            StoreError::Damaged(source) => {
                Self::new(502, "storage_damaged", "The bytes changed on their way into the object store")
                    .hint("Nothing was kept; send them again.")
                    .source(source)
            }
            StoreError::Source(problem) => problem,
            other => Self::internal(other),
        }
    }
}

/// Keeps bytes under keys that are used once.
pub trait ObjectStore: Send + Sync {
    /// Says what it is.
    fn kind(&self) -> StoreKind;

    /// Says where it is, as people write it: `s3://bucket/prefix`.
    fn address(&self) -> &str;

    /// Stores all of `bytes` under a new key and returns how many there were. When this returns, they survive a power
    /// cut; when it fails or is dropped, nothing can be read under the key.
    ///
    /// # Errors
    /// [`StoreError::Taken`] for a key that is in use; [`StoreError::Source`] where the bytes stop.
    fn write<'a>(
        &'a self,
        key: &'a StoreKey,
        label: &'a Label,
        bytes: ByteStream,
        log: &'a dyn UploadLog,
    ) -> BoxFuture<'a, Result<u64, StoreError>>;

    /// Opens a part of what is kept; `range` lies within it and is not empty.
    ///
    /// # Errors
    /// [`StoreError::Missing`]; the stream ends with [`StoreError::Short`] rather than early.
    fn read<'a>(
        &'a self,
        key: &'a StoreKey,
        range: Range<u64>,
    ) -> BoxFuture<'a, Result<ByteStream, StoreError>>;

    /// Says how many bytes are kept under a key.
    ///
    /// # Errors
    /// [`StoreError::Missing`].
    fn size<'a>(&'a self, key: &'a StoreKey) -> BoxFuture<'a, Result<u64, StoreError>>;

    /// Removes keys; those that are not there count as removed.
    fn remove<'a>(&'a self, keys: &'a [StoreKey]) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Removes what an unfinished [`ObjectStore::write`] may have left, on the store's side too.
    fn abandon<'a>(
        &'a self,
        key: &'a StoreKey,
        upload_id: Option<&'a str>,
    ) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Copies within the store, under a new key.
    ///
    /// # Errors
    /// [`StoreError::Missing`].
    fn copy<'a>(
        &'a self,
        from: &'a StoreKey,
        to: &'a StoreKey,
        size_bytes: u64,
        label: &'a Label,
        log: &'a dyn UploadLog,
    ) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Lists keys in order, at most `limit` of them, after the given one.
    fn list<'a>(
        &'a self,
        after: Option<&'a StoreKey>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<Held>, StoreError>>;

    /// Signs a URL to which the bytes of one object can be sent without passing through here; `None` where the store is
    /// here.
    fn sign_upload<'a>(
        &'a self,
        key: &'a StoreKey,
        announced: &'a Announced,
    ) -> BoxFuture<'a, Result<Option<SignedUpload>, StoreError>>;
}
