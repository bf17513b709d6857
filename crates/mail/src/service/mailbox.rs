//! Reading and emptying the development mailbox.

use quoin_db::{Db, DbError};
use quoin_kernel::EmailAddress;

use crate::model::CapturedMail;
use crate::store::mailbox_global;

/// Lists captured mails, newest first: those to one address, or all.
pub async fn list_mailbox(db: &Db, to: Option<EmailAddress>) -> Result<Vec<CapturedMail>, DbError> {
    db.read("mail.mailbox.list", move |tx| mailbox_global::list(tx, to.as_ref().map(EmailAddress::as_str)))
        .await
}

/// Empties the mailbox.
pub async fn clear_mailbox(db: &Db) -> Result<(), DbError> {
    db.write("mail.mailbox.clear", mailbox_global::clear).await
}
