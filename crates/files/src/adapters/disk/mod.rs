//! A directory of this machine. `objects/` holds what is stored, one file per version, never changed; `staging/` holds
//! what is being written.
//!
//! A write ends with: sync the file, rename it to its place, which fails where something is there already, sync the
//! directory. Only then it is answered. Written by hand rather than through the `object_store` crate, whose local store
//! neither reads from the page cache without a hop to another thread nor writes in pieces of more than one call.

mod read;
mod write;

use std::fs::{File, Metadata};
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use quoin_kernel::Timestamp;
use quoin_kernel::port::BoxFuture;

use crate::model::{StoreKey, StoreKind};
use crate::port::{Announced, ByteStream, Held, Label, ObjectStore, SignedUpload, StoreError, UploadLog};

/// A store in a directory.
#[derive(Debug, Clone)]
pub struct Disk(Arc<Place>);

/// Where things are.
#[derive(Debug)]
struct Place {
    address: String,
    objects: PathBuf,
    staging: PathBuf,
}

impl Disk {
    /// Opens the directory and makes it where it is missing.
    ///
    /// # Errors
    /// What the system says.
    pub fn open(root: &Path) -> io::Result<Self> {
        let address = format!("file://{}", root.display());
        let place = Place { address, objects: root.join("objects"), staging: root.join("staging") };
        for directory in [root, &place.objects, &place.staging] {
            make_directory(directory)?;
        }
        Ok(Self(Arc::new(place)))
    }
}

impl Place {
    /// Keys are made of three plain parts ([`StoreKey::parse`]), so this cannot leave the directory.
    fn object(&self, key: &StoreKey) -> PathBuf {
        self.objects.join(key.as_str())
    }

    fn staged(&self, key: &StoreKey) -> PathBuf {
        self.staging.join(key.as_str().rsplit('/').next().unwrap_or_default())
    }
}

impl ObjectStore for Disk {
    fn kind(&self) -> StoreKind {
        StoreKind::Disk
    }

    fn address(&self) -> &str {
        &self.0.address
    }

    fn write<'a>(
        &'a self,
        key: &'a StoreKey,
        _label: &'a Label,
        bytes: ByteStream,
        _log: &'a dyn UploadLog,
    ) -> BoxFuture<'a, Result<u64, StoreError>> {
        Box::pin(write::write(self.0.staged(key), self.0.object(key), bytes))
    }

    fn read<'a>(
        &'a self,
        key: &'a StoreKey,
        range: Range<u64>,
    ) -> BoxFuture<'a, Result<ByteStream, StoreError>> {
        Box::pin(read::open(self.0.object(key), range))
    }

    fn size<'a>(&'a self, key: &'a StoreKey) -> BoxFuture<'a, Result<u64, StoreError>> {
        let path = self.0.object(key);
        Box::pin(blocking(move || Ok(std::fs::metadata(path)?.len())))
    }

    fn remove<'a>(&'a self, keys: &'a [StoreKey]) -> BoxFuture<'a, Result<(), StoreError>> {
        let paths: Vec<PathBuf> = keys.iter().map(|key| self.0.object(key)).collect();
        Box::pin(blocking(move || paths.iter().try_for_each(|path| remove_if_there(path))))
    }

    fn abandon<'a>(
        &'a self,
        key: &'a StoreKey,
        _upload_id: Option<&'a str>,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        let paths = [self.0.staged(key), self.0.object(key)];
        Box::pin(blocking(move || paths.iter().try_for_each(|path| remove_if_there(path))))
    }

    fn copy<'a>(
        &'a self,
        from: &'a StoreKey,
        to: &'a StoreKey,
        _size_bytes: u64,
        _label: &'a Label,
        _log: &'a dyn UploadLog,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        let (from, staged, to) = (self.0.object(from), self.0.staged(to), self.0.object(to));
        Box::pin(blocking(move || {
            std::fs::copy(&from, &staged)?;
            write::publish(&File::open(&staged)?, &staged, &to)
        }))
    }

    fn list<'a>(
        &'a self,
        after: Option<&'a StoreKey>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<Held>, StoreError>> {
        let (place, after) = (Arc::clone(&self.0), after.cloned());
        Box::pin(blocking(move || list(&place.objects, after.as_ref(), limit)))
    }

    fn sign_upload<'a>(
        &'a self,
        _key: &'a StoreKey,
        _announced: &'a Announced,
    ) -> BoxFuture<'a, Result<Option<SignedUpload>, StoreError>> {
        Box::pin(async { Ok(None) })
    }
}

/// Runs file operations where they may wait.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, StoreError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done.map_err(failed),
        Err(stopped) => Err(StoreError::Failed(Box::new(stopped))),
    }
}

/// Names what the system reports.
fn failed(error: io::Error) -> StoreError {
    match error.kind() {
        io::ErrorKind::NotFound => StoreError::Missing,
        io::ErrorKind::AlreadyExists => StoreError::Taken,
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            StoreError::Full
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            StoreError::Denied(Box::new(error))
        }
        _ => StoreError::Failed(Box::new(error)),
    }
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Makes a directory for its owner alone, with its parents, and syncs each parent that has got a new entry.
fn make_directory(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    match std::fs::DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            make_directory(path.parent().ok_or(error)?)?;
            return make_directory(path);
        }
        made => made?,
    }
    sync_directory(path.parent().unwrap_or(Path::new(".")))
}

fn sync_directory(path: &Path) -> io::Result<()> {
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    File::open(path)?.sync_all()
}

/// Walks `owner/bucket/id` in order, as far as `limit` goes.
fn list(objects: &Path, after: Option<&StoreKey>, limit: usize) -> io::Result<Vec<Held>> {
    let mut held = Vec::new();
    let after = after.map_or("", StoreKey::as_str);
    for owner in names(objects)? {
        for bucket in names(&objects.join(&owner))? {
            let folder = format!("{owner}/{bucket}/");
            // What sorts before the last key of the page before has been listed, unless that key is in this folder.
            if folder.as_str() < after && !after.starts_with(&folder) {
                continue;
            }
            for id in names(&objects.join(&folder))? {
                let Some(key) = StoreKey::parse(&format!("{folder}{id}")) else { continue };
                if key.as_str() <= after {
                    continue;
                }
                // A file that goes away meanwhile is none that we hold.
                if let Ok(metadata) = std::fs::metadata(objects.join(key.as_str())) {
                    held.push(Held { key, size_bytes: metadata.len(), stored_at: stored_at(&metadata) });
                }
                if held.len() == limit {
                    return Ok(held);
                }
            }
        }
    }
    Ok(held)
}

/// Returns the entries of a directory in order; nothing where it is gone.
fn names(directory: &Path) -> io::Result<Vec<String>> {
    let entries = match std::fs::read_dir(directory) {
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(Vec::new());
        }
        entries => entries?,
    };
    let mut names = Vec::new();
    for entry in entries {
        names.extend(entry?.file_name().into_string().ok());
    }
    names.sort_unstable();
    Ok(names)
}

fn stored_at(metadata: &Metadata) -> Timestamp {
    let since_epoch = metadata.modified().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
    let micros = since_epoch.and_then(|span| i64::try_from(span.as_micros()).ok());
    Timestamp::from_micros(micros.unwrap_or(0))
}
