//! No transport at all: mails wait in the outbox until one is configured.

use quoin_kernel::port::BoxFuture;

use crate::model::Message;
use crate::port::{SendError, Transport};

/// Refuses every mail for the time being, in production without `mail.smtp_url`.
#[derive(Debug, Clone, Copy)]
pub struct Nowhere;

#[derive(Debug, thiserror::Error)]
#[error("mail.smtp_url is not set, so no mail can be sent")]
struct NotConfigured;

impl Transport for Nowhere {
    fn send<'a>(&'a self, _: &'a Message) -> BoxFuture<'a, Result<(), SendError>> {
        Box::pin(std::future::ready(Err(SendError::Temporary(NotConfigured.into()))))
    }
}
