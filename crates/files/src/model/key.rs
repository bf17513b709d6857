//! Where the bytes of a version lie.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{BucketName, Owner, VersionId};

/// Names a kind of store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum StoreKind {
    /// A directory of this machine.
    #[default]
    Disk,
    /// Amazon S3, or what speaks its protocol.
    S3,
    /// Google Cloud Storage.
    Gcs,
}

impl StoreKind {
    /// Returns the name that rows and settings carry.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Disk => "disk",
            Self::S3 => "s3",
            Self::Gcs => "gcs",
        }
    }

    /// Reads the name back.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Disk, Self::S3, Self::Gcs].into_iter().find(|kind| kind.as_str() == name)
    }
}

/// The key of one version in a store: `{owner}/{bucket}/{id}`. Made by Quoin, never taken from a caller.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StoreKey(String);

impl StoreKey {
    /// Makes the key of a new version. The bucket's name is there for people who look into the store.
    pub fn new(owner: Owner, bucket: &BucketName, version: VersionId) -> Self {
        let legible = bucket.as_str().chars().map(|c| if is_plain(c) { c } else { '-' });
        Self(format!("{owner}/{}/{version}", legible.collect::<String>()))
    }

    /// Takes a key that a row or a store holds; `None` for what no key of ours looks like.
    pub fn parse(text: &str) -> Option<Self> {
        let parts: Vec<&str> = text.split('/').collect();
        let [_, _, id] = parts[..] else { return None };
        let are_plain =
            parts.iter().all(|part| !part.is_empty() && !part.starts_with('.') && part.chars().all(is_plain));
        (are_plain && id.parse::<VersionId>().is_ok()).then(|| Self(text.to_owned()))
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the version, which is the last part.
    pub fn version(&self) -> Option<VersionId> {
        self.0.rsplit('/').next()?.parse().ok()
    }
}

fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-')
}

impl fmt::Display for StoreKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
