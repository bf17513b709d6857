//! The data directory: made on first use, locked while in use, home of the master key.

use std::fmt::Write as _;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use quoin_kernel::seal::MasterKey;
use quoin_kernel::{Rng, Secret};

/// Opens a file for reading and writing that only its owner may read, made where it is missing.
pub(crate) fn open_private(path: &Path) -> std::io::Result<File> {
    OpenOptions::new().create(true).truncate(false).read(true).write(true).mode(0o600).open(path)
}

/// An opened data directory. Dropping it releases the lock.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    _lock: File,
}

/// Why the data directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DataDirError {
    /// Another process uses it.
    #[error("{0} is in use by another quoin process; stop it first, or name another --data-dir")]
    InUse(PathBuf),
    /// The system refuses something.
    #[error("{what} {path} failed: {source}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The master key is no key.
    #[error("the master key in {0} must be 64 hexadecimal digits")]
    BadMasterKey(String),
}

impl DataDir {
    /// Makes the directory, for its owner alone, and locks it.
    pub fn open(path: &Path) -> Result<Self, DataDirError> {
        let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
        made.map_err(|source| DataDirError::Io { what: "making", path: path.into(), source })?;
        let lock_path = path.join("quoin.lock");
        let lock = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(&lock_path);
        let lock =
            lock.map_err(|source| DataDirError::Io { what: "opening", path: lock_path.clone(), source })?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path: path.into(), _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(DataDirError::InUse(path.into())),
            Err(TryLockError::Error(source)) => {
                Err(DataDirError::Io { what: "locking", path: lock_path, source })
            }
        }
    }

    /// Returns the path of a file in it.
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Returns the path of a file in it that only its owner may read, made empty when missing: SQLite makes its files
    /// for everybody, and gives those beside it the rights of the first.
    pub fn private_file(&self, name: &str) -> Result<PathBuf, DataDirError> {
        let path = self.file(name);
        if !path.exists() {
            write_private(&path, &[])?;
        }
        Ok(path)
    }

    /// Returns the configured master key, else the one in `master.key`, which is made at the first start.
    pub fn master_key(
        &self,
        configured: Option<&Secret<String>>,
        rng: &dyn Rng,
    ) -> Result<MasterKey, DataDirError> {
        if let Some(text) = configured {
            return parse_key(text.expose()).ok_or_else(|| DataDirError::BadMasterKey("master_key".into()));
        }
        let path = self.file("master.key");
        if let Some(text) = read_if_there(&path)? {
            return parse_key(text.trim())
                .ok_or_else(|| DataDirError::BadMasterKey(path.display().to_string()));
        }
        let mut bytes = [0_u8; 32];
        rng.fill(&mut bytes);
        write_private(&path, hex(&bytes).as_bytes())?;
        Ok(MasterKey::new(bytes))
    }
}

/// Writes a file that only its owner may read, and syncs it with its directory.
pub fn write_private(path: &Path, bytes: &[u8]) -> Result<(), DataDirError> {
    let failed = |source| DataDirError::Io { what: "writing", path: path.into(), source };
    let mut file = OpenOptions::new().create_new(true).write(true).mode(0o600).open(path).map_err(failed)?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(failed)?;
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(directory).and_then(|directory| directory.sync_all()).map_err(failed)
}

fn read_if_there(path: &Path) -> Result<Option<String>, DataDirError> {
    let mut text = String::new();
    match File::open(path).and_then(|mut file| file.read_to_string(&mut text)) {
        Ok(_) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(DataDirError::Io { what: "reading", path: path.into(), source }),
    }
}

fn parse_key(text: &str) -> Option<MasterKey> {
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    let mut bytes = [0_u8; 32];
    for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    }
    Some(MasterKey::new(bytes))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing into a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
