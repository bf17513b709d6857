//! Mails: an outbox in the caller's transaction, templates, and transports.
//!
//! A domain calls [`enqueue`] in its own transaction. The outbox keeps the template's name and parameters; links and
//! codes are sealed with the master key; a body is never stored, except by the development mailbox. The job
//! `mail.send` opens, fills and sends. Invariants:
//!
//! - A mail exists if and only if its transaction has committed, and no crash loses it.
//! - SMTP knows no "exactly once": a mail is sent at least once, always with the same `Message-ID` and `Date`.
//! - What a mail held is erased when it is sent or has failed for good.
//! - The log says requested, sent or failed, and never to whom.
//!
//! Reading order: [`model`], `store`, [`service`], [`port`], [`adapters`], [`templates`], `jobs`, `http`.

pub mod adapters;
pub mod config;
mod jobs;
pub mod model;
pub mod port;
pub mod service;
mod store;
pub mod templates;

pub use config::MailConfig;
pub use model::{MailId, NewMail};
pub use service::{enqueue, forget};

/// The outbox's migrations, in order.
pub static MIGRATIONS: &[quoin_db::Migration] = &[quoin_db::Migration {
    module: "mail",
    name: "0001_outbox",
    sql: include_str!("../migrations/0001_outbox.sql"),
    postgres: None,
}];

/// Every statement of this room.
pub static STATEMENTS: &[&[&quoin_db::Statement]] = &[store::mailbox_global::ALL, store::outbox_global::ALL];
