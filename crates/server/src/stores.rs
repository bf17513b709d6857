//! Which stores keep files: resolved here and nowhere else.

use std::sync::Arc;

use quoin_engine_image::{Engine, Limits};
use quoin_files::adapters::{Cloud, Disk};
use quoin_files::model::StoreKind;
use quoin_files::port::ObjectStore;
use quoin_files::scan::Scanner;
use quoin_files::service::render::Images;
use quoin_files::{Files, FilesConfig, Guests, InvalidFilesConfig, Stores};
use quoin_policy::port::Catalogues;
use quoin_web::App;

use crate::boot::CannotStart;
use crate::data_dir::DataDir;

/// Opens the room of files with the store that the configuration names, and every other one that it describes.
pub(crate) fn open_files(
    app: &App,
    config: &FilesConfig,
    data_dir: &DataDir,
    catalogues: Arc<dyn Catalogues>,
) -> Result<Files, CannotStart> {
    let setting = |error: InvalidFilesConfig| CannotStart::Setting(error.to_string());
    let mut stores = Stores::new(open(config.store, config, data_dir).map_err(setting)?);
    let is_described = |kind: StoreKind| match kind {
        StoreKind::Disk => directory(config, data_dir).exists(),
        StoreKind::S3 => config.s3.bucket.is_some(),
        StoreKind::Gcs => config.gcs.bucket.is_some(),
    };
    for kind in [StoreKind::Disk, StoreKind::S3, StoreKind::Gcs] {
        if kind != config.store && is_described(kind) {
            stores = stores.and(open(kind, config, data_dir).map_err(setting)?);
        }
    }
    let limits = Limits {
        max_pixels: config.image_max_pixels,
        threads: config.image_threads,
        queue: config.image_queue,
    };
    let engine = Engine::start(limits)
        .map_err(|error| CannotStart::Setting(format!("no thread could be started for pictures: {error}")))?;
    let images = Some(Images::new(Arc::new(engine)));
    let clamd = config.scanner().map_err(setting)?;
    let scanners = clamd.map(|clamd| Arc::new(clamd) as Arc<dyn Scanner>).into_iter().collect();
    let guests = Guests { catalogues: Some(catalogues), images, scanners };
    Ok(Files::with(app.clone(), config.clone(), stores, guests))
}

fn open(
    kind: StoreKind,
    config: &FilesConfig,
    data_dir: &DataDir,
) -> Result<Arc<dyn ObjectStore>, InvalidFilesConfig> {
    Ok(match kind {
        StoreKind::Disk => {
            let path = directory(config, data_dir);
            Arc::new(Disk::open(&path).map_err(|source| InvalidFilesConfig::Directory { path, source })?)
        }
        StoreKind::S3 => Arc::new(Cloud::s3(&config.s3)?),
        StoreKind::Gcs => Arc::new(Cloud::gcs(&config.gcs)?),
    })
}

fn directory(config: &FilesConfig, data_dir: &DataDir) -> std::path::PathBuf {
    config.directory.clone().unwrap_or_else(|| data_dir.file("files"))
}
