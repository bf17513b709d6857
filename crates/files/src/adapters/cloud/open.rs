//! Opening a cloud from its configuration.

use std::sync::Arc;
use std::time::Duration;

use object_store::aws::AmazonS3Builder;
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::path::Path;
use object_store::{BackoffConfig, ClientOptions, RetryConfig};

use super::{Cloud, Keys};
use crate::config::{GcsConfig, InvalidFilesConfig, S3Config};
use crate::model::StoreKind;

impl Cloud {
    /// Opens a bucket of S3. Without keys, the role of the machine is asked for them.
    ///
    /// # Errors
    /// What is missing or cannot be read.
    pub fn s3(config: &S3Config) -> Result<Self, InvalidFilesConfig> {
        let bucket = config.bucket.as_deref().ok_or(InvalidFilesConfig::Missing("files.s3.bucket"))?;
        let mut builder = AmazonS3Builder::new()
            .with_bucket_name(bucket)
            .with_region(&config.region)
            .with_virtual_hosted_style_request(config.endpoint.is_none())
            .with_retry(retries())
            .with_client_options(client());
        if let Some(endpoint) = &config.endpoint {
            builder = builder.with_endpoint(endpoint).with_allow_http(endpoint.starts_with("http://"));
        }
        match (&config.access_key_id, &config.secret_access_key) {
            (Some(id), Some(secret)) => {
                builder = builder.with_access_key_id(id).with_secret_access_key(secret.expose());
            }
            (None, None) => {}
            (Some(_), None) => return Err(InvalidFilesConfig::Missing("files.s3.secret_access_key")),
            (None, Some(_)) => return Err(InvalidFilesConfig::Missing("files.s3.access_key_id")),
        }
        if let Some(token) = &config.session_token {
            builder = builder.with_token(token.expose());
        }
        let backend = builder.build().map_err(|error| InvalidFilesConfig::Refused(error.to_string()))?;
        let prefix = prefix(&config.prefix)?;
        let address = address("s3", bucket, &prefix);
        let keys = Keys { credentials: Arc::clone(backend.credentials()), region: config.region.clone() };
        Ok(Self { kind: StoreKind::S3, backend: Arc::new(backend), prefix, address, keys: Some(keys) })
    }

    /// Opens a bucket of Google Cloud Storage. Without a service account, the role of the machine is asked.
    ///
    /// # Errors
    /// What is missing or cannot be read.
    pub fn gcs(config: &GcsConfig) -> Result<Self, InvalidFilesConfig> {
        let bucket = config.bucket.as_deref().ok_or(InvalidFilesConfig::Missing("files.gcs.bucket"))?;
        let mut builder = GoogleCloudStorageBuilder::new()
            .with_bucket_name(bucket)
            .with_retry(retries())
            .with_client_options(client());
        if let Some(account) = &config.service_account {
            builder = builder.with_service_account_key(account.expose());
        }
        if let Some(endpoint) = &config.endpoint {
            builder = builder
                .with_base_url(endpoint)
                .with_client_options(client().with_allow_http(endpoint.starts_with("http://")));
            if config.service_account.is_none() {
                // What stands in for Google's service knows no accounts, and the machine has no role there.
                builder = builder.with_bearer_token("nobody");
            }
        }
        let backend = builder.build().map_err(|error| InvalidFilesConfig::Refused(error.to_string()))?;
        let prefix = prefix(&config.prefix)?;
        let address = address("gs", bucket, &prefix);
        Ok(Self { kind: StoreKind::Gcs, backend: Arc::new(backend), prefix, address, keys: None })
    }
}

/// Waits are bounded, also those between retries: who waits is a person before a page.
fn retries() -> RetryConfig {
    let backoff = BackoffConfig {
        init_backoff: Duration::from_millis(100),
        max_backoff: Duration::from_secs(2),
        ..BackoffConfig::default()
    };
    RetryConfig { backoff, max_retries: 4, retry_timeout: Duration::from_secs(15) }
}

/// A whole transfer may take as long as it moves; a pause may not.
fn client() -> ClientOptions {
    ClientOptions::new()
        .with_timeout_disabled()
        .with_connect_timeout(Duration::from_secs(5))
        .with_read_timeout(Duration::from_secs(20))
}

fn prefix(text: &str) -> Result<Path, InvalidFilesConfig> {
    Path::parse(text.trim_matches('/')).map_err(|error| InvalidFilesConfig::Refused(error.to_string()))
}

fn address(scheme: &str, bucket: &str, prefix: &Path) -> String {
    if prefix.as_ref().is_empty() {
        format!("{scheme}://{bucket}")
    } else {
        format!("{scheme}://{bucket}/{prefix}")
    }
}
