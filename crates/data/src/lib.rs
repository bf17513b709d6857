//! The Database API: PostgREST's contract on the users' own tables, under row policies, the same on both engines.
//!
//! Users write PostgreSQL's language. On PostgreSQL their migrations run as they stand and the server itself applies
//! their policies; on SQLite migrations become STRICT tables and documents, and policies are compiled into every
//! statement. Tables, expressions, policies and the [`quoin_policy::model::requester::Requester`] in whose name a request
//! runs are `quoin_policy`'s; migrations, queries and the catalogue's upkeep are this room's.
//!
//! Invariants: values reach SQL as parameters only, names come from the catalogue only; a table without row level
//! security does not exist for anybody but the platform; an unknown field is refused alike whether hidden or absent.
//!
//! Reading order: [`model`], [`compile`], [`render`], `store`, [`service`], `http`.

pub mod compile;
pub mod config;
pub mod error;
mod http;
mod jobs;
pub mod model;
pub mod render;
pub mod service;
mod store;

use quoin_db::Migration;
use quoin_web::Module;

pub use config::DataConfig;
pub use error::DataError;
pub use jobs::FORGET_ORG;
pub use model::migration::{AppliedMigration, UserMigration};
pub use service::Data;

/// The room's own tables.
pub static MIGRATIONS: &[Migration] = quoin_db::migrations!("data", "0001_schema");

/// Every statement of this room that is not built while running.
pub static STATEMENTS: &[&[&quoin_db::Statement]] = &[store::ledger::ALL, store::documents::ALL];

/// Describes the room to `server`, which must call [`Data::prepare`] before the first request.
pub fn module(data: &Data) -> Module {
    Module { jobs: jobs::types(data), ..Module::new("data", http::routes(data.clone())) }
}

#[cfg(test)]
mod tests;
