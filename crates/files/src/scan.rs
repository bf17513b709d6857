//! Scanners: programs that look at what is stored before it becomes an object. A scanner that fails refuses.

use quoin_kernel::Problem;
use quoin_kernel::port::BoxFuture;

use crate::model::{BucketName, ObjectName};
use crate::port::ByteStream;

/// Something that is about to become an object. Its bytes are in the store already, and nobody can read them.
#[derive(Debug, Clone)]
pub struct Suspect {
    /// The bucket.
    pub bucket: BucketName,
    /// The object's name.
    pub name: ObjectName,
    /// What the uploader says it is.
    pub content_type: String,
    /// How many bytes.
    pub size_bytes: u64,
    /// Their SHA-256, where it is known.
    pub sha256: Option<[u8; 32]>,
}

/// What a scanner found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Opinion {
    /// Nothing.
    Clean,
    /// Something, which the uploader is told.
    Refused(String),
}

/// Looks at what is stored.
pub trait Scanner: Send + Sync {
    /// Reads the bytes, as many of them as it needs, and says what it found.
    ///
    /// # Errors
    /// Where it cannot say; then the object is refused.
    fn scan<'a>(&'a self, suspect: &'a Suspect, bytes: ByteStream)
    -> BoxFuture<'a, Result<Opinion, Problem>>;
}
