//! Mails on their way out.

use quoin_db::{DbError, Row, Tx, params, statements};
use quoin_kernel::{EmailAddress, Language, OrgId, Timestamp};
use serde_json::Value;

use crate::model::{MailId, NewMail};

statements! {
    /// Adds a mail.
    INSERT = "insert into quoin.mail_outbox
        (id, state, template, language, to_address, params, secrets, org_id, requested_at)
        values (?1, 'requested', ?2, ?3, ?4, ?5, ?6, ?7, ?8)";

    /// Finds a mail that has not been sent.
    FIND = "select template, language, to_address, params, secrets, requested_at
        from quoin.mail_outbox where id = ?1 and state = 'requested'";

    /// Notes the end of a mail and erases what it held.
    FINISH = "update quoin.mail_outbox set
            state = ?2, finished_at = ?3, to_address = null, params = null, secrets = null
        where id = ?1 and state = 'requested'";

    /// Gives up mails to one address.
    FORGET = "update quoin.mail_outbox set
            state = 'failed', finished_at = ?2, to_address = null, params = null, secrets = null
        where to_address = ?1";

    /// Gives up mails of one organisation to one address.
    FORGET_IN_ORG = "update quoin.mail_outbox set
            state = 'failed', finished_at = ?2, to_address = null, params = null, secrets = null
        where to_address = ?1 and org_id = ?3";

    /// Gives up mails of one template to one address.
    FORGET_TEMPLATE = "update quoin.mail_outbox set
            state = 'failed', finished_at = ?2, to_address = null, params = null, secrets = null
        where to_address = ?1 and template = ?3";

    /// Gives up mails of one organisation and one template to one address.
    FORGET_TEMPLATE_IN_ORG = "update quoin.mail_outbox set
            state = 'failed', finished_at = ?2, to_address = null, params = null, secrets = null
        where to_address = ?1 and template = ?3 and org_id = ?4";

    /// Gives up mails whose job is gone.
    GIVE_UP = "update quoin.mail_outbox set
            state = 'failed', finished_at = ?2, to_address = null, params = null, secrets = null
        where state = 'requested' and requested_at < ?1";

    /// Removes rows of mails that ended long ago.
    PURGE = "delete from quoin.mail_outbox where finished_at < ?1";
}

/// How BCP 47 writes that a language is not known: the instance's is taken when the mail is written.
const UNDETERMINED: &str = "und";

/// A mail that has not been sent.
pub(crate) struct Requested {
    pub(crate) template: String,
    pub(crate) language: Option<Language>,
    pub(crate) to: String,
    pub(crate) params: Value,
    pub(crate) secrets: Option<Vec<u8>>,
    pub(crate) at: Timestamp,
}

/// How a mail has ended.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Outcome {
    Sent,
    Failed,
}

/// Adds `mail`.
pub(crate) fn insert(tx: &mut Tx<'_>, mail: &NewMail) -> Result<(), DbError> {
    let row = params![
        mail.id,
        mail.template,
        mail.language.map_or(UNDETERMINED, Language::tag),
        &mail.to,
        &mail.params,
        mail.secrets.as_deref(),
        mail.org_id,
        mail.requested_at,
    ];
    tx.execute(&INSERT, &row).map(|_| ())
}

/// Finds a mail that has not been sent; `None` where it has, or has been given up.
pub(crate) fn find(tx: &mut Tx<'_>, id: MailId) -> Result<Option<Requested>, DbError> {
    tx.query_opt(&FIND, &params![id], read)
}

/// Notes how a mail has ended and erases what it held; `false` where it had ended already.
pub(crate) fn finish(tx: &mut Tx<'_>, id: MailId, outcome: Outcome, now: Timestamp) -> Result<bool, DbError> {
    let state = match outcome {
        Outcome::Sent => "sent",
        Outcome::Failed => "failed",
    };
    Ok(tx.execute(&FINISH, &params![id, state, now])? == 1)
}

/// Erases what waits for `address`; returns how many mails that were.
pub(crate) fn forget(tx: &mut Tx<'_>, address: &EmailAddress, now: Timestamp) -> Result<u64, DbError> {
    tx.execute(&FORGET, &params![address, now])
}

/// Gives up one organisation's mails to an address and erases what they held.
pub(crate) fn forget_in_org(
    tx: &mut Tx<'_>,
    org_id: OrgId,
    address: &EmailAddress,
    now: Timestamp,
) -> Result<u64, DbError> {
    tx.execute(&FORGET_IN_ORG, &params![address, now, org_id])
}

/// Gives up mails of one template to an address, of one organisation where one is named, and erases what they held.
pub(crate) fn forget_template(
    tx: &mut Tx<'_>,
    org_id: Option<OrgId>,
    (address, template): (&EmailAddress, &str),
    now: Timestamp,
) -> Result<u64, DbError> {
    match org_id {
        Some(org_id) => tx.execute(&FORGET_TEMPLATE_IN_ORG, &params![address, now, template, org_id]),
        None => tx.execute(&FORGET_TEMPLATE, &params![address, now, template]),
    }
}

/// Gives up mails asked for before `before`, whose job must be gone, and erases what they held.
pub(crate) fn give_up(tx: &mut Tx<'_>, before: Timestamp, now: Timestamp) -> Result<u64, DbError> {
    tx.execute(&GIVE_UP, &params![before, now])
}

/// Removes rows of mails that ended before `before`.
pub(crate) fn purge(tx: &mut Tx<'_>, before: Timestamp) -> Result<u64, DbError> {
    tx.execute(&PURGE, &params![before])
}

fn read(row: &Row<'_>) -> Result<Requested, DbError> {
    Ok(Requested {
        template: row.get(0)?,
        language: Language::parse(&row.get::<String>(1)?),
        to: row.get(2)?,
        params: row.get(3)?,
        secrets: row.get(4)?,
        at: row.get(5)?,
    })
}
