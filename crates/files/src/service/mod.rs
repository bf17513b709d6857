//! The verbs. Each file is one; what several need is here.

pub mod buckets;
pub mod copy_object;
pub mod delete_objects;
pub mod erase;
mod intent;
pub mod list;
pub mod move_object;
mod quota;
pub mod read_object;
pub mod sign;
pub mod store_object;
mod stores;
pub mod sweep;
pub mod usage;

pub use stores::Stores;

use std::sync::Arc;

use quoin_db::{Db, Tx};
use quoin_kernel::Timestamp;
use quoin_web::{App, FromRef};

use crate::config::FilesConfig;
use crate::error::FilesError;
use crate::model::ticket::Signer;
use crate::model::{Bucket, BucketName};
use crate::store::buckets_global;

/// The room: the app, the stores and the key of signed URLs. Cloning shares it.
#[derive(Clone)]
pub struct Files(Arc<Inner>);

struct Inner {
    app: App,
    config: FilesConfig,
    stores: Stores,
    signer: Signer,
}

impl Files {
    /// Opens the room.
    pub fn new(app: App, config: FilesConfig, stores: Stores) -> Self {
        let signer = Signer::new(app.master_key());
        Self(Arc::new(Inner { app, config, stores, signer }))
    }

    /// Returns the app.
    pub fn app(&self) -> &App {
        &self.0.app
    }

    /// Returns the configuration.
    pub fn config(&self) -> &FilesConfig {
        &self.0.config
    }

    /// Returns the stores.
    pub fn stores(&self) -> &Stores {
        &self.0.stores
    }

    /// Returns what makes and reads tickets.
    pub fn signer(&self) -> &Signer {
        &self.0.signer
    }

    pub(crate) fn db(&self) -> &Db {
        self.0.app.db().system()
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.0.app.now()
    }
}

impl FromRef<Files> for App {
    fn from_ref(files: &Files) -> Self {
        files.0.app.clone()
    }
}

/// Finds a bucket that must be there.
pub(crate) fn bucket(tx: &mut Tx<'_>, name: &BucketName) -> Result<Bucket, FilesError> {
    buckets_global::find(tx, name)?.ok_or(FilesError::NoSuchBucket)
}
