//! One append-only trail over everything: who did what, to what, for which organisation, from where.
//!
//! Every domain calls [`record`] in the transaction that does the thing, so that there is no deed without an entry and
//! no entry without a deed. Triggers refuse to change or remove entries on both engines. [`list`] serves three views:
//! the platform's, a person's and an organisation's.
//!
//! Reading order: [`model`] (entry, actor, filter), `store` (one table), [`service`] (the two verbs), `http`.

mod http;
pub mod model;
pub mod service;
mod store;

pub use model::{Actor, Entry, EntryId, Filter, FilterIn};
pub use service::{Recorded, list, record};

/// Describes this room to `server`.
pub fn module(app: &quoin_web::App) -> quoin_web::Module {
    quoin_web::Module { ..quoin_web::Module::new("audit", http::routes(app.clone())) }
}

/// The trail's migrations, in order.
pub static MIGRATIONS: &[quoin_db::Migration] =
    quoin_db::migrations!("audit", "0001_entries", "0002_append_only" and "0002_append_only.postgres");

/// Every statement of this room.
pub static STATEMENTS: &[&[&quoin_db::Statement]] = &[store::entries_global::ALL];

#[cfg(test)]
mod tests;
