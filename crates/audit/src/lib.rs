//! One append-only trail over everything: who did what, to what, for which organisation, from where.
//!
//! Every domain calls [`record`] in the transaction that does the thing, so that there is no deed without an entry and
//! no entry without a deed. Triggers refuse to change entries on both engines, and to
//! remove any that no purge has named: a purge takes entries of a certain age, and leaves a row of its own for ever. [`list`] serves three views:
//! the platform's, a person's and an organisation's.
//!
//! Reading order: [`model`] (entry, actor, filter), `store`, [`service`] (record, list, purge), `jobs`, `http`.

pub mod config;
mod http;
mod jobs;
pub mod model;
pub mod service;
mod store;

pub use config::AuditConfig;
pub use model::{Actor, Entry, EntryId, Filter, FilterIn};
pub use service::{Recorded, list, purge, record};

/// Describes this room to `server`.
pub fn module(app: &quoin_web::App, config: &AuditConfig) -> quoin_web::Module {
    quoin_web::Module {
        jobs: jobs::types(app, config),
        schedules: jobs::schedules(config),
        ..quoin_web::Module::new("audit", http::routes(app.clone()))
    }
}

/// The trail's migrations, in order.
pub static MIGRATIONS: &[quoin_db::Migration] = quoin_db::migrations!("audit",
        "0001_entries", "0002_append_only" and "0002_append_only.postgres", "0003_retention" and "0003_retention.postgres");

/// Every statement of this room.
pub static STATEMENTS: &[&[&quoin_db::Statement]] = &[store::entries_global::ALL, store::purges_global::ALL];

#[cfg(test)]
mod tests;
