//! The section `[files]` of the configuration.

use std::path::PathBuf;

use quoin_kernel::Secret;
use serde::Deserialize;

use crate::adapters::Clamd;
use crate::adapters::clamd::InvalidAddress;
use crate::model::{Limits, StoreKind};

/// Where files are kept, and how much of them.
#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct FilesConfig {
    /// Where new files go: `disk`, `s3` or `gcs`. What is in another store that is configured stays readable.
    pub store: StoreKind,
    /// The directory of the disk store; `files` in the data directory by default.
    pub directory: Option<PathBuf>,
    /// The largest object, in bytes.
    pub max_object_bytes: u64,
    /// How many bytes an organisation may keep; without limit by default.
    pub org_max_bytes: Option<u64>,
    /// How many objects an organisation may keep; without limit by default.
    pub org_max_objects: Option<u64>,
    /// How many bytes a person may keep, in all organisations together; without limit by default.
    pub person_max_bytes: Option<u64>,
    /// How many objects a person may keep, in all organisations together; without limit by default.
    pub person_max_objects: Option<u64>,
    /// For how many seconds signed upload URLs and direct uploads are good; 7 days at most.
    pub upload_url_s: u32,
    /// After how many days an object that no row knows is removed from its store. A database that was restored from an
    /// older backup does not know what was stored since: raise this before you restore.
    pub unknown_after_days: u32,
    /// The address of ClamAV's daemon, `tcp://host:port` or `unix:///path`. Everything that is stored is shown to it first, and
    /// refused where it finds something or does not answer.
    pub clamd: Option<String>,
    /// The largest picture that is rendered in other sizes, in bytes.
    pub image_max_bytes: u64,
    /// The most pixels of a picture that is rendered; each takes about 8 bytes of memory meanwhile.
    pub image_max_pixels: u64,
    /// How many bytes of rendered pictures are kept of one organisation, person or the instance; what goes beyond is
    /// rendered anew each time. They do not count in quotas.
    pub image_kept_bytes: u64,
    /// How many threads render pictures; 0 for one for every two cores.
    pub image_threads: usize,
    /// How many pictures may wait to be rendered before more are refused.
    pub image_queue: usize,
    /// Amazon S3, or what speaks its protocol.
    pub s3: S3Config,
    /// Google Cloud Storage.
    pub gcs: GcsConfig,
}

/// A bucket of S3.
#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct S3Config {
    /// The bucket.
    pub bucket: Option<String>,
    /// What keys begin with, where the bucket is shared with something else.
    pub prefix: String,
    /// The region.
    pub region: String,
    /// The address of a service that is not Amazon's, for example `https://s3.example.com`.
    pub endpoint: Option<String>,
    /// The access key; without one, the machine's role is used.
    pub access_key_id: Option<String>,
    /// Its secret.
    pub secret_access_key: Option<Secret<String>>,
    /// The token of temporary keys.
    pub session_token: Option<Secret<String>>,
}

/// A bucket of Google Cloud Storage.
#[derive(Debug, Clone, Default, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct GcsConfig {
    /// The bucket.
    pub bucket: Option<String>,
    /// What keys begin with, where the bucket is shared with something else.
    pub prefix: String,
    /// The key of a service account, as JSON; without one, the machine's role is used.
    pub service_account: Option<Secret<String>>,
    /// The address of a service that is not Google's.
    pub endpoint: Option<String>,
}

/// Why files cannot be kept as configured.
#[derive(Debug, thiserror::Error)]
pub enum InvalidFilesConfig {
    /// A setting is missing.
    #[error("{0} must be set for this store")]
    Missing(&'static str),
    /// The scanner's address cannot be read.
    #[error(transparent)]
    Clamd(#[from] InvalidAddress),
    /// A number is out of range.
    #[error("{0}")]
    OutOfRange(&'static str),
    /// The store cannot be opened with these settings.
    #[error("the object store refuses its settings: {0}")]
    Refused(String),
    /// The directory cannot be used.
    #[error("{path}: {source}")]
    Directory {
        /// The directory.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
}

impl Default for FilesConfig {
    fn default() -> Self {
        Self {
            store: StoreKind::Disk,
            directory: None,
            max_object_bytes: 50 * 1024 * 1024 * 1024,
            org_max_bytes: None,
            org_max_objects: None,
            person_max_bytes: None,
            person_max_objects: None,
            upload_url_s: 7200,
            unknown_after_days: 7,
            clamd: None,
            image_max_bytes: 25 * 1024 * 1024,
            image_max_pixels: 25_000_000,
            image_kept_bytes: 1024 * 1024 * 1024,
            image_threads: 0,
            image_queue: 32,
            s3: S3Config::default(),
            gcs: GcsConfig::default(),
        }
    }
}

impl Default for S3Config {
    fn default() -> Self {
        Self {
            bucket: None,
            prefix: String::new(),
            region: "us-east-1".into(),
            endpoint: None,
            access_key_id: None,
            secret_access_key: None,
            session_token: None,
        }
    }
}

impl FilesConfig {
    /// Checks the numbers.
    ///
    /// # Errors
    /// The first that is out of range.
    pub fn validate(&self) -> Result<(), InvalidFilesConfig> {
        if !(60..=604_800).contains(&self.upload_url_s) {
            return Err(InvalidFilesConfig::OutOfRange("files.upload_url_s must be between 60 and 604800"));
        }
        if self.max_object_bytes == 0 || i64::try_from(self.max_object_bytes).is_err() {
            return Err(InvalidFilesConfig::OutOfRange("files.max_object_bytes must be 1 or more"));
        }
        if !(1..=500_000_000).contains(&self.image_max_pixels) {
            return Err(InvalidFilesConfig::OutOfRange(
                "files.image_max_pixels must be between 1 and 500000000",
            ));
        }
        if self.unknown_after_days == 0 {
            return Err(InvalidFilesConfig::OutOfRange("files.unknown_after_days must be 1 or more"));
        }
        self.scanner().map(drop)
    }

    /// Returns the scanner that is configured.
    ///
    /// # Errors
    /// [`InvalidFilesConfig::Clamd`].
    pub fn scanner(&self) -> Result<Option<Clamd>, InvalidFilesConfig> {
        Ok(self.clamd.as_deref().map(Clamd::at).transpose()?)
    }

    /// Returns the limits of organisations that have none of their own.
    pub(crate) fn org_limits(&self) -> Limits {
        Limits { max_bytes: self.org_max_bytes, max_objects: self.org_max_objects }
    }

    /// Returns the limits of persons who have none of their own.
    pub(crate) fn person_limits(&self) -> Limits {
        Limits { max_bytes: self.person_max_bytes, max_objects: self.person_max_objects }
    }
}
