//! What domains call inside their own transactions.

use quoin_db::{DbError, Tx};
use quoin_kernel::{EmailAddress, OrgId, Timestamp};

use crate::model::NewMail;
use crate::store::{mailbox_global, outbox_global};

/// Asks for a mail in the caller's transaction: it will be sent if and only if that transaction commits.
pub fn enqueue(tx: &mut Tx<'_>, mail: &NewMail) -> Result<(), DbError> {
    outbox_global::insert(tx, mail)?;
    quoin_jobs::enqueue(tx, &mail.job)?;
    tracing::info!(mail = %mail.id, template = mail.template, "mail requested");
    Ok(())
}

/// Gives up mails of one template that wait for an address, with an organisation only its own; for the erasure of somebody
/// who has not proved that the address is theirs, to whom mails of other templates are none of their business.
pub fn forget_template(
    tx: &mut Tx<'_>,
    org_id: Option<OrgId>,
    (address, template): (&EmailAddress, &str),
    now: Timestamp,
) -> Result<u64, DbError> {
    outbox_global::forget_template(tx, org_id, (address, template), now)
}

/// Gives up mails that wait for `address` and erases what they held, and those that the development mailbox has
/// captured; for the erasure of a person. With an organisation only its own mails, where an address is somebody else's
/// elsewhere; the mailbox knows no organisations.
pub fn forget(
    tx: &mut Tx<'_>,
    org_id: Option<OrgId>,
    address: &EmailAddress,
    now: Timestamp,
) -> Result<u64, DbError> {
    mailbox_global::forget(tx, address)?;
    match org_id {
        Some(org_id) => outbox_global::forget_in_org(tx, org_id, address, now),
        None => outbox_global::forget(tx, address, now),
    }
}
