//! Amazon S3, what speaks its protocol, and Google Cloud Storage, through the `object_store` crate. It signs, retries
//! and parses; what it leaves open is done here: a key is written once, an upload on the store's side is known before
//! its first part, and an answer that ends early is an error.

mod errors;
mod open;
mod presign;
mod write;

use std::ops::Range;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use object_store::aws::AwsCredentialProvider;
use object_store::multipart::MultipartStore;
use object_store::path::Path;
use object_store::signer::{HeaderName, HeaderValue, Method, SignedUrlOptions, Signer};
use object_store::{
    CopyOptions, GetOptions, GetRange, ObjectMeta, ObjectStore as Crate, ObjectStoreExt as _,
};
use quoin_kernel::Timestamp;
use quoin_kernel::port::BoxFuture;

use self::errors::{failed, missing_is_fine};
use crate::model::{StoreKey, StoreKind};
use crate::port::{Announced, ByteStream, Held, Label, ObjectStore, SignedUpload, StoreError, UploadLog};

/// What the crate's stores can do, all of which is needed.
trait Backend: Crate + MultipartStore + Signer {}

impl<T: Crate + MultipartStore + Signer> Backend for T {}

/// A bucket of a cloud, or a prefix in one.
#[derive(Clone)]
pub struct Cloud {
    kind: StoreKind,
    backend: Arc<dyn Backend>,
    prefix: Path,
    address: String,
    /// What URLs are signed with, on S3.
    keys: Option<Keys>,
}

/// The keys of S3, which may be a role's and change.
#[derive(Clone)]
struct Keys {
    credentials: AwsCredentialProvider,
    region: String,
}

/// The most bytes that a cloud copies in one call.
const MAX_COPY_BYTES: u64 = 5 * 1024 * 1024 * 1024;

impl Cloud {
    fn path(&self, key: &StoreKey) -> Path {
        key.as_str().split('/').fold(self.prefix.clone(), Path::join)
    }

    /// Reads a listed path back; `None` for what is not ours.
    fn held(&self, meta: &ObjectMeta) -> Option<Held> {
        let parts: Vec<_> = meta.location.prefix_match(&self.prefix)?.collect();
        let text = parts.iter().map(AsRef::as_ref).collect::<Vec<&str>>().join("/");
        let stored_at = Timestamp::from_micros(meta.last_modified.timestamp_micros());
        Some(Held { key: StoreKey::parse(&text)?, size_bytes: meta.size, stored_at })
    }

    async fn open(&self, key: &StoreKey, range: Range<u64>) -> Result<ByteStream, StoreError> {
        let expected = range.end - range.start;
        let options = GetOptions { range: Some(GetRange::Bounded(range)), ..GetOptions::default() };
        let got = self.backend.get_opts(&self.path(key), options).await.map_err(failed)?;
        let pieces = got.into_stream().map_err(failed);
        // The end is checked here, because a body that is cut may look complete.
        let checked = stream::try_unfold((pieces, 0_u64), move |(mut pieces, got)| async move {
            match pieces.next().await {
                Some(piece) => {
                    let piece = piece?;
                    let got = got + piece.len() as u64;
                    Ok(Some((piece, (pieces, got))))
                }
                None if got == expected => Ok(None),
                None => Err(StoreError::Short { got, expected }),
            }
        });
        Ok(Box::pin(checked))
    }

    /// Signs for S3 by ourselves: the crate signs no `Content-Length`.
    async fn sign_with(
        &self,
        keys: &Keys,
        path: &Path,
        announced: &Announced,
    ) -> Result<SignedUpload, StoreError> {
        let mut headers = vec![
            ("content-type".to_owned(), announced.content_type.clone()),
            ("content-length".to_owned(), announced.size_bytes.to_string()),
        ];
        headers
            .extend(announced.sha256.map(|hash| ("x-amz-checksum-sha256".to_owned(), STANDARD.encode(hash))));
        // The crate knows how the bucket is addressed.
        let mut url =
            self.backend.signed_url(Method::PUT, path, announced.expires_in).await.map_err(failed)?;
        url.set_query(None);
        let credential = keys.credentials.get_credential().await.map_err(failed)?;
        let request = presign::Request {
            method: "PUT",
            url,
            headers: &headers,
            region: &keys.region,
            at: announced.at,
            expires_in_s: announced.expires_in.as_secs(),
        };
        Ok(SignedUpload { url: request.sign(&credential).to_string(), method: "PUT", headers })
    }

