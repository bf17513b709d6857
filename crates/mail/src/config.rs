//! The section `[mail]` of the configuration.

use std::path::PathBuf;

use quoin_kernel::Secret;
use serde::Deserialize;

use crate::model::{InvalidSender, Sender};

/// Who mails are from and how they leave.
#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MailConfig {
    /// `address` or `Name <address>`.
    pub from: String,
    /// The product's name, as mails show it.
    pub product_name: String,
    /// `smtps://user:password@host:465`, or `smtp://…:587`, which demands STARTTLS.
    pub smtp_url: Option<Secret<String>>,
    /// A file with one more certificate authority for the SMTP server, in PEM form.
    pub smtp_ca_file: Option<PathBuf>,
    /// A directory whose files replace templates of the same name, for example `en/identity.confirm.html`.
    pub templates_dir: Option<PathBuf>,
}

impl Default for MailConfig {
    fn default() -> Self {
        Self {
            from: "Quoin <no-reply@localhost>".into(),
            product_name: "Quoin".into(),
            smtp_url: None,
            smtp_ca_file: None,
            templates_dir: None,
        }
    }
}

impl MailConfig {
    /// Reads `from`.
    pub(crate) fn sender(&self) -> Result<Sender, InvalidSender> {
        self.from.parse()
    }
}
