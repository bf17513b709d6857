//! Cleaning the outbox.

use std::time::Duration;

use quoin_db::{Db, DbError};
use quoin_kernel::Timestamp;

use crate::store::outbox_global;

/// How long a mail may wait; longer than all tries of its job take.
const GIVE_UP_AFTER: Duration = Duration::from_hours(72);
/// How long the row of a mail that has ended, which holds nothing personal, is kept.
const KEEP_ENDED: Duration = Duration::from_hours(168);

/// Erases what mails without a job held, and removes rows of mails that ended a week ago.
pub(crate) async fn purge(db: &Db, now: Timestamp) -> Result<(), DbError> {
    db.write("mail.purge", move |tx| {
        outbox_global::give_up(tx, now - GIVE_UP_AFTER, now)?;
        outbox_global::purge(tx, now - KEEP_ENDED).map(|_| ())
    })
    .await
}
