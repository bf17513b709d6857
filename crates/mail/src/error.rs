//! Why mail cannot be set up. Found at start.

use crate::adapters::InvalidSmtpUrl;
use crate::model::InvalidSender;
use crate::templates::TemplateError;

/// A configuration that no mail can be sent with.
#[derive(Debug, thiserror::Error)]
pub enum MailSetupError {
    /// The sender is no address.
    #[error("mail.from cannot be used")]
    From(#[from] InvalidSender),
    /// The server's URL cannot be used.
    #[error(transparent)]
    SmtpUrl(#[from] InvalidSmtpUrl),
    /// The file with the certificate authority cannot be read.
    #[error("mail.smtp_ca_file cannot be read")]
    CaFile(#[source] std::io::Error),
    /// A template cannot be read.
    #[error(transparent)]
    Template(#[from] TemplateError),
}
