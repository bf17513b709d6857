//! A message that is ready to be sent, and one that the development mailbox has captured.

use std::fmt;
use std::str::FromStr;

use quoin_kernel::{EmailAddress, Timestamp};
use serde::Serialize;

use super::MailId;

/// Who a mail is from: an address and the name shown beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sender {
    /// The name, without control characters.
    pub name: Option<String>,
    /// The address.
    pub address: EmailAddress,
}

/// A text that is neither `a@b.example` nor `Name <a@b.example>`.
#[derive(Debug, thiserror::Error)]
#[error("a sender is written as an address or as Name <address>")]
pub struct InvalidSender;

impl FromStr for Sender {
    type Err = InvalidSender;

    fn from_str(text: &str) -> Result<Self, InvalidSender> {
        let text = text.trim();
        let (name, address) = match text.strip_suffix('>').and_then(|rest| rest.rsplit_once('<')) {
            Some((name, address)) => (name.trim().trim_matches('"'), address),
            None => ("", text),
        };
        if name.chars().any(char::is_control) {
            return Err(InvalidSender);
        }
        let address = address.parse().map_err(|_| InvalidSender)?;
        Ok(Self { name: (!name.is_empty()).then(|| name.to_owned()), address })
    }
}

impl fmt::Display for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "{name} <{}>", self.address),
            None => self.address.fmt(f),
        }
    }
}

/// A message with everything filled in. Lives in memory only.
pub struct Message {
    /// The mail it was made from.
    pub id: MailId,
    /// Who it is from.
    pub from: Sender,
    /// Who gets it.
    pub to: EmailAddress,
    /// One line without control characters.
    pub subject: String,
    /// The body for programs and people that show text only.
    pub text: String,
    /// The body with layout.
    pub html: String,
    /// When it was asked for: its `Date`, the same in every try.
    pub date: Timestamp,
}

impl Message {
    /// Returns the `Message-ID`, the same in every try, so that receivers can drop a second copy.
    pub fn message_id(&self) -> String {
        format!("<{}@{}>", self.id, self.from.address.domain())
    }
}

impl fmt::Debug for Message {
    /// Says which mail it is, and nothing of what it holds.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message").field("id", &self.id).finish_non_exhaustive()
    }
}

/// A mail that the development mailbox holds.
#[derive(Debug, Clone, Serialize, schemars::JsonSchema)]
pub struct CapturedMail {
    /// The mail.
    pub id: MailId,
    /// Who would have got it.
    pub to: String,
    /// Its subject.
    pub subject: String,
    /// Its text body.
    pub text: String,
    /// Its HTML body.
    pub html: String,
    /// Every link of the text body, in order: the action comes first.
    pub links: Vec<String>,
    /// When it would have been sent.
    pub sent_at: Timestamp,
}
