//! The verbs. Each file is one; what several need is here.

pub mod buckets;
mod checked;
mod circumstances;
pub mod copy_object;
pub mod delete_objects;
pub mod direct_upload;
pub mod erase;
mod inspect;
mod intent;
pub mod list;
mod list_governed;
pub mod move_object;
pub mod policies;
mod quota;
pub mod read_object;
pub mod relocate;
pub mod render;
pub mod resumable;
mod scan;
pub mod sign;
pub mod store_object;
mod stores;
pub mod sweep;
pub mod usage;
pub mod verify;

pub use circumstances::Circumstances;
pub use stores::Stores;

use std::sync::Arc;

use quoin_db::{Db, Tx};
use quoin_kernel::{Caller, Timestamp};
use quoin_policy::port::Catalogues;
use quoin_web::{App, FromRef};

use self::policies::Policies;
use self::render::Images;
use crate::config::FilesConfig;
use crate::error::FilesError;
use crate::model::ticket::Signer;
use crate::model::{Bucket, BucketId, BucketName, OwnerIn, Requester};
use crate::scan::Scanner;
use crate::store::buckets_global;

/// The room: the app, the stores and the key of signed URLs. Cloning shares it.
#[derive(Clone)]
pub struct Files(Arc<Inner>);

struct Inner {
    app: App,
    config: FilesConfig,
    stores: Stores,
    signer: Signer,
    guests: Guests,
}

/// What other rooms and outbuildings bring; without them there are no policies, no pictures and no scanners.
#[derive(Clone, Default)]
pub struct Guests {
    /// Who knows the users' policies.
    pub catalogues: Option<Arc<dyn Catalogues>>,
    /// What renders pictures.
    pub images: Option<Images>,
    /// What looks at everything that is stored.
    pub scanners: Vec<Arc<dyn Scanner>>,
}

impl Files {
    /// Opens the room.
    pub fn new(app: App, config: FilesConfig, stores: Stores) -> Self {
        Self::with(app, config, stores, Guests::default())
    }

    /// Opens the room with what others bring.
    pub fn with(app: App, config: FilesConfig, stores: Stores, guests: Guests) -> Self {
        let signer = Signer::new(app.master_key());
        Self(Arc::new(Inner { app, config, stores, signer, guests }))
    }

    pub(crate) fn images(&self) -> Option<&Images> {
        self.0.guests.images.as_ref()
    }

    pub(crate) fn guests(&self) -> &Guests {
        &self.0.guests
    }

    /// Lets somebody in, with what policies say to them.
    ///
    /// # Errors
    /// As [`Requester::of`]; but who names another owner is let in as far as policies go.
    pub(crate) async fn admit(
        &self,
        caller: &Caller,
        wish: OwnerIn,
        scope: &'static str,
    ) -> Result<Requester, FilesError> {
        let (mut requester, is_foreign) = match Requester::of(caller, wish, scope) {
            Err(FilesError::NotYours) => (Requester::elsewhere(caller, wish)?, true),
            admitted => (admitted?, false),
        };
        requester.policies = Policies::of(self, caller, is_foreign).await?;
        Ok(requester)
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

/// Finds the name of a bucket that objects are in.
pub(crate) async fn buckets_name(files: &Files, id: BucketId) -> Result<String, FilesError> {
    let found = files.db().read("files.bucket.name", move |tx| buckets_global::find_by_id(tx, id)).await?;
    Ok(found.ok_or(FilesError::NoSuchBucket)?.name.to_string())
}

/// Finds a bucket that must be there.
pub(crate) fn bucket(tx: &mut Tx<'_>, name: &BucketName) -> Result<Bucket, FilesError> {
    buckets_global::find(tx, name)?.ok_or(FilesError::NoSuchBucket)
}
