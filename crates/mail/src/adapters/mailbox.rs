//! The development mailbox: keeps mails instead of sending them.

use quoin_db::{Db, DbError};
use quoin_kernel::port::BoxFuture;

use crate::model::{CapturedMail, Message, links_in};
use crate::port::{SendError, Transport};
use crate::store::mailbox_global;

/// Keeps every mail in a table that `GET /admin/v1/mailbox` shows. Only `server` builds it, and only in development.
#[derive(Clone)]
pub struct MailboxTransport {
    db: Db,
}

impl MailboxTransport {
    /// Keeps mails in `db`.
    pub const fn new(db: Db) -> Self {
        Self { db }
    }
}

impl Transport for MailboxTransport {
    fn send<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Result<(), SendError>> {
        let mail = CapturedMail {
            id: message.id,
            to: message.to.to_string(),
            subject: message.subject.clone(),
            text: message.text.clone(),
            html: message.html.clone(),
            links: links_in(&message.text),
            sent_at: message.date,
        };
        Box::pin(async move {
            let kept: Result<(), DbError> =
                self.db.write("mail.mailbox.keep", move |tx| mailbox_global::insert(tx, &mail)).await;
            kept.map_err(|error| SendError::Temporary(Box::new(error)))
        })
    }
}
