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
//! - Every mail exists in every language that the pages have, from one file of words each.
//!
//! Reading order: [`model`], `store`, [`service`], [`port`], [`adapters`], [`templates`], `jobs`, `http`.

pub mod adapters;
mod brand;
pub mod config;
mod error;
mod http;
mod jobs;
pub mod model;
pub mod port;
pub mod service;
mod store;
pub mod templates;

pub use brand::Brand;
pub use config::MailConfig;
pub use error::MailSetupError;
pub use model::{MailId, NewMail};
pub use service::{Deliverer, enqueue, forget, forget_template};

use std::sync::Arc;

use quoin_web::{App, Mode, Module};

use adapters::{MailboxTransport, Nowhere, SmtpTransport};
use port::Transport;
use templates::Templates;

/// Reads the templates and chooses the transport: SMTP where `mail.smtp_url` is set; else the mailbox in development,
/// and none in production, where mails then wait.
///
/// # Errors
/// A section that cannot be used, or a template that cannot be read.
pub fn open(app: &App, config: &MailConfig, brand: Brand) -> Result<Deliverer, MailSetupError> {
    let transport: Arc<dyn Transport> = match (&config.smtp_url, app.config().mode) {
        (Some(url), _) => {
            let ca = config
                .smtp_ca_file
                .as_deref()
                .map(std::fs::read)
                .transpose()
                .map_err(MailSetupError::CaFile)?;
            Arc::new(SmtpTransport::new(url, ca.as_deref())?)
        }
        (None, Mode::Development) => Arc::new(MailboxTransport::new(app.db().system().clone())),
        (None, Mode::Production) => Arc::new(Nowhere),
    };
    let product = config.product_name.clone().unwrap_or(brand.product);
    let brand = Brand { product, ..brand };
    let templates = Templates::load(&brand, app.config().language, config.templates_dir.as_deref())?;
    let keep_ended = config.keep_ended();
    Ok(Deliverer { app: app.clone(), templates, from: config.sender()?, transport, keep_ended })
}

/// Describes this room to `server`.
pub fn module(deliverer: Deliverer) -> Module {
    let deliverer = Arc::new(deliverer);
    Module {
        jobs: jobs::types(&deliverer),
        schedules: jobs::schedules(),
        ..Module::new("mail", http::routes(&deliverer.app))
    }
}

/// The outbox's migrations, in order.
pub static MIGRATIONS: &[quoin_db::Migration] = quoin_db::migrations!("mail", "0001_outbox");

/// Every statement of this room.
pub static STATEMENTS: &[&[&quoin_db::Statement]] = &[store::mailbox_global::ALL, store::outbox_global::ALL];

#[cfg(test)]
mod tests;
