//! Files: buckets, objects, and the stores that keep their bytes.
//!
//! A *bucket* is a shelf with rules. An *object* is a name in a bucket that belongs to an organisation, a person or the
//! instance; its bytes are a *version*, kept in a *store* under a key that is used once. An *intent* says that something
//! is in a store without being an object. Invariants:
//!
//! - Intent, write, settle: the intent is committed before the first byte, the object's row only once the store has
//!   said that the bytes are safe, in the transaction that ends the intent. So after any crash each key in a store is
//!   named by an object or by an intent, and a sweep removes what the intents name.
//! - Bytes never change under a key. A reader gets one version, whatever happens meanwhile.
//! - Counters change in the transaction that changes what they count. What is announced counts before it comes.
//! - Names never become paths. Another owner's object is answered like one that does not exist.
//!
//! [`service::store_object::store_object`] is the one way in for bytes, [`service::read_object::read_object`] the one
//! way out.
//!
//! Reading order: [`model`], [`port`], `store`, [`service`], `http`, [`adapters`].

pub mod adapters;
pub mod config;
pub mod error;
mod http;
pub mod images;
mod jobs;
pub mod model;
pub mod port;
pub mod scan;
pub mod service;
mod store;

pub use config::{FilesConfig, InvalidFilesConfig};
pub use error::FilesError;
pub use jobs::subscriptions;
pub use service::{Files, Guests, Stores};

use quoin_web::Module;

/// This room's migrations, in order.
pub static MIGRATIONS: &[quoin_db::Migration] = quoin_db::migrations!(
    "files",
    "0001_buckets",
    "0002_objects",
    "0003_usage",
    "0004_uploads",
    "0005_resumable",
    "0006_renditions",
    "0007_reserved"
);

/// Every statement of this room.
pub static STATEMENTS: &[&[&quoin_db::Statement]] = &[
    store::buckets_global::ALL,
    store::intents_global::ALL,
    store::listing::ALL,
    store::objects::ALL,
    store::objects_global::ALL,
    store::renditions::ALL,
    store::resumable::ALL,
    store::uploads::ALL,
    store::usage::ALL,
];

/// Describes this room to `server`.
pub fn module(files: &Files) -> Module {
    Module {
        jobs: jobs::types(files),
        schedules: jobs::schedules(),
        ..Module::new("files", http::routes(files.clone()))
    }
}

#[cfg(test)]
mod tests;
