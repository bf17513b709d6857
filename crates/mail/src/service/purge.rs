//! Cleaning the outbox.

use std::time::Duration;

use quoin_db::{Db, DbError};
use quoin_kernel::Timestamp;

use crate::store::outbox_global;

/// How long a mail may wait; longer than all tries of its job take.
const GIVE_UP_AFTER: Duration = Duration::from_hours(72);
/// Erases what mails without a job held, and removes rows of mails that ended longer ago than they are kept.
pub(crate) async fn purge(db: &Db, keep_ended: Duration, now: Timestamp) -> Result<(), DbError> {
    db.write("mail.purge", move |tx| {
        outbox_global::give_up(tx, now - GIVE_UP_AFTER, now)?;
        outbox_global::purge(tx, now - keep_ended).map(|_| ())
    })
    .await
}
