//! The section `[mail]` of the configuration.

use std::path::PathBuf;
use std::time::Duration;

use quoin_kernel::Secret;
use serde::Deserialize;

use crate::model::{InvalidSender, Sender};

/// Who mails are from and how they leave.
#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MailConfig {
    /// `address` or `Name <address>`.
    pub from: String,
    /// The product's name, as mails show it; `pages.name` by default.
    pub product_name: Option<String>,
    /// `smtps://user:password@host:465`, or `smtp://…:587`, which demands STARTTLS.
    pub smtp_url: Option<Secret<String>>,
    /// A file with one more certificate authority for the SMTP server, in PEM form.
    pub smtp_ca_file: Option<PathBuf>,
    /// How many days the row of a mail that was sent or has failed, which holds nothing personal, is kept; 1 to 3650.
    pub keep_ended_days: u32,
    /// A directory whose files replace single texts (`messages/de.toml`), templates (`layout.html`, `letter.txt`) or one
    /// mail in one language (`en/identity.confirm.html`).
    pub templates_dir: Option<PathBuf>,
}

impl Default for MailConfig {
    fn default() -> Self {
        Self {
            from: "Quoin <no-reply@localhost>".into(),
            product_name: None,
            smtp_url: None,
            smtp_ca_file: None,
            keep_ended_days: 7,
            templates_dir: None,
        }
    }
}

impl MailConfig {
    /// Says what is wrong with the section, if anything is.
    pub fn validate(&self) -> Result<(), String> {
        if (1..=3650).contains(&self.keep_ended_days) {
            return Ok(());
        }
        Err("mail.keep_ended_days must be between 1 and 3650".into())
    }

    /// How long the row of a mail that has ended is kept.
    pub(crate) fn keep_ended(&self) -> Duration {
        Duration::from_hours(24 * u64::from(self.keep_ended_days))
    }

    /// Reads `from`.
    pub(crate) fn sender(&self) -> Result<Sender, InvalidSender> {
        self.from.parse()
    }
}
