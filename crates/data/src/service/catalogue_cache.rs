//! The catalogue in memory, and how it notices that the schema has changed: by its own migrations at once, by those of
//! other nodes and by PostgreSQL's own tools within a second.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Instant;

use quoin_db::{Db, DbError, Engine, Tx};
use quoin_kernel::Problem;
use quoin_web::ExposedView;

use crate::error::DataError;
use crate::store::{catalogue_postgres, documents, ledger};
use quoin_policy::catalogue::{Catalogue, ViewSource};
use quoin_policy::model::logical_type::LogicalType;
use quoin_policy::model::table::{Column, Schema, Table};

/// How long a catalogue is believed before the database is asked, in milliseconds.
const BELIEVED_MS: u64 = 1000;

/// Keeps the present catalogue.
pub struct CatalogueCache {
    present: RwLock<Arc<Catalogue>>,
    started: Instant,
    /// When the database was last asked, in milliseconds since `started`; 0 is never.
    asked_ms: AtomicU64,
    views: Vec<ExposedView>,
}

impl CatalogueCache {
    /// Starts empty.
    pub fn new(views: Vec<ExposedView>) -> Self {
        Self {
            present: RwLock::new(Arc::new(Catalogue::default())),
            started: Instant::now(),
            asked_ms: AtomicU64::new(0),
            views,
        }
    }

    /// Returns the catalogue, read anew if the database says that it has changed.
    ///
    /// # Errors
    /// Where the database cannot be asked.
    pub async fn current(&self, db: &Db) -> Result<Arc<Catalogue>, DataError> {
        let now_ms = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX).max(1);
        let asked_ms = self.asked_ms.load(Ordering::Acquire);
        let never = asked_ms == 0;
        if !never && now_ms.saturating_sub(asked_ms) < BELIEVED_MS {
            return Ok(self.present());
        }
        // One request asks; the others go on with what is there, unless nothing is.
        let chosen =
            self.asked_ms.compare_exchange(asked_ms, now_ms, Ordering::AcqRel, Ordering::Acquire).is_ok();
        if !chosen && !never {
            return Ok(self.present());
        }
        let known = self.present().fingerprint.clone();
        let found: Result<String, DbError> = db.read("data.catalogue.fingerprint", fingerprint).await;
        match found {
            Ok(found) if found == known && !never => Ok(self.present()),
            Ok(_) => self.reload(db).await,
            Err(error) => {
                self.forget();
                Err(error.into())
            }
        }
    }

    /// Reads the catalogue.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn reload(&self, db: &Db) -> Result<Arc<Catalogue>, DataError> {
        let (schema, fingerprint): (Schema, String) =
            db.read("data.catalogue.load", |tx| Ok::<_, DbError>((load(tx)?, fingerprint(tx)?))).await?;
        let catalogue = Arc::new(self.compile(schema, fingerprint, db.engine())?);
        *self.present.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&catalogue);
        let now_ms = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX).max(1);
        self.asked_ms.store(now_ms, Ordering::Release);
        Ok(catalogue)
    }

    /// Makes the next request ask the database.
    pub fn forget(&self) {
        self.asked_ms.store(0, Ordering::Release);
    }

    /// Compiles a schema and adds the views.
    pub(crate) fn compile(
        &self,
        schema: Schema,
        fingerprint: String,
        engine: Engine,
    ) -> Result<Catalogue, DataError> {
        let by_bytes = engine == Engine::Sqlite || catalogue_postgres::orders_by_bytes(&fingerprint);
        // PostgreSQL applies its own policies and defaults, and prints them in ways that need not be read here.
        let native = engine == Engine::Postgres;
        let mut catalogue = Catalogue::compile(schema, fingerprint, by_bytes, native)
            .map_err(|refusal| DataError::Problem(Problem::internal(refusal)))?;
        for view in &self.views {
            catalogue.expose(view_table(view), ViewSource { select: view.select });
        }
        Ok(catalogue)
    }

    fn present(&self) -> Arc<Catalogue> {
        Arc::clone(&self.present.read().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Reads the users' tables inside a transaction.
pub(crate) fn load(tx: &mut Tx<'_>) -> Result<Schema, DbError> {
    match tx.engine() {
        Engine::Sqlite => documents::load(tx),
        Engine::Postgres => {
            let mut schema = catalogue_postgres::load(tx)?;
            documents::load_objects(tx, &mut schema)?;
            Ok(schema)
        }
    }
}

fn fingerprint(tx: &mut Tx<'_>) -> Result<String, DbError> {
    let version = ledger::version(tx)?;
    Ok(match tx.engine() {
        Engine::Sqlite => version.to_string(),
        Engine::Postgres => format!("{version}:{}", catalogue_postgres::fingerprint(tx)?),
    })
}

fn view_table(view: &ExposedView) -> Table {
    let mut table = Table::named(view.name);
    table.read_only = true;
    table.row_security = true;
    table.columns = view
        .columns
        .iter()
        .map(|(name, kind)| Column {
            name: (*name).to_owned(),
            kind: logical(*kind),
            nullable: true,
            default: None,
            identity: None,
            comment: None,
        })
        .collect();
    table
}

fn logical(kind: quoin_web::LogicalType) -> LogicalType {
    match kind {
        quoin_web::LogicalType::Id => LogicalType::Uuid,
        quoin_web::LogicalType::Time => LogicalType::TimestampTz,
        quoin_web::LogicalType::Bool => LogicalType::Bool,
        quoin_web::LogicalType::Json => LogicalType::Json,
        quoin_web::LogicalType::Int => LogicalType::BigInt,
        quoin_web::LogicalType::Real => LogicalType::Double,
        quoin_web::LogicalType::Text | quoin_web::LogicalType::Bytes => LogicalType::Text,
    }
}
