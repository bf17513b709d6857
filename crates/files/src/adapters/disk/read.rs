//! Reading a file in pieces. What the page cache holds is read where it is asked for; only what must be waited for goes
//! to another thread (docs/adr/0007).

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream;
#[cfg(target_os = "linux")]
use rustix::{
    fs::{CWD, Mode, OFlags, ResolveFlags, openat2},
    io::{ReadWriteFlags, preadv2},
};

use super::blocking;
use crate::port::{ByteStream, StoreError};

/// The largest piece: a reader that is slow holds this much memory.
const PIECE_BYTES: u64 = 256 * 1024;

/// Opens a range of a file as a stream.
pub(super) async fn open(path: PathBuf, range: Range<u64>) -> Result<ByteStream, StoreError> {
    let file = match open_if_cached(&path) {
        Some(file) => file,
        None => blocking(move || File::open(path)).await?,
    };
    let (file, whole) = (Arc::new(file), range.end - range.start);
    let pieces = stream::try_unfold((file, range), move |(file, range)| async move {
        if range.start >= range.end {
            return Ok(None);
        }
        let length = usize::try_from(PIECE_BYTES.min(range.end - range.start)).unwrap_or(usize::MAX);
        let piece = read(&file, range.start, length).await?;
        if piece.is_empty() {
            return Err(StoreError::Short { got: whole - (range.end - range.start), expected: whole });
        }
        let next = range.start + piece.len() as u64;
        Ok(Some((piece, (file, next..range.end))))
    });
    Ok(Box::pin(pieces))
}

/// Opens a file unless that would have to wait for the disk.
#[cfg(target_os = "linux")]
fn open_if_cached(path: &std::path::Path) -> Option<File> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    openat2(CWD, path, flags, Mode::empty(), ResolveFlags::CACHED).ok().map(File::from)
}

async fn read(file: &Arc<File>, at: u64, length: usize) -> Result<Bytes, StoreError> {
    let mut buffer = vec![0; length];
    if let Some(count) = read_if_cached(file, at, &mut buffer) {
        buffer.truncate(count);
        return Ok(buffer.into());
    }
    let file = Arc::clone(file);
    blocking(move || {
        let count = loop {
            match file.read_at(&mut buffer, at) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => break read?,
            }
        };
        buffer.truncate(count);
        Ok(buffer.into())
    })
    .await
}

/// Other systems do not say what would have to wait.
#[cfg(not(target_os = "linux"))]
fn open_if_cached(_path: &std::path::Path) -> Option<File> {
    None
}

/// Reads what is there without waiting; `None` where nothing is, or where the system knows no such call.
#[cfg(target_os = "linux")]
fn read_if_cached(file: &File, at: u64, buffer: &mut [u8]) -> Option<usize> {
    let read = preadv2(file, &mut [io::IoSliceMut::new(buffer)], at, ReadWriteFlags::NOWAIT);
    // An end that comes early is found again, and reported, by the read that waits.
    read.ok().filter(|count| *count > 0)
}

/// Other systems do not say what would have to wait.
#[cfg(not(target_os = "linux"))]
fn read_if_cached(_file: &File, _at: u64, _buffer: &mut [u8]) -> Option<usize> {
    None
}
