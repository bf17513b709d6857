//! The nouns: a mail that is asked for, and a message that is ready to be sent.

mod links;
mod message;
mod new_mail;

pub use links::links_in;
pub use message::{CapturedMail, InvalidSender, Message, Sender};
pub(crate) use new_mail::SEALED_FOR;
pub use new_mail::{MailId, MailMessage, NewMail};

#[cfg(test)]
mod tests;
