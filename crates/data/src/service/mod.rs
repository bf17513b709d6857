//! What the Database API does, one file for each use case. A service owns its transaction.

pub mod catalogue_cache;
pub mod change_rows;
mod count_rows;
pub mod describe;
mod forget_org;
pub mod insert_rows;
pub mod migrate;
pub mod read_rows;
mod request;
mod upsert_on_sqlite;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use quoin_db::{Db, Engine};
use quoin_kernel::Problem;
use quoin_kernel::port::BoxFuture;
use quoin_web::{App, ExposedView, FromRef};
use uuid::Uuid;

use self::catalogue_cache::CatalogueCache;
pub use self::request::{Answer, BodyFormat, RowsRequest};
use crate::config::DataConfig;
use crate::error::DataError;
use quoin_policy::catalogue::{Catalogue, TableEntry};
use quoin_policy::model::requester::{RequestRole, Requester};
use quoin_policy::port::Catalogues;
use quoin_policy::session;

/// The Database API; cloning shares it.
#[derive(Clone)]
pub struct Data(Arc<Inner>);

struct Inner {
    app: App,
    config: DataConfig,
    cache: CatalogueCache,
    owner_serves: AtomicBool,
}

impl FromRef<Data> for App {
    fn from_ref(data: &Data) -> Self {
        data.0.app.clone()
    }
}

impl Catalogues for Data {
    fn catalogue(&self) -> BoxFuture<'_, Result<Arc<Catalogue>, Problem>> {
        Box::pin(async { Ok(self.cache().current(self.db()).await?) })
    }
}

impl Data {
    /// Gathers what the API needs; `views` are the read-only views of other rooms.
    pub fn new(app: App, config: DataConfig, views: Vec<ExposedView>) -> Self {
        let cache = CatalogueCache::new(views);
        Self(Arc::new(Inner { app, config, cache, owner_serves: AtomicBool::new(false) }))
    }

    /// Makes what requests need in the database: roles, functions, rights. To be called before the first request.
    ///
    /// # Errors
    /// Where the database refuses, for example because its user may not create roles.
    pub async fn prepare(&self) -> Result<(), Problem> {
        let prepared: Result<(), DataError> =
            self.db().write("data.session.prepare", |tx| Ok(session::prepare(tx)?)).await;
        prepared?;
        // Roles belong to the whole server: one that another database's start made meanwhile is seen from the next
        // transaction on.
        let owner_serves: Result<bool, DataError> =
            self.db().read("data.session.owner_serves", |tx| Ok(session::owner_serves(tx)?)).await;
        self.0.owner_serves.store(owner_serves?, Ordering::Relaxed);
        self.0.cache.reload(self.db()).await?;
        Ok(())
    }

    /// The database of the users' tables.
    pub(crate) fn db(&self) -> &Db {
        self.0.app.db().app(None)
    }

    pub(crate) fn engine(&self) -> Engine {
        self.db().engine()
    }

    pub(crate) fn app(&self) -> &App {
        &self.0.app
    }

    pub(crate) fn config(&self) -> &DataConfig {
        &self.0.config
    }

    pub(crate) fn cache(&self) -> &CatalogueCache {
        &self.0.cache
    }

    /// Tells whether a request on this table stays in Quoin's own role.
    pub(crate) fn as_owner(&self, requester: &Requester, entry: &TableEntry) -> bool {
        let serves = requester.role == RequestRole::Service && self.0.owner_serves.load(Ordering::Relaxed);
        serves || entry.view.is_some()
    }

    /// Makes a random UUID (version 4), as `gen_random_uuid()` does.
    pub(crate) fn random_uuid(&self) -> Uuid {
        let mut bytes = [0_u8; 16];
        self.0.app.rng().fill(&mut bytes);
        uuid::Builder::from_random_bytes(bytes).into_uuid()
    }

    /// Speaks for the platform, as migrations do.
    pub(crate) fn platform(&self) -> Requester {
        Requester::platform(self.0.app.now())
    }
}
