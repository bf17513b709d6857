//! Writing a file so that it is there whole or not at all.

use std::fs::{File, OpenOptions};
use std::io::{self, IoSlice, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use futures_util::StreamExt as _;
use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;

use super::{blocking, make_directory, remove_if_there, sync_directory};
use crate::port::{ByteStream, StoreError};

/// How much is collected before the disk is asked to write: a hop to another thread costs as much as writing some KiB.
const BATCH_BYTES: usize = 256 * 1024;

/// A file that is being written; it goes away with the value unless it has been published.
struct Staged {
    path: PathBuf,
    published: bool,
}

impl Drop for Staged {
    fn drop(&mut self) {
        if !self.published
            && let Err(error) = remove_if_there(&self.path)
        {
            tracing::warn!(%error, "a file that was being written is left to the sweep");
        }
    }
}

/// Writes all bytes, then publishes the file, and returns how many there were.
pub(super) async fn write(staged: PathBuf, place: PathBuf, mut bytes: ByteStream) -> Result<u64, StoreError> {
    let mut staged = Staged { path: staged, published: false };
    let mut file = None;
    let mut written = 0;
    loop {
        let batch = next_batch(&mut bytes).await?;
        let length: usize = batch.iter().map(Bytes::len).sum();
        written += length as u64;
        let is_last = length < BATCH_BYTES;
        let (path, place) = (staged.path.clone(), place.clone());
        // The last batch, which is often the only one, is written and published in one go.
        file = blocking(move || {
            let mut file = match file {
                Some(file) => file,
                None => create(&path)?,
            };
            write_all(&mut file, &batch)?;
            if is_last {
                publish(&file, &path, &place)?;
            }
            Ok(Some(file))
        })
        .await?;
        if is_last {
            staged.published = true;
            return Ok(written);
        }
    }
}

/// Collects pieces until they are worth a write, or there are no more.
async fn next_batch(bytes: &mut ByteStream) -> Result<Vec<Bytes>, StoreError> {
    let (mut batch, mut length) = (Vec::new(), 0);
    while length < BATCH_BYTES
        && let Some(piece) = bytes.next().await
    {
        let piece = piece?;
        length += piece.len();
        batch.push(piece);
    }
    Ok(batch)
}

fn create(path: &Path) -> io::Result<File> {
    // A file of this name could only be what an attempt of our own has left.
    OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)
}

fn write_all(file: &mut File, batch: &[Bytes]) -> io::Result<()> {
    let mut slices: Vec<IoSlice<'_>> = batch.iter().map(|piece| IoSlice::new(piece)).collect();
    let mut left = &mut slices[..];
    IoSlice::advance_slices(&mut left, 0);
    while !left.is_empty() {
        match file.write_vectored(left) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => IoSlice::advance_slices(&mut left, count),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Makes a whole file visible under its name, for good.
pub(super) fn publish(file: &File, staged: &Path, place: &Path) -> io::Result<()> {
    file.sync_all()?;
    let folder = place.parent().unwrap_or(Path::new("."));
    match rename_where_nothing_is(staged, place) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            make_directory(folder)?;
            rename_where_nothing_is(staged, place)?;
        }
        renamed => renamed?,
    }
    sync_directory(folder)
}

fn rename_where_nothing_is(from: &Path, to: &Path) -> io::Result<()> {
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        // Network file systems know no such rename; a link fails in the same way where something is.
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {
            std::fs::hard_link(from, to)?;
            remove_if_there(from)
        }
        renamed => Ok(renamed?),
    }
}
