//! The transports: SMTP, the development mailbox, and none.

mod mailbox;
mod nowhere;
mod smtp;
mod smtp_url;

pub use mailbox::MailboxTransport;
pub use nowhere::Nowhere;
pub use smtp::{InvalidSmtpUrl, SmtpTransport};

#[cfg(test)]
mod tests;