    /// Signs for Google, who has a header of his own that binds the size.
    async fn sign_by_crate(&self, path: &Path, announced: &Announced) -> Result<SignedUpload, StoreError> {
        let size = announced.size_bytes;
        let headers = vec![
            ("content-type".to_owned(), announced.content_type.clone()),
            ("x-goog-content-length-range".to_owned(), format!("{size},{size}")),
        ];
        let mut options = SignedUrlOptions::new();
        for (name, value) in &headers {
            let name = HeaderName::from_bytes(name.as_bytes());
            let name = name.map_err(|error| StoreError::Failed(error.into()))?;
            let value = HeaderValue::from_str(value).map_err(|error| StoreError::Failed(error.into()))?;
            options = options.with_signed_header(name, value);
        }
        let signed = self.backend.signed_url_opts(Method::PUT, path, announced.expires_in, &options);
        Ok(SignedUpload { url: signed.await.map_err(failed)?.to_string(), method: "PUT", headers })
    }
}

impl ObjectStore for Cloud {
    fn kind(&self) -> StoreKind {
        self.kind
    }

    fn address(&self) -> &str {
        &self.address
    }

    fn write<'a>(
        &'a self,
        key: &'a StoreKey,
        label: &'a Label,
        bytes: ByteStream,
        log: &'a dyn UploadLog,
    ) -> BoxFuture<'a, Result<u64, StoreError>> {
        Box::pin(write::write(self.backend.as_ref(), self.path(key), label, bytes, log))
    }

    fn read<'a>(
        &'a self,
        key: &'a StoreKey,
        range: Range<u64>,
    ) -> BoxFuture<'a, Result<ByteStream, StoreError>> {
        Box::pin(self.open(key, range))
    }

    fn size<'a>(&'a self, key: &'a StoreKey) -> BoxFuture<'a, Result<u64, StoreError>> {
        Box::pin(async move { Ok(self.backend.head(&self.path(key)).await.map_err(failed)?.size) })
    }

    fn remove<'a>(&'a self, keys: &'a [StoreKey]) -> BoxFuture<'a, Result<(), StoreError>> {
        let paths: Vec<_> = keys.iter().map(|key| Ok(self.path(key))).collect();
        Box::pin(async move {
            let mut removed = self.backend.delete_stream(stream::iter(paths).boxed());
            while let Some(one) = removed.next().await {
                missing_is_fine(one.map(drop))?;
            }
            Ok(())
        })
    }

    fn abandon<'a>(
        &'a self,
        key: &'a StoreKey,
        upload_id: Option<&'a str>,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let path = self.path(key);
            if let Some(id) = upload_id {
                match missing_is_fine(self.backend.abort_multipart(&path, &id.to_owned()).await) {
                    // Some servers say so of an upload that is gone. Where it is not, the object's removal is denied too.
                    Err(StoreError::Denied(error)) => tracing::warn!(%error, "an upload could not be ended"),
                    ended => ended?,
                }
            }
            missing_is_fine(self.backend.delete(&path).await)
        })
    }

    fn copy<'a>(
        &'a self,
        from: &'a StoreKey,
        to: &'a StoreKey,
        size_bytes: u64,
        label: &'a Label,
        log: &'a dyn UploadLog,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            if size_bytes <= MAX_COPY_BYTES {
                let (from, to) = (self.path(from), self.path(to));
                return self.backend.copy_opts(&from, &to, CopyOptions::new()).await.map_err(failed);
            }
            let bytes = self.open(from, 0..size_bytes).await?;
            self.write(to, label, bytes, log).await.map(drop)
        })
    }

    fn list<'a>(
        &'a self,
        after: Option<&'a StoreKey>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<Held>, StoreError>> {
        Box::pin(async move {
            let prefix = Some(&self.prefix).filter(|prefix| !prefix.as_ref().is_empty());
            let listed = match after {
                Some(key) => self.backend.list_with_offset(prefix, &self.path(key)),
                None => self.backend.list(prefix),
            };
            let ours = listed.map_err(failed).try_filter_map(|meta| async move { Ok(self.held(&meta)) });
            ours.take(limit).try_collect().await
        })
    }

    fn sign_upload<'a>(
        &'a self,
        key: &'a StoreKey,
        announced: &'a Announced,
    ) -> BoxFuture<'a, Result<Option<SignedUpload>, StoreError>> {
        Box::pin(async move {
            let path = self.path(key);
            let signed = match &self.keys {
                Some(keys) => self.sign_with(keys, &path, announced).await,
                None => self.sign_by_crate(&path, announced).await,
            };
            signed.map(Some)
        })
    }
}
